"""Voice activity: finds speech, whoever else is listening and however the sound arrives."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings

from audio.resample import resample
from audio.speak import TtsVoice
from audio.types import RATE, VOICE_HOP, AudioError
from audio.vad import VoiceActivityDetector
from tests.support.strategies import cut, packet_sizes

VAD = VoiceActivityDetector.load()
QUIET = np.zeros(RATE, np.float32)
WORDS = TtsVoice().synthesise("I lost my card", RATE)
CALL = np.concatenate([QUIET, WORDS, QUIET])[: RATE * 3]


def hear(samples):
    return VAD.speech_probabilities(VAD.open(), samples)[1]


WHOLE = hear(CALL)


@settings(max_examples=25, deadline=None)
@given(packet_sizes)
def test_pieces_do_not_matter(sizes):
    stream = VAD.open()
    heard = [VAD.speech_probabilities(stream, piece) for piece in cut(CALL, sizes)]
    assert all(len(samples) == VOICE_HOP * len(speech) for samples, speech in heard)
    samples = np.concatenate([samples for samples, _ in heard])
    assert np.array_equal(samples, CALL[: len(WHOLE) * VOICE_HOP])
    assert np.array_equal(np.concatenate([speech for _, speech in heard]), WHOLE)


@pytest.mark.parametrize("rate", [RATE, 8_000])
def test_finds_the_words_and_nothing_else(rate):
    call = resample(resample(CALL, RATE, rate), rate, RATE)
    speech = hear(call) >= 0.5
    first, last = RATE // VOICE_HOP, (RATE + len(WORDS)) // VOICE_HOP
    assert speech[first : last + 1].mean() > 0.85
    assert not speech[: first - 1].any()
    assert not speech[last + 10 :].any()


def test_clicks_hiss_and_tones_are_not_speech():
    rng = np.random.default_rng(3)
    time = np.arange(RATE) / RATE
    click = np.zeros(RATE)
    click[5_000:5_030] = 0.9
    for sound in (
        click,
        0.05 * rng.standard_normal(RATE),
        0.3 * rng.standard_normal(RATE) * np.exp(-15 * time),  # a burst, as a cough begins
        0.3 * np.sin(2 * np.pi * 440 * time),
    ):
        call = np.concatenate([QUIET, sound.astype(np.float32), QUIET])
        assert (hear(call) >= 0.5).sum() < 3


def test_streams_in_threads_do_not_disturb_each_other():
    with ThreadPoolExecutor(4) as threads:
        for speech in threads.map(hear, [CALL] * 8):
            assert np.array_equal(speech, WHOLE)


def test_weights_are_loaded_once():
    assert VoiceActivityDetector.load() is VAD


def test_a_broken_sample_is_refused_and_spoils_nothing():
    stream = VAD.open()
    with pytest.raises(AudioError, match="finite"):
        VAD.speech_probabilities(stream, np.array([np.nan], np.float32))
    assert np.array_equal(VAD.speech_probabilities(stream, CALL)[1], WHOLE)
