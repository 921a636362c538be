"""Rates: the same bits however the input is cut, in time, at the right pitch and level."""

from math import ceil

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import firwin

from audio.resample import RATES, Resampler, half_band_taps, resample
from audio.types import RATE, AudioError
from tests.support.strategies import cut, packet_sizes

NOISE = np.random.default_rng(1).uniform(-1, 1, 20_000).astype(np.float32)
PAIRS = [(a, b) for a in RATES for b in RATES if a != b]


def tone(hz, rate, seconds=1.0):
    return np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate).astype(np.float32)


def level_db(samples, hz, rate):
    """Level of this frequency against a sine at full scale."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    window = np.hanning(len(middle))
    turning = np.exp(-2j * np.pi * hz * np.arange(len(middle)) / rate)
    return 20 * np.log10(2 * abs(np.sum(middle * window * turning)) / window.sum() + 1e-9)


@settings(max_examples=60)
@given(st.sampled_from(PAIRS), packet_sizes, st.integers(0, len(NOISE)))
def test_pieces_do_not_matter(rates, sizes, length):
    sound = NOISE[:length]
    resampler = Resampler(*rates)
    pieces = [resampler.push(piece) for piece in cut(sound, sizes)]
    at_once = Resampler(*rates)
    assert sum(map(len, pieces)) == len(at_once.push(sound))  # as prompt as at once, too
    assert np.array_equal(
        np.concatenate([*pieces, resampler.flush()]), resample(sound, *rates), equal_nan=False
    )


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_length_and_delay(rate_in, rate_out):
    sound = NOISE[: rate_in // 10 + 7]
    resampler = Resampler(rate_in, rate_out)
    prompt = resampler.push(sound)
    assert len(prompt) / rate_out > len(sound) / rate_in - 0.007  # held back: under 7 ms
    total = len(prompt) + len(resampler.flush())
    assert total == ceil(len(sound) * rate_out / rate_in)


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_tones_keep_their_place_and_level(rate_in, rate_out):
    for hz in (300, 1_000, 0.85 * min(rate_in, rate_out) / 2):
        heard = resample(tone(hz, rate_in), rate_in, rate_out)
        meant = tone(hz, rate_out)
        middle = slice(rate_out // 4, -rate_out // 4)
        assert np.abs(heard[middle] - meant[middle]).max() < 2e-3


def test_images_and_aliases_are_gone():
    up = resample(tone(3_400, 8_000), 8_000, RATE)
    assert level_db(up, 3_400, RATE) == pytest.approx(0, abs=0.1)
    assert level_db(up, 8_000 - 3_400, RATE) < -70
    for hz in (8_500, 12_000, 20_000):
        assert level_db(resample(tone(hz, 48_000), 48_000, RATE), abs(RATE - hz), RATE) < -70


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100, 48_000])
def test_agrees_with_libsoxr_in_the_pass_band(rate):
    rng = np.random.default_rng(2)
    sound = sum(tone(hz, rate) * rng.uniform(0.05, 0.2) for hz in rng.uniform(100, 3_300, 8))
    ours, theirs = resample(sound, rate, RATE), soxr.resample(sound, rate, RATE, quality="VHQ")
    middle = slice(2_000, -2_000)
    assert np.abs(ours[middle] - theirs[middle]).max() < 1e-3


def test_a_flushed_resampler_begins_anew():
    resampler = Resampler(48_000, RATE)
    first = np.concatenate([resampler.push(NOISE), resampler.flush()])
    second = np.concatenate([resampler.push(NOISE), resampler.flush()])
    assert np.array_equal(first, second)
    assert len(resampler.flush()) == 0


def test_same_rate_is_left_alone():
    resampler = Resampler(RATE, RATE)
    assert np.array_equal(resampler.push(NOISE), NOISE)
    assert len(resampler.flush()) == 0


@pytest.mark.parametrize("rates", [(11_025, RATE), (RATE, 0)])
def test_other_rates_are_refused_with_the_ones_supported(rates):
    with pytest.raises(AudioError, match="8000, 16000, 22050, 24000, 44100, 48000"):
        Resampler(*rates)


def test_the_half_band_filter_is_the_one_that_scipy_designs():
    designed = 2 * firwin(4 * 24 - 1, 0.5, window=("kaiser", 7.0))
    assert np.array_equal(half_band_taps(), designed[::2].astype(np.float32))
