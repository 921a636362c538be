"""A process of models that ends costs its customers a pause and nothing else.

Killed in the middle of a turn or of a question, it is started again and told all it needs. Models
that cannot be loaded say why, and a worker whose engine is gone ends.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import urllib.request
from datetime import date

import numpy as np
import pytest

from agent.client import Client
from agent.core.effects import FeedEncoder, UnderstandTurn
from agent.inference.engine import Engine, EngineRules, ModelsError
from agent.inference.launcher import ForkserverLauncher
from agent.inference.messages import (
    FRAME_HEADER,
    LoadFailed,
    RequestAnswered,
    RestoreCaller,
    UnderstandRequest,
    UnderstandResult,
    WorkerReady,
    message_frame,
)
from agent.inference.scheduler import BatchScheduler
from agent.inference.worker import serve
from audio import files
from audio.codecs import encode
from audio.resample import resample
from audio.types import RATE, Expectation
from dialogs.values import Understanding
from tests.support.serving import serving
from tests.support.threaded import Threaded

FIGURES = "tests/recordings/digits-four_eight_five_three.wav"
PCM = {"encoding": "pcm_s16le", "rate": RATE, "channels": 1}
FRAME = 2 * RATE // 50


# -- a real process ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    state = tmp_path_factory.mktemp("state")
    with serving(state, launch=ForkserverLauncher, answer_s=60.0) as running:
        yield running


def metric(house, name):
    with urllib.request.urlopen(house.page + "/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def said():
    """A second of silence, and four figures; a turn that is not over."""
    samples, rate = files.read(FIGURES)
    figures = resample(np.ascontiguousarray(samples[:, 0]), rate, RATE)
    return np.concatenate([np.zeros(RATE, np.float32), figures])


def send(client, samples):
    """As fast as the socket takes it."""
    sound = encode(samples, "pcm_s16le")
    for start in range(0, len(sound), FRAME):
        client._socket.send(sound[start : start + FRAME])


def kill_models():
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)


def heard(house, meanwhile):
    """The transcript of the turn; `meanwhile` happens as soon as it has words."""
    with Client(f"{house.url}?channel=voice", "voice", PCM) as client:
        client.wait_for("reply")
        send(client, said())
        assert client.wait_for("partial", "transcript")["type"] == "partial"
        meanwhile()
        send(client, np.zeros(3 * RATE, np.float32))
        return client.wait_for("transcript", timeout_s=60.0)


def nothing():
    pass


@pytest.mark.socket
@pytest.mark.model
def test_a_turn_survives_the_process_that_heard_its_beginning(house):
    undisturbed = heard(house, nothing)
    before = metric(house, "hearken_models_restarts_total")
    transcript = heard(house, kill_models)
    assert transcript["text"] == undisturbed["text"] != ""
    assert transcript["confidence"] == undisturbed["confidence"]
    assert metric(house, "hearken_models_restarts_total") - before == 1.0
    assert metric(house, "hearken_turns_in_flight") == 0.0


# -- scripted ends -----------------------------------------------------------------------------


def engine(launch):
    return Engine(launch, EngineRules(answer_timeout_s=60.0))


def started(launch, during=None):
    """Start an engine, let something happen, stop it."""

    async def live():
        made = engine(launch)
        try:
            await made.start()
            return await during(made) if during else None
        finally:
            await made.stop()

    return asyncio.run(live())


def unable(tell):
    raise ValueError("no such checkpoint")


@pytest.mark.model
def test_models_that_cannot_be_loaded_say_why():
    with pytest.raises(ModelsError, match="no such checkpoint"):
        started(Threaded(unable))


class Scripted:
    """Models that answer each message by `script(message, life)`, and end where it says "end"."""

    def __init__(self, script):
        self.script = script
        self.lives = []  # what was taken in each

    def __call__(self, end):
        self.lives.append([])
        thread = threading.Thread(target=self._live, args=(end, self.lives[-1]))
        thread.start()
        return Joined(thread)

    def _live(self, end, taken):
        with end:
            end.sendall(message_frame(WorkerReady({}, 1000, 0)))
            while (message := received(end)) is not None:
                taken.append(message)
                if (answer := self.script(message, len(self.lives))) == "end":
                    return
                if answer is not None:
                    end.sendall(message_frame(answer))


class Joined:
    def __init__(self, thread):
        self._thread = thread

    def stop(self):
        self._thread.join(10)

    def kill(self):
        pass


def received(end):
    """The next message, None at the end of the socket."""
    if not (head := end.recv(FRAME_HEADER.size, socket.MSG_WAITALL)):
        return None
    return pickle.loads(end.recv(FRAME_HEADER.unpack(head)[0], socket.MSG_WAITALL))


def asked(number, stream=None):
    text = f"text {number}"
    return UnderstandTurn(number, number, "customer", stream, text, Expectation())


def meant(question):
    """An answer; whoever was heard is known from then on."""
    understanding = Understanding(question.effect.text, "inform", 1.0)
    caller = b"a voice" if question.last_audio else None
    return RequestAnswered(question.id, UnderstandResult(understanding, None), caller)


def dying_over_the_second(message, life):
    """Their first life ends with the second question unanswered."""
    if not isinstance(message, UnderstandRequest):
        return None
    return "end" if life == 1 and message.effect.request_id == 2 else meant(message)


async def one_spoken_then_two_typed(made):
    made.feed_encoder("s", FeedEncoder(1, "customer", 0, np.zeros(1500, np.float32), True), print)
    asks = (asked(1, stream=1), asked(2), asked(3))
    return [await made.understand("s", ask, date(2026, 11, 24), 0.0) for ask in asks]


@pytest.mark.model
def test_models_that_follow_are_told_the_open_question_and_the_known_voice():
    models = Scripted(dying_over_the_second)
    answers = started(models, one_spoken_then_two_typed)
    assert [one.understanding.text for one in answers] == ["text 1", "text 2", "text 3"]
    known, second, third = models.lives[1]
    assert known == RestoreCaller("s", b"a voice")
    assert (second.effect.request_id, third.effect.request_id) == (2, 3)


# -- the worker's side of the socket -----------------------------------------------------------


class Deaf:
    """Ears that nobody speaks to."""

    models: dict[str, object] = {}
    hop, overhang = 1000, 80

    def warm_up(self):
        pass


class Silly:
    """A mind that means the same whatever it is told."""

    models = {"intent": "a silly one"}

    def understand(self, *question):
        return Understanding("", "inform", 1.0)


def silly(tell):
    return BatchScheduler(Deaf, Silly(), tell)


@pytest.fixture
def worker():
    """Our end of the socket to a worker, and its thread."""
    ours, theirs = socket.socketpair()
    ours.settimeout(30)
    thread = threading.Thread(target=serve, args=(theirs, silly))
    thread.start()
    yield ours, thread
    ours.close()
    thread.join(30)


def over(thread):
    thread.join(30)
    return not thread.is_alive()


def test_a_worker_answers_until_its_socket_is_closed(worker):
    ours, thread = worker
    assert received(ours) == WorkerReady({"intent": "a silly one"}, 1000, 80)
    ours.sendall(message_frame(UnderstandRequest(5, "s", asked(1), date(2026, 11, 24), 0.0)))
    while not isinstance(message := received(ours), RequestAnswered):
        pass  # it tells its load about once a second
    assert message.request_id == 5
    ours.close()
    assert over(thread)


def test_a_worker_whose_last_words_nobody_read_ends_too(worker):
    ours, thread = worker
    ours.recv(1, socket.MSG_PEEK)  # it has said that it is ready
    ours.close()
    assert over(thread)


def test_a_worker_whose_engine_died_in_the_middle_of_a_word_ends_too(worker):
    ours, thread = worker
    received(ours)
    ours.sendall(message_frame(RestoreCaller("s", b"a voice"))[:-5])
    ours.close()
    assert over(thread)


def test_what_could_not_be_loaded_is_told_without_a_customers_words_in_the_log():
    ours, theirs = socket.socketpair()
    with ours:
        Threaded(unable)(theirs).stop()
        message = received(ours)
        assert isinstance(message, LoadFailed)
        assert message.reason == "no such checkpoint"
        assert message.failure.startswith("ValueError at test_worker.py:")
