"""Shared audio types: rates, samples, positions, transcripts, cues and expectations.

Samples are float32 mono at 16 kHz in [-1, 1]; a position is the index of a sample since its leg
began; seconds are floats. The other modules of `audio` and `dialogs` import these definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RATE = 16_000  # samples per second, everywhere inside the program
VOICE_HOP = 512  # samples per voice-activity probability: 32 ms, the hop Silero was trained on
FRAME = 320  # samples per encoder frame: 20 ms, the stride of HuBERT's convolutions

Samples = NDArray[np.float32]

Leg = Literal["customer", "agent"]
Precision = Literal["auto", "float32", "bfloat16"]  # data type of an encoder's matrix products
AnswerKind = Literal["open", "yes_no", "digits", "amount", "date", "name", "choice"]
Emotion = Literal["neutral", "happy", "sad", "angry", "fearful", "surprised", "disgusted"]
EMOTIONS: tuple[Emotion, ...] = (
    "neutral",
    "happy",
    "sad",
    "angry",
    "fearful",
    "surprised",
    "disgusted",
)


class AudioError(ValueError):
    """Audio that is not in the format it claims; the text tells the sender what to change."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The answer that the dialogue expects next; recognition and turn detection depend on it.

    `length` is the number of digits expected, 0 when it is not known. `choices` are the phrases
    a closed question allows (names, products, menu words), lower case; with kind "open" they are
    phrases that are likely but not the only ones possible.
    """

    kind: AnswerKind = "open"
    length: int = 0
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One transcribed word and its samples [start, end), counted from the start of its leg."""

    text: str
    start: int
    end: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one turn. `confidence` is the probability that the text is right."""

    text: str
    confidence: float
    words: tuple[Word, ...] = ()


NO_TRANSCRIPT = Transcript("", 0.0)  # of a turn in which nothing was said


@dataclass(frozen=True, slots=True)
class Prosody:
    """Prosody of one turn, in units a person can read. None where it could not be measured."""

    pitch_hz: float | None  # median F0 of voiced frames
    pitch_range_semitones: float | None  # 10th to 90th percentile of F0
    loudness_db: float | None  # RMS of voiced frames, dB below full scale
    syllables_per_s: float | None
    pause_ratio: float  # share of the turn without voice, 0 to 1
    voiced_s: float


@dataclass(frozen=True, slots=True)
class AcousticCues:
    """Emotion and prosody of one turn of a caller. `reliability` is 0 (ignore this) to 1.

    `emotion` is empty when the emotion head abstained or is not installed.
    """

    emotion: Mapping[Emotion, float]
    arousal: float | None  # 0 calm to 1 excited
    valence: float | None  # 0 negative to 1 positive
    prosody: Prosody
    heard_s: float
    reliability: float


@dataclass(frozen=True, slots=True)
class Spoken:
    """The result of speech analysis for one turn: its words, and how they were said.

    `cues` is None on an employee's leg and when consent to emotion analysis is missing.
    """

    transcript: Transcript
    cues: AcousticCues | None
    models: Mapping[str, str] = field(default_factory=dict)  # role -> name of the model used
