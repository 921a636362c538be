"""Launcher of the models process, and the loading of the models in it.

The process is forked from one that has imported torch already, so that a new one is ready within
seconds after a crash (tests/agent/inference/test_worker.py). Its loop is agent/inference/worker.py.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import queue
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from agent.config import Settings
from agent.inference.scheduler import BatchScheduler
from agent.inference.turn_writer import TurnWriter
from agent.inference.worker import Inbox, SendMessage, serve
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack

if TYPE_CHECKING:
    from agent.inference.messages import TurnWritten
    from audio.speech_analyser import SpeechAnalyser

STOP_TIMEOUT_S = 5.0  # to finish the batch under way; a worker that takes longer is killed


class ModelWorker(Protocol):
    """Running models at the other end of a socket."""

    def stop(self) -> None:
        """Wait until the worker has ended, as it does once the socket is closed."""

    def kill(self) -> None:
        """End the worker at once, whatever it is doing."""


# starts models on this end of a socket pair; blocking
LaunchWorker = Callable[[socket.socket], ModelWorker]


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
        with _main_module_hidden():
            process.start()
        end.close()  # the new process has its own copy
        return _ForkedWorker(process)


@contextmanager
def _main_module_hidden() -> Iterator[None]:
    """While this lasts, a new process does not import what this one was started with: the models
    need nothing of the server, which takes seconds and 50 MiB to import."""
    main = sys.modules["__main__"]
    file, spec = main.__dict__.pop("__file__", None), main.__spec__
    main.__spec__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        if file is not None:
            main.__file__ = file


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

    inbox: Inbox = queue.SimpleQueue()

    def load(send: SendMessage) -> BatchScheduler:
        with ThreadPoolExecutor(1) as beside:  # the whole-turn model is loaded at the same time
            writer = beside.submit(load_turn_writer, settings, inbox.put)
            scheduler = load_scheduler(settings, load_pack(settings.pack), send)
            scheduler.writer = writer.result()
        scheduler.analyser.warm_up()  # loaded with the rest, before the first caller
        # Loaded objects are never garbage; searching a million vocabulary entries for garbage again
        # and again took a tenth of the time.
        gc.collect()
        gc.freeze()
        return scheduler

    serve(end, load, inbox)


def load_turn_writer(
    settings: Settings, report: Callable[[TurnWritten], None]
) -> TurnWriter | None:
    """The thread that transcribes whole turns, with its model; None when there is no model."""
    from audio.turn_transcribers import load_turn_transcriber

    return TurnWriter.start(
        lambda: load_turn_transcriber(settings.writer_checkpoint, settings.answer_s / 2), report
    )


def load_scheduler(settings: Settings, pack: Pack, send: SendMessage) -> BatchScheduler:
    """Load the text models from disk, and the speech models with the first turn that needs them.

    The models take seconds to import: imported here, so that commands without them start fast.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from agent.understanding.turn_understanding import TurnUnderstanding

    threadpool_limits(1)  # NumPy's second thread would spin while it waits
    understanding = TurnUnderstanding.load(pack, settings.weights, settings.sentence_checkpoint)
    if understanding.has_sentence_encoder:
        _use_one_torch_thread()
    return BatchScheduler(
        lambda: _load_analyser(settings),
        understanding,
        send,
        write_limit_s=settings.answer_s / 2,
    )


def _load_analyser(settings: Settings) -> SpeechAnalyser:
    """Load the speech models, in the thread that will use them: it sets up torch."""
    from audio.speech_analyser import SpeechAnalyser

    _use_one_torch_thread()
    return SpeechAnalyser.load(
        settings.weights,
        speech_checkpoint=settings.speech_checkpoint or None,
        emotion_checkpoint=settings.emotion_checkpoint or None,
        precision=settings.precision,
    )


def _use_one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)  # two OpenMP threads collapse as soon as anything else runs
