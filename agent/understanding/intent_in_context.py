"""Which of the readings that the words leave open is meant, given what was asked?

A bare answer is an answer, but a full request wins over what was asked; yes or no comes before a
value beside it; a question makes its answers likelier, and no model knows questions. Held by
tests/agent/understanding/test_mind.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from rapidfuzz import fuzz

from agent.understanding.calibration import probability
from agent.understanding.text_features import NUMBER, plain
from agent.understanding.text_models import Feeling, IntentModel, IntentVerdict
from audio.types import Expectation
from dialogs.extraction.slots import YES_NO
from dialogs.pack.model import Pack
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Slot

FULL_REQUEST = 0.75  # an intent this likely, with words of its own, beats what was asked
ANSWERS = {"yes_no": ("affirm", "deny")}  # the intents of an answer; all other kinds: inform
AWAITED = 6.0  # how much likelier an answer is after a question; the model knows no questions
FITTING = 30.0  # and when it holds a value of the kind that was asked for
YES = 0.95  # how sure a yes or no is when one was asked for
LIKE_A_CHOICE = 85.0  # rapidfuzz's 0 to 100
ANGRY_WORDS = 0.6  # words out of scope but this likely upset are a complaint
SMALL = frozenset(
    ["a", "an", "at", "from", "in", "is", "its", "my", "of", "on", "one", "the", "this", "to", "uh"]
    + ["um", "please", "account", "card", "number", "name", "for", "it"]
)
NAMES_OF = {  # which slots answer which kind of question; None: any slot of the pack
    "digits": ("digits", "number"),
    "amount": ("amount", "number"),
    "date": ("date", "time"),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """The reading of one turn. `context` is the flow and step that the customer is asked about."""

    pack: Pack
    intents: IntentModel

    def __call__(
        self,
        words: str,
        slots: tuple[Slot, ...],
        feeling: Feeling | None,
        expect: Expectation,
        context: str,
    ) -> IntentVerdict:
        if not words:
            return IntentVerdict(NOTHING_HEARD, 1.0, {})
        if words == NUMBER and "inform" in self.intents.intents:
            return IntentVerdict("inform", 0.99, {"inform": 0.99})
        verdict = self.intents(words)
        values = tuple(slot for slot in slots if slot.name != YES_NO)
        fitting = (
            any(_fits(slot, expect) for slot in values)
            or _like_a_choice(words, expect)
            or _only(values, words)
        )
        if self._full_request(words, verdict, fitting, context):
            return verdict
        if answer := self._yes_or_no(words, slots, values, expect, context):
            return answer
        verdict = self._given_the_question(verdict, fitting, expect)
        if verdict.intent == OUT_OF_SCOPE and feeling and "complaint" in self.pack.intents:
            angry = probability(feeling.log_odds)
            if feeling.known and angry >= ANGRY_WORDS:
                return IntentVerdict("complaint", angry, verdict.probabilities)
        return verdict

    def _full_request(
        self, words: str, verdict: IntentVerdict, fitting: bool, context: str
    ) -> bool:
        """A task or question with words of its own, other than the one in hand."""
        intent = self.pack.intents.get(verdict.intent)
        if intent is None or intent.kind not in ("task", "question"):
            return False
        in_hand = context.split("/")[0]
        if in_hand and in_hand in (intent.name, intent.flow):
            return False
        needed = 4 if fitting else 3  # "to my savings" answers; "actually I lost my card" does not
        return verdict.confidence >= FULL_REQUEST and len(words.split()) >= needed

    def _yes_or_no(
        self,
        words: str,
        slots: tuple[Slot, ...],
        values: tuple[Slot, ...],
        expect: Expectation,
        context: str,
    ) -> IntentVerdict | None:
        """Yes or no first, then a value ("no, the savings account") or more of the same."""
        said = next((slot for slot in slots if slot.name == YES_NO), None)
        asked = expect.kind == "yes_no"
        if said is None or not (asked or values) or (values and expect.kind in NAMES_OF):
            return None
        intent = "affirm" if said.value == "yes" else "deny"
        rest = words.removeprefix(plain(said.said)).strip()
        if intent not in self.intents.intents or (not asked and rest == words):
            return None
        other = self.intents(rest) if rest != words and rest else None
        if other and self._full_request(rest, other, bool(values), context):
            return other
        if other and not asked and other.intent in ("goodbye", "thanks", "cancel"):
            return None  # "no that is all for today"
        sure = YES if asked else 0.9
        return IntentVerdict(intent, sure, {intent: sure})

    def _given_the_question(
        self, verdict: IntentVerdict, fitting: bool, expect: Expectation
    ) -> IntentVerdict:
        """Bayes: the chances of the words times how much likelier the question makes an answer."""
        if expect.kind == "open" and not fitting:
            return verdict
        awaited = ANSWERS.get(expect.kind, ("inform",))
        factor = FITTING if fitting else AWAITED
        chances = {
            name: chance * (factor if name in awaited else 1.0)
            for name, chance in verdict.probabilities.items()
        }
        total = sum(chances.values())
        return self.intents.decide({name: chance / total for name, chance in chances.items()})


def agreed_and_more(
    verdict: IntentVerdict, text: str, slots: tuple[Slot, ...], context: str
) -> str:
    """ "Yes, and tell me my balance" where something was to be confirmed: the words of the other
    request. Elsewhere a yes before a full request only leads up to it."""
    yes = next((slot for slot in slots if (slot.name, slot.value) == (YES_NO, "yes")), None)
    if yes is None or verdict.intent == "affirm" or not context.endswith("/confirm"):
        return ""
    said = text.lower().find(yes.said.lower())
    return text[said + len(yes.said) :].lstrip(" ,.;!") if said >= 0 else ""


def _fits(slot: Slot, expect: Expectation) -> bool:
    names = NAMES_OF.get(expect.kind)
    if names is None:
        return expect.kind in ("choice", "name")
    long_enough = not expect.length or len(slot.value) == expect.length
    return slot.name in names or (expect.kind == "digits" and slot.value.isdigit() and long_enough)


def _only(values: tuple[Slot, ...], words: str) -> bool:
    """Nothing but values and small words: "from my savings to checking", "on friday"."""
    left = words.split()
    for said in (word for slot in values for word in plain(slot.said).split()):
        if said in left:
            left.remove(said)
    return bool(values) and all(word in SMALL for word in left)


def _like_a_choice(words: str, expect: Expectation) -> bool:
    return expect.kind == "choice" and any(
        fuzz.ratio(words, plain(choice)) >= LIKE_A_CHOICE for choice in expect.choices
    )
