"""Streaming sample-rate conversion of one channel.

To twice the rate, which is the case of every telephone line, by a half-band filter (a windowed
sinc, 24 taps on either side of a sample: flat to 3.5 kHz on a line, images below -70 dB, 3 ms of
look-ahead, a tenth of the work); all other rates by libsamplerate's streaming sinc converter
("sinc_medium": 121 dB, flat to 0.9 of the lower Nyquist frequency, 6 ms). Filter state carries over
between pieces. Output sample m lies at the same time as input sample m * rate_in / rate_out, so
positions convert by multiplication. Both filters give out all they can with every piece; libsoxr's
streaming filters hold the same audio back up to 115 ms (8 kHz, quality HQ) and release it in
bursts, which would delay every answer.

Held by tests/audio/test_resample.py: the bits that come out, and how many have come out after a
given number of samples went in, do not depend on how the input was cut into pieces; n samples in
are ceil(n * rate_out / rate_in) samples out; tones keep their level and images stay below -70 dB.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import samplerate  # type: ignore[import-not-found]

from audio.types import AudioError, Samples

RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)

_CONVERTER = "sinc_medium"
_HALF_TAPS = 24  # samples on either side from which a sample between two others is computed
_KAISER_BETA = 7.0
_AHEAD_S = 0.01  # more than the converter ever looks ahead, at the lowest rate


def half_band_taps() -> Samples:
    """The taps of the half-band filter that are not zero, which are every other one and sum to one.

    SciPy's `firwin` designs the same bits; importing it takes a second in every process.
    """
    offsets = np.arange(1 - 2 * _HALF_TAPS, 2 * _HALF_TAPS)
    taps = np.sinc(offsets / 2) * np.kaiser(len(offsets), _KAISER_BETA) / 2
    halves: Samples = (2 * (taps / taps.sum()))[::2].astype(np.float32)
    return halves


_HALF_BAND_TAPS = half_band_taps()


class Resampler:
    """One channel from one rate to another, fed in pieces of any length."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        for rate in (rate_in, rate_out):
            if rate not in RATES:
                known = ", ".join(str(known) for known in RATES)
                raise AudioError(f"rate {rate} Hz is not supported; use one of {known}")
        self._rate_in, self._rate_out = rate_in, rate_out
        self._doubles = rate_out == 2 * rate_in
        self._reset()

    def push(self, samples: Samples) -> Samples:
        """Convert a piece; the output that no later input can change."""
        if self._rate_in == self._rate_out or not len(samples):
            return samples
        self._samples_in += len(samples)
        return self._convert(samples)

    def flush(self) -> Samples:
        """The rest of the output, as if silence followed. The next push begins a new signal."""
        missing = ceil(self._samples_in * self._rate_out / self._rate_in) - self._samples_out
        silence = np.zeros(ceil(_AHEAD_S * self._rate_in), np.float32)
        rest = self._convert(silence)[:missing] if missing > 0 else silence[:0]
        self._reset()
        return rest

    def _reset(self) -> None:
        self._converter = None if self._doubles else samplerate.Resampler(_CONVERTER, channels=1)
        # of the half-band filter: its last samples
        self._past = np.zeros(_HALF_TAPS - 1, np.float32)
        self._samples_in = self._samples_out = 0

    def _convert(self, samples: Samples) -> Samples:
        if self._converter is None:
            converted = self._double(samples)
        else:
            converted = self._converter.process(samples, self._rate_out / self._rate_in)
        self._samples_out += len(converted)
        return converted

    def _double(self, samples: Samples) -> Samples:
        """Every sample as it is, each followed by the one half-way to the next."""
        around = np.concatenate([self._past, samples])
        places = len(around) - 2 * _HALF_TAPS + 1
        if places < 1:
            self._past = around
            return samples[:0]
        doubled = np.empty(2 * places, np.float32)
        doubled[::2] = around[_HALF_TAPS - 1 : _HALF_TAPS - 1 + places]
        doubled[1::2] = np.convolve(around, _HALF_BAND_TAPS, "valid")
        self._past = around[places:]
        return doubled


def resample(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """Convert a whole signal of one channel at once."""
    resampler = Resampler(rate_in, rate_out)
    return np.concatenate([resampler.push(samples), resampler.flush()])
