"""Prosody: sounds whose pitch, glide, level and rate are known."""

import numpy as np
import pytest

from audio.prosody import prosody_of
from audio.resample import resample
from audio.speak import TtsVoice
from audio.types import RATE, VOICE_HOP

TIME = np.arange(3 * RATE) / RATE
NOISE = np.random.default_rng(4).standard_normal(len(TIME))


def voice(hz, above=0.0):
    """Harmonics of this fundamental, a number or one for every sample, between `above` and 3.4 kHz.

    Weaker the higher they are, as in a voice.
    """
    hz = np.broadcast_to(np.asarray(hz, float), TIME.shape)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    sound = sum(np.sin(k * phase) / k * ((k * hz > above) & (k * hz < 3_400)) for k in range(1, 57))
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def all_of(samples):
    return np.ones(len(samples) // VOICE_HOP, np.bool_)


@pytest.mark.parametrize("hz", [62, 85, 120, 180, 250, 390])
@pytest.mark.parametrize("above", [0, 300])  # 300: a telephone line has cut off the fundamental
def test_pitch_of_a_steady_voice(hz, above):
    found = prosody_of(voice(hz, above), None)
    assert found.pitch_hz == pytest.approx(hz, rel=0.01)
    assert found.pitch_range_semitones < 0.2


def test_pitch_range_of_a_glide():
    found = prosody_of(voice(120 * 2 ** (TIME / 3)), None)  # an octave in three seconds
    assert found.pitch_hz == pytest.approx(120 * 2**0.5, rel=0.02)
    assert found.pitch_range_semitones == pytest.approx(0.8 * 12, abs=0.4)


def test_pitch_in_noise_and_over_the_telephone():
    noisy = (voice(150) + 0.05 * NOISE).astype(np.float32)
    narrow = resample(resample(noisy, RATE, 8_000), 8_000, RATE)
    assert prosody_of(narrow, None).pitch_hz == pytest.approx(150, rel=0.01)


def test_noise_has_loudness_but_no_pitch():
    found = prosody_of((0.1 * NOISE).astype(np.float32), None)
    assert found.pitch_hz is None
    assert found.pitch_range_semitones is None
    assert found.loudness_db == pytest.approx(-20, abs=0.2)


def test_loudness_is_that_of_the_speech_alone():
    sine = np.sin(2 * np.pi * 200 * TIME).astype(np.float32)
    assert prosody_of(sine, None).loudness_db == pytest.approx(-3.01, abs=0.05)
    half = np.concatenate([0.1 * sine, np.zeros_like(sine)])
    assert prosody_of(half, None).loudness_db == pytest.approx(-23.01, abs=0.2)


@pytest.mark.parametrize("rate", [2, 3, 4, 5, 6])
def test_syllables_of_swelling_sound(rate):
    swell = (1 - np.cos(2 * np.pi * rate * TIME)) / 2
    for sound in (0.3 * NOISE * swell, voice(120) * (0.2 + 0.8 * swell)):
        samples = sound.astype(np.float32)
        assert prosody_of(samples, all_of(samples)).syllables_per_s == pytest.approx(rate, abs=0.6)


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("My card was stolen yesterday", 8),
        ("I would like to check the balance of my savings account please", 17),
        ("Hello", 2),
    ],
)
@pytest.mark.parametrize("rate", [RATE, 8_000])
def test_syllables_of_speech(text, syllables, rate):
    samples = resample(TtsVoice().synthesise(text, rate), rate, RATE)
    found = prosody_of(samples, None)
    assert found.syllables_per_s * found.voiced_s == pytest.approx(syllables, abs=2)
    assert 80 < found.pitch_hz < 130  # espeak-ng's ordinary voice is a man's


def test_pauses_are_those_inside():
    samples = voice(120)
    voiced = np.zeros(len(samples) // VOICE_HOP, np.bool_)
    voiced[20:40] = voiced[60:80] = True  # before 20 and after 80 is waiting
    found = prosody_of(samples, voiced)
    assert found.pause_ratio == pytest.approx(20 / 60)
    assert found.voiced_s == pytest.approx(40 * VOICE_HOP / RATE)


@pytest.mark.parametrize("length", [0, 100, 700, RATE])
def test_silence_and_scraps_are_not_measured(length):
    found = prosody_of(np.zeros(length, np.float32), None)
    assert (found.pitch_hz, found.loudness_db, found.syllables_per_s) == (None, None, None)
    assert (found.pause_ratio, found.voiced_s) == (1, 0)
    silent = np.zeros(length, np.float32)
    assert prosody_of(silent, all_of(silent)).loudness_db is None


def test_hops_must_fit_the_sound():
    with pytest.raises(ValueError, match="do not describe"):
        prosody_of(np.zeros(RATE, np.float32), np.ones(3, np.bool_))


def test_speech_too_short_for_percentiles_has_no_pitch():
    samples = (0.1 * NOISE[: 5 * VOICE_HOP]).astype(np.float32)
    samples[: 2 * VOICE_HOP] += voice(120)[: 2 * VOICE_HOP]
    found = prosody_of(samples, all_of(samples))
    assert found.pitch_hz is None
    assert found.loudness_db is not None
