"""Mood of a turn: decision-level fusion of words and voice, with uncertainty and evidence.

Each modality gives evidence in log-odds of being upset, relative to the usual customer, and the two
are added as if independent given the mood (naive Bayes). `hearken evaluate fusion` compares this
with feature level and cross-attention of the same capacity on unseen speakers and sentences: it is
the best of the three, as on call-centre speech, where late fusion of calibrated classifiers is hard
to beat (Polzehl et al. 2011). The voice's weights stay shrunk
(agent/lab/training/understanding/voice_evidence.py), although larger ones do better there on pairs
with acted voices. Words are weighted by the confidence of their transcript, the voice by the
reliability of its cues. A missing modality does not count as calm: it widens the interval by how
far that modality usually moves the log-odds. Invariants, held by
tests/agent/understanding/test_mood_fusion.py: evidence adds up to the score; an angrier voice never
lowers it; less of a modality never narrows `doubt`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path

from agent.understanding.calibration import probability
from agent.understanding.text_features import WeightsError
from agent.understanding.text_models import TextAffect
from audio.types import EMOTIONS, AcousticCues, Emotion, Prosody
from dialogs.values import Evidence

MAX_NAMED_TERMS = 8  # words shown by name; the rest is summed up in one line
MIN_TERM_LOG_ODDS = 0.05  # log-odds below which a word is not worth a line of its own


@dataclass(frozen=True, slots=True)
class VoiceWeights:
    """Log-odds of being upset for each emotion at probability one, minus `shift`.

    The defaults are chosen, not learned: an angry voice alone makes an upset customer likely, a
    sad one hardly. agent/lab/training/understanding/voice_evidence.py learns them from held-out
    speakers and stores them beside the emotion head, whose licence they share.
    """

    emotions: Mapping[Emotion, float] = field(
        default_factory=lambda: {
            "neutral": -1.0,
            "happy": -1.0,
            "sad": 0.5,
            "angry": 3.5,
            "fearful": 0.5,
            "surprised": 0.0,
            "disgusted": 2.0,
        }
    )
    shift: float = 0.0
    per_louder_db: float = 0.08  # for each dB above the customer's own usual loudness
    # for each semitone of range above the customer's own usual one
    per_wider_semitone: float = 0.10
    spread: float = 1.3  # how far the voice usually moves the log-odds: doubt without a voice
    name: str = "chosen, not learned"

    @classmethod
    def load(cls, path: Path) -> VoiceWeights:
        """The weights of a JSON file. WeightsError."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            emotions = {name: float(stored["emotions"][name]) for name in EMOTIONS}
            shift, spread = float(stored["shift"]), float(stored["spread"])
            return cls(emotions, shift, spread=spread, name=str(stored["name"]))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(f"cannot read {path}: {error}") from error


@dataclass(frozen=True, slots=True)
class FusionParameters:
    """Parameters of the fusion. Spreads are standard deviations in log-odds."""

    base_log_odds: float  # log-odds of an upset customer without words and voice
    voice_weights: VoiceWeights = field(default_factory=VoiceWeights)
    words_spread: float = 1.8  # how far words usually move the log-odds
    residual_spread: float = 0.4  # doubt that remains with both modalities at full weight
    voice_sentiment_weight: float = 0.3  # weight of the voice in the sentiment; words have 1


@dataclass(frozen=True, slots=True)
class FusedMood:
    """`upset` lies within `spread` of its value; `score` and `doubt` are the same in log-odds."""

    sentiment: float | None
    upset: float
    spread: float
    score: float
    doubt: float
    evidence: tuple[Evidence, ...]


def fuse(
    parameters: FusionParameters,
    affect: TextAffect | None,
    transcript_confidence: float,
    cues: AcousticCues | None,
    turn: int,
    at: float,
    usual_prosody: Prosody | None = None,
) -> FusedMood:
    """The mood of one turn. `transcript_confidence` is 1 for typed words; `usual_prosody` is that
    of this customer's earlier turns.

    With neither words nor cues the mood is the usual one within the widest spread.
    """
    transcript_confidence = min(1.0, max(0.0, transcript_confidence))
    known = transcript_confidence * affect.known if affect else 0.0
    reliable = min(1.0, max(0.0, cues.reliability)) if cues and cues.emotion else 0.0
    terms = [("usual customer", parameters.base_log_odds, "before anything was said")]
    if affect and affect.terms:
        terms += _word_terms(affect, transcript_confidence, parameters.base_log_odds)
    if cues:
        terms += _voice_terms(parameters.voice_weights, cues, usual_prosody)
    score = sum(weight for _, weight, _ in terms)
    doubt = hypot(
        parameters.residual_spread,
        (1.0 - known) * parameters.words_spread,
        (1.0 - reliable) * parameters.voice_weights.spread,
    )
    evidence = tuple(Evidence(term, weight, turn, at, detail) for term, weight, detail in terms)
    upset = probability(score)
    return FusedMood(
        _sentiment(parameters, affect, transcript_confidence, cues),
        upset,
        probability_spread(score, doubt),
        score,
        doubt,
        evidence,
    )


def probability_spread(score: float, doubt: float) -> float:
    """Half-width of the interval of probabilities between `score - doubt` and `score + doubt`.

    The interval is symmetric in log-odds but not in probability; the wider side counts, so that a
    missing voice leaves room upwards for a customer whose words are calm.
    """
    middle = probability(score)
    return max(probability(score + doubt) - middle, middle - probability(score - doubt))


def _word_terms(
    affect: TextAffect, transcript_confidence: float, base_log_odds: float
) -> list[tuple[str, float, str]]:
    named = [(name, weight) for name, weight in affect.terms if abs(weight) >= MIN_TERM_LOG_ODDS][
        :MAX_NAMED_TERMS
    ]
    rest = affect.log_odds - base_log_odds - sum(weight for _, weight in named)
    lines = [(f"word: {name}", transcript_confidence * weight, "") for name, weight in named]
    return [
        *lines,
        (
            "words: all others",
            transcript_confidence * rest,
            f"transcript confidence {transcript_confidence:.2f}",
        ),
    ]


def _voice_terms(
    weights: VoiceWeights, cues: AcousticCues, usual_prosody: Prosody | None
) -> list[tuple[str, float, str]]:
    trust = min(1.0, max(0.0, cues.reliability))
    detail = f"reliability {trust:.2f}"
    lines = [
        (f"voice: {name} {chance:.2f}", trust * weights.emotions[name] * chance, detail)
        for name, chance in sorted(cues.emotion.items(), key=lambda item: -item[1])
        if chance > 0.0
    ]
    if cues.emotion:
        lines.append(("voice: usual voice", -trust * weights.shift, detail))
    if usual_prosody is None:
        return lines
    now = cues.prosody
    if now.loudness_db is not None and usual_prosody.loudness_db is not None:
        louder = min(12.0, max(0.0, now.loudness_db - usual_prosody.loudness_db))
        lines.append(
            ("voice: loudness", trust * weights.per_louder_db * louder, f"{louder:+.0f} dB")
        )
    if now.pitch_range_semitones is not None and usual_prosody.pitch_range_semitones is not None:
        wider = min(12.0, max(0.0, now.pitch_range_semitones - usual_prosody.pitch_range_semitones))
        lines.append(
            (
                "voice: pitch range",
                trust * weights.per_wider_semitone * wider,
                f"{wider:+.0f} semitones",
            )
        )
    return lines


def _sentiment(
    parameters: FusionParameters,
    affect: TextAffect | None,
    transcript_confidence: float,
    cues: AcousticCues | None,
) -> float | None:
    """Mean of the words' sentiment and the voice's valence, weighted by how far each is known."""
    parts = []
    if affect and affect.sentiment is not None and transcript_confidence > 0.0:
        parts.append((transcript_confidence, affect.sentiment))
    if cues and cues.valence is not None and cues.reliability > 0.0:
        trust = min(1.0, cues.reliability) * parameters.voice_sentiment_weight
        parts.append((trust, 2.0 * cues.valence - 1.0))
    total = sum(weight for weight, _ in parts)
    if not total:
        return None
    return max(-1.0, min(1.0, sum(weight * value for weight, value in parts) / total))
