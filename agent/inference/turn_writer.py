"""A thread that transcribes whole turns, beside the one that runs everything else.

A turn takes half a second of a core, and no stream may wait for it: this thread has a low priority,
every core of the machine, and a queue that is as long as turns can be written in time. What does
not fit is refused, and the encoder's own transcript counts. The model is loaded here, because its
threads inherit priority and cores (tests/agent/inference/test_turn_writer.py).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from agent.inference.messages import TurnWritten
from audio.model_info import ModelInfo
from audio.types import NO_TRANSCRIPT, Samples, Transcript
from audio.whole_turns import WholeTurnTranscriber

MAX_WAIT_S = (
    1.3  # that turns in the queue should take, the one in progress and the new one among them
)
FIRST_ESTIMATE_S = 0.5  # that a turn takes, until some were written
SMOOTHING = 0.2  # weight of the newest turn in the running mean
NICENESS = 10  # of the thread: it gets what the streams leave

LoadTranscriber = Callable[[], tuple[WholeTurnTranscriber, ModelInfo] | None]


class TurnWriter:
    """A loaded transcriber of whole turns on its own thread. Build with `TurnWriter.start`."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        transcriber: WholeTurnTranscriber,
        model: ModelInfo,
        report: Callable[[TurnWritten], None],
    ) -> None:
        self.model = model
        self._pool, self._transcriber, self._report = pool, transcriber, report
        self._waiting: set[int] = set()  # requests that are not reported and not cancelled
        self._unfinished = 0
        self._usual_s = FIRST_ESTIMATE_S
        self._lock = threading.Lock()

    @classmethod
    def start(
        cls, load: LoadTranscriber, report: Callable[[TurnWritten], None]
    ) -> TurnWriter | None:
        """Load the model on a new thread; None when there is none. `report` is called on that
        thread with each turn that is written, and raises nothing. Raises what loading raises."""
        pool = ThreadPoolExecutor(1, "turn writer", initializer=_give_way)
        loaded = pool.submit(load).result()
        if loaded is None:
            pool.shutdown()
            return None
        transcriber, model = loaded
        pool.submit(transcriber.warm_up).result()
        return cls(pool, transcriber, model, report)

    def submit(self, request_id: int, samples: Samples, start: int) -> bool:
        """Transcribe a turn that begins at position `start`; False when it would wait too long. Who
        comes to an idle writer is never refused."""
        with self._lock:
            wait_s = (self._unfinished + 1) * self._usual_s
            if self._unfinished and wait_s > MAX_WAIT_S:
                return False
            self._unfinished += 1
            self._waiting.add(request_id)
        written = self._pool.submit(self._transcribe, request_id, samples, start)
        written.add_done_callback(lambda done: self._finish(request_id, done))
        return True

    def cancel(self, request_id: int) -> None:
        """Do not transcribe this turn, unless it is in progress already."""
        with self._lock:
            self._waiting.discard(request_id)

    def _transcribe(self, request_id: int, samples: Samples, start: int) -> Transcript:
        with self._lock:
            if request_id not in self._waiting:
                return NO_TRANSCRIPT
        began = time.monotonic()
        transcript = self._transcriber.transcribe(samples, start)
        with self._lock:
            self._usual_s += SMOOTHING * (time.monotonic() - began - self._usual_s)
        return transcript

    def _finish(self, request_id: int, done: Future[Transcript]) -> None:
        with self._lock:
            self._unfinished -= 1
            is_wanted = request_id in self._waiting
            self._waiting.discard(request_id)
        if is_wanted:
            transcript = NO_TRANSCRIPT if done.exception() is not None else done.result()
            self._report(TurnWritten(request_id, transcript))


class ImmediateWriter:
    """A transcriber of whole turns for whoever waits for each of them, as a replay does."""

    def __init__(self, transcriber: WholeTurnTranscriber, model: ModelInfo) -> None:
        self.model = model
        self._transcriber = transcriber
        self._written: list[TurnWritten] = []

    def submit(self, request_id: int, samples: Samples, start: int) -> bool:
        """Transcribe a turn that begins at position `start`."""
        transcript = self._transcriber.transcribe(samples, start)
        self._written.append(TurnWritten(request_id, transcript))
        return True

    def cancel(self, request_id: int) -> None:
        """Forget a turn."""
        self._written = [one for one in self._written if one.request_id != request_id]

    def take_written(self) -> list[TurnWritten]:
        """The turns that were written since this was last asked."""
        written, self._written = self._written, []
        return written


def _give_way() -> None:
    """Let this thread, and those it starts, run on any core when nothing else wants to. Linux
    counts priority and cores by thread."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
