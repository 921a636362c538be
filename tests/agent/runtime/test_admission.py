"""Whoever is inside keeps their latency: counts come in pairs, and those too many are told when.

Before the upgrade where the address says that somebody wants to be heard, at hello otherwise.
"""

from __future__ import annotations

import json
import time
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from agent.client import Client
from agent.inference.messages import ModelCosts, WorkerLoad
from agent.runtime.admission import (
    INITIAL_SESSION_S,
    MAX_MODELS_LATE_S,
    MAX_RETRY_S,
    Admission,
    AdmissionLimits,
    stream_capacity,
)
from tests.support.serving import serving

IN_TIME, LATE = (
    WorkerLoad(0.0, 0.5, True, True),
    WorkerLoad(MAX_MODELS_LATE_S + 0.1, 1.0, False, True),
)
SECONDS = st.floats(1e-5, 10.0)


@pytest.fixture
def admission():
    return Admission(AdmissionLimits(sessions=3, streams=2))


# -- counting ----------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1e6)), max_size=20))
def test_counts_come_in_pairs(callers):
    admission = Admission(AdmissionLimits(sessions=3, streams=2))
    for streams, _ in callers:
        admission.add_session()
        admission.add_streams(streams)
    assert admission.sessions == len(callers)
    assert admission.streams == sum(streams for streams, _ in callers)
    for streams, stayed in callers:
        admission.remove_session(streams, stayed)
    assert (admission.sessions, admission.streams) == (0, 0)


def test_full_is_full_until_somebody_leaves(admission):
    for _ in range(3):
        assert not admission.sessions_full()
        admission.add_session()
    assert admission.sessions_full()
    admission.remove_session(0, 1.0)
    assert not admission.sessions_full()


def test_two_legs_need_two_places(admission):
    assert not admission.voice_full(2, IN_TIME)
    admission.add_session()
    admission.add_streams(1)
    assert admission.voice_full(2, IN_TIME)
    assert not admission.voice_full(1, IN_TIME)
    admission.add_streams(1)
    assert admission.voice_full(1, IN_TIME)
    assert not admission.sessions_full()  # a chat finds a place


def test_late_models_hear_nobody_more_and_chat_goes_on(admission):
    assert admission.voice_full(1, LATE)
    assert not admission.sessions_full()


# -- how long to wait --------------------------------------------------------------------------


@given(st.integers(0, 500), st.lists(st.floats(0, 1e6), max_size=30))
def test_the_wait_is_between_a_second_and_the_longest(inside, stays):
    admission = Admission(AdmissionLimits(1000, 1000))
    for stayed in stays:
        admission.add_session()
        admission.remove_session(0, stayed)
    for _ in range(inside):
        admission.add_session()
    assert 1 <= admission.retry_s <= MAX_RETRY_S


def test_the_more_are_inside_the_sooner_somebody_leaves():
    admission, waits = Admission(AdmissionLimits(1000, 1000)), []
    for _ in range(200):
        admission.add_session()
        waits.append(admission.retry_s)
    assert waits == sorted(waits, reverse=True)
    assert (waits[0], waits[9], waits[-1]) == (MAX_RETRY_S, INITIAL_SESSION_S / 10, 1)


def test_short_conversations_make_for_a_short_wait():
    admission = Admission(AdmissionLimits(1000, 1000))
    for _ in range(100):
        admission.add_session()
        admission.remove_session(0, 5.0)
    admission.add_session()
    assert admission.retry_s == 5


# -- what a machine bears ----------------------------------------------------------------------


@given(SECONDS, SECONDS, st.floats(0, 1.0), st.integers(1, 64))
def test_the_dearer_the_fewer_and_never_none(encoding, answering, more, cores):
    before = stream_capacity(ModelCosts(encoding, answering), cores)
    assert before >= stream_capacity(ModelCosts(encoding + more, answering), cores) >= 1
    assert before >= stream_capacity(ModelCosts(encoding, answering + more), cores) >= 1


@given(SECONDS, SECONDS)
def test_a_second_core_is_no_loss(encoding, answering):
    costs = ModelCosts(encoding, answering)
    assert stream_capacity(costs, 2) >= stream_capacity(costs, 1)


def test_a_machine_that_hears_for_nothing_still_has_packets_to_read():
    assert (
        stream_capacity(ModelCosts(0.0, 0.0), 2) == stream_capacity(ModelCosts(0.0, 0.0), 1) < 1000
    )


# -- over a socket -----------------------------------------------------------------------------

PCM = {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}


@pytest.fixture
def small(tmp_path):
    with serving(tmp_path, capacity=1) as running:
        yield running


def metrics(house):
    with urllib.request.urlopen(house.page + "/metrics", timeout=10) as answer:
        return answer.read().decode()


def refused(house, channel):
    with pytest.raises(InvalidStatus) as answer:
        connect(f"{house.url}?channel={channel}")
    return answer.value.response


@pytest.mark.socket
@pytest.mark.model
def test_a_second_voice_is_refused_and_let_in_when_the_first_has_left(small):
    asking = f"{small.url}?channel=voice"
    with Client(asking, "voice", PCM) as first:
        first.wait_for("ready")
        for channel in ("voice", "call"):
            response = refused(small, channel)
            assert response.status_code == 503
            assert 1 <= int(response.headers["Retry-After"]) <= MAX_RETRY_S
        assert 'hearken_connections_refused_total{reason="overloaded"} 2.0' in metrics(small)
    until = time.monotonic() + 30
    while "hearken_audio_legs 0.0" not in metrics(small):
        assert time.monotonic() < until, "the first caller's place was not given back"
    with Client(asking, "voice", PCM) as second:
        assert second.wait_for("reply")["text"]


@pytest.mark.socket
@pytest.mark.model
def test_a_second_voice_that_does_not_say_so_before_is_closed_with_the_seconds(small):
    hello = {"type": "hello", "protocol": 1, "channel": "voice", "audio": PCM}
    with Client(small.url, "voice", PCM) as first:
        first.wait_for("ready")
        with connect(small.url) as line:
            line.send(json.dumps(hello))
            assert json.loads(line.recv(timeout=10))["code"] == "overloaded"
            with pytest.raises(ConnectionClosed) as over:
                line.recv(timeout=10)
        close = over.value.rcvd
        assert close.code == 1013
        assert f"{MAX_RETRY_S} seconds" in close.reason
        assert "hearken_audio_legs 1.0" in metrics(small)  # the refused one counts for nothing


@pytest.mark.socket
@pytest.mark.model
def test_a_chat_is_let_in_beside_all_the_voices_there_may_be(small):
    with (
        Client(f"{small.url}?channel=voice", "voice", PCM) as first,
        Client(f"{small.url}?channel=chat") as chat,
        Client(small.url) as silent_about_it,
    ):
        first.wait_for("ready")
        for client in (chat, silent_about_it):
            client.say("what are your opening hours")
            assert client.wait_for("reply")["text"]
