"""Understanding of a turn: intent, slots, mood and dialogue breakdown, with their evidence.

The words go through the text models and slot extraction, the cues through mood fusion; the open
question then decides between intents that the words leave open. A bare answer is an answer, but a
full request wins over the open question. Blocking and stateless: one thread may call at a time.
Invariants, held by tests/agent/understanding/test_turn_understanding.py: every text gets an intent;
an empty transcript never counts as calm; equal inputs give equal results.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from agent.understanding.dialogue_breakdown import BASE_LOG_ODDS, BreakdownModel, PrecedingTurns
from agent.understanding.intent_in_context import (
    YES_NO_CONFIDENCE,
    IntentResolver,
    request_after_yes,
)
from agent.understanding.language_identification import LanguageIdentifier
from agent.understanding.mood_fusion import FusionParameters, VoiceWeights, fuse
from agent.understanding.multi_intent import RequestSegment, find_requests
from agent.understanding.text_features import (
    WeightsError,
    is_foreign_script,
    load_weights,
    plain_text,
)
from agent.understanding.text_models import IntentModel, IntentVerdict, TextAffect, TextAffectModel
from audio.types import Expectation, Prosody, Spoken
from dialogs.extraction.slots import extract
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import YES_NO_SLOT
from dialogs.values import (
    NOTHING_HEARD,
    OUT_OF_SCOPE,
    Evidence,
    FurtherRequest,
    Slot,
    Understanding,
)

if TYPE_CHECKING:
    from agent.understanding.sentence_encoder import SentenceEncoder

__all__ = ["TurnUnderstanding", "WeightsError"]

LICENCE = "CC BY-SA 4.0"
LANGUAGE_FREE_ANSWERS = frozenset({"digits", "name", "amount", "date"})  # kinds of expectation


@dataclass(frozen=True, slots=True)
class TurnUnderstanding:
    """The models that understand turns of one pack. Build with `TurnUnderstanding.load`."""

    pack: Pack
    intents: IntentModel
    affect_model: TextAffectModel
    fusion_parameters: FusionParameters
    models: Mapping[str, str]  # role -> name, start of the file's SHA-256, licence
    breakdown_model: BreakdownModel | None = None
    languages: LanguageIdentifier | None = None  # None: the pack answers in one language only

    @classmethod
    def load(
        cls, pack: Pack, weights: Path, sentence_checkpoint: str = "auto"
    ) -> TurnUnderstanding:
        """Load from the folder of all weights, with `understanding` and perhaps `emotion`.

        `sentence_checkpoint` names a sentence encoder; "auto": the one that the intents were
        trained with, if it is on this machine; "": none. WeightsError when weights are missing or
        were trained for other intents.
        """
        intents_at, encoder = find_intent_weights(weights / "understanding", sentence_checkpoint)
        feelings_at = weights / "understanding" / "feelings.safetensors"
        voice_at = weights / "emotion" / "upset.json"
        intents = IntentModel.load(intents_at, encoder)
        feelings = TextAffectModel.load(feelings_at)
        if different := (set(intents.intents) ^ set(pack.intents)) - {OUT_OF_SCOPE}:
            raise WeightsError(
                f"{intents_at} was trained for other intents ({', '.join(sorted(different))}); "
                f"run `hearken train understanding --pack {pack.directory}`"
            )
        voice = VoiceWeights.load(voice_at) if voice_at.exists() else VoiceWeights()
        fusion = FusionParameters(feelings.base_log_odds, voice, feelings.spread)
        models = {
            "intent": f"word and letter TF-IDF, {_file_label(intents_at)}",
            "feeling": f"word TF-IDF, {_file_label(feelings_at)}",
            "fusion": f"decision level, voice weights {voice.name}",
        }
        if encoder is not None:
            models["sentences"] = f"{encoder.name} {encoder.sha256}, {encoder.licence}"
        context_at = weights / "understanding" / "context.safetensors"
        context = BreakdownModel.load(context_at) if context_at.exists() else None
        if context is not None:
            models["context"] = f"last turns together, {_file_label(context_at)}"
        languages = None
        if pack.languages is not None:
            languages = LanguageIdentifier(pack.languages.own, _known_words(pack, feelings))
            models["language"] = "py3langid, BSD-3-Clause"
        turn_understanding = cls(pack, intents, feelings, fusion, models, context, languages)
        # Builds the tables of dates and numbers now: 0.5 s that no caller has to wait for.
        turn_understanding.understand(
            "fifty dollars next week", None, Expectation(), date(2000, 1, 1), 0, 0.0
        )
        return turn_understanding

    @property
    def has_sentence_encoder(self) -> bool:
        """Whether the intents use a sentence encoder, and with it torch."""
        return "sentences" in self.models

    def understand(
        self,
        text: str,
        spoken: Spoken | None,
        expectation: Expectation,
        today: date,
        turn: int,
        at: float,
        context: str = "",
        usual_prosody: Prosody | None = None,
        preceding: tuple[tuple[str, ...], tuple[str, ...]] = ((), ("",)),
    ) -> Understanding:
        """Understand one turn of a customer.

        `spoken` is None for a typed turn; `usual_prosody` is that of the customer's earlier turns;
        `preceding` are the texts of their earlier turns, and the replies before each of those and
        before this one (`PrecedingTurns`).
        """
        transcript_confidence = spoken.transcript.confidence if spoken else 1.0
        cues = spoken.cues if spoken else None
        words = plain_text(text)
        affect = self.affect_model(text) if words else None
        mood = fuse(
            self.fusion_parameters, affect, transcript_confidence, cues, turn, at, usual_prosody
        )
        # `int` rejects "²", which `isdigit` accepts
        text_nfkc = unicodedata.normalize("NFKC", text)
        intents = self.intents.for_transcripts if spoken else self.intents
        verdict, slots, further_requests = self._interpret(
            intents, text_nfkc, affect, expectation, context, today, spoken is not None
        )
        open_question = expectation.kind == "open" and not further_requests
        possible = intents.conformal(verdict.probabilities, spoken is not None)
        transcript_confidence = 0.0 if verdict.intent == NOTHING_HEARD else transcript_confidence
        confidence_factor = self._confidence_factor(transcript_confidence) if words else 1.0
        further_requests = tuple(
            replace(one, confidence=one.confidence * confidence_factor) for one in further_requests
        )
        return Understanding(
            text,
            verdict.intent,
            verdict.confidence * confidence_factor,
            _runners_up(verdict),
            mood.sentiment,
            mood.upset,
            mood.spread,
            slots,
            transcript_confidence,
            cues,
            mood.evidence,
            {**(spoken.models if spoken else {}), **self.models},
            further_requests,
            possible if open_question else (),
            *self._breakdown(text, PrecedingTurns(*preceding), turn, at),
            language=self._language(text, spoken, expectation),
        )

    def _language(self, text: str, spoken: Spoken | None, expectation: Expectation) -> str:
        """The other language of a typed turn. A transcript is always in the recogniser's own, and
        an answer of digits or a name is in none."""
        if self.languages is None or spoken or expectation.kind in LANGUAGE_FREE_ANSWERS:
            return ""
        return self.languages(text)

    def _breakdown(
        self, text: str, preceding: PrecedingTurns, turn: int, at: float
    ) -> tuple[float, tuple[Evidence, ...]]:
        """Log-odds of a breakdown above the base rate, and their evidence, strongest first."""
        if self.breakdown_model is None or not plain_text(text):
            return 0.0, ()
        estimate = self.breakdown_model(text, preceding)
        base = Evidence("usual conversation", estimate.bias - BASE_LOG_ODDS, turn, at)
        terms = (
            Evidence(
                share.term,
                share.weight,
                turn,
                at,
                f"{share.turns_ago} turns ago" * bool(share.turns_ago),
            )
            for share in estimate.terms
        )
        return estimate.above_base_rate, (base, *terms)

    def _interpret(
        self,
        intents: IntentModel,
        text: str,
        affect: TextAffect | None,
        expectation: Expectation,
        context: str,
        today: date,
        is_heard: bool,
    ) -> tuple[IntentVerdict, tuple[Slot, ...], tuple[FurtherRequest, ...]]:
        """The first request with its slots, and further requests of the same turn."""
        words = plain_text(text)
        slots = extract(text, self.pack, expectation, today, is_heard) if words else ()
        if is_foreign_script(text):
            return IntentVerdict(OUT_OF_SCOPE, 1.0, {}), slots, ()
        if pieces := find_requests(text, intents, self.pack):
            first, *more = pieces
            verdict = IntentVerdict(first.intent, first.confidence, {})
            wanted = tuple(self._request(piece, today, is_heard) for piece in more)
            return verdict, extract(first.text, self.pack, expectation, today, is_heard), wanted
        meaning = IntentResolver(self.pack, intents)
        verdict = meaning(words, slots, affect, expectation, context)
        if request_text := request_after_yes(verdict, text, slots, context):
            rest = RequestSegment(request_text, verdict.intent, verdict.confidence)
            yes = tuple(slot for slot in slots if slot.name == YES_NO_SLOT)
            return (
                IntentVerdict("affirm", YES_NO_CONFIDENCE, {}),
                yes,
                (self._request(rest, today, is_heard),),
            )
        return verdict, slots, ()

    def _request(self, segment: RequestSegment, today: date, is_heard: bool) -> FurtherRequest:
        slots = extract(segment.text, self.pack, Expectation(), today, is_heard)
        return FurtherRequest(segment.text, segment.intent, segment.confidence, slots)

    def _confidence_factor(self, transcript_confidence: float) -> float:
        """Factor on an intent's probability for a transcript of this confidence: a strong keyword
        survives a poor transcript, so it falls to a floor learned on noise, not to zero.
        """
        floor = self.intents.transcript_floor
        return floor + (1.0 - floor) * min(1.0, max(0.0, transcript_confidence))


def _known_words(pack: Pack, feelings: TextAffectModel) -> set[str]:
    """Words of the pack's own language: those of its examples and of the model of feelings."""
    examples = (example for intent in pack.intents.values() for example in intent.examples)
    words = {word for example in examples for word in plain_text(example).split()}
    return words | {name for name in feelings.features.names if name.isalpha()}


def _runners_up(
    verdict: IntentVerdict, most: int = 3, least: float = 0.05
) -> tuple[tuple[str, float], ...]:
    others = (
        (n, p) for n, p in verdict.probabilities.items() if n != verdict.intent and p >= least
    )
    return tuple(sorted(others, key=lambda other: (-other[1], other[0]))[:most])


def find_intent_weights(
    folder: Path, sentence_checkpoint: str
) -> tuple[Path, SentenceEncoder | None]:
    """The file of intent weights to use, and the sentence encoder that belongs to it.

    A file trained with an encoder is named after it: intents-SHA256.safetensors. WeightsError when
    `sentence_checkpoint` names an encoder that is not here or that no file was trained with.
    """
    alone = folder / "intents.safetensors"
    trained = sorted(folder.glob("intents-*.safetensors"))
    if not sentence_checkpoint or (sentence_checkpoint == "auto" and not trained):
        return alone, None
    # Slow to import, and not needed without an encoder.
    from agent.understanding.sentence_encoder import SentenceEncoder

    if sentence_checkpoint != "auto":
        encoder = SentenceEncoder.load(sentence_checkpoint)
        weights_file = folder / f"intents-{encoder.sha256}.safetensors"
        if not weights_file.exists():
            raise WeightsError(
                f"nothing was trained beside {sentence_checkpoint!r} yet: run "
                f"`hearken train understanding --sentence-checkpoint {sentence_checkpoint}`"
            )
        return weights_file, encoder
    for weights_file in trained:
        try:
            return weights_file, SentenceEncoder.load(str(load_weights(weights_file)[2]["encoder"]))
        except (WeightsError, KeyError):
            continue  # its encoder is not on this machine, or has other weights by now
    return alone, None


def _file_label(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.parent.name}/{path.name} {digest}, {LICENCE}"
