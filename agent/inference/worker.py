"""Loop of the models process at its end of the socket, and the measuring of costs at start-up.

The models have a process of their own, with one torch thread, at the other end of a socket: an
event loop that serves a hundred callers and a matrix product must not share an interpreter. How
the process is started: agent/inference/launcher.py.

Three threads: one reads the socket, one schedules, one runs everything torch; beside them works the
turn writer (agent/inference/turn_writer.py). An exception of a model is reported and survived
(agent/inference/scheduler.py); a crash ends this process, and the engine starts another
(tests/agent/inference/test_worker.py).
"""

from __future__ import annotations

import pickle
import queue
import socket
import struct
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from agent.inference.messages import (
    FRAME_HEADER,
    LoadFailed,
    MeasureCosts,
    MessageFromWorker,
    MessageToWorker,
    ModelCosts,
    TurnWritten,
    WorkerReady,
    message_frame,
)
from agent.inference.scheduler import BatchScheduler
from audio.types import RATE, Expectation, Samples

HEARTBEAT_S = 1.0  # between two messages about the load
USUAL_TURN_S = 4.0  # length of a usual turn, over which the cost of its end is spread
MEASURED_STREAMS = 16  # open streams while costs are measured

# messages of the engine and of the turn writer; None: the engine's end is closed
Inbox = queue.SimpleQueue[MessageToWorker | TurnWritten | None]
SendMessage = Callable[[MessageFromWorker], None]
# loads the models from disk; called in the thread that will use them
LoadScheduler = Callable[[SendMessage], BatchScheduler]


def serve(end: socket.socket, load: LoadScheduler, inbox: Inbox | None = None) -> None:
    """Load the models, then answer the messages from `end` until it is closed. What works beside
    the scheduler puts its messages into the `inbox`."""
    inbox = inbox or queue.SimpleQueue()
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


def _read_messages(end: socket.socket, inbox: Inbox) -> None:
    # An engine that has ended may have left half a message, or not have read ours.
    broken = (ConnectionError, EOFError, struct.error, pickle.UnpicklingError)
    with suppress(*broken), end.makefile("rb") as messages:
        while head := messages.read(FRAME_HEADER.size):
            inbox.put(pickle.loads(messages.read(FRAME_HEADER.unpack(head)[0])))
    inbox.put(None)


def _work_loop(
    inbox: Inbox,
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


def _drain(inbox: Inbox, wait_s: float) -> list[MessageToWorker | TurnWritten | None]:
    """All messages that are there; when there are none, those that come within `wait_s`."""
    messages: list[MessageToWorker | TurnWritten | None] = []
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
