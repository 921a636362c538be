"""How do a voice's colour and pitch move, measured against how this caller usually sounds?

Log mel bands and pitch every 10 ms, from the part of the sound that a telephone carries, so a
studio and a line look alike. A `Caller` gathers, turn by turn, what is usual for one person on one
line; what the emotion head is shown is the difference from that: gain, microphone and the pitch one
was born with are not feelings. The first turn is compared with itself.
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

from audio.prosody import Tones

BANDS = 40
NUMBERS = BANDS + 3  # a frame: bands, pitch, whether there is one, loudness
STEP_S = 0.02  # between two frames that the head sees
_RATE, _WINDOW, _HOP = 8_000, 256, 80
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 3_900.0
_QUIETER = 5.0  # nats below the loud parts: no speech
_MARGIN = 5  # frames of quiet kept around the speech
_FEWEST_PITCHED = 20
_USUAL_SPREAD = 0.25  # octaves: of pitch, where little was heard
_LONGEST = 6_000.0  # 10 ms steps that are remembered of a caller

_FILTERS = melscale_fbanks(
    _WINDOW // 2 + 1, _LOWEST_HZ, _HIGHEST_HZ, BANDS, _RATE, mel_scale="htk"
).numpy()
_HANN = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """One turn in steps of 10 ms. `bands` (steps, 40) log energies; `pitch` log2 Hz, 0 for none."""

    bands: Rows
    pitch: Rows

    @property
    def speech(self) -> NDArray[np.bool_]:
        loud = self.bands.mean(1)
        return np.asarray(loud > np.percentile(loud, 95) - _QUIETER)


def contours(tones: Tones) -> Contours | None:
    """None where nothing was said."""
    narrow = tones.narrow
    if len(narrow) < 2 * _WINDOW:
        return None
    padded = np.pad(narrow, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    power = np.abs(np.fft.rfft(frames * _HANN, axis=1)) ** 2
    bands = np.log(power @ _FILTERS + 1e-9).astype(np.float32)
    pitch = np.zeros(len(bands), np.float32)
    pitch[np.minimum(tones.pitch.at // _HOP, len(bands) - 1)] = np.log2(tones.pitch.hz)
    return Contours(bands, pitch)


@dataclass(slots=True, eq=False)
class Caller:
    """Running mean and spread of one person's bands and pitch, over the turns heard so far."""

    steps: float = 0.0
    bands: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, BANDS)))
    pitched: float = 0.0
    pitch: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def hear(self, turn: Contours) -> None:
        """Take a turn into account. The distant past fades, as lines and speakers change."""
        spoken = turn.bands[turn.speech].astype(np.float64)
        pitch = turn.pitch[turn.pitch > 0].astype(np.float64)
        self.steps += len(spoken)
        self.bands += (spoken.sum(0), np.square(spoken).sum(0))
        self.pitched += len(pitch)
        self.pitch += (pitch.sum(), np.square(pitch).sum())
        fade = min(1.0, _LONGEST / max(1.0, self.steps))
        self.steps, self.pitched = self.steps * fade, self.pitched * fade
        self.bands *= fade
        self.pitch *= fade

    def copy(self) -> Caller:
        return Caller(self.steps, self.bands.copy(), self.pitched, self.pitch.copy())

    def join(self, others: Iterable[Caller]) -> Caller:
        """Somebody of whom all this was heard."""
        joined = self.copy()
        for other in others:
            joined.steps += other.steps
            joined.bands += other.bands
            joined.pitched += other.pitched
            joined.pitch += other.pitch
        return joined

    def view(self, turn: Contours) -> tuple[torch.Tensor, int]:
        """The speech of a turn against what is usual, (frames, 43), and its first frame, even."""
        mean, square = self.bands / max(1.0, self.steps)
        spread = np.sqrt(np.maximum(square - np.square(mean), 0.1))
        middle, octaves = 0.0, _USUAL_SPREAD
        if self.pitched:
            middle = self.pitch[0] / self.pitched
        if self.pitched > _FEWEST_PITCHED:
            variance = self.pitch[1] / self.pitched - middle**2
            octaves = max(0.15, float(np.sqrt(max(variance, 0.0))) + 0.05)
        there = turn.pitch > 0
        columns = [
            (turn.bands - mean) / spread,
            np.where(there, (turn.pitch - middle) / octaves, 0.0),
            there,
            (turn.bands.mean(1) - mean.mean()) / 2.5,
        ]
        rows = np.column_stack(columns).astype(np.float32)
        whole = len(rows) // 2 * 2  # two steps a frame
        frames = rows[:whole].reshape(-1, 2, NUMBERS).mean(1)
        spoken = np.flatnonzero(turn.speech[:whole].reshape(-1, 2).any(1))
        start, end = 0, len(frames)
        if len(spoken):
            start = max(0, int(spoken[0]) - _MARGIN) // 2 * 2
            end = int(spoken[-1]) + 1 + _MARGIN
        return torch.from_numpy(frames[start:end].copy()), start
