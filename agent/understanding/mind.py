"""What did this turn mean, all in all: intent, values, mood, and the reasons for each?

The words go through the text models and the slot finder, the cues through fusion; what was asked of
the customer then decides between readings that the words leave open. A bare answer is an answer,
but a full request wins over what was asked. Blocking and stateless: safe to call from any one
thread. Invariants, held by tests/agent/understanding/test_mind.py: any text is understood as
something; nothing heard is never calm; the same question gets the same answer.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rapidfuzz import fuzz

from agent.understanding.calibration import probability
from agent.understanding.fusion import Fusion, VoiceWeights, fuse
from agent.understanding.text import Feeling, FeelingModel, IntentModel, IntentVerdict
from agent.understanding.words import NUMBER, MindError, foreign, plain
from audio.types import Expectation, Prosody, Spoken
from dialogs.pack import Pack
from dialogs.slots import YES_NO, extract
from dialogs.talk import NOTHING_HEARD, OUT_OF_SCOPE, Slot, Understanding

__all__ = ["Mind", "MindError"]

LICENCE = "CC BY-SA 4.0"
FULL_REQUEST = 0.75  # an intent this likely, with words of its own, beats what was asked
ANSWERS = {"yes_no": ("affirm", "deny")}  # the intents of an answer; all other kinds: inform
AWAITED = 6.0  # how much likelier an answer is after a question; the model knows no questions
FITTING = 30.0  # and when it holds a value of the kind that was asked for
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
class Mind:
    pack: Pack
    intents: IntentModel
    feelings: FeelingModel
    fusion: Fusion
    models: Mapping[str, str]  # role -> name, start of the file's SHA-256, licence

    @classmethod
    def load(cls, pack: Pack, weights: Path) -> Mind:
        """`weights` is the folder of all weights, with `understanding` and perhaps `emotion`."""
        intents_at = weights / "understanding" / "intents.safetensors"
        feelings_at = weights / "understanding" / "feelings.safetensors"
        voice_at = weights / "emotion" / "upset.json"
        intents, feelings = IntentModel.load(intents_at), FeelingModel.load(feelings_at)
        if different := set(intents.intents) ^ set(pack.intents):
            raise MindError(
                f"{intents_at} was trained for other intents ({', '.join(sorted(different))}); "
                f"run `hearken train understanding --pack {pack.directory}`"
            )
        voice = VoiceWeights.load(voice_at) if voice_at.exists() else VoiceWeights()
        fusion = Fusion(feelings.usual, voice, feelings.spread)
        models = {
            "intent": f"word and letter TF-IDF, {_named(intents_at)}",
            "feeling": f"word TF-IDF, {_named(feelings_at)}",
            "fusion": f"decision level, voice weights {voice.name}",
        }
        mind = cls(pack, intents, feelings, fusion, models)
        # Tables of dates and numbers are built on first use, 0.5 s: not while a caller waits.
        mind.understand("fifty dollars next week", None, Expectation(), date(2000, 1, 1), 0, 0.0)
        return mind

    def understand(
        self,
        text: str,
        spoken: Spoken | None,
        expect: Expectation,
        today: date,
        turn: int,
        at: float,
        context: str = "",
        usual: Prosody | None = None,
    ) -> Understanding:
        """`spoken` is None for a typed turn; `usual` is how this customer sounded before."""
        heard = spoken.transcript.confidence if spoken else 1.0
        cues = spoken.cues if spoken else None
        words = plain(text)
        feeling = self.feelings(text) if words else None
        mood = fuse(self.fusion, feeling, heard, cues, turn, at, usual)
        written = unicodedata.normalize("NFKC", text)  # "²" is a digit to Python, no number to it
        slots = extract(written, self.pack, expect, today) if words else ()
        if foreign(text):
            verdict = IntentVerdict(OUT_OF_SCOPE, 1.0, {})
        else:
            verdict = self._meant(words, slots, feeling, expect, context)
        heard = 0.0 if verdict.intent == NOTHING_HEARD else heard
        sure = verdict.confidence * (self._believed(heard) if words else 1.0)
        return Understanding(
            text,
            verdict.intent,
            sure,
            _others(verdict),
            mood.sentiment,
            mood.upset,
            mood.spread,
            slots,
            heard,
            cues,
            mood.evidence,
            {**(spoken.models if spoken else {}), **self.models},
        )

    def _believed(self, heard: float) -> float:
        """What of an intent's probability stays when the transcript is this sure: a strong keyword
        survives a poor transcript, so confidence falls to a floor learned on noise, not to nothing.
        """
        floor = self.intents.heard_floor
        return floor + (1.0 - floor) * min(1.0, max(0.0, heard))

    def _meant(
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
        return IntentVerdict(intent, 0.95 if asked else 0.9, {intent: 0.95 if asked else 0.9})

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


def _others(
    verdict: IntentVerdict, most: int = 3, least: float = 0.05
) -> tuple[tuple[str, float], ...]:
    others = (
        (n, p) for n, p in verdict.probabilities.items() if n != verdict.intent and p >= least
    )
    return tuple(sorted(others, key=lambda other: (-other[1], other[0]))[:most])


def _named(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.parent.name}/{path.name} {digest}, {LICENCE}"
