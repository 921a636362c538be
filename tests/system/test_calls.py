"""Whole calls over real sockets with real voices: heard on every format, felt on one leg only.

Audio is sent as fast as the socket takes it: what the server hears depends on samples, not on time.
"""

from __future__ import annotations

import numpy as np
import pytest

from agent.client import Client
from audio import files
from audio.codecs import WIDTH, encode
from audio.resample import resample
from tests.support.serving import in_hours, serving

pytestmark = [pytest.mark.socket, pytest.mark.model]

OPERATOR = "tests/recordings/operator-operator.wav"
YES = "tests/recordings/yes-yes.wav"
ENCODINGS = ("pcm_s16le", "mulaw", "alaw")
RATES = (8000, 16000, 24000, 44100, 48000)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("state"), today=in_hours, agent_token="a") as running:
        yield running


def recording(path, rate, gain=1.0):
    samples, original = files.read(path)
    said = resample(np.ascontiguousarray(samples[:, 0]), original, rate)
    silence = np.zeros(rate, np.float32)
    return np.concatenate([silence, gain * said, silence, silence])


def send(client, samples, encoding, rate):
    """20 ms a frame, channels interleaved."""
    said = encode(samples, encoding)
    frame = rate // 50 * WIDTH[encoding] * (1 if samples.ndim == 1 else samples.shape[1])
    for start in range(0, len(said), frame):
        client._socket.send(said[start : start + frame])


def voice(encoding, rate):
    return {"encoding": encoding, "rate": rate, "channels": 1}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("rate", RATES)
def test_the_same_word_is_heard_in_every_format(house, encoding, rate):
    with Client(house.url, "voice", voice(encoding, rate)) as client:
        client.wait_for("reply")
        send(client, recording(OPERATOR, rate), encoding, rate)
        assert client.wait_for("transcript")["text"] == "operator"
        assert client.wait_for("understanding")["intent"] == "talk_to_person"
        assert client.wait_for("handoff")["state"] == "requested"
        assert client.wait_for("handoff")["state"] == "queued"


def test_live_words_come_before_the_transcript(house):
    with Client(house.url, "voice", voice("mulaw", 8000)) as client:
        client.wait_for("reply")
        said = recording(OPERATOR, 8000)
        in_the_middle = int(2.5 * 8000)  # the word is over, the silence that ends the turn is not
        send(client, said[:in_the_middle], "mulaw", 8000)
        assert "op" in client.wait_for("partial")["text"]
        send(client, said[in_the_middle:], "mulaw", 8000)
        assert client.wait_for("transcript")["text"] == "operator"


def test_two_legs_are_transcribed_and_only_the_customer_is_felt(house):
    rate = 8000
    customer, agent = recording(OPERATOR, rate), recording(YES, rate)
    both = np.zeros((len(customer) + len(agent), 2), np.float32)
    both[: len(agent), 1] = agent
    both[len(agent) :, 0] = customer
    audio = voice("mulaw", rate) | {"channels": 2, "legs": ["customer", "agent"]}
    with Client(house.url, "call", audio) as client:
        client.consent(recording=False, emotion=True)
        client.wait_for("reply")
        send(client, both, "mulaw", rate)
        messages = []
        while not messages or messages[-1]["type"] != "handoff":
            messages.append(client.wait_for("transcript", "cues", "understanding", "handoff"))
    legs = [m["leg"] for m in messages if m["type"] == "transcript"]
    turns = {m["leg"]: m["turn"] for m in messages if m["type"] == "transcript"}
    assert legs == ["agent", "customer"]
    assert {m["turn"] for m in messages if m["type"] == "cues"} == {turns["customer"]}
    assert {m["turn"] for m in messages if m["type"] == "understanding"} == {turns["customer"]}


def test_nobody_is_felt_who_has_not_agreed(house):
    with Client(house.url, "voice", voice("mulaw", 8000)) as client:
        client.wait_for("reply")
        send(client, recording(OPERATOR, 8000), "mulaw", 8000)
        assert client.wait_for("cues", "understanding")["type"] == "understanding"


def test_speaking_over_a_reply_stops_it(house):
    with Client(house.url, "voice", voice("pcm_s16le", 16000), speak=True) as client:
        start = client.wait_for("speech")
        assert start["state"] == "start"
        assert len(client.wait_for("audio")["data"]) == 2 * 16000 // 10
        send(client, recording(OPERATOR, 16000), "pcm_s16le", 16000)
        assert client.wait_for("hush")["turn"] == start["turn"]


def test_a_reply_that_was_played_is_not_stopped(house):
    with Client(house.url, "voice", voice("pcm_s16le", 16000), speak=True) as client:
        turn = client.wait_for("speech")["turn"]
        client.wait_for("speech")
        client.send({"type": "played", "turn": turn, "ms": 5000})
        send(client, recording(OPERATOR, 16000), "pcm_s16le", 16000)
        assert client.wait_for("hush", "transcript")["type"] == "transcript"


def test_a_clipped_voice_is_told_and_still_heard(house):
    with Client(house.url, "voice", voice("pcm_s16le", 16000)) as client:
        client.wait_for("reply")
        send(client, recording(OPERATOR, 16000, gain=60.0), "pcm_s16le", 16000)
        assert client.wait_for("error")["code"] == "clipping"
        assert client.wait_for("understanding")


def test_keys_answer_where_a_number_was_asked(house):
    with Client(house.url, "voice", voice("mulaw", 8000)) as client:
        client.wait_for("reply")
        client.say("check my balance")
        client.wait_for("reply")
        client.send({"type": "digits", "digits": "100421"})
        understood = client.wait_for("understanding")
        while not understood["slots"]:
            understood = client.wait_for("understanding")
        assert understood["slots"]["customer_number"] == "100421"
