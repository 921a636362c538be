"""How does a whole call sound? One WAV, a channel for each leg, in the time of the call.

A sample's index is the call's time: sample 16,000 is one second after it began. What was not kept,
or was silenced, is silence.
"""

from __future__ import annotations

import io

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.recordings.leg_audio import Whole
from agent.recordings.recording import Recording, RecordingError
from agent.recordings.transcript import offset
from audio.types import RATE


def whole(recording: Recording) -> Whole:
    """(samples, legs) int16 at 16 kHz, legs in their order. RecordingError without sound."""
    legs = recording.record.legs
    if not recording.sound:
        raise RecordingError(f"{recording.name}: no sound of it was kept")
    before = round(offset(recording) * RATE)
    sounds = [recording.sound[leg].samples if leg in recording.sound else _NONE for leg in legs]
    out = np.zeros((before + max(len(one) for one in sounds), len(legs)), np.int16)
    for channel, sound in enumerate(sounds):
        out[before : before + len(sound), channel] = sound
    return out


def wav(recording: Recording) -> bytes:
    """The file. RecordingError without sound."""
    file = io.BytesIO()
    soundfile.write(file, whole(recording), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


_NONE = np.zeros(0, np.int16)
