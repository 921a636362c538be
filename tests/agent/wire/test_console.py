"""Whatever a console sends is a message of the protocol or one documented mistake."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire import console as c
from agent.wire.parsing import CLOSE_NOT_ALLOWED, AudioFrames, WireError

HELLO = {"type": "hello", "protocol": 1, "name": "Ada", "token": "t"}
CODES = {"bad_json", "bad_message", "hello_first", "hello_twice", "bad_hello"}
GOOD = [
    ({"type": "watch", "session": "s"}, c.WatchMessage),
    ({"type": "unwatch"}, c.UnwatchMessage),
    ({"type": "accept", "session": "s", "id": 1}, c.AcceptMessage),
    ({"type": "say", "session": "s", "text": "hi"}, c.SayMessage),
    ({"type": "hand_back", "session": "s"}, c.HandBackMessage),
    ({"type": "close", "session": "s", "outcome": "resolved"}, c.CloseMessage),
    ({"type": "take_over", "session": "s"}, c.TakeOverMessage),
    ({"type": "whisper", "session": "s", "text": "psst"}, c.WhisperMessage),
    ({"type": "voice", "session": "s", "on": True}, c.VoiceMessage),
]
names = st.sampled_from(["type", "session", "id", "text", "outcome", "on", "protocol", "name"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
types = st.sampled_from([fields["type"] for fields, _ in GOOD] + ["hello", "nonsense"])
shaped = st.builds(
    lambda type, rest: {**rest, "type": type}, types, st.dictionaries(names, values, max_size=5)
)


def logged_in():
    wire = c.ConsoleWire()
    wire.decode(json.dumps(HELLO))
    return wire


def decoded(wire, data):
    """What was said, or the mistake that was made."""
    try:
        return wire.decode(data)
    except WireError as wrong:
        return wrong


@pytest.mark.parametrize(("fields", "kind"), GOOD)
def test_every_message_is_read(fields, kind):
    said = logged_in().decode(json.dumps(fields))
    assert isinstance(said, kind)
    assert said.model_dump() == fields


@given(st.text() | st.binary() | shaped.map(json.dumps))
def test_anything_is_a_message_or_a_documented_mistake(data):
    for wire in (c.ConsoleWire(), logged_in()):
        said = decoded(wire, data)
        assert isinstance(said, AudioFrames | c.WireMessage) or (
            said.code in CODES and said.message
        )


@given(st.lists(st.text() | st.binary() | shaped.map(json.dumps), max_size=8))
def test_nothing_is_heard_before_hello(messages):
    wire = c.ConsoleWire()
    for data in messages:
        before, said = wire.hello, decoded(wire, data)
        assert before is not None or isinstance(said, c.ConsoleHello | WireError)


@given(st.binary(max_size=400), st.lists(st.integers(0, 9), max_size=40))
def test_sound_is_one_stream_of_whole_samples(sound, sizes):
    wire, heard, at = logged_in(), b"", 0
    for size in [*sizes, len(sound)]:
        said = wire.decode(sound[at : at + size])
        assert isinstance(said, AudioFrames)
        assert len(said.data) % c.SAMPLE_BYTES == 0
        heard += said.data
        at += size
    assert heard == sound[: len(sound) // c.SAMPLE_BYTES * c.SAMPLE_BYTES]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "  "},
        {"name": "x" * 61},
        {"protocol": 2},
        {"token": "x" * 401},
        {"token": None},
        {"role": "supervisor"},
    ],
)
def test_a_hello_that_is_not_right_ends_it(change):
    with pytest.raises(WireError) as wrong:
        c.ConsoleWire().decode(json.dumps(HELLO | change))
    assert (wrong.value.code, wrong.value.close_code) == ("bad_hello", CLOSE_NOT_ALLOWED)


def test_a_mistake_does_not_repeat_what_was_said():
    with pytest.raises(WireError) as wrong:
        logged_in().decode(json.dumps({"type": "say", "session": "s", "text": ["4111 1111"]}))
    assert "4111" not in wrong.value.message


def test_hello_is_said_once():
    with pytest.raises(WireError, match="already"):
        logged_in().decode(json.dumps(HELLO))


def test_what_is_not_known_is_left_out():
    told = json.loads(c.console_message("opened", session="s", id=None, name=""))
    assert told == {"type": "opened", "session": "s", "name": ""}
