"""Audio of a sound file as the inputs of a session, as a client would send it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from agent.core.inputs import AudioReceived
from audio import files
from audio.codecs import quantise, to_pcm16
from audio.resample import resample
from audio.types import RATE
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput

CHUNK_SAMPLES = RATE // 10  # samples sent at a time
TRAILING_SILENCE_S = 3.0  # so that the turn ends


def audio_inputs(file: Path, begins_at: float) -> Iterator[AudioReceived]:
    """The inputs that this file leads to, the first one after `begins_at`. It has one channel."""
    samples, rate = files.read(file)
    silence = np.zeros(round(TRAILING_SILENCE_S * RATE), np.float32)
    mono = np.concatenate([resample(np.ascontiguousarray(samples[:, 0]), rate, RATE), silence])
    frames = to_pcm16(mono)
    intake = VoiceInput(_voice_detector(), "pcm_s16le", RATE, ("customer",))
    for start in range(0, len(frames), CHUNK_SAMPLES):
        piece = frames[start : start + CHUNK_SAMPLES].astype("<i2").tobytes()
        at = begins_at + min(start + CHUNK_SAMPLES, len(frames)) / RATE
        for hops in intake.push(piece):
            speech = tuple(round(p, 4) for p in hops.speech)
            yield AudioReceived(at, hops.leg, quantise(hops.samples), speech)


@cache
def _voice_detector() -> VoiceActivityDetector:
    return VoiceActivityDetector.load()
