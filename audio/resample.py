"""What would these samples have been at another rate?

libsamplerate's streaming sinc converter (samplerate, "sinc_medium": 121 dB, flat to 0.9 of the
lower Nyquist frequency), whose past is kept between pieces. Output sample m lies at the same
moment as input sample m * rate_in / rate_out, so positions convert by multiplication. It looks
ahead 6 ms on a telephone line and gives out what it has with every piece; libsoxr's streaming
filters hold the same audio back up to 115 ms (8 kHz, quality HQ) and release it in bursts, which a
caller would hear as a slow answer.

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
_AHEAD_S = 0.01  # more than the converter ever looks ahead, at the lowest rate


class Resampler:
    """One channel from one rate to another, fed in pieces of any length."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        for rate in (rate_in, rate_out):
            if rate not in RATES:
                known = ", ".join(str(known) for known in RATES)
                raise AudioError(f"rate {rate} Hz is not supported; use one of {known}")
        self._rate_in, self._rate_out = rate_in, rate_out
        self._forget()

    def push(self, samples: Samples) -> Samples:
        """The output that no later input can change."""
        if self._rate_in == self._rate_out or not len(samples):
            return samples
        self._taken += len(samples)
        return self._convert(samples)

    def flush(self) -> Samples:
        """The rest, as if silence followed. The next push begins a new signal."""
        missing = ceil(self._taken * self._rate_out / self._rate_in) - self._given
        silence = np.zeros(ceil(_AHEAD_S * self._rate_in), np.float32)
        rest = self._convert(silence)[:missing] if missing > 0 else silence[:0]
        self._forget()
        return rest

    def _forget(self) -> None:
        self._converter = samplerate.Resampler(_CONVERTER, channels=1)
        self._taken = self._given = 0

    def _convert(self, samples: Samples) -> Samples:
        ratio = self._rate_out / self._rate_in
        converted: Samples = self._converter.process(samples, ratio)
        self._given += len(converted)
        return converted


def resample(samples: Samples, rate_in: int, rate_out: int) -> Samples:
    """A whole signal of one channel at once."""
    resampler = Resampler(rate_in, rate_out)
    return np.concatenate([resampler.push(samples), resampler.flush()])
