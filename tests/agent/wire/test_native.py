"""The native protocol: every message is decoded or refused in words, whatever the bytes."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core.customer_messages import SequencedMessage, messages_of
from agent.core.effects import DiscardTurn, Effect, SayReplies, ShowTurn, UpdateHandoff
from agent.core.inputs import (
    ConsentChanged,
    CustomerLeft,
    DigitsReceived,
    SpeechPlayed,
    TextReceived,
)
from agent.wire.messages import Hello
from agent.wire.native import NativeDecoder
from agent.wire.native_encoder import NativeEncoder
from agent.wire.parsing import AudioFrames, WireError
from audio.types import AcousticCues, Prosody, Transcript, Word
from dialogs.values import (
    Claim,
    DocumentSource,
    Escalation,
    Evidence,
    FurtherRequest,
    Reply,
    Slot,
    Understanding,
)

# Numbers that do not count messages; a database would not hold some of them.
NO_COUNTS = (2**31, 2**63, 2**64, 10**400, -1, -(2**63), True, 1.5, 2.0, 1e300, "3", [3])
CHAT = {"type": "hello", "protocol": 1, "channel": "chat"}
PCM = {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}
VOICE = {"type": "hello", "protocol": 1, "channel": "voice", "audio": PCM, "speak": True}


def opened(hello: dict) -> NativeDecoder:
    wire = NativeDecoder()
    wire.decode(json.dumps(hello), 0.0)
    return wire


def encoded(effect: Effect, at: float) -> list[str]:
    """The messages of an effect, the first ones of their conversation."""
    ((*messages,),) = messages_of([effect])
    numbered = [SequencedMessage(seq, at, one) for seq, one in enumerate(messages, 1)]
    return [NativeEncoder().message(one) for one in numbered]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "text", "text": "  hello "}, TextReceived(1.5, "hello")),
        ({"type": "digits", "digits": "12#"}, DigitsReceived(1.5, "12#")),
        (
            {"type": "consent", "recording": False, "emotion": True},
            ConsentChanged(1.5, recording=False, emotion=True),
        ),
        ({"type": "played", "turn": 3, "ms": 900}, SpeechPlayed(1.5, 3, 900)),
        ({"type": "end"}, CustomerLeft(1.5, sent_end=True)),
    ],
)
def test_a_message_becomes_its_event(message, event):
    assert opened(CHAT).decode(json.dumps(message), 1.5) == event


@pytest.mark.parametrize(
    ("message", "code", "close"),
    [
        ("{", "bad_json", None),
        ("[]", "bad_message", None),
        ('{"type": "text"}', "hello_first", 1008),
        (b"\0\0", "hello_first", 1008),
        (json.dumps(CHAT | {"protocol": 2}), "bad_hello", 1008),
        (json.dumps(CHAT | {"channel": "fax"}), "bad_hello", 1008),
        (json.dumps(CHAT | {"audio": PCM}), "bad_hello", 1008),
        (json.dumps(CHAT | {"speak": True}), "bad_hello", 1008),
        (json.dumps(CHAT | {"colour": "red"}), "bad_hello", 1008),
        (json.dumps(VOICE | {"audio": None}), "bad_hello", 1008),
        (json.dumps(VOICE | {"audio": PCM | {"rate": 11025}}), "bad_hello", 1008),
        (json.dumps(VOICE | {"audio": PCM | {"encoding": "opus"}}), "bad_hello", 1008),
        (json.dumps(VOICE | {"audio": PCM | {"channels": 2}}), "bad_hello", 1008),
    ],
)
def test_before_hello_only_a_right_hello_is_accepted(message, code, close):
    with pytest.raises(WireError) as refused:
        NativeDecoder().decode(message, 0.0)
    assert (refused.value.code, refused.value.close_code) == (code, close)
    assert refused.value.message.endswith((".", "!"))


@pytest.mark.parametrize(
    "message",
    [
        {"type": "sing"},
        {"type": "text", "text": "   "},
        {"type": "text", "text": "x" * 4001},
        {"type": "text", "text": 5},
        {"type": "digits", "digits": "12a"},
        {"type": "played", "turn": -1, "ms": 0},
        {"type": "played", "turn": float("nan"), "ms": 0},
        *({"type": "text", "text": "hi", "n": n} for n in NO_COUNTS),
        *({"type": "played", "turn": n, "ms": 0} for n in NO_COUNTS),
        *({"type": "played", "turn": 1, "ms": n} for n in NO_COUNTS),
        CHAT,
    ],
)
def test_a_wrong_message_is_an_error_and_the_talk_goes_on(message):
    wire = opened(CHAT)
    with pytest.raises(WireError) as refused:
        wire.decode(json.dumps(message), 1.0)
    assert refused.value.close_code is None
    assert wire.decode('{"type": "text", "text": "still here"}', 2.0) == TextReceived(
        2.0, "still here"
    )


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["n", "x"])
def test_what_is_no_number_is_an_error_that_says_so(number, field):
    wire = opened(CHAT)
    with pytest.raises(WireError, match="number") as refused:
        wire.decode(f'{{"type": "text", "text": "hi", "{field}": {number}}}', 1.0)
    assert (refused.value.code, refused.value.close_code) == ("bad_message", None)


@pytest.mark.parametrize("number", NO_COUNTS)
@pytest.mark.parametrize("path", ["protocol", "audio.rate", "audio.channels", "resume.last_seq"])
def test_a_hello_with_a_number_out_of_bounds_is_refused(number, path):
    hello = VOICE | {"resume": {"session": "s", "token": "t", "last_seq": 0}}
    *parents, name = path.split(".")
    changed = hello[parents[0]] | {name: number} if parents else number
    with pytest.raises(WireError):
        NativeDecoder().decode(json.dumps(hello | {(parents or [name])[0]: changed}), 0.0)


def test_the_largest_number_is_one_that_every_store_holds():
    wire = opened(CHAT)
    wire.decode(json.dumps({"type": "text", "text": "hi", "n": 2**31 - 1}), 1.0)
    assert wire.client_seq == 2**31 - 1


def test_control_characters_are_spaces():
    hello = CHAT | {"customer": {"id": "c\0-17", "name": "Pat\x1b[2J"}}
    wire = opened(hello)
    assert (wire.hello.customer.id, wire.hello.customer.name) == ("c -17", "Pat [2J")
    event = wire.decode(json.dumps({"type": "text", "text": "\0 one\ntwo\x07"}), 1.0)
    assert event == TextReceived(1.0, "one\ntwo")


def test_an_error_names_the_field_and_not_the_value():
    with pytest.raises(WireError) as refused:
        opened(CHAT).decode('{"type": "digits", "digits": "my pin is 1234"}', 1.0)
    assert "digits" in refused.value.message
    assert "1234" not in refused.value.message


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100, 48000])
@pytest.mark.parametrize("encoding", ["pcm_s16le", "mulaw", "alaw"])
def test_every_encoding_is_taken_at_every_rate(encoding, rate):
    audio = {"encoding": encoding, "rate": rate, "channels": 2, "legs": ["customer", "agent"]}
    hello = NativeDecoder().decode(json.dumps(VOICE | {"channel": "call", "audio": audio}), 0.0)
    assert isinstance(hello, Hello)
    assert hello.audio.legs == ("customer", "agent")


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_audio_is_one_byte_stream_whatever_the_frames(data, cuts):
    wire, got = opened(VOICE), b""
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in zip(edges, edges[1:], strict=False):
        sound = wire.decode(data[start:end], 0.0)
        assert isinstance(sound, AudioFrames)
        assert len(sound.data) % 2 == 0
        got += sound.data
    assert got == data[: len(data) // 2 * 2]


def test_an_odd_frame_is_told_once():
    wire = opened(VOICE)
    wire.decode(b"\0\0\0", 0.0)
    assert "joined with the next" in wire.take_odd_bytes_error().message
    wire.decode(b"\0\0", 0.0)
    assert wire.take_odd_bytes_error() is None


def test_audio_on_a_chat_is_refused_and_the_chat_goes_on():
    wire = opened(CHAT)
    with pytest.raises(WireError) as refused:
        wire.decode(b"\0\0", 0.0)
    assert (refused.value.code, refused.value.close_code) == ("no_audio", None)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_message_is_decoded_or_refused(message):
    for wire in (NativeDecoder(), opened(CHAT), opened(VOICE)):
        with suppress(WireError):
            assert wire.decode(message, 0.0) is not None


ANGRY = AcousticCues(
    {"angry": 0.7, "neutral": 0.3}, 0.8, 0.2, Prosody(210.4, 5.0, -18.2, 5.1, 0.1, 1.4), 2.0, 0.9
)
HEARD = Understanding(
    "my card is gone",
    "report_lost_card",
    0.91,
    (("replace_card", 0.05),),
    sentiment=-0.4,
    upset=0.62,
    upset_spread=0.2,
    slots=(Slot("card_type", "debit", "card"),),
    cues=ANGRY,
    also=(FurtherRequest("and my balance", "check_balance", 0.8),),
    possible=("report_lost_card", "replace_card"),
)
WHY = Escalation(
    "upset_over_turns",
    0.8,
    1.4,
    (Evidence("voice: angry", 1.4, 3, 7.2),),
    "high",
    (Claim("Wants", "card", (1,)),),
)


def test_what_is_understood_becomes_transcript_cues_and_understanding():
    transcript = Transcript("my card is gone", 0.8, (Word("my", 320, 4800, 0.9),))
    sent = encoded(ShowTurn(3, "customer", transcript, HEARD), 7.25)
    heard, cues, understanding = (json.loads(message) for message in sent)
    assert [m["seq"] for m in (heard, cues, understanding)] == [1, 2, 3]
    assert (heard["type"], heard["start"], heard["end"]) == ("transcript", 320, 4800)
    assert (cues["type"], cues["emotion"]["angry"], cues["pitch_hz"]) == ("cues", 0.7, 210.4)
    assert understanding["slots"] == {"card_type": "debit"}
    assert understanding["alternatives"] == [["replace_card", 0.05]]
    assert understanding["also"] == [["check_balance", 0.8]]
    assert understanding["possible"] == ["report_lost_card", "replace_card"]


def test_a_transcript_says_where_its_turn_was_over():
    show = ShowTurn(3, "customer", Transcript("hi", 0.8), HEARD, end=101 * 512)
    assert json.loads(encoded(show, 7.25)[0])["turn_end"] == 3.232
    typed = ShowTurn(3, "customer", Transcript("hi", 0.8), HEARD)
    assert "turn_end" not in json.loads(encoded(typed, 7.25)[0])


def test_an_employee_is_transcribed_and_nothing_else():
    transcript = Transcript("how can i help", 0.8)
    sent = encoded(ShowTurn(2, "agent", transcript, None), 1.0)
    assert [json.loads(message)["type"] for message in sent] == ["transcript"]


def test_replies_name_their_source():
    reply = Reply(
        "Nine to five.", suggestions=("Directions",), source=DocumentSource("d1", "Opening hours")
    )
    (sent,) = encoded(SayReplies(1, (reply,), speak=False), 1.0)
    message = json.loads(sent)
    assert message["source"] == {"id": "d1", "title": "Opening hours"}
    assert message["suggestions"] == ["Directions"]


def test_a_hand_over_carries_its_evidence():
    (sent,) = encoded(UpdateHandoff(1, "queued", WHY, position=2, wait_s=240), 9.0)
    message = json.loads(sent)
    assert (message["rule"], message["position"], message["wait_s"]) == ("upset_over_turns", 2, 240)
    assert message["evidence"][0]["term"] == "voice: angry"


def test_models_and_the_bank_are_not_the_clients_business():
    assert encoded(DiscardTurn(1), 0.0) == []
