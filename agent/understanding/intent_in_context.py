"""Intent of a turn in the context of the question that it may answer.

A bare answer is an answer, but a full request wins over the open question; yes or no comes before
a value beside it; a question makes its answers likelier, because the intent model does not see the
question. Held by tests/agent/understanding/test_turn_understanding.py.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rapidfuzz import fuzz

from agent.understanding.calibration import probability
from agent.understanding.text_features import NUMBER_TOKEN, plain_text
from agent.understanding.text_models import IntentModel, IntentVerdict, TextAffect
from audio.types import Expectation
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import COMPLAINT_INTENT, YES_NO_SLOT
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Slot

FULL_REQUEST_FROM = 0.75  # an intent this likely, with words of its own, beats the open question
ANSWER_INTENTS = {"yes_no": ("affirm", "deny")}  # intents of an answer by kind; other kinds: inform
AWAITED_FACTOR = 6.0  # factor by which a question makes its answers likelier,
FITTING_FACTOR = 30.0  # and when the turn holds a value of the expected kind
YES_NO_CONFIDENCE = 0.95  # confidence of a yes or no that answers a question
MIN_CHOICE_SIMILARITY = 85.0  # rapidfuzz's 0 to 100
COMPLAINT_FROM = 0.6  # out-of-scope words are a complaint from this probability of being upset
FUNCTION_WORDS = frozenset(
    ["a", "an", "at", "from", "in", "is", "its", "my", "of", "on", "one", "the", "this", "to", "uh"]
    + ["um", "please", "account", "card", "number", "name", "for", "it"]
)
# names of slots that answer a kind of question; kinds not listed: see _fits_question
SLOTS_FOR_KIND = {
    "digits": ("digits", "number"),
    "amount": ("amount", "number"),
    "date": ("date", "time"),
}


@dataclass(frozen=True, slots=True)
class IntentResolver:
    """Resolves the intent of a turn. `context` is the flow and step of the open question, as
    "flow/step"."""

    pack: Pack
    model: IntentModel

    def __call__(
        self,
        words: str,
        slots: tuple[Slot, ...],
        affect: TextAffect | None,
        expectation: Expectation,
        context: str,
    ) -> IntentVerdict:
        if not words:
            return IntentVerdict(NOTHING_HEARD, 1.0, {})
        if words == NUMBER_TOKEN and "inform" in self.model.intents:
            return IntentVerdict("inform", 0.99, {"inform": 0.99})
        verdict = self.model(words)
        if expectation.kind == "digits" and self._is_identity(words, slots):
            return IntentVerdict("inform", 0.99, {"inform": 0.99})
        values = tuple(slot for slot in slots if slot.name != YES_NO_SLOT)
        fitting = (
            any(_fits_question(slot, expectation) for slot in values)
            or _resembles_choice(words, expectation)
            or _is_only_values(values, words)
        )
        if self._is_full_request(words, verdict, fitting, context):
            return verdict
        if answer := self._yes_or_no(words, slots, values, expectation, context):
            return answer
        verdict = self._given_the_question(verdict, fitting, expectation)
        if verdict.intent == OUT_OF_SCOPE and affect and COMPLAINT_INTENT in self.pack.intents:
            angry = probability(affect.log_odds)
            if affect.known and angry >= COMPLAINT_FROM:
                return IntentVerdict(COMPLAINT_INTENT, angry, verdict.probabilities)
        return verdict

    def _is_identity(self, words: str, slots: tuple[Slot, ...]) -> bool:
        """Whether the turn only says the digits that were asked for, with their names: "the
        passcode is 4471" asks for no new passcode."""
        specs = {name: spec for name, spec in self.pack.slots.items() if spec.type == "digits"}
        named = tuple(slot for slot in slots if slot.name in specs)
        cues = {word for spec in specs.values() for cue in spec.cues for word in cue.split()}
        return "inform" in self.model.intents and _is_only_values(named, words, cues)

    def _is_full_request(
        self, words: str, verdict: IntentVerdict, fits: bool, context: str
    ) -> bool:
        """Whether the intent is a task or question in words of its own, other than the current
        one."""
        intent = self.pack.intents.get(verdict.intent)
        if intent is None or intent.kind not in ("task", "question"):
            return False
        in_hand = context.split("/")[0]
        if in_hand and in_hand in (intent.name, intent.flow):
            return False
        needed = 4 if fits else 3  # "to my savings" answers; "actually I lost my card" does not
        return verdict.confidence >= FULL_REQUEST_FROM and len(words.split()) >= needed

    def _yes_or_no(
        self,
        words: str,
        slots: tuple[Slot, ...],
        values: tuple[Slot, ...],
        expectation: Expectation,
        context: str,
    ) -> IntentVerdict | None:
        """The intent of a yes or no at the beginning of the turn; None when there is none, or when
        what follows decides ("no that is all for today")."""
        yes_no = next((slot for slot in slots if slot.name == YES_NO_SLOT), None)
        was_asked = expectation.kind == "yes_no"
        if (
            yes_no is None
            or not (was_asked or values)
            or (values and expectation.kind in SLOTS_FOR_KIND)
        ):
            return None
        intent = "affirm" if yes_no.value == "yes" else "deny"
        rest = words.removeprefix(plain_text(yes_no.said)).strip()
        if intent not in self.model.intents or (not was_asked and rest == words):
            return None
        other = self.model(rest) if rest != words and rest else None
        if other and self._is_full_request(rest, other, bool(values), context):
            return other
        if other and not was_asked and other.intent in ("goodbye", "thanks", "cancel"):
            return None  # "no that is all for today"
        confidence = YES_NO_CONFIDENCE if was_asked else 0.9
        return IntentVerdict(intent, confidence, {intent: confidence})

    def _given_the_question(
        self, verdict: IntentVerdict, fits: bool, expectation: Expectation
    ) -> IntentVerdict:
        """Bayes: probabilities of the words times how much likelier the question makes answers."""
        if expectation.kind == "open" and not fits:
            return verdict
        awaited = ANSWER_INTENTS.get(expectation.kind, ("inform",))
        factor = FITTING_FACTOR if fits else AWAITED_FACTOR
        chances = {
            name: chance * (factor if name in awaited else 1.0)
            for name, chance in verdict.probabilities.items()
        }
        total = sum(chances.values())
        return self.model.verdict({name: chance / total for name, chance in chances.items()})


def request_after_yes(
    verdict: IntentVerdict, text: str, slots: tuple[Slot, ...], context: str
) -> str:
    """The words of a further request after a yes that confirms, as in "Yes, and tell me my
    balance"; "" when there is none. Elsewhere a yes before a full request is only its preface."""
    yes = next((slot for slot in slots if (slot.name, slot.value) == (YES_NO_SLOT, "yes")), None)
    if yes is None or verdict.intent == "affirm" or not context.endswith("/confirm"):
        return ""
    at = text.lower().find(yes.said.lower())
    return text[at + len(yes.said) :].lstrip(" ,.;!") if at >= 0 else ""


def _fits_question(slot: Slot, expectation: Expectation) -> bool:
    names = SLOTS_FOR_KIND.get(expectation.kind)
    if names is None:
        return expectation.kind in ("choice", "name")
    long_enough = not expectation.length or len(slot.value) == expectation.length
    return slot.name in names or (
        expectation.kind == "digits" and slot.value.isdigit() and long_enough
    )


def _is_only_values(
    values: tuple[Slot, ...], words: str, names: Collection[str] = frozenset()
) -> bool:
    """Whether there are only values and function words: "from my savings to checking"."""
    left = words.split()
    for word in (word for slot in values for word in plain_text(slot.said).split()):
        if word in left:
            left.remove(word)
    return bool(values) and all(word in FUNCTION_WORDS or word in names for word in left)


def _resembles_choice(words: str, expectation: Expectation) -> bool:
    return expectation.kind == "choice" and any(
        fuzz.ratio(words, plain_text(choice)) >= MIN_CHOICE_SIMILARITY
        for choice in expectation.choices
    )
