"""A recording is read as it was written, and one that was damaged is not."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest

from agent.recordings.bundle import find_recordings, is_recording, load_recording, save_recording
from agent.recordings.leg_audio import (
    LegAudio,
    difference_of_ranges,
    find_masked_ranges,
    union_of_ranges,
)
from agent.recordings.recording import RecordingError
from audio.types import VOICE_HOP
from tests.agent.conftest import SESSIONS

SPOKEN = SESSIONS / "spoken.zip"


@pytest.mark.parametrize("ending", ["", ".zip"])
def test_it_is_read_as_it_was_written(ending, tmp_path):
    before = load_recording(SPOKEN)
    place = tmp_path / f"spoken{ending}"
    save_recording(before, place)
    after = load_recording(place)
    assert (after.record, after.rows, after.labels) == (before.record, before.rows, before.labels)
    sound = after.audio["customer"]
    np.testing.assert_array_equal(sound.samples, before.audio["customer"].samples)
    assert sound.intact_ranges == before.audio["customer"].intact_ranges


def test_the_same_recording_is_the_same_file(tmp_path):
    for name in ("one.zip", "other.zip"):
        save_recording(load_recording(SPOKEN), tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_saving_over_one_replaces_all_of_it(tmp_path):
    place = tmp_path / "it"
    save_recording(load_recording(SPOKEN), place)
    save_recording(load_recording(SESSIONS / "transfer.zip"), place)
    assert sorted(one.name for one in place.iterdir()) == ["inputs.jsonl", "session.json"]
    assert [one.name for one in tmp_path.iterdir()] == ["it"]


def test_no_token_leaves_with_a_recording():
    with zipfile.ZipFile(SPOKEN) as packed:
        about = json.loads(packed.read("session.json"))
    assert not {"token", "sealed"} & about["session"].keys()


def test_a_changed_file_is_refused_and_named(tmp_path):
    save_recording(load_recording(SPOKEN), tmp_path / "it")
    inputs = tmp_path / "it" / "inputs.jsonl"
    inputs.write_bytes(inputs.read_bytes().replace(b"balance", b"ballads", 1))
    with pytest.raises(RecordingError, match=r"inputs\.jsonl: its content is not what"):
        load_recording(tmp_path / "it")


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (b"not json", "no description of a recording"),
        (b'{"format": 99}', "format 99 is not one that this version reads"),
        (b'{"format": 1}', "fields are missing"),
    ],
)
def test_a_broken_description_is_told_in_words(about, words, tmp_path):
    save_recording(load_recording(SPOKEN), tmp_path / "it")
    (tmp_path / "it" / "session.json").write_bytes(about)
    with pytest.raises(RecordingError, match=words):
        load_recording(tmp_path / "it")


def test_a_row_that_is_none_is_named_by_its_line(tmp_path):
    from hashlib import sha256

    save_recording(load_recording(SESSIONS / "transfer.zip"), tmp_path / "it")
    lines = (tmp_path / "it" / "inputs.jsonl").read_bytes().splitlines()
    data = b"\n".join([*lines[:3], b'{"n": 4}', *lines[4:]]) + b"\n"
    (tmp_path / "it" / "inputs.jsonl").write_bytes(data)
    about = json.loads((tmp_path / "it" / "session.json").read_text())
    about["inputs"]["sha256"] = sha256(data).hexdigest()
    (tmp_path / "it" / "session.json").write_text(json.dumps(about))
    with pytest.raises(RecordingError, match=r"inputs\.jsonl:4: not a row"):
        load_recording(tmp_path / "it")


def test_recordings_are_found_in_a_folder(tmp_path):
    assert len(find_recordings(SESSIONS)) >= 6
    assert find_recordings(SPOKEN) == [SPOKEN]
    assert not is_recording(tmp_path)
    with pytest.raises(RecordingError, match="hearken recordings export"):
        find_recordings(tmp_path)


def test_sound_is_kept_exactly_as_it_was():
    samples = np.random.default_rng(1).integers(-32768, 32768, 5000).astype(np.int16)
    half = LegAudio(samples, ((0, 2000), (3000, 5000)))
    assert half.is_intact(0, 2000)
    assert half.is_intact(3100, 4000)
    assert not half.is_intact(1900, 2100)
    assert not half.is_intact(4000, 5001)
    assert len(half.samples_at(4900, 512)) == 512


def test_ranges_are_joined_and_cut():
    assert union_of_ranges([(5, 9), (0, 2), (2, 4)]) == ((0, 4), (5, 9))
    assert difference_of_ranges([(0, 10)], [(2, 3), (8, 20)]) == ((0, 2), (3, 8))


def test_voice_without_sound_was_cut_out():
    samples = np.ones(20 * VOICE_HOP, np.int16)
    samples[4 * VOICE_HOP : 12 * VOICE_HOP] = 0
    speech = (0.9,) * 20
    assert find_masked_ranges(samples, [(0, speech)]) == ((4 * VOICE_HOP, 12 * VOICE_HOP),)
    assert find_masked_ranges(samples, [(0, (0.1,) * 20)]) == ()
