"""Audio of the callers of a load, made from recordings.

Recordings are trimmed to their speech and joined to turns: clips in random order, with gaps too
short to end a turn, cut to the wanted length. Line noise is added, as on a telephone. One seed
determines everything. Held by tests/agent/lab/bench/test_voices.py.
"""

from __future__ import annotations

from math import ceil
from pathlib import Path
from random import Random

import numpy as np

from agent.lab.bench import BenchError
from agent.lab.bench.load_plan import TELEPHONE_RATE, CallerVoices, TurnPackets
from audio import files
from audio.codecs import encode
from audio.resample import Resampler, resample
from audio.types import RATE, VOICE_HOP, Samples
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg")
TURN_COUNT, SHORT_TURN_COUNT = 64, 16  # distinct turns, among which callers choose
SHORT_TURN_S = 1.2  # the server may discard shorter turns as noise
GAP_RANGE_S = (0.05, 0.25)  # between two clips of a turn
TURN_LENGTH_FACTORS = (0.5, 1.5)  # relative to the typical turn
NOISE_DBFS = -65.0
NOISE_S = 5.0
MIN_SPEECH_PROBABILITY = 0.5  # probability of voice in a hop
TRAILING_SILENCE_S = 0.1  # appended, so that a clip's last hop is complete


def load_caller_voices(folder: Path, turn_s: float, packet_ms: int, seed: int) -> CallerVoices:
    """Turns of about `turn_s` seconds as packets. BenchError when no recording has speech."""
    clips = _load_clips(folder)
    rng, size = Random(seed), packet_ms * TELEPHONE_RATE // 1000
    line = _LineNoise(seed)
    lengths = [turn_s * rng.uniform(*TURN_LENGTH_FACTORS) for _ in range(TURN_COUNT)]
    turns = [_joined_turn(clips, round(length * TELEPHONE_RATE), rng) for length in lengths]
    short = [
        _joined_turn(clips, round(SHORT_TURN_S * TELEPHONE_RATE), rng)
        for _ in range(SHORT_TURN_COUNT)
    ]
    quiet = np.zeros(round(NOISE_S * TELEPHONE_RATE), np.float32)
    return CallerVoices(
        tuple(line.packets(turn, size) for turn in turns),
        tuple(line.packets(turn, size) for turn in short),
        line.packets(quiet, size),
    )


def resampler_lookahead() -> int:
    """Number of input samples that the server's resampler needs beyond the end of a voice hop."""
    resampler, given = Resampler(TELEPHONE_RATE, RATE), 0
    hop = VOICE_HOP * TELEPHONE_RATE // RATE
    for taken in range(1, 100 * hop):
        given += len(resampler.push(np.zeros(1, np.float32)))
        if given >= 10 * VOICE_HOP:
            return taken - 10 * hop
    raise AssertionError("the resampler returns no samples")


def _load_clips(folder: Path) -> list[Samples]:
    """The speech of each recording, at the telephone rate."""
    if not folder.is_dir():
        raise BenchError(f"there is no folder {folder} with recordings to speak; see --recordings")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)
    clips = [_trimmed_speech(path) for path in paths]
    speech_clips = [clip for clip in clips if len(clip)]
    if not speech_clips:
        raise BenchError(
            f"no recording in {folder} has speech in it ({', '.join(AUDIO_SUFFIXES)} are read)"
        )
    return speech_clips


def _trimmed_speech(path: Path) -> Samples:
    """The samples from the first hop with voice to the last; none when there is no voice."""
    samples, rate = files.read(path)
    sound = resample(np.ascontiguousarray(samples[:, 0]), rate, TELEPHONE_RATE)
    padded = np.concatenate(
        [sound, np.zeros(round(TRAILING_SILENCE_S * TELEPHONE_RATE), np.float32)]
    )
    intake = VoiceInput(VoiceActivityDetector.load(), "mulaw", TELEPHONE_RATE, ["customer"])
    probabilities = [p for hops in intake.push(encode(padded, "mulaw")) for p in hops.speech]
    voiced = np.flatnonzero(np.array(probabilities) >= MIN_SPEECH_PROBABILITY)
    if not len(voiced):
        return sound[:0]
    hop = VOICE_HOP * TELEPHONE_RATE // RATE
    return sound[voiced[0] * hop : (voiced[-1] + 1) * hop]


def _joined_turn(clips: list[Samples], length: int, rng: Random) -> Samples:
    pieces: list[Samples] = []
    while sum(map(len, pieces)) < length:
        gap = np.zeros(round(rng.uniform(*GAP_RANGE_S) * TELEPHONE_RATE), np.float32)
        pieces += [rng.choice(clips), gap]
    return np.concatenate(pieces)[:length]


class _LineNoise:
    """Encoder of telephone audio with line noise."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._level = 10 ** (NOISE_DBFS / 20)

    def packets(self, samples: Samples, size: int) -> TurnPackets:
        """Mu-law packets of `size` samples, the last one padded with noise."""
        padded = np.zeros(ceil(len(samples) / size) * size, np.float32)
        padded[: len(samples)] = samples
        padded += (self._level * self._random.standard_normal(len(padded))).astype(np.float32)
        sent = encode(padded, "mulaw")
        return tuple(sent[start : start + size] for start in range(0, len(sent), size))
