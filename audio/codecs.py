"""Audio codecs: 16-bit PCM, G.711 mu-law and A-law to float samples and back; the one PCM scale.

Mu-law and A-law follow ITU-T G.711 (not the continuous companding curve that signal libraries call
mu-law, which differs in nearly every code and lacks the bit inversion). Floats are the 16-bit value
divided by 32,768, everywhere: a float is rounded to the nearest 16-bit value, never truncated.

Held by tests/audio/test_codecs.py: published vectors; every code survives decode and encode, except
mu-law's second zero; 16-bit values survive floats; bytes that are not whole frames are refused in
words; samples that are not finite are refused, never sent.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from audio.types import AudioError, Samples

Encoding = Literal["pcm_s16le", "mulaw", "alaw"]
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
WIDTH: dict[Encoding, int] = {"pcm_s16le": 2, "mulaw": 1, "alaw": 1}  # bytes a sample

FULL_SCALE = 32_768.0

Pcm16 = NDArray[np.int16]

_CODES = np.arange(128)  # a G.711 code without its sign: 3 bits of segment, 4 bits of step
_SEGMENT, _STEP = _CODES >> 4, _CODES & 15

# Mu-law on the 16-bit scale (G.711 table 2): step k of segment s begins at (16 + k) << (s + 3)
# less the bias of 132. A step decodes to its middle; the first is centred on zero.
_MULAW_STEP_STARTS = ((16 + _STEP) << (_SEGMENT + 3)) - 132
_MULAW_VALUES = (((_STEP << 3) + 132) << _SEGMENT) - 132
_MULAW_CODES = ~_CODES & 255  # positive codes as transmitted: every bit inverted

# A-law (G.711 table 1): segments 0 and 1 have the same step, every later one twice the last.
_DOUBLED = np.maximum(_SEGMENT - 1, 0)
_ALAW_STEP_STARTS = ((_STEP << 4) + np.where(_SEGMENT > 0, 256, 0)) << _DOUBLED
_ALAW_VALUES = ((_STEP << 4) + np.where(_SEGMENT > 0, 264, 8)) << _DOUBLED
_ALAW_CODES = (_CODES | 128) ^ 0x55  # every other bit inverted

# In both laws the negative of a value is the same byte with its top bit inverted.
_STEP_STARTS = {"mulaw": _MULAW_STEP_STARTS, "alaw": _ALAW_STEP_STARTS}
_LINE_CODES = {"mulaw": _MULAW_CODES.astype(np.uint8), "alaw": _ALAW_CODES.astype(np.uint8)}


def _table(codes: NDArray[np.uint8], values: NDArray[np.int64]) -> Samples:
    table = np.zeros(256, np.float32)
    table[codes] = values / FULL_SCALE
    table[codes ^ 128] = (0 - values) / FULL_SCALE
    return table


_TABLES = {
    "mulaw": _table(_LINE_CODES["mulaw"], _MULAW_VALUES),
    "alaw": _table(_LINE_CODES["alaw"], _ALAW_VALUES),
}


def to_pcm16(samples: Samples) -> Pcm16:
    """Float samples of any shape as 16-bit values, rounded and clipped; exact for multiples of
    1/32768."""
    scaled = np.rint(samples * np.float32(FULL_SCALE))
    return np.asarray(np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1), np.int16)


def from_pcm16(pcm: Pcm16) -> Samples:
    """16-bit values of any shape as float samples in -1 to 1."""
    return pcm.astype(np.float32) / np.float32(FULL_SCALE)


def quantise(samples: Samples) -> Samples:
    """Float samples rounded to 16-bit values: what a recording holds of them, exactly."""
    return from_pcm16(to_pcm16(samples))


def decode(data: bytes, encoding: Encoding, channels: int) -> Samples:
    """Samples (frames, channels) of encoded bytes; no bytes give no frames. AudioError."""
    if encoding not in ENCODINGS:
        raise AudioError(f"encoding {encoding!r} is not known; use one of {', '.join(ENCODINGS)}")
    if channels < 1:
        raise AudioError(f"audio has 1 or more channels, not {channels}")
    frame = channels * WIDTH[encoding]
    if len(data) % frame:
        raise AudioError(
            f"{len(data)} bytes are not whole frames: {encoding} with {channels} channel(s) "
            f"has {frame} bytes a frame, so every message must be a multiple of {frame} bytes"
        )
    if encoding == "pcm_s16le":
        flat = from_pcm16(np.frombuffer(data, "<i2"))
    else:
        flat = _TABLES[encoding][np.frombuffer(data, np.uint8)]
    return flat.reshape(-1, channels)


def encode(samples: Samples, encoding: Encoding) -> bytes:
    """Bytes of (frames,) or interleaved (frames, channels) samples.

    Values beyond full scale are clipped. AudioError for NaN and infinity: they come from a bug and
    would be a loud click.
    """
    if encoding not in ENCODINGS:
        raise AudioError(f"encoding {encoding!r} is not known; use one of {', '.join(ENCODINGS)}")
    if not np.isfinite(samples).all():
        raise AudioError("samples to encode must be finite numbers; found NaN or infinity")
    if encoding == "pcm_s16le":
        return to_pcm16(samples).astype("<i2").tobytes()
    scaled = samples.ravel() * np.float32(FULL_SCALE)
    code = np.searchsorted(_STEP_STARTS[encoding], np.abs(scaled), side="right") - 1
    line = _LINE_CODES[encoding][code]
    return bytes(np.where(scaled < 0, line ^ 128, line))
