"""Mel bands and pitch of a turn, normalised by the speaker's own statistics.

Log mel bands and pitch every 10 ms, from the part of the spectrum that a telephone carries, so
that studio and telephone recordings look alike. A `SpeakerProfile` accumulates, turn by turn, the
mean and spread for one person on one line; the emotion head gets the normalised values, because
gain, microphone and natural pitch say nothing about emotion. The first turn is normalised by
itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from audio import torchaudio_guard  # noqa: F401  before torchaudio itself

# isort: split
from torchaudio.functional import melscale_fbanks  # type: ignore[import-untyped]

from audio.prosody import ProsodyMeasurement

MEL_BANDS = 40
FEATURES_PER_FRAME = MEL_BANDS + 3  # of a frame: bands, pitch, whether there is pitch, loudness
FRAME_STEP_S = 0.02  # between two frames of the emotion head's input
_RATE, _WINDOW, _HOP = 8_000, 256, 80
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 3_900.0
_SPEECH_RANGE_NATS = 5.0  # nats below the loud parts from which a step is not speech
_MARGIN_FRAMES = 5  # frames of quiet included around the speech
_MIN_PITCHED_STEPS = 20
_DEFAULT_PITCH_SPREAD = 0.25  # octaves: pitch spread of a speaker with too few pitched steps
_MAX_REMEMBERED_STEPS = 6_000.0  # 10 ms steps of a speaker that a profile remembers

_FILTERS = melscale_fbanks(
    _WINDOW // 2 + 1, _LOWEST_HZ, _HIGHEST_HZ, MEL_BANDS, _RATE, mel_scale="htk"
).numpy()
_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)

FloatRows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """One turn in steps of 10 ms: `bands` (steps, 40) log energies; `pitch` (steps,) log2 Hz, 0
    for none."""

    bands: FloatRows
    pitch: FloatRows

    @property
    def speech_mask(self) -> NDArray[np.bool_]:
        """Whether each step is speech, by its loudness, (steps,)."""
        loud = self.bands.mean(1)
        return np.asarray(loud > np.percentile(loud, 95) - _SPEECH_RANGE_NATS)


def measure_contours(measurement: ProsodyMeasurement) -> Contours | None:
    """The contours of a turn; None when it is shorter than two windows or has no speech."""
    narrow = measurement.narrowband
    if len(narrow) < 2 * _WINDOW:
        return None
    padded = np.pad(narrow, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * _HANN, axis=1)) ** 2
    bands = np.log(power @ _FILTERS + 1e-9).astype(np.float32)
    pitch = np.zeros(len(bands), np.float32)
    pitch[np.minimum(measurement.pitch.positions // _HOP, len(bands) - 1)] = np.log2(
        measurement.pitch.hz
    )
    return Contours(bands, pitch)


@dataclass(slots=True, eq=False)
class SpeakerProfile:
    """Running sums and sums of squares of one speaker's bands and pitch, over turns so far."""

    step_count: float = 0.0
    band_sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, MEL_BANDS)))
    pitched_count: float = 0.0
    pitch_sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def update(self, turn: Contours) -> None:
        """Add a turn. Old turns fade, as lines and speakers change."""
        spoken = turn.bands[turn.speech_mask].astype(np.float64)
        pitch = turn.pitch[turn.pitch > 0].astype(np.float64)
        self.step_count += len(spoken)
        self.band_sums += (spoken.sum(0), np.square(spoken).sum(0))
        self.pitched_count += len(pitch)
        self.pitch_sums += (pitch.sum(), np.square(pitch).sum())
        fade = min(1.0, _MAX_REMEMBERED_STEPS / max(1.0, self.step_count))
        self.step_count, self.pitched_count = self.step_count * fade, self.pitched_count * fade
        self.band_sums *= fade
        self.pitch_sums *= fade

    def copy(self) -> SpeakerProfile:
        return SpeakerProfile(
            self.step_count, self.band_sums.copy(), self.pitched_count, self.pitch_sums.copy()
        )

    def merged_with(self, others: Iterable[SpeakerProfile]) -> SpeakerProfile:
        """The profile over the turns of this profile and all others."""
        joined = self.copy()
        for other in others:
            joined.step_count += other.step_count
            joined.band_sums += other.band_sums
            joined.pitched_count += other.pitched_count
            joined.pitch_sums += other.pitch_sums
        return joined

    def normalise(self, turn: Contours) -> tuple[torch.Tensor, int]:
        """The speech of a turn, normalised, (frames, 43), and the even index of its first frame."""
        mean, square = self.band_sums / max(1.0, self.step_count)
        spread = np.sqrt(np.maximum(square - np.square(mean), 0.1))
        middle, octaves = 0.0, _DEFAULT_PITCH_SPREAD
        if self.pitched_count:
            middle = self.pitch_sums[0] / self.pitched_count
        if self.pitched_count > _MIN_PITCHED_STEPS:
            variance = self.pitch_sums[1] / self.pitched_count - middle**2
            octaves = max(0.15, float(np.sqrt(max(variance, 0.0))) + 0.05)
        has_pitch = turn.pitch > 0
        columns = [
            (turn.bands - mean) / spread,
            np.where(has_pitch, (turn.pitch - middle) / octaves, 0.0),
            has_pitch,
            (turn.bands.mean(1) - mean.mean()) / 2.5,
        ]
        rows = np.column_stack(columns).astype(np.float32)
        whole = len(rows) // 2 * 2  # two steps a frame
        frames = rows[:whole].reshape(-1, 2, FEATURES_PER_FRAME).mean(1)
        spoken = np.flatnonzero(turn.speech_mask[:whole].reshape(-1, 2).any(1))
        start, end = 0, len(frames)
        if len(spoken):
            start = max(0, int(spoken[0]) - _MARGIN_FRAMES) // 2 * 2
            end = int(spoken[-1]) + 1 + _MARGIN_FRAMES
        return torch.from_numpy(frames[start:end].copy()), start
