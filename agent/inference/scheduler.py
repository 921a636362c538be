"""Deadline scheduler with dynamic batching, inside the models process.

Everything that waits has a deadline: a request a quarter of a second after it came, audio somewhat
later. Earliest deadline first; a batch holds as much of the same kind as fits into 60 ms, so that
other work waits no longer than that for a batch under way. Audio waits up to 100 ms for a fuller
batch, which makes it cheaper; a stream's result does not depend on the batch it is in
(audio/incremental.py). Load shedding: when late, partial text is left out first, then cues, never
the final words.

No clock, no socket and no thread here: time is an argument
(tests/agent/inference/test_scheduler.py).
"""

from __future__ import annotations

import math
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from agent.inference.messages import (
    AudioChunk,
    CancelStream,
    EndSession,
    MeasureCosts,
    MessageFromWorker,
    MessageToWorker,
    PartialText,
    RequestAnswered,
    RestoreCaller,
    StreamKey,
    StreamsFailed,
    TurnWritten,
    UnderstandRequest,
    UnderstandResult,
    WorkerLoad,
)
from agent.inference.pending_transcriptions import PendingTranscriptions, Writer, WrittenTurns
from audio.transcript_choice import preferred_transcript, should_transcribe
from audio.types import RATE, Expectation, Samples, Spoken
from dialogs.values import Understanding

# These import torch, which only the models' process needs (agent/inference/launcher.py)
if TYPE_CHECKING:
    from agent.understanding.turn_understanding import TurnUnderstanding
    from audio.speaker_normalisation import SpeakerProfile
    from audio.speech_analyser import SpeechAnalyser, TurnStream

ANSWER_DEADLINE_S = 0.25  # after which an answer is late
AUDIO_DEADLINE_S = 0.6  # after which audio is late: it is needed at the end of its turn
MAX_BATCH_S = 0.06  # of work in one go
BATCH_WAIT_S = 0.1  # that audio waits for others', while there are any
FULL_BATCH_STREAMS = 16  # streams in a step: more make it no cheaper for each
NO_PARTIALS_LATE_S, NO_CUES_LATE_S = 0.25, 0.75  # without partial text, without cues
SILENCE_KEPT = RATE // 5  # samples after the voice that belong to a turn that is written
SMOOTHING = 0.2  # weight of the newest in running means

_NO_SAMPLES = np.zeros(0, np.float32)


@dataclass(slots=True, eq=False)
class ActiveStream:
    """A turn in progress: its encoder state and the audio that has not been encoded yet.

    `isolated`: a model failed on a batch with it, so it is encoded in a batch of its own.
    """

    key: StreamKey
    start: int
    infer_emotion: bool
    isolated: bool
    stream: TurnStream | None = None
    audio: deque[tuple[float, Samples]] = field(default_factory=deque)  # with when it came
    text: str = ""

    @property
    def waiting_since(self) -> float:
        """When the oldest of its audio arrived."""
        return self.audio[0][0]


@dataclass(frozen=True, slots=True)
class EncodeBatch:
    """Streams whose audio is encoded in one batch."""

    streams: Sequence[ActiveStream]


@dataclass(frozen=True, slots=True)
class AnswerBatch:
    """Requests answered one after the other, their last audio encoded in one batch."""

    requests: Sequence[tuple[float, UnderstandRequest]]  # with when they came


@dataclass(frozen=True, slots=True)
class WrittenBatch:
    """Turns that were written, or had to wait too long, to be answered one after the other."""

    turns: WrittenTurns


WorkBatch = EncodeBatch | AnswerBatch | WrittenBatch


class BatchScheduler:
    """The models, all open streams, and all unanswered requests.

    `receive` each message; then, as long as `next_batch` returns one, `run_batch`. `send` is called
    with the resulting messages. The speech models are loaded when they are first needed: typed
    turns need none.
    """

    def __init__(
        self,
        load_analyser: Callable[[], SpeechAnalyser],
        turn_understanding: TurnUnderstanding,
        send: Callable[[MessageFromWorker], None],
        write_limit_s: float = 2.5,
    ) -> None:
        """A whole turn that takes longer to write than `write_limit_s` is answered with the
        encoder's transcript."""
        self._load_analyser = load_analyser
        self._pending = PendingTranscriptions(write_limit_s)
        self.turn_understanding = turn_understanding
        self._send = send
        self._streams: dict[StreamKey, ActiveStream] = {}
        self._requests: list[tuple[float, UnderstandRequest]] = []
        self._callers: dict[str, SpeakerProfile] = {}  # session -> how its customer usually sounds
        # seconds each, running means
        self._costs: dict[type[WorkBatch], float] = {
            EncodeBatch: 0.01, AnswerBatch: 0.03, WrittenBatch: 0.01
        }  # fmt: skip
        self._late = 0.0
        self._load = WorkerLoad(0.0, 0.0, True, True)

    @cached_property
    def analyser(self) -> SpeechAnalyser:
        """The speech models, loaded by the first one who asks; raises what loading raises."""
        return self._load_analyser()

    @property
    def writer(self) -> Writer | None:
        """What transcribes whole turns; there may be none."""
        return self._pending.writer

    @writer.setter
    def writer(self, writer: Writer | None) -> None:
        self._pending.writer = writer

    @property
    def model_names(self) -> dict[str, str]:
        """Role -> the model that fills it: its name and the start of its file's SHA-256."""
        analyser_models = {
            role: f"{one.name}, {one.sha256}" for role, one in self.analyser.models.items()
        }
        if self.writer is not None:
            analyser_models["whole_turns"] = f"{self.writer.model.name}, {self.writer.model.sha256}"
        return {**analyser_models, **self.turn_understanding.models}

    def __len__(self) -> int:
        return len(self._streams)

    # -- incoming messages ---------------------------------------------------------------------

    def receive(self, message: MessageToWorker | TurnWritten, at: float) -> None:
        """Apply one message that arrived at `at`."""
        match message:
            case AudioChunk():
                self._add_audio(message, at)
            case UnderstandRequest():
                if message.last_audio is not None:
                    self._add_audio(message.last_audio, at)
                if message.key is None or message.key in self._streams:
                    self._requests.append((at, message))  # else it is sent again, with its stream
            case TurnWritten():
                self._pending.receive(message)
            case CancelStream(key, request_id):
                if key is not None:
                    self._discard(key)
                self._pending.cancel(key, request_id)
                self._requests = [
                    (received_at, request)
                    for received_at, request in self._requests
                    if request.id != request_id and (key is None or request.key != key)
                ]
            case EndSession(session):
                self._callers.pop(session, None)
            case RestoreCaller(session, caller):
                self._callers[session] = pickle.loads(caller)
            case MeasureCosts():
                raise ValueError("the worker measures costs: the scheduler has no clock")

    def _add_audio(self, chunk: AudioChunk, at: float) -> None:
        if chunk.first:
            self._discard(chunk.key)
            self._streams[chunk.key] = ActiveStream(
                chunk.key, chunk.start, chunk.infer_emotion, chunk.isolated
            )
        stream = self._streams.get(chunk.key)
        if stream is None or not len(chunk.samples):  # what was lost is sent again from its start
            return
        stream.audio.append((at, chunk.samples))

    def _discard(self, key: StreamKey) -> None:
        stream = self._streams.pop(key, None)
        if stream is not None and stream.stream is not None:
            self.analyser.close(stream.stream)

    # -- choice of the next batch --------------------------------------------------------------

    def next_batch(self, now: float) -> WorkBatch | float | None:
        """The batch to run now; or the seconds until there will be one; or None for no work."""
        if written := self._pending.take_written(now):
            return WrittenBatch(written)
        batch = self._next_unwritten(now)
        deadline = self._pending.next_deadline()
        if isinstance(batch, EncodeBatch | AnswerBatch) or deadline is None:
            return batch
        return deadline - now if batch is None else min(batch, deadline - now)

    def _next_unwritten(self, now: float) -> EncodeBatch | AnswerBatch | float | None:
        requested = {request.key for _, request in self._requests}
        ready = [one for one in self._streams.values() if one.audio and one.key not in requested]
        ready.sort(key=lambda one: one.waiting_since)
        audio_due = ready[0].waiting_since + AUDIO_DEADLINE_S if ready else math.inf
        if self._requests and self._requests[0][0] + ANSWER_DEADLINE_S <= audio_due:
            candidates = _batch_candidates(self._requests, lambda waiting: waiting[1].isolated)
            return AnswerBatch(candidates[: self._max_batch_size(AnswerBatch)])
        if not ready:
            return None
        wait = ready[0].waiting_since + BATCH_WAIT_S - now
        if wait > 0 and len(ready) < min(FULL_BATCH_STREAMS, len(self._streams)):
            return wait
        return EncodeBatch(
            _batch_candidates(ready, lambda one: one.isolated)[: self._max_batch_size(EncodeBatch)]
        )

    def _max_batch_size(self, kind: type[WorkBatch]) -> int:
        return max(1, int(MAX_BATCH_S / self._costs[kind]))

    # -- running a batch -----------------------------------------------------------------------

    def run_batch(self, batch: WorkBatch, now: Callable[[], float]) -> None:
        """Run a batch. Raises what a model raises; then call `fail_batch`."""
        began = now()
        match batch:
            case EncodeBatch(streams):
                due, count = streams[0].waiting_since + AUDIO_DEADLINE_S, len(streams)
                self._encode(streams)
            case AnswerBatch(requests):
                due, count = requests[0][0] + ANSWER_DEADLINE_S, len(requests)
                self._answer(requests, began)
            case WrittenBatch(turns):
                due, count = began + ANSWER_DEADLINE_S, len(turns)
                self._answer_written(turns)
        ended = now()
        self._costs[type(batch)] += SMOOTHING * ((ended - began) / count - self._costs[type(batch)])
        self._shed_load(max(0.0, ended - due))

    def fail_batch(self, batch: WorkBatch, failure: str) -> None:
        """Discard the batch's streams and requests that are not done; report them as failed."""
        match batch:
            case EncodeBatch(streams):
                keys = {one.key for one in streams}
                ids = {request.id for _, request in self._requests if request.key in keys}
            case AnswerBatch(requests):
                ids = {request.id for _, request in requests}
                lost = [request for _, request in self._requests if request.id in ids]
                keys = {request.key for request in lost if request.key is not None}
                ids = {request.id for request in lost}
            case WrittenBatch(turns):
                keys = {turn.request.key for turn, _ in turns if turn.request.key is not None}
                ids = {turn.request.id for turn, _ in turns}
        for key in keys:
            self._discard(key)
        self._requests = [(at, request) for at, request in self._requests if request.id not in ids]
        self._send(StreamsFailed(tuple(keys), tuple(ids), failure))

    def _shed_load(self, late: float) -> None:
        """Shed load by mean lateness: a single late batch is no reason to leave anything out."""
        self._late += SMOOTHING * (late - self._late)
        if self._affordable_outputs() != (self._load.sends_partials, self._load.computes_cues):
            self._publish_load(self._load.busy_share)

    def _affordable_outputs(self) -> tuple[bool, bool]:
        """Whether partial text and cues are affordable; each returns at half its threshold."""
        partials = self._late < (
            NO_PARTIALS_LATE_S if self._load.sends_partials else NO_PARTIALS_LATE_S / 2
        )
        cues = self._late < (NO_CUES_LATE_S if self._load.computes_cues else NO_CUES_LATE_S / 2)
        return partials, cues

    def heartbeat(self, busy: float) -> None:
        """Publish the load, every second. Lateness decays while there is nothing to do."""
        if not self._requests and not any(one.audio for one in self._streams.values()):
            self._late /= 2
        self._publish_load(busy)

    def _publish_load(self, busy: float) -> None:
        self._load = WorkerLoad(
            round(self._late, 3), busy, *self._affordable_outputs(), self._pending.unwritten_turns
        )
        self._send(self._load)

    def _encode(self, streams: Sequence[ActiveStream]) -> None:
        # One piece of each: else the streams with more would go on in ever smaller batches.
        pieces = [one.audio.popleft()[1] for one in streams]
        for one, text in zip(streams, self._advance(streams, pieces), strict=True):
            if text != one.text and self._load.sends_partials:
                one.text = text
                self._send(PartialText(one.key, text))

    def _advance(self, streams: Sequence[ActiveStream], pieces: Sequence[Samples]) -> list[str]:
        """Encode one piece for each stream; the words so far of each."""
        pairs = []
        for one, samples in zip(streams, pieces, strict=True):
            one.stream = one.stream or self.analyser.open(one.start, one.infer_emotion)
            pairs.append((one.stream, samples))
        return self.analyser.advance(pairs)

    def _answer(self, requests: Sequence[tuple[float, UnderstandRequest]], now: float) -> None:
        turns = [(request, self._streams[request.key]) for _, request in requests if request.key]
        spoken = self._finish_streams(turns)
        for waiting in requests:
            _, request = waiting
            spoken_turn = next(spoken) if request.key else None
            if spoken_turn is None or not self._begin_writing(request, spoken_turn, now):
                self._send(self._answer_request(request, spoken_turn))
            self._requests.remove(waiting)
            if request.key:
                del self._streams[request.key]

    def _begin_writing(self, request: UnderstandRequest, spoken: Spoken, now: float) -> bool:
        """Give a turn to the writer, where it is likely to read it better than the encoder."""
        assert request.key is not None
        if not should_transcribe(spoken.transcript, request.effect.expectation):
            return False
        stream = self._streams[request.key].stream
        assert stream is not None
        samples = stream.all_samples()
        if request.effect.spoke_until is not None:
            samples = samples[: request.effect.spoke_until - stream.start + SILENCE_KEPT]
        return self._pending.begin(request, spoken, samples, stream.start, now)

    def _answer_written(self, turns: WrittenTurns) -> None:
        for turn, written in turns:
            request, spoken = turn.request, turn.spoken
            chosen = preferred_transcript(spoken.transcript, written)
            if chosen is not spoken.transcript and self.writer is not None:
                models = {**spoken.models, "whole_turns": self.writer.model.name}
                spoken = replace(spoken, transcript=chosen, models=models)
            self._send(self._answer_request(request, spoken))

    def _finish_streams(
        self, turns: Sequence[tuple[UnderstandRequest, ActiveStream]]
    ) -> Iterator[Spoken]:
        """Encode the rest of these turns in one batch and close their streams; the results are
        computed one by one, as they are read."""
        if not turns:
            return iter(())
        rest = [np.concatenate([_NO_SAMPLES, *(x for _, x in stream.audio)]) for _, stream in turns]
        self._advance([stream for _, stream in turns], rest)
        closing: list[tuple[TurnStream, Expectation]] = []
        for request, stream in turns:
            assert stream.stream is not None  # opened by `_advance`
            if stream.infer_emotion:  # the customer consents to emotion analysis
                stream.stream.speaker = self._callers.setdefault(
                    request.session, stream.stream.speaker
                )
            if request.effect.spoke_until is not None:
                stream.stream.mark_speech_end(request.effect.spoke_until)
            closing.append((stream.stream, request.effect.expectation))
        return iter(self.analyser.finish_all(closing, cues=self._load.computes_cues))

    def _answer_request(self, request: UnderstandRequest, spoken: Spoken | None) -> RequestAnswered:
        effect = request.effect
        transcript = spoken.transcript if spoken else None
        text = transcript.text if transcript else effect.text
        if effect.leg != "customer":  # an employee's turn is only transcribed
            return RequestAnswered(
                request.id, UnderstandResult(Understanding(text, "", 0.0), transcript)
            )
        understanding = self.turn_understanding.understand(
            text,
            spoken,
            effect.expectation,
            request.today,
            effect.turn,
            request.at,
            effect.context,
            effect.usual_prosody,
            (effect.previous_turns, effect.previous_replies),
        )
        voice = self._callers.get(request.session) if spoken else None
        caller = pickle.dumps(voice) if voice else None
        return RequestAnswered(request.id, UnderstandResult(understanding, transcript), caller)


T = TypeVar("T")


def _batch_candidates(waiting: Sequence[T], is_isolated: Callable[[T], bool]) -> list[T]:
    """The first item with all that may share its batch: alone when it is isolated."""
    return (
        [waiting[0]]
        if is_isolated(waiting[0])
        else [one for one in waiting if not is_isolated(one)]
    )
