"""Turns that wait for a whole-turn transcriber, which works beside the scheduler.

A turn is given away when its streams are closed, and comes back with a transcript, or without one
when its time is over: then the encoder's own counts. No clock and no thread here: time is an
argument (tests/agent/inference/test_scheduler.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.inference.messages import StreamKey, TurnWritten, UnderstandRequest
from audio.model_info import ModelInfo
from audio.types import Samples, Spoken, Transcript


class Writer(Protocol):
    """A transcriber of whole turns that works beside the scheduler, as
    agent/inference/turn_writer.py does. The scheduler receives a `TurnWritten` for each turn that
    it accepts."""

    @property
    def model(self) -> ModelInfo:
        """What writes."""

    def submit(self, request_id: int, samples: Samples, start: int) -> bool:
        """Transcribe a turn that begins at position `start`; False for no time."""

    def cancel(self, request_id: int) -> None:
        """Forget a turn."""


@dataclass(frozen=True, slots=True)
class WaitingTurn:
    """A turn whose streams are closed and that is being written."""

    request: UnderstandRequest
    spoken: Spoken
    deadline: float  # when the encoder's transcript is taken instead


WrittenTurns = Sequence[tuple[WaitingTurn, Transcript]]


class PendingTranscriptions:
    """The turns that a writer has, and those that it gave back. A turn that takes longer than
    `limit_s` seconds keeps the encoder's transcript."""

    def __init__(self, limit_s: float) -> None:
        self.writer: Writer | None = None  # of whole turns; there may be none
        self.unwritten_turns = 0  # that the writer had no time for
        self._limit_s = limit_s
        self._waiting: dict[int, WaitingTurn] = {}  # by request
        self._written: list[tuple[WaitingTurn, Transcript]] = []

    def begin(
        self, request: UnderstandRequest, spoken: Spoken, samples: Samples, start: int, now: float
    ) -> bool:
        """Give a turn to the writer; False when it has no time, or there is none."""
        if self.writer is None:
            return False
        if not self.writer.submit(request.id, samples, start):
            self.unwritten_turns += 1
            return False
        self._waiting[request.id] = WaitingTurn(request, spoken, now + self._limit_s)
        return True

    def receive(self, written: TurnWritten) -> None:
        """Take back a turn, unless nobody waits for it any more."""
        if (turn := self._waiting.pop(written.request_id, None)) is not None:
            self._written.append((turn, written.transcript))

    def cancel(self, key: StreamKey | None, request_id: int | None) -> None:
        """Forget the turns of a stream, and a request; either may be None."""
        for known, turn in [*self._waiting.items()]:
            if known == request_id or (key is not None and turn.request.key == key):
                del self._waiting[known]
                assert self.writer is not None
                self.writer.cancel(known)

    def take_written(self, now: float) -> WrittenTurns:
        """The turns that came back, and those whose time is over at `now`."""
        for request_id, turn in [*self._waiting.items()]:
            if turn.deadline <= now:
                self.cancel(None, request_id)
                self.unwritten_turns += 1
                self._written.append((turn, turn.spoken.transcript))
        written, self._written = self._written, []
        return written

    def next_deadline(self) -> float | None:
        """When the first of the waiting turns has waited too long; None when none waits."""
        return min((turn.deadline for turn in self._waiting.values()), default=None)
