"""Unacknowledged turns and requests, re-sent when the models process restarts (at-least-once).

Holds every unanswered turn with its audio from the start, and every unanswered request. A turn's
audio is sent hop by hop, so that few messages go through the socket and no sample twice. Bounded by
the turns in progress: one per leg, at most as long as a turn may last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from agent.core.effects import FeedEncoder
from agent.inference.messages import (
    AudioChunk,
    MessageToWorker,
    RestoreCaller,
    StreamKey,
    UnderstandRequest,
)
from audio.types import Samples

MAX_TRIES = 2  # times a turn or request is sent when a model fails on it; then it is given up


@dataclass(slots=True, eq=False)
class InFlightTurn:
    """A turn in progress, or over and not yet answered.

    `isolated`: a model failed on a batch with it, so the models keep it in a batch of its own.
    """

    key: StreamKey
    start: int
    infer_emotion: bool
    on_partial: Callable[[str], None]
    audio: list[Samples] = field(default_factory=list)
    received: int = 0  # samples so far
    sent: int = 0  # how many of them were sent to the models, and in how many chunks
    sent_chunks: int = 0
    tries: int = 1
    isolated: bool = False
    request: UnderstandRequest | None = None

    def unsent_audio(self) -> Samples:
        """The samples that have not been sent to the models."""
        unsent, at = [], self.received
        for piece in reversed(self.audio):
            if at <= self.sent:
                break
            unsent.append(piece)
            at -= len(piece)
        return np.concatenate([np.zeros(0, np.float32), *reversed(unsent)])


class InFlight:
    """The turns and requests of all sessions that are in flight. Methods return the messages to
    send to the models; they send nothing themselves."""

    def __init__(self, hop: int, look_ahead: int) -> None:
        self._hop, self._look_ahead = hop, look_ahead
        self._turns: dict[StreamKey, InFlightTurn] = {}
        # by id: the request, and how often it was sent
        self._typed_requests: dict[int, tuple[UnderstandRequest, int]] = {}
        self._callers: dict[str, bytes] = {}
        self._given_up: set[StreamKey] = set()  # turns that go on but are no longer sent

    def __len__(self) -> int:
        return len(self._turns)

    def add_audio(
        self, session: str, effect: FeedEncoder, on_partial: Callable[[str], None]
    ) -> AudioChunk | None:
        """Add audio of a turn; the chunk to send when it completes a hop, else None."""
        key = (session, effect.stream)
        if key in self._given_up:
            return None
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = InFlightTurn(
                key, effect.start, effect.infer_emotion, on_partial
            )
        before, turn.received = self._hop_count(turn.sent), turn.received + len(effect.samples)
        turn.audio.append(effect.samples)
        return self._next_chunk(turn) if self._hop_count(turn.received) > before else None

    def find_turn(self, key: StreamKey) -> InFlightTurn | None:
        """An unanswered turn; None when there is none."""
        return self._turns.get(key)

    def _hop_count(self, samples: int) -> int:
        """The number of hops that so many samples complete: packet sizes do not matter."""
        return max(0, samples - self._look_ahead) // self._hop

    def _next_chunk(self, turn: InFlightTurn) -> AudioChunk:
        first, samples = not turn.sent_chunks, turn.unsent_audio()
        turn.sent, turn.sent_chunks = turn.received, turn.sent_chunks + 1
        return AudioChunk(turn.key, turn.start, turn.infer_emotion, samples, first, turn.isolated)

    def deliver_partial(self, key: StreamKey, text: str) -> None:
        """Call the turn's `on_partial` with the words so far."""
        if turn := self._turns.get(key):
            turn.on_partial(text)

    def add_request(self, request: UnderstandRequest) -> UnderstandRequest | None:
        """Add a request; return it with the turn's last audio, ready to send. None when its turn
        has been given up meanwhile."""
        if request.key is None:
            self._typed_requests[request.id] = (request, 1)
            return request
        if (turn := self._turns.get(request.key)) is None:
            self._given_up.discard(request.key)
            return None
        turn.request = request
        return replace(request, last_audio=self._next_chunk(turn), isolated=turn.isolated)

    def remove_answered(self, request_id: int, caller: bytes | None) -> None:
        """Remove an answered request and its turn, and keep the caller's voice for a restart."""
        self._typed_requests.pop(request_id, None)
        for turn in self._turns.values():
            if turn.request is not None and turn.request.id == request_id:
                if caller is not None:
                    self._callers[turn.key[0]] = caller
                del self._turns[turn.key]
                return

    def remove_request(self, request: UnderstandRequest) -> None:
        """Remove a request whose answer is no longer awaited, and its turn."""
        self._typed_requests.pop(request.id, None)
        if request.key is not None:
            self.discard_turn(request.key)

    def discard_turn(self, key: StreamKey) -> None:
        """Discard a turn that was no speech."""
        self._turns.pop(key, None)
        self._given_up.discard(key)

    def end_session(self, session: str) -> list[StreamKey]:
        """Forget a session; return its turns that were still going on."""
        self._callers.pop(session, None)
        self._given_up = {key for key in self._given_up if key[0] != session}
        open_turns = [key for key in self._turns if key[0] == session]
        for key in open_turns:
            del self._turns[key]
        return open_turns

    # -- re-sending ----------------------------------------------------------------------------

    def resend(
        self, keys: tuple[StreamKey, ...], request_ids: tuple[int, ...], isolated: bool
    ) -> tuple[list[MessageToWorker], list[int]]:
        """The messages that send these turns and requests again, and the ids of requests that are
        given up because they failed `MAX_TRIES` times. `isolated`: keep each in a batch of its
        own."""
        messages: list[MessageToWorker] = []
        given_up: list[int] = []
        for key in keys:
            if turn := self._turns.get(key):
                of_turn, given_up_ids = self._resend_turn(turn, isolated)
                messages += of_turn
                given_up += given_up_ids
        for request_id in request_ids:
            if request_id in self._typed_requests:
                request, tries = self._typed_requests[request_id]
                if tries >= MAX_TRIES:
                    del self._typed_requests[request_id]
                    given_up.append(request_id)
                    continue
                self._typed_requests[request_id] = (replace(request, isolated=isolated), tries + 1)
                messages.append(self._typed_requests[request_id][0])
        return messages, given_up

    def _resend_turn(
        self, turn: InFlightTurn, isolated: bool
    ) -> tuple[list[MessageToWorker], list[int]]:
        if turn.tries >= MAX_TRIES:
            del self._turns[turn.key]
            if turn.request is not None:
                return [], [turn.request.id]
            self._given_up.add(turn.key)  # a later request finds it gone
            return [], []
        turn.tries, turn.isolated = turn.tries + 1, turn.isolated or isolated
        turn.sent = turn.sent_chunks = 0
        chunk = self._next_chunk(turn)
        if turn.request is None:
            return [chunk], []
        return [replace(turn.request, last_audio=chunk, isolated=turn.isolated)], []

    def resend_all(self) -> tuple[list[MessageToWorker], list[int]]:
        """The messages that send everything in flight to a new models process, and the ids of
        requests that are given up."""
        messages, given_up = self.resend(
            tuple(self._turns), tuple(self._typed_requests), isolated=False
        )
        return [*self._restored_callers(), *messages], given_up

    def _restored_callers(self) -> Iterator[MessageToWorker]:
        for session, caller in self._callers.items():
            yield RestoreCaller(session, caller)
