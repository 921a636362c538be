"""What do the callers of a load say?

Recordings are trimmed to their speech, and turns are put together from them: clips in a random
order, with gaps too short to end a turn, cut to the wanted length. Line noise lies under all of it,
as on a telephone. Everything comes from one seed. Held by tests/agent/bench/test_voices.py.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from random import Random

import numpy as np

from agent.lab.bench import BenchError
from agent.lab.bench.load_plan import LINE_RATE, Turn, Voices
from audio import files
from audio.codecs import encode
from audio.resample import Resampler, resample
from audio.types import RATE, VOICE_HOP, Samples
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput

SOUNDS = (".wav", ".flac", ".ogg")
TURNS, SHORT = 64, 16  # different ones; callers choose among them
SHORT_S = 1.2  # with less voice in it, a turn without words would be taken for noise
GAP_S = (0.05, 0.25)  # between two clips of a turn
LENGTHS = (0.5, 1.5)  # of a turn, times the usual one
NOISE_DBFS = -65.0
NOISE_S = 5.0
SPEECH = 0.5  # probability
AFTER_S = 0.1  # of silence behind a clip, so that its last hop is complete


def load_voices(folder: Path, turn_s: float, packet_ms: int, seed: int) -> Voices:
    """Turns of about `turn_s` seconds in packets; BenchError when there is nothing to say."""
    clips = _clips(folder)
    chance, size = Random(seed), packet_ms * LINE_RATE // 1000
    line = _LineNoise(seed)
    lengths = [turn_s * chance.uniform(*LENGTHS) for _ in range(TURNS)]
    turns = [_join(clips, round(length * LINE_RATE), chance) for length in lengths]
    short = [_join(clips, round(SHORT_S * LINE_RATE), chance) for _ in range(SHORT)]
    quiet = np.zeros(round(NOISE_S * LINE_RATE), np.float32)
    return Voices(
        tuple(line.packets(turn, size) for turn in turns),
        tuple(line.packets(turn, size) for turn in short),
        line.packets(quiet, size),
    )


def lookahead() -> int:
    """How many samples of the line the server's resampler needs beyond the end of a voice hop."""
    resampler, given = Resampler(LINE_RATE, RATE), 0
    hop = VOICE_HOP * LINE_RATE // RATE
    for taken in range(1, 100 * hop):
        given += len(resampler.push(np.zeros(1, np.float32)))
        if given >= 10 * VOICE_HOP:
            return taken - 10 * hop
    raise AssertionError("the resampler gives nothing out")


def _clips(folder: Path) -> list[Samples]:
    """The speech of each recording at the line's rate."""
    if not folder.is_dir():
        raise BenchError(f"there is no folder {folder} with recordings to speak; see --recordings")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS)
    clips = [_speech(path) for path in paths]
    spoken = [clip for clip in clips if len(clip)]
    if not spoken:
        raise BenchError(
            f"no recording in {folder} has speech in it ({', '.join(SOUNDS)} are read)"
        )
    return spoken


def _speech(path: Path) -> Samples:
    """From the first hop with voice to the last; nothing when there is none."""
    samples, rate = files.read(path)
    sound = resample(np.ascontiguousarray(samples[:, 0]), rate, LINE_RATE)
    heard = np.concatenate([sound, np.zeros(round(AFTER_S * LINE_RATE), np.float32)])
    intake = VoiceInput(VoiceActivityDetector.load(), "mulaw", LINE_RATE, ["customer"])
    speech = [p for hops in intake.push(encode(heard, "mulaw")) for p in hops.speech]
    voiced = np.flatnonzero(np.array(speech) >= SPEECH)
    if not len(voiced):
        return sound[:0]
    hop = VOICE_HOP * LINE_RATE // RATE
    return sound[voiced[0] * hop : (voiced[-1] + 1) * hop]


def _join(clips: list[Samples], length: int, chance: Random) -> Samples:
    pieces: list[Samples] = []
    while sum(map(len, pieces)) < length:
        gap = np.zeros(round(chance.uniform(*GAP_S) * LINE_RATE), np.float32)
        pieces += [chance.choice(clips), gap]
    return np.concatenate(pieces)[:length]


class _LineNoise:
    """Sound as it comes over the line."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._level = 10 ** (NOISE_DBFS / 20)

    def packets(self, samples: Samples, size: int) -> Turn:
        """Mu-law packets of `size` samples, the last one filled up with noise."""
        padded = np.zeros(ceil(len(samples) / size) * size, np.float32)
        padded[: len(samples)] = samples
        padded += (self._level * self._random.standard_normal(len(padded))).astype(np.float32)
        sent = encode(padded, "mulaw")
        return tuple(sent[start : start + size] for start in range(0, len(sent), size))
