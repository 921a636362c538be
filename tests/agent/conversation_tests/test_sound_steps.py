"""A sound file as a client sends it: all of it, at its speed, with silence at its end."""

from __future__ import annotations

import numpy as np
import pytest

from agent.conversation_tests.sound_steps import CHUNK_SAMPLES, TRAILING_SILENCE_S, audio_inputs
from audio import files
from audio.types import RATE


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_a_file_of_any_rate_is_sent_as_its_seconds(tmp_path, rate):
    seconds = 1.5
    tone = 0.2 * np.sin(2 * np.pi * 300 * np.arange(int(seconds * rate)) / rate)
    files.write(tmp_path / "tone.wav", tone.astype(np.float32), rate)
    inputs = list(audio_inputs(tmp_path / "tone.wav", 20.0))
    samples = np.concatenate([one.samples for one in inputs])
    assert abs(len(samples) / RATE - seconds - TRAILING_SILENCE_S) < 0.1
    assert np.abs(samples[: int(seconds * RATE)]).max() > 0.15
    assert not samples[int((seconds + 0.1) * RATE) :].any()
    times = [one.at for one in inputs]
    assert times == sorted(times)
    assert 20.0 < times[0] <= 20.0 + 2 * CHUNK_SAMPLES / RATE
    assert abs(times[-1] - 20.0 - seconds - TRAILING_SILENCE_S) < 0.1


def test_silence_is_no_speech(tmp_path):
    files.write(tmp_path / "silence.wav", np.zeros(RATE, np.float32), RATE)
    assert (
        max(
            p
            for one in audio_inputs(tmp_path / "silence.wav", 0.0)
            for p in one.speech_probabilities
        )
        < 0.5
    )
