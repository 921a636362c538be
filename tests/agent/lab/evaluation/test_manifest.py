"""What a user may write into a manifest, and what they are told about what they should not."""

import gzip
import io
import json
import zipfile

import numpy as np
import pytest
import soundfile

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import default_audio_path, open_audio_source
from agent.lab.evaluation.expected_questions import find_expectation, keyword_choices
from agent.lab.evaluation.manifest import normalised_text, read_manifest
from agent.lab.evaluation.recording_selection import (
    limit_recordings,
    select_split,
    speakers_in_several_splits,
)
from audio.types import AudioError, Expectation
from tests.agent.lab.evaluation.hearing import write_manifest

HELLO = {"path": "a.wav", "text": "Hello, you're on!"}


def test_only_the_path_and_something_to_compare_with_are_needed(tmp_path):
    found = read_manifest(
        write_manifest(tmp_path / "m.jsonl", HELLO, "", {"path": "b", "emotion": "calm"})
    )
    first, second = found.recordings
    assert (first.text, first.speaker, first.line) == ("hello you're on", "a.wav", 1)
    assert (second.emotion, second.line) == ("neutral", 3)
    assert not found.bad_lines
    assert any("without a speaker" in note for note in found.notes)


def test_a_packed_manifest_is_the_same(tmp_path):
    (tmp_path / "m.jsonl.gz").write_bytes(gzip.compress(json.dumps(HELLO).encode()))
    assert len(read_manifest(tmp_path / "m.jsonl.gz").recordings) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json", "Invalid JSON"),
        ("[1]", "should be an object"),
        ({"text": "no path"}, "path: Field required"),
        ({"path": "b", "text": 5}, "text: Input should be a valid string"),
        ({"path": "b", "text": "x", "expect": {"kind": "song"}}, "expect: Input should be"),
        ({"path": "b", "speaker": "ann"}, "neither text nor emotion"),
        (HELLO, "the same path as line 1"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path, line, words):
    found = read_manifest(write_manifest(tmp_path / "m.jsonl", HELLO, line))
    (flaw,) = found.bad_lines
    assert flaw.line == 2
    assert words in flaw.problem
    assert len(found.recordings) == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.jsonl", None),
        ("m.jsonl", b"\n"),
        ("m.jsonl.gz", b"no gzip"),
        ("m.jsonl.gz", b"\x1f\x8b"),
    ],
)
def test_no_manifest_at_all(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(EvaluationError, match="manifest"):
        read_manifest(tmp_path / name)


def test_a_reader_is_warned(tmp_path):
    found = read_manifest(
        write_manifest(
            tmp_path / "m.jsonl",
            {**HELLO, "speaker": "ann", "spaeker": "ann", "duration_s": 1.0},
            {
                "path": "b",
                "speaker": 7,
                "text": "dzień dobry",
                "emotion": "bored",
                "language": "pl",
            },
            {"path": "c", "speaker": 7, "text": "route 66"},
            {"path": "d", "speaker": 7, "text": "x", "doubtful": True},
            {"path": "e", "speaker": 7, "text_guess": "five"},
        )
    )
    assert [r.path for r in found.recordings] == ["a.wav", "c", "e"]
    told = "\n".join(found.notes)
    assert "line 1: unknown field 'spaeker'; 'speaker'?" in told
    assert "duration_s" not in told
    assert "not in 'en'" in told
    assert "'bored' (1, first on line 2)" in told
    assert "1 line (3) whose text has figures" in told
    assert "1 line (4) marked doubtful" in told
    assert "1 line (5) compared with text_guess" in told


def test_groups(tmp_path):
    lines = [
        {**HELLO, "gender": "Female", "phone": "cellphone", "dialect": "nonNative", "age": 9},
        {"path": "b", "text": "x", "gender": "m", "native": True, "age": 40.5},
        {"path": "c", "text": "x", "gender": "Prefer not to say", "native_language": "Hindi"},
        {"path": "d", "text": "x", "age": "twenties", "dialect": "Texan"},
    ]
    found = [
        r.groups for r in read_manifest(write_manifest(tmp_path / "m.jsonl", *lines)).recordings
    ]
    first = {"sex": "female", "phone": "cellphone", "first language": "non-native", "age": "child"}
    assert found[0] == first
    assert found[1] == {"sex": "male", "first language": "native", "age": "adult"}
    assert found[2] == {"first language": "non-native"}
    assert found[3] == {}


def recordings(tmp_path, *lines):
    made = [{"path": str(i), "text": "hi", **line} for i, line in enumerate(lines)]
    return read_manifest(write_manifest(tmp_path / "m.jsonl", *made)).recordings


def test_the_test_split_is_taken_where_there_are_splits(tmp_path):
    found = recordings(tmp_path, {"split": "train"}, {"split": "test"}, {})
    picked, told = select_split(found, None)
    assert [r.path for r in picked] == ["1"]
    assert told == "split test: 1 of 3 usable lines"
    assert len(select_split(found, "all")[0]) == 3
    assert select_split(found[2:], None)[1] == "all 1 usable lines"
    with pytest.raises(EvaluationError, match=r"split 'dev'.* test \(1\), train \(1\)"):
        select_split(found, "dev")


def test_the_wide_split_wins(tmp_path):
    (only,) = recordings(tmp_path, {"split": "test", "split_wide": "train"})
    assert only.split == "train"


def test_a_speaker_in_two_splits_is_found(tmp_path):
    ann = [{"speaker": "ann", "split": split} for split in ("train", "test")]
    found = recordings(tmp_path, *ann, {"speaker": "bob", "split": "test"}, {"speaker": "bob"})
    assert speakers_in_several_splits(found) == ["ann"]


def test_a_limit_is_spread_over_speakers(tmp_path):
    found = recordings(tmp_path, *({"speaker": "s" * (1 + (i > 8))} for i in range(12)))
    picked = limit_recordings(found, 6, 0)
    assert [r.speaker for r in picked] == ["s"] * 3 + ["ss"] * 3
    assert picked == limit_recordings(found, 6, 0) != limit_recordings(found, 6, 1)
    assert limit_recordings(found, None, 0) == limit_recordings(found, 99, 0) == found


MENU = ("operator", "pay bill")


@pytest.mark.parametrize(
    ("asking", "line", "asked"),
    [
        ("auto", {"text": "four oh double five"}, Expectation("digits", 4)),
        ("auto", {"text": "four horses"}, None),
        ("auto", {"text": "yes please"}, Expectation("yes_no")),
        ("auto", {"text": "stop"}, None),
        ("auto", {"text": "operator", "kind": "keyword"}, Expectation("choice", choices=MENU)),
        (
            "auto",
            {"text": "five", "expect": {"kind": "choice", "choices": ["Five", "Six"]}},
            Expectation("choice", choices=("five", "six")),
        ),
        ("auto", {"text": "five", "expect": {"kind": "open"}}, None),
        ("open", {"text": "five"}, None),
        ("digits", {"text": "five", "expect": {"kind": "open"}}, Expectation("digits", 1)),
        ("digits", {"text": "yes"}, None),
        ("yes_no", {"text": "stop"}, Expectation("yes_no")),
        ("keywords", {"text": "hello"}, Expectation("choice", choices=MENU)),
        ("auto", {"text": None, "emotion": "sad"}, None),
    ],
)
def test_questions(tmp_path, asking, line, asked):
    assert find_expectation(*recordings(tmp_path, line), asking, MENU) == asked


def test_the_menu_is_what_keyword_lines_say(tmp_path):
    lines = ({"text": t, "kind": "keyword"} for t in ("Pay bill", "operator", "operator"))
    found = recordings(tmp_path, *lines, {"text": "something else"})
    assert keyword_choices(found, "auto") == ("operator", "pay bill")
    assert keyword_choices(found, "keywords") == ("operator", "pay bill", "something else")


def test_plain():
    assert (
        normalised_text(" It\u2019s 5 o'clock \u2013 'Go', she_said! ")
        == "it's 5 o'clock go she said"
    )
    assert normalised_text("Dzień dobry!") == "dzień dobry"
    assert normalised_text(" ' - ") == ""


def sound(samples, rate=8000):
    packed = io.BytesIO()
    soundfile.write(packed, samples, rate, format="WAV")
    return packed.getvalue()


NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 800)
FILES = {
    "fine.wav": sound(NOISE),
    "silent.wav": sound(np.zeros(800)),
    "empty.wav": sound(np.zeros(0)),
    "two.wav": sound(np.stack([NOISE, NOISE], 1)),
    "broken.wav": b"RIFF, then nothing",
}


@pytest.fixture(params=["folder", "zip"])
def where(request, tmp_path):
    if request.param == "zip":
        with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as packed:
            for name, content in FILES.items():
                packed.writestr(name, content)
        return tmp_path / "sounds.zip"
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_sounds(where):
    sounds = open_audio_source(where)
    samples, rate = sounds.read("fine.wav")
    assert (samples.shape, rate) == ((800,), 8000)
    for name, words in (
        ("missing.wav", "not in"),
        ("silent.wav", "only silence"),
        ("empty.wav", "only silence"),
        ("two.wav", "2 channels"),
        ("broken.wav", "no sound file"),
    ):
        with pytest.raises(AudioError, match=f"{name}: .*{words}"):
            sounds.read(name)


def test_sounds_are_looked_for_beside_the_manifest(tmp_path):
    assert default_audio_path(tmp_path / "m.jsonl.gz") == tmp_path
    (tmp_path / "m.zip").write_bytes(b"")
    assert (
        default_audio_path(tmp_path / "m.jsonl.gz")
        == default_audio_path(tmp_path / "m.jsonl")
        == tmp_path / "m.zip"
    )
    with pytest.raises(EvaluationError, match="neither a folder nor a zip"):
        open_audio_source(tmp_path / "m.zip")
