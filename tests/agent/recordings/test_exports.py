"""Others can read what was said: captions, vCon, one WAV in the time of the call."""

from __future__ import annotations

import base64
import io
import json
import re
import uuid
from datetime import datetime

import numpy as np
import pytest
import soundfile
import webvtt

from agent.recordings.bundle import load_recording
from agent.recordings.recording import RecordingError
from agent.recordings.transcript import legs_start_s, transcript_lines
from agent.recordings.vcon import vcon_json
from agent.recordings.wav import wav_bytes
from agent.recordings.webvtt import webvtt_text
from audio.types import RATE
from tests.agent.conftest import SESSIONS

KINDS = {"recording", "text", "transfer", "incomplete"}


def test_captions_are_read_back_with_who_speaks_and_when():
    recording = load_recording(SESSIONS / "spoken.zip")
    read = webvtt.from_buffer(io.StringIO(webvtt_text(recording))).captions
    said = transcript_lines(recording)
    assert len(read) == len(said)
    for cue, line in zip(read, said, strict=True):
        hours, minutes, seconds = cue.start.split(":")
        start = 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        assert start == pytest.approx(line.start, abs=0.002)
        assert cue.voice == {"customer": "Customer", "bot": "Hearken"}[line.speaker]


def test_what_was_private_is_named_and_not_said():
    recording = load_recording(SESSIONS / "private.zip")
    told = webvtt_text(recording)
    assert "my credit card <c.private>[card number]</c> was stolen" in told
    told = re.sub(r"ending in \d{4}", "", told)  # said by the bank, of the card that it blocked
    assert not re.search(r"\d{4}", re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "", told))


def test_markup_in_what_was_said_stays_text(tmp_path):
    from dataclasses import replace

    recording = load_recording(SESSIONS / "transfer.zip")
    rows = tuple(replace(row, input=row.input.replace("yes please", "<b>yes</b> & --> no"))
                 for row in recording.rows)  # fmt: skip
    told = webvtt_text(replace(recording, rows=rows))
    assert "&lt;b&gt;yes&lt;/b&gt; &amp; --&gt; no" in told
    assert len(webvtt.from_buffer(io.StringIO(told)).captions) == len(transcript_lines(recording))


def test_one_wav_holds_both_legs_in_the_time_of_the_call():
    recording = load_recording(SESSIONS / "two-legs.zip")
    samples, rate = soundfile.read(io.BytesIO(wav_bytes(recording)), dtype="int16", always_2d=True)
    assert rate == RATE
    assert samples.shape[1] == 2
    before = round(legs_start_s(recording) * RATE)
    for channel, leg in enumerate(("customer", "agent")):
        kept = recording.audio[leg].samples
        np.testing.assert_array_equal(samples[before : before + len(kept), channel], kept)
    for line in transcript_lines(
        recording
    ):  # who is said to speak does sound there, and nobody else
        if line.spoken and line.speaker == "agent":
            heard = np.abs(samples[round(line.start * RATE) : round(line.end * RATE)]).mean(axis=0)
            assert heard[1] > 10 * heard[0]


def test_a_chat_has_no_sound():
    with pytest.raises(RecordingError, match="none of its audio was stored"):
        wav_bytes(load_recording(SESSIONS / "transfer.zip"))


@pytest.mark.parametrize("name", ["transfer", "handed-over", "spoken", "two-legs", "called-back"])
def test_a_vcon_holds_what_its_draft_asks_for(name, here):
    recording = load_recording(SESSIONS / f"{name}.zip")
    told = json.loads(vcon_json(recording, here.target.pack))
    assert told["vcon"] == "0.4.0"
    assert uuid.UUID(told["uuid"]).version == 8
    datetime.fromisoformat(told["created_at"])
    parties = range(len(told["parties"]))
    for one in told["dialog"]:
        assert one["type"] in KINDS
        datetime.fromisoformat(one["start"])
        if one["type"] == "transfer":
            assert not {"parties", "originator", "mediatype", "body"} & one.keys()
            assert {one["transferee"], one["transferor"], one["transfer_target"]} <= set(parties)
            assert one["target_dialog"] in range(len(told["dialog"]))
            continue
        of = one["parties"] if isinstance(one["parties"], list) else [one["parties"]]
        assert set(of) <= set(parties)
        assert {"mediatype", "body", "encoding"} <= one.keys()
    for one in told["analysis"]:
        assert one["vendor"] == "Hearken"
        json.loads(one["body"])
    transcript = next(one for one in told["analysis"] if one["type"] == "transcript")
    assert [line["text"] for line in json.loads(transcript["body"])] == [
        line.text for line in transcript_lines(recording)
    ]


def test_a_vcon_holds_the_sound_a_channel_for_each_party(here):
    recording = load_recording(SESSIONS / "two-legs.zip")
    told = json.loads(vcon_json(recording, here.target.pack))
    (sound,) = (one for one in told["dialog"] if one["type"] == "recording")
    assert [told["parties"][index]["type"] for index in sound["parties"]] == ["person", "person"]
    held = base64.urlsafe_b64decode(sound["body"] + "=" * (-len(sound["body"]) % 4))
    assert held == wav_bytes(recording)


def test_a_hand_over_is_a_transfer_to_the_person_who_came(here):
    told = json.loads(vcon_json(load_recording(SESSIONS / "handed-over.zip"), here.target.pack))
    (moved,) = (one for one in told["dialog"] if one["type"] == "transfer")
    assert told["parties"][moved["transfer_target"]]["name"] == "Dana"
    assert told["dialog"][moved["target_dialog"]]["body"].startswith("Dana here.")
