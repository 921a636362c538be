"""Inputs survive being written down, to the last bit; what is no input is named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent import events as e
from agent.written import WrittenError, digest, read, written, written_effects
from audio.types import AcousticCues, Prosody, Transcript, Word
from dialogs.talk import Evidence, Outcome, Request, Slot, Understanding

CUES = AcousticCues(
    {"neutral": 0.1 + 0.2}, None, 0.2, Prosody(None, 1.0, -3.0, None, 0.1, 0.2), 1.0, 0.5
)
HEARD = Understanding(
    "Grüße, 10 €",
    "greeting",
    0.9,
    (("other", 0.1),),
    None,
    0.1,
    0.2,
    (Slot("amount", "10.00", "10"),),
    1.0,
    CUES,
    (Evidence("loud", 1.0, 2, 3.0),),
    {"text": "x"},
    (Request("t", "i", 0.3),),
    ("a",),
)
INPUTS = [
    e.Opened(0.0, "call", ("customer", "agent"), True, e.Customer("7", "Ann")),
    e.Typed(1.0, "hello"),
    e.Digits(1.0, "12#"),
    e.Partial(1.0, 2, "hel"),
    e.Understood(1.5, 3, HEARD, Transcript("hi", 0.5, (Word("hi", 0, 3, 0.2),))),
    e.Missed(1.0, 2, "late"),
    e.Acted(1.0, Outcome("k", True, {"a": "b"})),
    e.Speaking(1.0, 2, 30),
    e.Played(1.0, 2, 20),
    e.Consented(1.0, True, False),
    e.TookOver(1.0, "Dana", "supervisor"),
    e.Said(1.0, "Dana", "hi"),
    e.HandedBack(1.0, "Dana"),
    e.Abandoned(1.0, "Dana"),
    e.Finished(1.0, "Dana", "resolved"),
    e.Queued(1.0, 1, 2, 3),
    e.Unreached(1.0, 1, "closed", "T1", "tomorrow"),
    e.Dropped(1.0),
    e.Resumed(1.0, 512),
    e.Tick(1.0),
    e.Left(1.0, True),
]


@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_an_input_is_read_back_as_it_was(event):
    line = written(event)
    assert "\n" not in line
    assert read(line) == event
    assert written(read(line)) == line


def test_sound_is_asked_for_by_leg_and_length():
    tone = np.linspace(-1, 1, 1024, dtype=np.float32)
    event = e.Heard(1.0, "customer", tone, (0.123456789, 0.5))
    back = read(written(event), lambda leg, samples: tone[:samples])
    assert isinstance(back, e.Heard)
    assert back.speech == event.speech
    assert np.array_equal(back.samples, tone)
    assert not np.any(read(written(event)).samples)


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"type":"Nothing"}', '{"type":"Typed","at":1}', '{"type":"Heard"}']
)
def test_anything_else_is_an_error(line):
    with pytest.raises(WrittenError):
        read(line)


def test_effects_differ_when_anything_in_them_does():
    show = e.Show(1, "customer", None, HEARD)
    other = e.Show(1, "customer", None, Understanding("Grüße, 10 €", "greeting", 0.9))
    assert digest([show]) == digest([e.Show(1, "customer", None, HEARD)]) != digest([other])
    assert digest([]) == ""


def test_of_sound_the_length_is_written():
    listen = e.Listen(1, "customer", 0, np.zeros(512, np.float32), True)
    assert json.loads(written_effects([listen]))[0]["samples"] == 512
