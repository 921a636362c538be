"""Where do the models live, and how does the rest of the house reach them?

In a process of their own, with one torch thread, at the other end of a socket: an event loop that
serves a hundred callers and a matrix product do not share an interpreter. The process is forked
from one that has imported torch already, so a new one stands within seconds when a model has
crashed.

Two threads: one reads the socket, the other works. What raises is told and survived
(agent/inference/scheduler.py); what crashes ends this process, and the engine starts another.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import queue
import signal
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from agent.config import Settings
from agent.inference.messages import Costs, FromModels, Measure, Ready, ToModels, Unable
from agent.inference.scheduler import Inference
from audio.types import RATE, Expectation, Samples
from dialogs.pack.model import Pack

HEADER = struct.Struct("!I")  # bytes of the pickle that follows
REPORT_S = 1.0  # between two words about the load
TURN_S = 4.0  # a usual turn, to spread the cost of its end over
STREAMS = 16  # live while costs are measured
STOP_S = 5.0  # for what is under way; a worker that takes longer is killed

Tell = Callable[[FromModels], None]
Load = Callable[[Tell], Inference]


class Worker(Protocol):
    """Models at work on the other end of a socket."""

    def stop(self) -> None:
        """Wait until it has ended, as it does once the socket is closed."""

    def kill(self) -> None:
        """End it, whatever it is doing."""


Launch = Callable[[socket.socket], Worker]  # starts models on this end of a socket pair; blocking


def framed(message: ToModels | FromModels) -> bytes:
    """A message as it goes through the socket, in either direction."""
    pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(pickled)) + pickled


# -- starting ----------------------------------------------------------------------------------


class Forked:
    """Launches a process for the models of these settings."""

    def __init__(self, settings: Settings, core: int | None = None) -> None:
        """`core`: the processor core that is the models' own, by `set_apart`."""
        self._settings, self._core = settings, core
        self._start = multiprocessing.get_context("forkserver")
        # What takes seconds to import is imported once, in the process that is forked from.
        models = ["audio.speech_analyser", "agent.understanding.turn_understanding"]
        self._start.set_forkserver_preload(models)

    def __call__(self, end: socket.socket) -> Worker:
        given = (end, self._settings, self._core)
        process = self._start.Process(target=_work, args=given, daemon=True)
        process.start()
        end.close()  # the process has its own
        return _Process(process)


class _Process:
    def __init__(self, process: Any) -> None:
        self._process = process

    def stop(self) -> None:
        self._process.join(STOP_S)
        self.kill()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()


def set_apart() -> int | None:
    """Give up one core for the models, if there are two: the threads of this process keep to the
    others. A step that shares its core with the sockets takes half as long again. Linux only."""
    if not hasattr(os, "sched_setaffinity") or len(cores := os.sched_getaffinity(0)) < 2:
        return None
    core = max(cores)
    os.sched_setaffinity(0, cores - {core})
    return core


def _work(end: socket.socket, settings: Settings, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the engine decides when to end

    def load(tell: Tell) -> Inference:
        inference = load_inference(settings, Pack.load(settings.pack), tell)
        # What was loaded stays: looking through a million entries of vocabularies for garbage,
        # again and again, took a tenth of the time.
        gc.collect()
        gc.freeze()
        return inference

    serve(end, load)


def load_inference(settings: Settings, pack: Pack, tell: Tell) -> Inference:
    """Read the models from disk; run in the thread that will use them, whose torch it sets up.

    Torch and its friends take seconds to import: here, and never for a command without models.
    """
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from agent.understanding.turn_understanding import Mind
    from audio.speech_analyser import Ears

    torch.set_num_threads(1)  # two OpenMP threads collapse as soon as anything else runs,
    threadpool_limits(1)  # and NumPy's second thread spins while it waits
    ears = Ears.load(
        settings.weights,
        checkpoint=settings.speech_checkpoint or None,
        emotion_checkpoint=settings.emotion_checkpoint or None,
        writer_checkpoint=settings.writer_checkpoint or None,
        writer_s=settings.answer_s / 2,
        precision=settings.precision,
    )
    return Inference(ears, Mind.load(pack, settings.weights, settings.sentence_checkpoint), tell)


# -- at work -----------------------------------------------------------------------------------


def serve(end: socket.socket, load: Load) -> None:
    """Answer what comes through `end` until it is closed."""
    inbox: queue.SimpleQueue[ToModels | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(end, inbox), name="questions", daemon=True)
    reader.start()

    def tell(message: FromModels) -> None:
        end.sendall(framed(message))

    # One thread for everything torch; what a model raises comes back as a future's exception.
    with ThreadPoolExecutor(1, "inference") as pool, end:
        try:
            loading = pool.submit(_loaded, load, tell)
            if (failure := loading.exception()) is not None:
                tell(Unable(str(failure), where(failure)))
                return
            inference = loading.result()
            tell(Ready(inference.names, inference.ears.hop, inference.ears.ahead))
            _answer(inbox, inference, pool, tell)
        except (BrokenPipeError, ConnectionResetError):
            pass  # nobody is left to be told
        finally:
            with suppress(OSError):  # the reader's hold on it would keep it open
                end.shutdown(socket.SHUT_RDWR)


def _loaded(load: Load, tell: Tell) -> Inference:
    inference = load(tell)
    inference.ears.warm_up()
    return inference


def _read(end: socket.socket, inbox: queue.SimpleQueue[ToModels | None]) -> None:
    # An engine that has ended may have left half a message, or not have read ours.
    broken = (ConnectionError, EOFError, struct.error, pickle.UnpicklingError)
    with suppress(*broken), end.makefile("rb") as messages:
        while head := messages.read(HEADER.size):
            inbox.put(pickle.loads(messages.read(HEADER.unpack(head)[0])))
    inbox.put(None)


def _answer(
    inbox: queue.SimpleQueue[ToModels | None],
    inference: Inference,
    pool: ThreadPoolExecutor,
    tell: Tell,
) -> None:
    now = time.monotonic
    reported, busy = now(), 0.0
    while True:
        work = inference.next(now())
        idle = isinstance(work, float) or work is None
        wait = min(REPORT_S, work) if isinstance(work, float) else REPORT_S
        for message in _waiting(inbox, wait if idle else 0.0):
            if message is None:
                return
            if isinstance(message, Measure):
                tell(pool.submit(measured, inference, message.samples).result())
            else:
                inference.take(message, now())
        if now() - reported >= REPORT_S:
            inference.report(min(1.0, busy / (now() - reported)))
            reported, busy = now(), 0.0
        if isinstance(work := inference.next(now()), float) or work is None:
            continue
        began = now()
        done: Future[None] = pool.submit(inference.do, work, now)
        if (failure := done.exception()) is not None:
            inference.failed(work, where(failure))
        busy += now() - began


def _waiting(inbox: queue.SimpleQueue[ToModels | None], wait_s: float) -> list[ToModels | None]:
    """All that is there, or the first that comes within `wait_s`."""
    found: list[ToModels | None] = []
    try:
        if wait_s > 0:
            found.append(inbox.get(timeout=wait_s))
        while True:
            found.append(inbox.get_nowait())
    except queue.Empty:
        return found


def measured(inference: Inference, samples: Samples) -> Costs:
    """What hearing `samples`, of speech, costs in company. Nobody may be talking yet."""
    ears, hop = inference.ears, inference.ears.hop
    streams = [ears.open(0, True) for _ in range(STREAMS)]
    pieces = [samples[at : at + hop] for at in range(0, len(samples), hop)]
    ears.advance([(stream, pieces[0]) for stream in streams])
    began = time.thread_time()
    for piece in pieces[1:]:
        ears.advance([(stream, piece) for stream in streams])
    encoding = (time.thread_time() - began) / STREAMS / (sum(map(len, pieces[1:])) / RATE)
    began = time.thread_time()
    for stream in streams:
        ears.finish(stream, Expectation())
    return Costs(encoding, (time.thread_time() - began) / STREAMS / TURN_S)


def where(failure: BaseException) -> str:
    """The error's kind and place; its text may hold a customer's words and stays out of the log."""
    frames = traceback.extract_tb(failure.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(failure).__name__} at {place}"
