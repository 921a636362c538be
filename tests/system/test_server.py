"""Real sockets against a real server: what is accepted, what is refused, and that others go on."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from agent.client import Client, ServerRefusal
from audio.codecs import encode
from tests.support.serving import serving

pytestmark = [pytest.mark.socket, pytest.mark.model]

PCM = {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}
CHAT = json.dumps({"type": "hello", "protocol": 1, "channel": "chat"})
VOICE = json.dumps({"type": "hello", "protocol": 1, "channel": "voice", "audio": PCM})


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("state"), hello_s=0.5, write_s=0.5) as running:
        yield running


def get(house, path):
    try:
        with urllib.request.urlopen(house.page + path, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read().decode()


def closed(socket):
    """The close code and reason of a line the server ends; messages before it are dropped."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as over:
        return over.rcvd.code, over.rcvd.reason


def narrow(port):
    """A connection whose receiver holds next to nothing, so that it is soon full."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.connect(("127.0.0.1", port))
    return wire


def still_serves(house):
    with Client(house.url) as client:
        client.wait_for("reply")
        client.say("what are your opening hours")
        assert client.wait_for("reply")["text"]


# -- pages and admission -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "type"),
    [
        ("/", 200, "text/html"),
        ("/widget.js", 200, "javascript"),
        ("/healthz", 200, "text/plain"),
        ("/readyz", 200, "text/plain"),
        ("/metrics", 200, "text/plain"),
        ("/nothing", 404, "text/plain"),
        ("/static/../server.py", 404, "text/plain"),
        ("/v1/session", 426, "text/plain"),
    ],
)
def test_pages(house, path, status, type):
    got, headers, body = get(house, path)
    assert (got, body != "") == (status, True)
    assert type in headers["Content-Type"]


def test_metrics_count_sessions(house):
    with Client(house.url) as client:
        client.wait_for("reply")
        assert "hearken_sessions_open 1.0" in get(house, "/metrics")[2]


def test_an_unknown_path_is_refused_before_the_upgrade(house):
    with pytest.raises(InvalidStatus, match="404"):
        connect(house.url.replace("/v1/session", "/v2/session"))


def test_a_caller_too_many_gets_503_and_the_time_to_wait(tmp_path):
    with serving(tmp_path, max_sessions=1) as busy, Client(busy.url) as first:
        first.wait_for("ready")
        with pytest.raises(InvalidStatus) as refused:
            connect(busy.url)
        assert refused.value.response.status_code == 503
        assert int(refused.value.response.headers["Retry-After"]) > 0
        with pytest.raises(ServerRefusal, match="busy"):
            Client(busy.url)


def test_a_token_and_an_origin_can_be_asked_for(tmp_path):
    with serving(tmp_path, token="s3cret", origins=("https://bank.example",)) as strict:
        with connect(strict.url, origin="https://bank.example") as line:
            line.send(CHAT)
            assert json.loads(line.recv(timeout=5))["code"] == "bad_token"
            assert closed(line)[0] == 1008
        with pytest.raises(InvalidStatus, match="403"):
            connect(strict.url, origin="https://elsewhere.example")
        with Client(strict.url, token="s3cret") as client:
            assert client.wait_for("ready")["session"]


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "words"),
    [
        ("{", "JSON"),
        ('{"type": "text", "text": "hi"}', "hello"),
        (b"\0\0", "hello"),
        (CHAT.replace("chat", "fax"), "channel"),
        (VOICE.replace("16000", "11025"), "11025"),
        (VOICE.replace("pcm_s16le", "opus"), "encoding"),
    ],
)
def test_a_bad_hello_is_closed_1008_with_a_reason(house, first, words):
    with connect(house.url) as line:
        line.send(first)
        code, reason = closed(line)
    assert code == 1008
    assert words in reason
    still_serves(house)


def test_no_hello_is_closed(house):
    with connect(house.url) as line:
        assert closed(line) == (1008, "No hello came in time.")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "bad_json"),
        ('{"type": "sing"}', "bad_message"),
        ('{"type": "text"}', "bad_message"),
        ('{"type": "played", "turn": NaN, "ms": 1}', "bad_message"),
        ('{"type": "text", "text": "hi", "n": 9223372036854775808}', "bad_message"),
        ('{"type": "text", "text": "hi", "n": 2147483648}', "bad_message"),
        ('{"type": "text", "text": "hi", "n": 1e400}', "bad_message"),
        (CHAT, "hello_twice"),
        (b"\0\0", "no_audio"),
        (b"", "no_audio"),
    ],
)
def test_a_bad_message_is_answered_and_the_talk_goes_on(house, message, code):
    with Client(house.url) as client:
        client.wait_for("reply")
        client._socket.send(message)
        assert client.wait_for("error")["code"] == code
        client.say("what are your opening hours")
        assert client.wait_for("reply")["text"]


def test_a_client_that_only_errs_is_sent_away(house):
    with connect(house.url) as line:
        line.send(CHAT)
        for _ in range(20):
            line.send("nonsense")
        assert closed(line)[0] == 1008


def test_a_frame_of_ten_megabytes_is_closed_1009(house):
    with connect(house.url, max_size=None) as line:
        line.send(VOICE)
        line.send(bytes(10_000_000))
        assert closed(line)[0] == 1009
    still_serves(house)


def test_odd_and_empty_frames_lose_nothing(house):
    with Client(house.url, "voice", PCM) as client:
        client.wait_for("reply")
        for frame in (b"", bytes(3), bytes(5), b""):
            client._socket.send(frame)
        assert client.wait_for("error")["code"] == "odd_bytes"
        client.say("what are your opening hours")
        assert client.wait_for("reply")["text"]


def test_silence_and_full_scale_noise_are_survived(house):
    loud = np.sign(np.random.default_rng(1).standard_normal(16000)).astype(np.float32)
    with Client(house.url, "voice", PCM) as client:
        client.wait_for("reply")
        for start in range(0, 32000, 1600):
            client._socket.send(bytes(1600) + encode(loud[start % 16000 :][:800], "pcm_s16le"))
        client.say("what are your opening hours")
        assert client.wait_for("reply")["text"]


def test_a_client_that_vanishes_in_the_middle_of_a_turn_leaves_nothing_behind(house):
    with Client(house.url, "voice", PCM) as client:
        client.wait_for("reply")
        client._socket.socket.shutdown(socket.SHUT_RDWR)
    still_serves(house)
    assert "hearken_turns_in_flight 0.0" in get(house, "/metrics")[2]


def test_a_client_that_does_not_read_is_dropped_and_others_go_on(tmp_path):
    fine = PCM | {"rate": 48000}  # half a megabyte of speech for each reply: buffers fill soon
    hello = json.loads(VOICE) | {"audio": fine, "speak": True}
    with (
        serving(tmp_path, write_s=0.3) as house,
        narrow(house.port) as wire,
        connect(house.url, sock=wire, max_queue=1) as line,
    ):
        line.send(json.dumps(hello))
        until = time.monotonic() + 30
        while 'reason="slow_reader"} 1.0' not in get(house, "/metrics")[2]:
            assert time.monotonic() < until, "the client was not dropped"
            with suppress(ConnectionClosed):
                line.send(json.dumps({"type": "text", "text": "what are your opening hours"}))
        still_serves(house)


# -- models that fail --------------------------------------------------------------------------


class FailingMind:
    """A scripted mind that raises."""

    models: dict[str, str] = {}

    def understand(self, *question):
        raise FloatingPointError("nan in logits")


class WaitingMind:
    """A scripted mind that does not answer until it is let go."""

    models: dict[str, str] = {}

    def __init__(self):
        self.go = threading.Event()

    def understand(self, *question):
        self.go.wait(30)
        raise TimeoutError


def test_a_mind_that_raises_is_missed_and_the_customer_is_told(tmp_path):
    with serving(tmp_path, FailingMind()) as failing, Client(failing.url) as client:
        client.wait_for("reply")
        client.say("check my balance")
        assert client.wait_for("error")["code"] == "missed"
        assert client.wait_for("reply")["text"]
        assert (
            'hearken_understanding_failures_total{reason="failed"} 1.0'
            in get(failing, "/metrics")[2]
        )


def test_a_mind_that_is_late_is_missed_and_so_are_those_behind_it(tmp_path):
    mind = WaitingMind()
    with serving(tmp_path, mind, answer_s=0.2, requests_waiting=1) as slow:
        with Client(slow.url) as first, Client(slow.url) as second:
            first.wait_for("reply")
            second.wait_for("reply")
            first.say("check my balance")
            assert "late" in first.wait_for("error")["message"]
            assert first.wait_for("reply")["text"]
            second.say("check my balance")
            assert "late" in second.wait_for("error")["message"]
        mind.go.set()


class BrokenBank:
    """A scripted bank whose code has a fault."""

    def perform(self, call):
        raise ZeroDivisionError


def test_a_fault_of_ours_ends_one_line_with_1011_and_no_other(tmp_path):
    with serving(tmp_path, actions=BrokenBank()) as house, Client(house.url) as other:
        other.wait_for("reply")
        with connect(house.url) as line:
            line.send(CHAT)
            for text in ("check my balance", "100421", "4471"):
                line.send(json.dumps({"type": "text", "text": text}))
                while json.loads(line.recv(timeout=10))["type"] != "understanding":
                    pass
            code, reason = closed(line)
        assert (code, "our side" in reason) == (1011, True)
        other.say("what are your opening hours")
        assert other.wait_for("reply")["text"]


def test_a_restart_tells_callers_to_come_back(tmp_path):
    with serving(tmp_path) as house:
        line = Client(house.url)
        line.wait_for("reply")
    assert all(message["type"] != "error" for message in line.messages(5.0))
    assert line.close_status[0] == 1001
