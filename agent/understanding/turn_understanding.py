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
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from agent.understanding.dialogue_breakdown import USUAL_ODDS, Before, TroubleModel
from agent.understanding.intent_in_context import YES, Meaning, agreed_and_more
from agent.understanding.mood_fusion import Fusion, VoiceWeights, fuse
from agent.understanding.multi_intent import Piece, requests
from agent.understanding.text_features import MindError, foreign, load, plain
from agent.understanding.text_models import Feeling, FeelingModel, IntentModel, IntentVerdict
from audio.types import Expectation, Prosody, Spoken
from dialogs.extraction.slots import YES_NO, extract
from dialogs.pack.model import Pack
from dialogs.values import NOTHING_HEARD, OUT_OF_SCOPE, Evidence, Request, Slot, Understanding

if TYPE_CHECKING:
    from agent.understanding.sentence_encoder import SentenceEncoder

__all__ = ["Mind", "MindError"]

LICENCE = "CC BY-SA 4.0"


@dataclass(frozen=True, slots=True)
class Mind:
    pack: Pack
    intents: IntentModel
    feelings: FeelingModel
    fusion: Fusion
    models: Mapping[str, str]  # role -> name, start of the file's SHA-256, licence
    context: TroubleModel | None = None

    @classmethod
    def load(cls, pack: Pack, weights: Path, sentences: str = "auto") -> Mind:
        """`weights` is the folder of all weights, with `understanding` and perhaps `emotion`.

        `sentences` names a sentence encoder; "auto": the one that intents were trained beside, if
        it is on this machine; "": none.
        """
        intents_at, encoder = beside(weights / "understanding", sentences)
        feelings_at = weights / "understanding" / "feelings.safetensors"
        voice_at = weights / "emotion" / "upset.json"
        intents = IntentModel.load(intents_at, encoder)
        feelings = FeelingModel.load(feelings_at)
        if different := (set(intents.intents) ^ set(pack.intents)) - {OUT_OF_SCOPE}:
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
        if encoder is not None:
            models["sentences"] = f"{encoder.name} {encoder.sha256}, {encoder.licence}"
        context_at = weights / "understanding" / "context.safetensors"
        context = TroubleModel.load(context_at) if context_at.exists() else None
        if context is not None:
            models["context"] = f"last turns together, {_named(context_at)}"
        mind = cls(pack, intents, feelings, fusion, models, context)
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
        before: tuple[tuple[str, ...], tuple[str, ...]] = ((), ("",)),
    ) -> Understanding:
        """`spoken` is None for a typed turn; `usual` is how this customer sounded before; `before`
        is what they said, and what they were told before each turn and this one.
        """
        heard = spoken.transcript.confidence if spoken else 1.0
        cues = spoken.cues if spoken else None
        words = plain(text)
        feeling = self.feelings(text) if words else None
        mood = fuse(self.fusion, feeling, heard, cues, turn, at, usual)
        written = unicodedata.normalize("NFKC", text)  # "²" is a digit to Python, no number to it
        intents = self.intents.hearing if spoken else self.intents
        verdict, slots, also = self._read(intents, written, feeling, expect, context, today)
        open_question = expect.kind == "open" and not also
        possible = intents.coverage(verdict.probabilities, spoken is not None)
        heard = 0.0 if verdict.intent == NOTHING_HEARD else heard
        believed = self._believed(heard) if words else 1.0
        also = tuple(replace(one, confidence=one.confidence * believed) for one in also)
        return Understanding(
            text,
            verdict.intent,
            verdict.confidence * believed,
            _others(verdict),
            mood.sentiment,
            mood.upset,
            mood.spread,
            slots,
            heard,
            cues,
            mood.evidence,
            {**(spoken.models if spoken else {}), **self.models},
            also,
            possible if open_question else (),
            *self._trouble(text, Before(*before), turn, at),
        )

    def _trouble(
        self, text: str, before: Before, turn: int, at: float
    ) -> tuple[float, tuple[Evidence, ...]]:
        """How much likelier than usual it is that this goes wrong, and why, the strongest first."""
        if self.context is None or not plain(text):
            return 0.0, ()
        found = self.context(text, before)
        base = Evidence("usual conversation", found.bias - USUAL_ODDS, turn, at)
        terms = (
            Evidence(share.term, share.weight, turn, at, f"{share.ago} turns ago" * bool(share.ago))
            for share in found.terms
        )
        return found.above_usual, (base, *terms)

    def _read(
        self,
        intents: IntentModel,
        text: str,
        feeling: Feeling | None,
        expect: Expectation,
        context: str,
        today: date,
    ) -> tuple[IntentVerdict, tuple[Slot, ...], tuple[Request, ...]]:
        """What is wanted first, with its values, and what else."""
        words = plain(text)
        slots = extract(text, self.pack, expect, today) if words else ()
        if foreign(text):
            return IntentVerdict(OUT_OF_SCOPE, 1.0, {}), slots, ()
        if pieces := requests(text, intents, self.pack):
            first, *more = pieces
            verdict = IntentVerdict(first.intent, first.confidence, {})
            wanted = tuple(self._request(piece, today) for piece in more)
            return verdict, extract(first.text, self.pack, expect, today), wanted
        meaning = Meaning(self.pack, intents)
        verdict = meaning(words, slots, feeling, expect, context)
        if agreed := agreed_and_more(verdict, text, slots, context):
            rest = Piece(agreed, verdict.intent, verdict.confidence)
            yes = tuple(slot for slot in slots if slot.name == YES_NO)
            return IntentVerdict("affirm", YES, {}), yes, (self._request(rest, today),)
        return verdict, slots, ()

    def _request(self, piece: Piece, today: date) -> Request:
        slots = extract(piece.text, self.pack, Expectation(), today)
        return Request(piece.text, piece.intent, piece.confidence, slots)

    def _believed(self, heard: float) -> float:
        """What of an intent's probability stays when the transcript is this sure: a strong keyword
        survives a poor transcript, so confidence falls to a floor learned on noise, not to nothing.
        """
        floor = self.intents.heard_floor
        return floor + (1.0 - floor) * min(1.0, max(0.0, heard))


def _others(
    verdict: IntentVerdict, most: int = 3, least: float = 0.05
) -> tuple[tuple[str, float], ...]:
    others = (
        (n, p) for n, p in verdict.probabilities.items() if n != verdict.intent and p >= least
    )
    return tuple(sorted(others, key=lambda other: (-other[1], other[0]))[:most])


def beside(folder: Path, sentences: str) -> tuple[Path, SentenceEncoder | None]:
    """The file of intents to use, and the sentence encoder that goes with it.

    A file trained beside an encoder is named for it: intents-SHA256.safetensors.
    """
    alone = folder / "intents.safetensors"
    trained = sorted(folder.glob("intents-*.safetensors"))
    if not sentences or (sentences == "auto" and not trained):
        return alone, None
    # Slow to import, and a mind without an encoder does not need it.
    from agent.understanding.sentence_encoder import SentenceEncoder

    if sentences != "auto":
        encoder = SentenceEncoder.open(sentences)
        found = folder / f"intents-{encoder.sha256}.safetensors"
        if not found.exists():
            raise MindError(
                f"nothing was trained beside {sentences!r} yet: run `hearken train understanding "
                f"--sentence-checkpoint {sentences}`"
            )
        return found, encoder
    for found in trained:
        try:
            return found, SentenceEncoder.open(str(load(found)[2]["encoder"]))
        except (MindError, KeyError):
            continue  # its encoder is not on this machine, or is another one by now
    return alone, None


def _named(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.parent.name}/{path.name} {digest}, {LICENCE}"
