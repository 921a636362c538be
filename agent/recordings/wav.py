"""WAV export of a recording: one channel for each leg, aligned to the time of the call.

Sample 16,000 is one second after the call began. Audio that was not stored, or was masked, is
silence.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.recordings.recording import Recording, RecordingError
from agent.recordings.transcript import legs_start_s
from audio.codecs import Pcm16
from audio.types import RATE


def call_audio(recording: Recording) -> Pcm16:
    """All legs in their order: int16 of shape (samples, legs) at 16 kHz. RecordingError without
    audio."""
    legs = recording.record.legs
    if not recording.audio:
        raise RecordingError(f"{recording.name}: none of its audio was stored")
    lead_samples = round(legs_start_s(recording) * RATE)
    leg_samples = [
        recording.audio[leg].samples if leg in recording.audio else _EMPTY_LEG for leg in legs
    ]
    out = np.zeros((lead_samples + max(len(one) for one in leg_samples), len(legs)), np.int16)
    for channel, samples in enumerate(leg_samples):
        out[lead_samples : lead_samples + len(samples), channel] = samples
    return out


def wav_bytes(recording: Recording) -> bytes:
    """The bytes of the WAV file. RecordingError without audio."""
    file = io.BytesIO()
    soundfile.write(file, call_audio(recording), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


_EMPTY_LEG = np.zeros(0, np.int16)
