"""What do words and voice together say about a customer's mood, how sure is that, and why?

Decision-level fusion: each modality gives evidence in log-odds of being upset, relative to the
usual customer, and the two are added as if independent given the mood (naive Bayes). `hearken
evaluate fusion` compares this with feature level and cross-attention of the same capacity on unseen
speakers and sentences: it is the best of the three, as on call-centre speech, where late fusion of
calibrated verdicts is hard to beat (Polzehl et al. 2011). The voice's weights stay shrunk (see
voices.py) though paired with acted voices larger ones do better there. Words count by the
confidence of their transcript, the voice by the reliability of its cues. What is missing is not
taken for calm: it could have been anything that modality usually says, and that much wider is the
interval. Invariants, held by tests/agent/understanding/test_fusion.py: evidence adds up to the
score; an angrier voice never lowers it; less of a modality never narrows `doubt`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path

from agent.understanding.calibration import probability
from agent.understanding.text_features import MindError
from agent.understanding.text_models import Feeling
from audio.types import EMOTIONS, AcousticCues, Emotion, Prosody
from dialogs.values import Evidence

NAMED = 8  # words and voice cues shown by name; the rest is summed up in one line
LEAST = 0.05  # log-odds below which a word is not worth a line of its own


@dataclass(frozen=True, slots=True)
class VoiceWeights:
    """Log-odds of being upset for each emotion at probability one, less `shift`.

    The defaults are chosen, not learned: an angry voice alone makes an upset customer likely, a sad
    one hardly. `agent.lab.training.understanding.voice_evidence` learns them from held-out speakers
    and stores them beside the emotion head, whose licence they share.
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
    loudness: float = 0.08  # for each dB above the customer's own usual loudness
    pitch: float = 0.10  # for each semitone of range above the customer's own usual one
    spread: float = 1.3  # how far the voice usually moves the log-odds: doubt when it is missing
    name: str = "chosen, not learned"

    @classmethod
    def load(cls, path: Path) -> VoiceWeights:
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            emotions = {name: float(stored["emotions"][name]) for name in EMOTIONS}
            shift, spread = float(stored["shift"]), float(stored["spread"])
            return cls(emotions, shift, spread=spread, name=str(stored["name"]))
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise MindError(f"cannot read {path}: {error}") from error


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the two are weighed. Spreads are standard deviations in log-odds."""

    usual: float  # log-odds of an upset customer before anything is heard
    voice: VoiceWeights = field(default_factory=VoiceWeights)
    words_spread: float = 1.8  # how far words usually move the log-odds
    rest: float = 0.4  # what stays open when both were heard well
    valence_trust: float = 0.3  # weight of the voice in sentiment, where words have 1


@dataclass(frozen=True, slots=True)
class Mood:
    """`upset` lies within `spread` of its value; `score` and `doubt` are the same in log-odds."""

    sentiment: float | None
    upset: float
    spread: float
    score: float
    doubt: float
    evidence: tuple[Evidence, ...]


def fuse(
    fusion: Fusion,
    words: Feeling | None,
    heard: float,
    cues: AcousticCues | None,
    turn: int,
    at: float,
    usual: Prosody | None = None,
) -> Mood:
    """`heard` is the transcript's confidence, 1 when typed; `usual` how this customer spoke before.

    With neither words nor cues the mood is the usual one within the widest spread.
    """
    heard = min(1.0, max(0.0, heard))
    known = heard * words.known if words else 0.0
    reliable = min(1.0, max(0.0, cues.reliability)) if cues and cues.emotion else 0.0
    terms = [("usual customer", fusion.usual, "before anything was said")]
    if words and words.terms:
        terms += _said(words, heard, fusion.usual)
    if cues:
        terms += _sounded(fusion.voice, cues, usual)
    score = sum(weight for _, weight, _ in terms)
    doubt = hypot(
        fusion.rest,
        (1.0 - known) * fusion.words_spread,
        (1.0 - reliable) * fusion.voice.spread,
    )
    evidence = tuple(Evidence(term, weight, turn, at, detail) for term, weight, detail in terms)
    upset = probability(score)
    return Mood(
        _sentiment(fusion, words, heard, cues), upset, spread(score, doubt), score, doubt, evidence
    )


def spread(score: float, doubt: float) -> float:
    """Half-width around the probability that holds what one `doubt` either way would make of it.

    The interval in log-odds is lopsided as a probability; the wider side counts, so that a missing
    voice leaves room upwards for a customer whose words are calm.
    """
    middle = probability(score)
    return max(probability(score + doubt) - middle, middle - probability(score - doubt))


def _said(words: Feeling, heard: float, usual: float) -> list[tuple[str, float, str]]:
    named = [(name, weight) for name, weight in words.terms if abs(weight) >= LEAST][:NAMED]
    rest = words.log_odds - usual - sum(weight for _, weight in named)
    lines = [(f"word: {name}", heard * weight, "") for name, weight in named]
    return [*lines, ("words: all others", heard * rest, f"transcript confidence {heard:.2f}")]


def _sounded(
    voice: VoiceWeights, cues: AcousticCues, usual: Prosody | None
) -> list[tuple[str, float, str]]:
    trust = min(1.0, max(0.0, cues.reliability))
    detail = f"reliability {trust:.2f}"
    lines = [
        (f"voice: {name} {chance:.2f}", trust * voice.emotions[name] * chance, detail)
        for name, chance in sorted(cues.emotion.items(), key=lambda item: -item[1])
        if chance > 0.0
    ]
    if cues.emotion:
        lines.append(("voice: usual voice", -trust * voice.shift, detail))
    if usual is None:
        return lines
    now = cues.prosody
    if now.loudness_db is not None and usual.loudness_db is not None:
        louder = min(12.0, max(0.0, now.loudness_db - usual.loudness_db))
        lines.append(("voice: loudness", trust * voice.loudness * louder, f"{louder:+.0f} dB"))
    if now.pitch_range_semitones is not None and usual.pitch_range_semitones is not None:
        wider = min(12.0, max(0.0, now.pitch_range_semitones - usual.pitch_range_semitones))
        lines.append(("voice: pitch range", trust * voice.pitch * wider, f"{wider:+.0f} semitones"))
    return lines


def _sentiment(
    fusion: Fusion, words: Feeling | None, heard: float, cues: AcousticCues | None
) -> float | None:
    """Mean of the sentiment of the words and the valence of the voice, by how far each is known."""
    parts = []
    if words and words.sentiment is not None and heard > 0.0:
        parts.append((heard, words.sentiment))
    if cues and cues.valence is not None and cues.reliability > 0.0:
        trust = min(1.0, cues.reliability) * fusion.valence_trust
        parts.append((trust, 2.0 * cues.valence - 1.0))
    total = sum(weight for weight, _ in parts)
    if not total:
        return None
    return max(-1.0, min(1.0, sum(weight * value for weight, value in parts) / total))
