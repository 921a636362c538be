"""The models process: its start, its socket loop, and the measuring of costs at start-up.

The models have a process of their own, with one torch thread, at the other end of a socket: an
event loop that serves a hundred callers and a matrix product must not share an interpreter. The
process is forked from one that has imported torch already, so that a new one is ready within
seconds after a crash.

Three threads: one reads the socket, one schedules, one runs everything torch. An exception of a
model is reported and survived (agent/inference/scheduler.py); a crash ends this process, and the
engine starts another.
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
from agent.inference.messages import (
    LoadFailed,
    MeasureCosts,
    MessageFromWorker,
    MessageToWorker,
    ModelCosts,
    WorkerReady,
)
from agent.inference.scheduler import BatchScheduler
from audio.types import RATE, Expectation, Samples
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack

FRAME_HEADER = struct.Struct("!I")  # bytes of the pickle that follows
HEARTBEAT_S = 1.0  # between two messages about the load
USUAL_TURN_S = 4.0  # length of a usual turn, over which the cost of its end is spread
MEASURED_STREAMS = 16  # open streams while costs are measured
STOP_TIMEOUT_S = 5.0  # to finish the batch under way; a worker that takes longer is killed

SendMessage = Callable[[MessageFromWorker], None]
LoadScheduler = Callable[[SendMessage], BatchScheduler]


class ModelWorker(Protocol):
    """Running models at the other end of a socket."""

    def stop(self) -> None:
        """Wait until the worker has ended, as it does once the socket is closed."""

    def kill(self) -> None:
        """End the worker at once, whatever it is doing."""


# starts models on this end of a socket pair; blocking
LaunchWorker = Callable[[socket.socket], ModelWorker]


def message_frame(message: MessageToWorker | MessageFromWorker) -> bytes:
    """A message as bytes for the socket, in either direction: its length, then its pickle."""
    pickled = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return FRAME_HEADER.pack(len(pickled)) + pickled


# -- starting ----------------------------------------------------------------------------------


class ForkserverLauncher:
    """Launches a models process with these settings, through a fork server."""

    def __init__(self, settings: Settings, core: int | None = None) -> None:
        """`core`: the processor core reserved for the models, from `reserve_core`."""
        self._settings, self._core = settings, core
        self._context = multiprocessing.get_context("forkserver")
        # Modules that take seconds to import are imported once, in the fork server.
        models = ["audio.speech_analyser", "agent.understanding.turn_understanding"]
        self._context.set_forkserver_preload(models)

    def __call__(self, end: socket.socket) -> ModelWorker:
        arguments = (end, self._settings, self._core)
        process = self._context.Process(target=_run_worker, args=arguments, daemon=True)
        process.start()
        end.close()  # the new process has its own copy
        return _ForkedWorker(process)


class _ForkedWorker:
    def __init__(self, process: Any) -> None:
        self._process = process

    def stop(self) -> None:
        self._process.join(STOP_TIMEOUT_S)
        self.kill()
        self._process.join()

    def kill(self) -> None:
        self._process.kill()


def reserve_core() -> int | None:
    """Reserve one core for the models, if there are two: this process keeps to the others. Returns
    that core, or None. A batch that shares its core with the sockets takes half as long again.
    Linux only."""
    if not hasattr(os, "sched_setaffinity") or len(cores := os.sched_getaffinity(0)) < 2:
        return None
    core = max(cores)
    os.sched_setaffinity(0, cores - {core})
    return core


def _run_worker(end: socket.socket, settings: Settings, core: int | None) -> None:
    if core is not None:
        os.sched_setaffinity(0, {core})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal; the engine ends us

    def load(send: SendMessage) -> BatchScheduler:
        scheduler = load_scheduler(settings, load_pack(settings.pack), send)
        # Loaded objects are never garbage; searching a million vocabulary entries for garbage again
        # and again took a tenth of the time.
        gc.collect()
        gc.freeze()
        return scheduler

    serve(end, load)


def load_scheduler(settings: Settings, pack: Pack, send: SendMessage) -> BatchScheduler:
    """Load the models from disk; call it in the thread that will use them, as it sets up torch.

    Torch takes seconds to import: imported here, so that commands without models start fast.
    """
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from agent.understanding.turn_understanding import TurnUnderstanding
    from audio.speech_analyser import SpeechAnalyser

    torch.set_num_threads(1)  # two OpenMP threads collapse as soon as anything else runs
    threadpool_limits(1)  # NumPy's second thread would spin while it waits
    analyser = SpeechAnalyser.load(
        settings.weights,
        speech_checkpoint=settings.speech_checkpoint or None,
        emotion_checkpoint=settings.emotion_checkpoint or None,
        seq2seq_checkpoint=settings.writer_checkpoint or None,
        seq2seq_limit_s=settings.answer_s / 2,
        precision=settings.precision,
    )
    return BatchScheduler(
        analyser, TurnUnderstanding.load(pack, settings.weights, settings.sentence_checkpoint), send
    )


# -- the socket loop ---------------------------------------------------------------------------


def serve(end: socket.socket, load: LoadScheduler) -> None:
    """Load the models, then answer the messages from `end` until it is closed."""
    inbox: queue.SimpleQueue[MessageToWorker | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read_messages, args=(end, inbox), name="reader", daemon=True)
    reader.start()

    def send(message: MessageFromWorker) -> None:
        end.sendall(message_frame(message))

    # One thread for everything torch; a model's exception comes back in a future.
    with ThreadPoolExecutor(1, "inference") as pool, end:
        try:
            loading = pool.submit(_load_and_warm_up, load, send)
            if (failure := loading.exception()) is not None:
                send(LoadFailed(str(failure), error_location(failure)))
                return
            scheduler = loading.result()
            send(
                WorkerReady(
                    scheduler.model_names, scheduler.analyser.hop, scheduler.analyser.overhang
                )
            )
            _work_loop(inbox, scheduler, pool, send)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the engine is gone
        finally:
            with suppress(OSError):  # the reader thread would keep the socket open
                end.shutdown(socket.SHUT_RDWR)


def _load_and_warm_up(load: LoadScheduler, send: SendMessage) -> BatchScheduler:
    scheduler = load(send)
    scheduler.analyser.warm_up()
    return scheduler


def _read_messages(end: socket.socket, inbox: queue.SimpleQueue[MessageToWorker | None]) -> None:
    # An engine that has ended may have left half a message, or not have read ours.
    broken = (ConnectionError, EOFError, struct.error, pickle.UnpicklingError)
    with suppress(*broken), end.makefile("rb") as messages:
        while head := messages.read(FRAME_HEADER.size):
            inbox.put(pickle.loads(messages.read(FRAME_HEADER.unpack(head)[0])))
    inbox.put(None)


def _work_loop(
    inbox: queue.SimpleQueue[MessageToWorker | None],
    scheduler: BatchScheduler,
    pool: ThreadPoolExecutor,
    send: SendMessage,
) -> None:
    now = time.monotonic
    reported, busy_s = now(), 0.0
    while True:
        batch = scheduler.next_batch(now())
        idle = isinstance(batch, float) or batch is None
        wait = min(HEARTBEAT_S, batch) if isinstance(batch, float) else HEARTBEAT_S
        for message in _drain(inbox, wait if idle else 0.0):
            if message is None:
                return
            if isinstance(message, MeasureCosts):
                send(pool.submit(measure_costs, scheduler, message.samples).result())
            else:
                scheduler.receive(message, now())
        if now() - reported >= HEARTBEAT_S:
            scheduler.heartbeat(min(1.0, busy_s / (now() - reported)))
            reported, busy_s = now(), 0.0
        if isinstance(batch := scheduler.next_batch(now()), float) or batch is None:
            continue
        began = now()
        done: Future[None] = pool.submit(scheduler.run_batch, batch, now)
        if (failure := done.exception()) is not None:
            scheduler.fail_batch(batch, error_location(failure))
        busy_s += now() - began


def _drain(
    inbox: queue.SimpleQueue[MessageToWorker | None], wait_s: float
) -> list[MessageToWorker | None]:
    """All messages that are there; when there are none, those that come within `wait_s`."""
    messages: list[MessageToWorker | None] = []
    try:
        if wait_s > 0:
            messages.append(inbox.get(timeout=wait_s))
        while True:
            messages.append(inbox.get_nowait())
    except queue.Empty:
        return messages


def measure_costs(scheduler: BatchScheduler, samples: Samples) -> ModelCosts:
    """Measure what these samples of speech cost in a full batch. No other stream may be open."""
    analyser, hop = scheduler.analyser, scheduler.analyser.hop
    streams = [analyser.open(0, True) for _ in range(MEASURED_STREAMS)]
    pieces = [samples[at : at + hop] for at in range(0, len(samples), hop)]
    analyser.advance([(stream, pieces[0]) for stream in streams])
    began = time.thread_time()
    for piece in pieces[1:]:
        analyser.advance([(stream, piece) for stream in streams])
    encoding = (time.thread_time() - began) / MEASURED_STREAMS / (sum(map(len, pieces[1:])) / RATE)
    began = time.thread_time()
    for stream in streams:
        analyser.finish(stream, Expectation())
    return ModelCosts(encoding, (time.thread_time() - began) / MEASURED_STREAMS / USUAL_TURN_S)


def error_location(error: BaseException) -> str:
    """The error's type and place; its text may hold a customer's words and stays out of the log."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(error).__name__} at {place}"
