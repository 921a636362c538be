"""The utterance that the compared encoders transcribe."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agent.lab.bench import BenchError
from audio.files import read
from audio.resample import resample
from audio.types import RATE, Samples


def joined_recordings(folder: Path, seconds: float) -> Samples:
    """The recordings of a folder, concatenated and repeated to `seconds`, at RATE.

    BenchError when the folder holds no .wav file.
    """
    files = sorted(folder.glob("*.wav"))
    if not files:
        raise BenchError(f"{folder} holds no .wav recordings; name a folder with --recordings")
    samples = np.concatenate([_at_internal_rate(path) for path in files])
    return np.resize(samples, round(seconds * RATE))


def _at_internal_rate(path: Path) -> Samples:
    sound, rate = read(path)
    return resample(np.ascontiguousarray(sound[:, 0]), rate, RATE)
