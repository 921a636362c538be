"""Bytes and numbers: G.711 as the recommendation has it, and refusals that say what to change."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.codecs import (
    ENCODINGS,
    WIDTH,
    decode,
    encode,
    from_pcm16,
    quantise,
    to_pcm16,
)
from audio.types import AudioError

# 16-bit value, byte on the line, 16-bit value heard. The first group was made with CPython's
# audioop; the A-law ones follow from G.711 table 1.
MULAW = [
    (0, 0xFF, 0),
    (100, 0xF2, 104),
    (-100, 0x72, -104),
    (1_000, 0xCE, 988),
    (32_767, 0x80, 32_124),
    (-32_768, 0x00, -32_124),
]
ALAW = [
    (0, 0xD5, 8),
    (-1, 0x55, -8),
    (16, 0xD4, 24),
    (1_000, 0xFA, 1_008),
    (-1_000, 0x7A, -1_008),
    (32_767, 0xAA, 32_256),
    (-32_768, 0x2A, -32_256),
]


@pytest.mark.parametrize(
    ("encoding", "value", "byte", "heard"),
    [("mulaw", *row) for row in MULAW] + [("alaw", *row) for row in ALAW],
)
def test_g711_vectors(encoding, value, byte, heard):
    assert encode(np.array([value / 32_768], np.float32), encoding) == bytes([byte])
    assert decode(bytes([byte]), encoding, 1)[0, 0] * 32_768 == heard


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_every_code_survives_the_way_to_numbers_and_back(encoding):
    codes = bytes(range(256))
    # Mu-law has two codes for zero, 0x7F and 0xFF; the second is the one that is sent.
    expected = codes.replace(b"\x7f", b"\xff") if encoding == "mulaw" else codes
    assert encode(decode(codes, encoding, 1), encoding) == expected


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_louder_is_never_heard_as_quieter(encoding):
    values = np.arange(-32_768, 32_768, dtype=np.float32) / 32_768
    heard = decode(encode(values, encoding), encoding, 1)[:, 0]
    assert (np.diff(heard) >= 0).all()
    # Half a step is 1/32 of the value at most, where neither law's smallest step is larger. What
    # is within 644 of full scale lies above mu-law's loudest code, which is the nearest there is.
    error = np.abs(heard - values)
    assert (error <= np.abs(values) / 32 + 8 / 32_768)[644:-644].all()


@given(st.lists(st.integers(-32_768, 32_767)))
def test_pcm_is_exact_both_ways(values):
    data = np.array(values, "<i2").tobytes()
    assert encode(decode(data, "pcm_s16le", 1), "pcm_s16le") == data


def test_channels_are_interleaved():
    left_right = np.array([[0.5, -0.5], [0.25, -0.25]], np.float32)
    data = encode(left_right, "pcm_s16le")
    assert np.array_equal(np.frombuffer(data, "<i2"), [16_384, -16_384, 8_192, -8_192])
    assert np.array_equal(decode(data, "pcm_s16le", 2), left_right)


@given(st.binary(max_size=64), st.sampled_from(ENCODINGS), st.integers(1, 2))
def test_any_bytes_are_whole_frames_or_refused(data, encoding, channels):
    frame = WIDTH[encoding] * channels
    if len(data) % frame:
        with pytest.raises(AudioError, match=f"multiple of {frame} bytes"):
            decode(data, encoding, channels)
    else:
        samples = decode(data, encoding, channels)
        assert samples.shape == (len(data) // frame, channels)
        assert samples.dtype == np.float32
        assert (np.abs(samples) <= 1).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_too_loud_is_clipped_and_nothing_stays_nothing(encoding):
    loud = np.array([-7, 7], np.float32)
    assert encode(loud, encoding) == encode(np.array([-1, 1], np.float32), encoding)
    assert encode(np.zeros(0, np.float32), encoding) == b""


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(AudioError, match="finite"):
        encode(np.array([0, bad], np.float32), "mulaw")


def test_unknown_encodings_and_channels_are_refused_in_words():
    with pytest.raises(AudioError, match="use one of pcm_s16le, mulaw, alaw"):
        decode(b"", "opus", 1)  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="use one of pcm_s16le, mulaw, alaw"):
        encode(np.zeros(1, np.float32), "opus")  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="not 0"):
        decode(b"", "mulaw", 0)


def test_every_16_bit_value_survives_the_way_to_floats_and_back():
    pcm = np.arange(-32_768, 32_768).astype(np.int16)
    np.testing.assert_array_equal(to_pcm16(from_pcm16(pcm)), pcm)
    np.testing.assert_array_equal(to_pcm16(from_pcm16(pcm).astype(np.float64)), pcm)
    assert encode(from_pcm16(pcm), "pcm_s16le") == pcm.tobytes()


@given(st.lists(st.floats(-2, 2, width=32), min_size=1))
def test_floats_become_the_nearest_16_bit_value(values):
    samples = np.array(values, np.float32)
    near = quantise(samples)
    assert near.dtype == np.float32
    assert (np.abs(near - np.clip(samples, -1, 32_767 / 32_768)) <= 0.5 / 32_768).all()
    np.testing.assert_array_equal(quantise(near), near)
