"""Sound files: read what was written, refuse in words what is none."""

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audio.codecs import from_pcm16, to_pcm16
from audio.files import decode_flac, encode_flac, read, write
from audio.types import RATE, AudioError

SOUND = (0.5 * np.sin(np.arange(RATE) / 20)).astype(np.float32)


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_written_sound_is_read_back(tmp_path, ending):
    path = tmp_path / f"call.{ending}"
    write(path, np.stack([SOUND, -SOUND], axis=1), 8_000)
    samples, rate = read(path)
    assert (samples.shape, samples.dtype, rate) == ((RATE, 2), np.float32, 8_000)
    assert np.abs(samples[:, 0] - SOUND).max() < 1e-4
    write(path, SOUND, RATE)
    assert read(path)[0].shape == (RATE, 1)


def test_too_loud_is_clipped(tmp_path):
    path = tmp_path / "loud.wav"
    soundfile.write(path, np.array([-3.0, 0.5, 3.0]), RATE, subtype="FLOAT")
    assert read(path)[0][:, 0].tolist() == [-1.0, 0.5, 1.0]
    write(path, np.array([-3.0, 3.0], np.float32), RATE)
    assert read(path)[0][:, 0] == pytest.approx([-1, 1], abs=1e-4)


def test_what_is_not_sound_is_refused_in_words(tmp_path):
    with pytest.raises(AudioError, match="no such file"):
        read(tmp_path / "absent.wav")
    text = tmp_path / "text.wav"
    text.write_text("Hello")
    with pytest.raises(AudioError, match="not a sound file"):
        read(text)
    empty = tmp_path / "empty.wav"
    soundfile.write(empty, np.zeros(0, np.float32), RATE)
    with pytest.raises(AudioError, match="holds no samples"):
        read(empty)
    broken = tmp_path / "broken.wav"
    soundfile.write(broken, np.array([0.0, np.nan]), RATE, subtype="FLOAT")
    with pytest.raises(AudioError, match="not finite"):
        read(broken)


def test_what_cannot_be_written_is_refused_in_words(tmp_path):
    with pytest.raises(AudioError, match="finite"):
        write(tmp_path / "call.wav", np.array([np.inf], np.float32), RATE)
    with pytest.raises(AudioError, match="an ending that names a format"):
        write(tmp_path / "call", SOUND, RATE)
    with pytest.raises(AudioError, match="cannot be written at 11 Hz"):
        write(tmp_path / "call.mp3", SOUND, 11)


@given(st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=300))
def test_flac_keeps_every_sample(values):
    pcm = np.array(values, np.int16)
    np.testing.assert_array_equal(decode_flac(encode_flac(pcm)), pcm)
    np.testing.assert_array_equal(decode_flac(encode_flac(to_pcm16(from_pcm16(pcm)))), pcm)


def test_flac_of_another_kind_is_refused_in_words(tmp_path):
    with pytest.raises(AudioError, match="not a FLAC file"):
        decode_flac(b"Hello")
    path = tmp_path / "call.flac"
    write(path, np.stack([SOUND, SOUND], axis=1), 8_000)
    with pytest.raises(AudioError, match="8000 Hz and 2 channels instead of 16000 and 1"):
        decode_flac(path.read_bytes())


def test_files_hold_the_16_bit_values(tmp_path):
    path = tmp_path / "call.wav"
    write(path, SOUND, RATE)
    np.testing.assert_array_equal(to_pcm16(read(path)[0][:, 0]), to_pcm16(SOUND))
