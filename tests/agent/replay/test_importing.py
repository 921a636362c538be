"""Chats and calls from elsewhere become recordings that can be replayed; mistakes are told."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from agent.recordings.bundle import load_recording, save_recording
from agent.recordings.recording import RecordingError
from agent.recordings.transcript import transcript_lines
from agent.replay.importing import import_conversation
from agent.replay.verdict import replay_recording
from audio import files
from audio.speak import TtsVoice
from audio.types import RATE
from tests.agent.conftest import SESSIONS

pytestmark = pytest.mark.model
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
LOG = """\
[00:00] Customer: hi, my debit card is gone
[00:12] Sam: Oh no. Let me see.
[00:15] Customer: my number is 100421
and my card is 4111 1111 1111 1111
[00:40] Customer: what are your opening hours
"""


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """A customer on the left, an employee on the right, two seconds between them."""
    voice, quiet = TtsVoice("en-us"), np.zeros(2 * RATE, np.float32)
    one = [quiet, voice.synthesise("I lost my debit card", RATE), quiet, quiet]
    customer = np.concatenate(one)
    employee = np.concatenate([np.zeros(len(customer), np.float32),
                               voice.synthesise("one moment please", RATE), quiet])  # fmt: skip
    customer = np.concatenate([customer, np.zeros(len(employee) - len(customer), np.float32)])
    file = tmp_path_factory.mktemp("call") / "call.wav"
    files.write(file, 0.7 * np.stack([customer, employee], axis=1), RATE)
    return file


def test_a_chat_becomes_a_recording(here, models, tmp_path):
    (tmp_path / "chat.txt").write_text(LOG)
    save_recording(
        import_conversation(tmp_path / "chat.txt", None, here, models, NOW), tmp_path / "chat.zip"
    )
    recording = load_recording(tmp_path / "chat.zip")
    assert replay_recording(recording, here.target).verdict == "identical"
    said = [one for one in transcript_lines(recording) if one.speaker == "customer"]
    assert [round(one.start) for one in said] == [0, 15, 40]
    assert any(one.name == "Sam" for one in transcript_lines(recording))
    written = (tmp_path / "chat.zip").read_bytes() + "".join(
        row.input for row in recording.rows
    ).encode()
    assert b"4111" not in written
    assert b"100421" not in written
    assert [one[2] for one in said[1].private_spans] == ["customer number", "card number"]


def test_words_in_any_script_are_the_same_again(here, models, tmp_path):
    (tmp_path / "chat.txt").write_text("Customer: señor, mi tarjeta — 卡 — is gone\n", "utf-8")
    save_recording(
        import_conversation(tmp_path / "chat.txt", None, here, models, NOW), tmp_path / "chat.zip"
    )
    assert (
        replay_recording(load_recording(tmp_path / "chat.zip"), here.target).verdict == "identical"
    )


def test_a_spoken_number_is_silence_whoever_wrote_it_down(here, models, tmp_path):
    voice, quiet = TtsVoice("en-us"), np.zeros(2 * RATE, np.float32)
    said = "my card number is four one one one, one one one one, one one one one, one one one one"
    files.write(
        tmp_path / "call.wav", 0.7 * np.concatenate([quiet, voice.synthesise(said, RATE)]), RATE
    )
    (tmp_path / "said.txt").write_text(said)
    recording = import_conversation(tmp_path / "call.wav", tmp_path / "said.txt", here, models, NOW)
    (line,) = (one for one in transcript_lines(recording) if one.speaker == "customer")
    assert "four one one one" not in line.text
    sound = recording.audio["customer"]
    assert not sound.samples[round(line.start * RATE) : round(line.end * RATE)].any()
    assert not sound.is_intact(0, len(sound.samples))


def test_the_same_file_is_the_same_recording(here, models, tmp_path):
    (tmp_path / "chat.txt").write_text("Customer: what are your opening hours\n")
    one, other = (
        import_conversation(tmp_path / "chat.txt", None, here, models, NOW) for _ in range(2)
    )
    assert one.rows == other.rows
    assert one.record == other.record


def test_a_call_becomes_a_recording(call, here, models, tmp_path):
    recording = import_conversation(call, None, here, models, NOW)
    save_recording(recording, tmp_path / "call.zip")
    recording = load_recording(tmp_path / "call.zip")
    assert recording.record.legs == ("customer", "agent")
    assert replay_recording(recording, here.target).verdict == "identical"
    who = [
        (one.speaker, one.text)
        for one in transcript_lines(recording)
        if one.speaker in ("customer", "agent")
    ]
    assert who[0] == ("customer", "i lost my debit card")
    assert who[1][0] == "agent"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("said.txt", "I lost my credit card"),
        ("said.vtt", "WEBVTT\n\n00:02.000 --> 00:03.900\n<v Customer>I lost my credit card\n"),
        ("said.srt", "1\n00:00:02,000 --> 00:00:03,900\nI lost my credit card\n"),
    ],
)
def test_what_a_person_has_written_down_counts(name, text, call, here, models, tmp_path):
    (tmp_path / name).write_text(text)
    recording = import_conversation(call, tmp_path / name, here, models, NOW)
    (said,) = (one for one in transcript_lines(recording) if one.speaker == "customer")
    assert said.text == "I lost my credit card"
    assert 1.5 < said.start < 2.5
    assert replay_recording(recording, here.target).verdict == "identical"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("my card is gone", r"chat\.txt:1: a line of a chat begins with the speaker"),
        ("Sam: hello\nAda: hi", r"no line is a customer's \(Ada, Sam speak\)"),
    ],
)
def test_a_log_that_is_none_is_told_in_words(text, words, here, models, tmp_path):
    (tmp_path / "chat.txt").write_text(text)
    with pytest.raises(RecordingError, match=words):
        import_conversation(tmp_path / "chat.txt", None, here, models, NOW)


def test_lines_that_nobody_said_are_told(call, here, models, tmp_path):
    (tmp_path / "said.txt").write_text("I lost my card\nand my umbrella\n")
    with pytest.raises(RecordingError, match="1 lines of the transcript belong to no turn"):
        import_conversation(call, tmp_path / "said.txt", here, models, NOW)


def test_a_chat_has_no_transcript(here, models):
    with pytest.raises(RecordingError, match="only a sound file has a transcript"):
        import_conversation(SESSIONS / "README.md", SESSIONS / "README.md", here, models, NOW)
