"""Prosody of a turn: pitch, loudness, speech rate and pauses, in units a person can read.

Plain signal processing that works for telephone audio as well: everything is measured below
3.4 kHz, and pitch comes from the spacing of harmonics, so it does not need the fundamental that a
telephone line cuts off below 300 Hz.

Held by tests/audio/test_prosody.py, on sounds whose pitch, glide, level and rate are known; what
cannot be measured is None, never a guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr  # type: ignore[import-untyped]
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import irfft, rfft  # type: ignore[import-untyped]
from scipy.signal import find_peaks, oaconvolve  # type: ignore[import-untyped]

from audio.types import RATE, VOICE_HOP, Prosody, Samples

_PITCH_RATE = 8_000
_STEP_SAMPLES = 80  # 10 ms between measurements, at 8 kHz
_LOWEST_HZ, _HIGHEST_HZ = 60, 400
_LONGEST, _SHORTEST = _PITCH_RATE // _LOWEST_HZ, _PITCH_RATE // _HIGHEST_HZ  # period in samples
_COMPARED_SAMPLES = 240  # 30 ms, at least 1.8 periods
_SPAN = _COMPARED_SAMPLES + _LONGEST + 1
_APERIODIC = 0.2  # of the normalised difference; YIN's own 0.1 is for studio sound
# ratio within which pitch 10 ms apart is one voice; an octave slip is not
_MAX_NEIGHBOUR_RATIO = 1.2
_MIN_PITCHED = 8  # measurements, for a median and percentiles to mean something

_INTENSITY = 512  # 64 ms at 8 kHz: longer than any period, which would show as a peak
_DIP_DB, _AUDIBLE_DB = 2.0, 25.0  # de Jong and Wempe, 2009

_SILENT_DB = -60.0
_SPEECH_RANGE_DB = 25.0  # below the loud parts: not speech, where voice activity is not given
_MIN_VOICED_S = 0.1  # of voice; less is not measured
_NO_SAMPLES = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Pitch:
    """F0 of the pitched measurements, `positions` the middles of their windows."""

    hz: NDArray[np.float64]
    positions: NDArray[np.int64]  # samples of the narrow signal


NO_PITCH = Pitch(np.zeros(0), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class ProsodyMeasurement:
    """The prosody of a turn with its narrowband samples and its pitch contour."""

    prosody: Prosody
    narrowband: Samples  # at 8 kHz
    pitch: Pitch


def prosody_of(samples: Samples, voiced: NDArray[np.bool_] | None) -> Prosody:
    """The prosody alone of `measure_prosody`."""
    return measure_prosody(samples, voiced).prosody


def measure_prosody(samples: Samples, voiced: NDArray[np.bool_] | None) -> ProsodyMeasurement:
    """Measure one turn; `voiced` tells for each 32 ms hop whether it is speech.

    Without it, loud hops count as speech. Pauses are counted between the first and the last
    speech, so that pre-roll and trailing silence do not count; without any speech the ratio is 1.
    Syllables are counted per second of speech, without pauses. A sine at full scale has a
    loudness of -3 dB. ValueError when `voiced` does not match the samples.
    """
    hops = len(samples) // VOICE_HOP
    if voiced is None:
        voiced = loud_hops(samples[: hops * VOICE_HOP])
    elif len(voiced) != hops:
        raise ValueError(f"{len(voiced)} hops do not describe {len(samples)} samples")
    spoken = np.flatnonzero(voiced)
    voiced_s = len(spoken) * VOICE_HOP / RATE
    if voiced_s < _MIN_VOICED_S:
        return ProsodyMeasurement(
            Prosody(None, None, None, None, 1.0, voiced_s), _NO_SAMPLES, NO_PITCH
        )
    pauses = 1 - len(spoken) / int(spoken[-1] - spoken[0] + 1)
    power = float(np.mean(np.square(samples[: hops * VOICE_HOP].reshape(hops, -1)[spoken])))
    loudness = 10 * np.log10(power) if power > 0 else -np.inf
    if loudness < _SILENT_DB:
        return ProsodyMeasurement(
            Prosody(None, None, None, None, pauses, voiced_s), _NO_SAMPLES, NO_PITCH
        )
    narrow = soxr.resample(samples, RATE, _PITCH_RATE)  # whole, and a tenth of the other's time
    pitch = _pitch(narrow, voiced)
    hz = pitch.hz
    low, middle, high = np.percentile(hz, (10, 50, 90)) if len(hz) else (0, 0, 0)
    prosody = Prosody(
        pitch_hz=float(middle) if len(hz) else None,
        pitch_range_semitones=float(12 * np.log2(high / low)) if len(hz) else None,
        loudness_db=float(loudness),
        syllables_per_s=_syllables(narrow, voiced) / voiced_s,
        pause_ratio=pauses,
        voiced_s=voiced_s,
    )
    return ProsodyMeasurement(prosody, narrow, pitch)


def loud_hops(samples: Samples) -> NDArray[np.bool_]:
    """Whether each 32 ms hop of a whole number of hops is within 25 dB of the loudest hops."""
    if not len(samples):
        return np.zeros(0, np.bool_)
    power = np.mean(np.square(samples.reshape(-1, VOICE_HOP)), axis=1)
    level: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-12))
    return level > max(_SILENT_DB, float(np.percentile(level, 95)) - _SPEECH_RANGE_DB)


def _voiced_at(positions: NDArray[np.int64], voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether samples at these positions of the narrowband signal lie in speech."""
    return voiced[np.minimum(positions * (RATE // _PITCH_RATE) // VOICE_HOP, len(voiced) - 1)]


def _pitch(narrowband: Samples, voiced: NDArray[np.bool_]) -> Pitch:
    """F0 every 10 ms, in order, where there is one.

    YIN (de Cheveigne and Kawahara, 2002): the period is the first shift by which a window differs
    little from itself, compared with the mean difference over shorter shifts.
    """
    if len(narrowband) < _SPAN:
        return NO_PITCH
    places = np.arange(0, len(narrowband) - _SPAN + 1, _STEP_SAMPLES)
    places = places[_voiced_at(places + _SPAN // 2, voiced)]
    frames = sliding_window_view(narrowband, _SPAN)[places]  # (measurements, _SPAN)
    frames = frames - frames.mean(axis=1, keepdims=True)
    # sum (x[i] - x[i + shift])^2 = energy of x + energy of shifted x - 2 correlation
    size = 512  # at least _SPAN, a power of two
    head = rfft(frames[:, :_COMPARED_SAMPLES], size)
    correlation = irfft(head.conj() * rfft(frames, size), size)[:, : _LONGEST + 2]
    energy = np.cumsum(np.square(frames, dtype=np.float64), axis=1)
    energy = np.concatenate([np.zeros((len(frames), 1)), energy], axis=1)
    shifted = (
        energy[:, _COMPARED_SAMPLES : _COMPARED_SAMPLES + _LONGEST + 2] - energy[:, : _LONGEST + 2]
    )
    difference = np.maximum(shifted[:, :1] + shifted - 2 * correlation, 0)
    shifts = np.arange(1, _LONGEST + 2)
    mean = np.maximum(np.cumsum(difference[:, 1:], axis=1), 1e-12) / shifts
    little = difference[:, 1:] / mean  # column i is a shift of i + 1
    left, here, right = little[:, :-2], little[:, 1:-1], little[:, 2:]
    dip = (here < _APERIODIC) & (here <= left) & (here < right)
    dip[:, : _SHORTEST - 2] = False
    pitched = np.flatnonzero(dip.any(axis=1))
    first = dip[pitched].argmax(axis=1)
    a, b, c = left[pitched, first], here[pitched, first], right[pitched, first]
    period = first + 2 + (a - c) / (2 * (a - 2 * b + c))  # vertex of the parabola through them
    return _without_outliers(_PITCH_RATE / period, places[pitched])


def _without_outliers(pitch: NDArray[np.float64], positions: NDArray[np.int64]) -> Pitch:
    """The pitch without measurements that no neighbour in time supports: octave slips, clicks."""
    if len(pitch) < _MIN_PITCHED:
        return NO_PITCH
    agrees = (np.diff(positions) == _STEP_SAMPLES) & (
        np.abs(np.diff(np.log(pitch))) < np.log(_MAX_NEIGHBOUR_RATIO)
    )
    has_neighbour = np.append(agrees, False) | np.insert(agrees, 0, False)
    if np.count_nonzero(has_neighbour) < _MIN_PITCHED:
        return NO_PITCH
    return Pitch(pitch[has_neighbour], positions[has_neighbour] + _SPAN // 2)


def _syllables(narrowband: Samples, voiced: NDArray[np.bool_]) -> int:
    """Peaks of intensity in speech, each with a dip on both sides (de Jong and Wempe, 2009)."""
    window = np.hanning(_INTENSITY).astype(np.float32)
    power = oaconvolve(np.square(narrowband), window / window.sum(), mode="same")[::_STEP_SAMPLES]
    level = 10 * np.log10(np.maximum(power, 1e-10))
    audible = float(np.percentile(level, 99)) - _AUDIBLE_DB
    peaks, _ = find_peaks(level, height=audible, prominence=_DIP_DB)
    return int(_voiced_at(peaks * _STEP_SAMPLES, voiced).sum())
