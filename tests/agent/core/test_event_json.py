"""Inputs survive being written down, to the last bit; what is no input is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from agent.core.effects import CloseSession, Effect, FeedEncoder, SayReplies, ShowTurn, StopSpeech
from agent.core.event_json import (
    EFFECT_TAGS,
    INPUT_TAGS,
    EventFormatError,
    effects_digest,
    effects_to_json,
    event_from_json,
    event_to_json,
    is_comparable,
)
from agent.core.inputs import (
    ActionCompleted,
    AudioReceived,
    AvailabilityChanged,
    ConnectionLost,
    ConnectionResumed,
    ConsentChanged,
    Customer,
    CustomerLeft,
    DeadlineReached,
    DigitsReceived,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PartialTextReceived,
    PersonEndedSession,
    PersonHandedBack,
    PersonLost,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    SpeechPlayed,
    SpeechSent,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from audio.types import AcousticCues, Prosody, Transcript, Word
from dialogs.values import ActionResult, Evidence, FurtherRequest, Reply, Slot, Understanding

KEPT = Path(__file__).parent / "inputs_version_2.jsonl"
DIGEST = "2:54a818ba4fd59ea12dcf789643be7f8249c6f48beece840d7737f6af00697ee0"
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
    (FurtherRequest("t", "i", 0.3),),
    ("a",),
)
INPUTS = [
    SessionOpened(0.0, "call", ("customer", "agent"), True, Customer("7", "Ann")),
    TextReceived(1.0, "hello"),
    DigitsReceived(1.0, "12#"),
    PartialTextReceived(1.0, 2, "hel"),
    TurnUnderstood(1.5, 3, HEARD, Transcript("hi", 0.5, (Word("hi", 0, 3, 0.2),))),
    UnderstandingFailed(1.0, 2, "late"),
    ActionCompleted(1.0, ActionResult("k", True, {"a": "b"})),
    SpeechSent(1.0, 2, 30),
    SpeechPlayed(1.0, 2, 20),
    ConsentChanged(1.0, True, False),
    PersonTookOver(1.0, "Dana", "supervisor"),
    PersonTextReceived(1.0, "Dana", "hi"),
    PersonHandedBack(1.0, "Dana"),
    PersonLost(1.0, "Dana"),
    PersonEndedSession(1.0, "Dana", "resolved"),
    HandoffQueued(1.0, 1, 2, 3),
    HandoffUnanswered(1.0, 1, "closed", "T1", "tomorrow"),
    AvailabilityChanged(1.0, False, "tomorrow at 8 AM"),
    ConnectionLost(1.0),
    ConnectionResumed(1.0, 512),
    DeadlineReached(1.0),
    CustomerLeft(1.0, True),
]


@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_an_input_is_read_back_as_it_was(event):
    line = event_to_json(event)
    assert "\n" not in line
    assert event_from_json(line) == event
    assert event_to_json(event_from_json(line)) == line


def test_sound_is_asked_for_by_leg_and_length():
    tone = np.linspace(-1, 1, 1024, dtype=np.float32)
    event = AudioReceived(1.0, "customer", tone, (0.123456789, 0.5))
    back = event_from_json(event_to_json(event), lambda leg, samples: tone[:samples])
    assert isinstance(back, AudioReceived)
    assert back.speech_probabilities == event.speech_probabilities
    assert np.array_equal(back.samples, tone)
    assert not np.any(event_from_json(event_to_json(event)).samples)


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"type":"Nothing"}', '{"type":"Typed","at":1}', '{"type":"Heard"}']
)
def test_anything_else_is_an_error(line):
    with pytest.raises(EventFormatError):
        event_from_json(line)


def test_effects_differ_when_anything_in_them_does():
    show = ShowTurn(1, "customer", None, HEARD)
    other = ShowTurn(1, "customer", None, Understanding("Grüße, 10 €", "greeting", 0.9))
    assert (
        effects_digest([show])
        == effects_digest([ShowTurn(1, "customer", None, HEARD)])
        != effects_digest([other])
    )
    assert effects_digest([]) == ""


def test_of_sound_the_length_is_written():
    listen = FeedEncoder(1, "customer", 0, np.zeros(512, np.float32), True)
    assert json.loads(effects_to_json([listen])) == [["Listen", 1, "customer", 0, 512, True]]


def test_every_input_and_effect_has_a_tag_of_its_own():
    assert set(INPUT_TAGS) == set(get_args(Input))
    assert set(EFFECT_TAGS) == set(get_args(Effect))
    assert len({tag for tag, _ in INPUT_TAGS.values()}) == len(INPUT_TAGS)
    assert len(set(EFFECT_TAGS.values())) == len(EFFECT_TAGS)


def test_what_is_on_disk_is_read_for_ever():
    """The lines of `inputs_version_2.jsonl` were written once; renaming a class or a field in the
    code must not change a byte of them."""
    lines = KEPT.read_text(encoding="utf-8").splitlines()
    assert [event_to_json(event) for event in INPUTS] == lines
    assert [event_from_json(line) for line in lines] == INPUTS


def test_a_digest_hangs_on_tags_and_values_alone():
    reply = Reply("Hello.", flow="greet", step="say")
    effects = [StopSpeech(2), SayReplies(3, (reply,), True), CloseSession(1000, "bye")]
    assert effects_digest(effects) == DIGEST
    assert is_comparable(effects_digest(effects))
    assert is_comparable("")
    assert not is_comparable("ab12")  # as the first version wrote them
