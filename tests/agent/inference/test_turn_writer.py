"""The turn writer works on a thread of its own, takes no more than it can do, and fails quietly."""

from __future__ import annotations

import threading
from queue import SimpleQueue

import numpy as np
import pytest

from agent.inference.messages import TurnWritten
from agent.inference.turn_writer import FIRST_ESTIMATE_S, MAX_WAIT_S, TurnWriter
from audio.model_info import ModelInfo
from audio.types import NO_TRANSCRIPT, Transcript

MODEL = ModelInfo("gated", "a test", "0" * 12, "none")
SAMPLES = np.zeros(1600, np.float32)


class GatedTranscriber:
    """Says where the turn began, once the gate is open; raises over a turn that begins at -1."""

    def __init__(self):
        self.gate, self.began = threading.Event(), SimpleQueue()
        self.threads = set()

    def warm_up(self):
        self.threads.add(threading.get_ident())

    def transcribe(self, samples, start):
        self.threads.add(threading.get_ident())
        self.began.put(start)
        self.gate.wait(20)
        if start < 0:
            raise FloatingPointError("no such turn")
        return Transcript(f"from {start}", 0.9)


@pytest.fixture
def transcriber():
    return GatedTranscriber()


@pytest.fixture
def written():
    return SimpleQueue()


@pytest.fixture
def writer(transcriber, written):
    return TurnWriter.start(lambda: (transcriber, MODEL), written.put)


def test_turns_are_written_in_their_order_on_one_other_thread(writer, transcriber, written):
    assert all(writer.submit(number, SAMPLES, 10 * number) for number in (1, 2))
    transcriber.gate.set()
    reported = [written.get(timeout=20) for _ in range(2)]
    assert reported == [TurnWritten(n, Transcript(f"from {10 * n}", 0.9)) for n in (1, 2)]
    assert len(transcriber.threads) == 1
    assert threading.get_ident() not in transcriber.threads


def test_what_would_wait_too_long_is_refused(writer, transcriber, written):
    fit = int(MAX_WAIT_S / FIRST_ESTIMATE_S)
    accepted = [writer.submit(number, SAMPLES, number) for number in range(fit + 2)]
    assert accepted == [True] * fit + [False] * 2
    transcriber.gate.set()
    for _ in range(fit):
        written.get(timeout=20)
    assert writer.submit(99, SAMPLES, 99)
    assert written.get(timeout=20).request_id == 99


def test_a_cancelled_turn_is_not_transcribed_and_not_reported(writer, transcriber, written):
    writer.submit(1, SAMPLES, 1)
    assert transcriber.began.get(timeout=20) == 1
    writer.submit(2, SAMPLES, 2)
    writer.cancel(1)
    writer.cancel(2)
    transcriber.gate.set()
    while not writer.submit(3, SAMPLES, 3):  # the two are out of the way in a moment
        pass
    assert written.get(timeout=20).request_id == 3
    assert transcriber.began.get(timeout=20) == 3
    assert written.empty()


def test_a_turn_that_fails_is_reported_without_words(writer, transcriber, written):
    transcriber.gate.set()
    writer.submit(1, SAMPLES, -1)
    assert written.get(timeout=20) == TurnWritten(1, NO_TRANSCRIPT)
    writer.submit(2, SAMPLES, 2)
    assert written.get(timeout=20).transcript.text == "from 2"


def test_without_a_model_there_is_no_writer(written):
    assert TurnWriter.start(lambda: None, written.put) is None


def test_a_model_that_cannot_be_loaded_is_told():
    def load():
        raise OSError("no such file")

    with pytest.raises(OSError, match="no such file"):
        TurnWriter.start(load, print)
