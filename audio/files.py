"""Sound files: reading and writing samples in the formats of libsndfile; FLAC in memory.

Held by tests/audio/test_files.py: samples that were written are read back; a file that is missing,
is no sound file, holds no samples or holds NaN is refused in words; FLAC keeps 16-bit samples.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from audio.codecs import Pcm16, to_pcm16
from audio.types import RATE, AudioError, Samples


def read(path: str | Path) -> tuple[Samples, int]:
    """Samples (frames, channels) in [-1, 1], and their rate. AudioError."""
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"{path}: there is no such file")
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as problem:
        raise AudioError(
            f"{path}: not a sound file that can be read ({problem.error_string}); "
            "WAV, FLAC, Ogg and MP3 can"
        ) from problem
    if not len(samples):
        raise AudioError(f"{path}: the file holds no samples")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: the file holds samples that are not finite numbers")
    # Floating-point and lossy files may exceed full scale a little; nothing after this expects it.
    return np.clip(samples, -1, 1), int(rate)


def write(path: str | Path, samples: Samples, rate: int) -> None:
    """Write (frames,) or (frames, channels) in the format of the file's ending. AudioError."""
    path = Path(path)
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: samples to write must be finite numbers")
    if path.suffix[1:].upper() not in soundfile.available_formats():
        raise AudioError(f"{path}: give the file an ending that names a format, such as .wav")
    try:
        soundfile.write(path, to_pcm16(samples), rate)
    except (soundfile.LibsndfileError, ValueError) as problem:
        raise AudioError(f"{path}: cannot be written at {rate} Hz ({problem})") from problem


def encode_flac(pcm: Pcm16) -> bytes:
    """A 16 kHz mono FLAC file of these 16-bit samples."""
    file = io.BytesIO()
    soundfile.write(file, pcm, RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return file.getvalue()


def decode_flac(data: bytes) -> Pcm16:
    """The 16-bit samples of a FLAC file. AudioError when it is not readable, or not 16 kHz mono."""
    try:
        pcm, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    except soundfile.LibsndfileError as problem:
        raise AudioError(f"not a FLAC file that can be read: {problem.error_string}") from None
    if rate != RATE or pcm.ndim != 1:
        raise AudioError(f"it has {rate} Hz and {pcm.ndim} channels instead of {RATE} and 1")
    return np.asarray(pcm, np.int16)
