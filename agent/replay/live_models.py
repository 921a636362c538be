"""The models of this machine as answer source for a replay.

They run through the same scheduler as for live callers (agent/inference/scheduler.py), without
waiting and with one caller only. A turn whose audio was not stored, or is masked, gets its recorded
answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from agent.config import Settings
from agent.core.effects import FeedEncoder, UnderstandTurn
from agent.core.inputs import TurnUnderstood
from agent.core.virtual_session import DueInput
from agent.inference.in_flight import InFlight
from agent.inference.launcher import load_scheduler
from agent.inference.messages import (
    CancelStream,
    EndSession,
    MessageFromWorker,
    PartialText,
    StreamsFailed,
    UnderstandRequest,
)
from agent.inference.messages import RequestAnswered as ModelAnswered
from agent.inference.scheduler import BatchScheduler
from agent.inference.turn_writer import ImmediateWriter
from agent.recordings.recording import Recording
from agent.replay.answer_sources import answer_from_recording
from agent.replay.recorded_answers import RecordedAnswer
from dialogs.pack.model import Pack

VAD_MODEL = "silero-vad"  # its probabilities are part of the recorded inputs


class LiveModels:
    """The models of this process, for one session after the other."""

    def __init__(self, settings: Settings, pack: Pack) -> None:
        """Load the text models from disk, which takes seconds; those of speech are loaded with the
        first turn that has sound. Raises what loading raises."""
        self._settings = settings
        self._messages: list[MessageFromWorker] = []
        self._scheduler = load_scheduler(settings, pack, self._messages.append)

    @property
    def model_names(self) -> dict[str, str]:
        """Role -> name of its model, as in a session record."""
        self._scheduler.writer = self._writer
        return {"voice_activity": VAD_MODEL, **self._scheduler.model_names}

    @cached_property
    def _writer(self) -> ImmediateWriter | None:
        """The transcriber of whole turns, loaded with the first turn that has sound."""
        from audio.turn_transcribers import load_turn_transcriber

        loaded = load_turn_transcriber(
            self._settings.writer_checkpoint, self._settings.answer_s / 2
        )
        return ImmediateWriter(*loaded) if loaded is not None else None

    def answer_source(self, recording: Recording) -> ModelAnswerSource:
        """The answer source for this recording."""
        return replace(self.answer_source_of(recording.record.id), recording=recording)

    def answer_source_of(self, session: str) -> ModelAnswerSource:
        """The answer source for a session that is no recording: it has all its audio."""
        return ModelAnswerSource(self._scheduler, self._messages, session, lambda: self._writer)

    def end_session(self, session: str) -> None:
        """Forget the voice of this session's customer."""
        self._scheduler.receive(EndSession(session), 0.0)


@dataclass(slots=True)
class ModelAnswerSource:
    """Answers the requests of one session with the models. `recording` is what the session is
    replayed from; None when nothing of its audio can be missing."""

    scheduler: BatchScheduler
    messages: list[MessageFromWorker]
    session: str
    load_writer: Callable[[], ImmediateWriter | None]
    recording: Recording | None = None
    recorded_fallbacks: int = 0
    _in_flight: InFlight | None = None  # once there is sound
    _request_count: int = 0
    _leg_of_stream: dict[int, str] = field(default_factory=dict)  # turns in progress

    def has_audio_of(self, stream: int) -> bool:
        """Whether all audio of this turn so far is there, unmodified."""
        turn = self._in_flight.find_turn((self.session, stream)) if self._in_flight else None
        if self.recording is None:
            return turn is not None
        audio = self.recording.audio.get(self._leg_of_stream.get(stream, ""))
        return bool(audio and turn and audio.is_intact(turn.start, turn.start + turn.received))

    def feed_audio(self, effect: FeedEncoder) -> Sequence[str]:
        self._leg_of_stream[effect.stream] = effect.leg
        if self._in_flight is None:
            analyser = self.scheduler.analyser
            self.scheduler.writer = self.load_writer()
            self._in_flight = InFlight(analyser.hop, analyser.overhang)
        chunk = self._in_flight.add_audio(self.session, effect, lambda text: None)
        if chunk is None:
            return ()
        self.scheduler.receive(chunk, 0.0)
        texts = [one.text for one in self._run_batches() if isinstance(one, PartialText)]
        return texts if self.has_audio_of(effect.stream) else ()

    def discard_turn(self, stream: int) -> None:
        key = (self.session, stream)
        self._leg_of_stream.pop(stream, None)
        if self._in_flight is not None:
            self._in_flight.discard_turn(key)
        self.scheduler.receive(CancelStream(key), 0.0)

    def understand(
        self,
        request: UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> DueInput:
        if request.stream is not None and not self.has_audio_of(request.stream):
            self.recorded_fallbacks += 1
            self.discard_turn(request.stream)
            return answer_from_recording(request, recorded_answer, at)
        self._request_count += 1
        model_request = UnderstandRequest(self._request_count, self.session, request, today, at)
        if self._in_flight is not None and request.stream is not None:
            with_audio = self._in_flight.add_request(model_request)
            if with_audio is None:
                return answer_from_recording(request, recorded_answer, at)
            model_request = with_audio
        self.scheduler.receive(model_request, 0.0)
        for one in self._run_batches():
            match one:
                case ModelAnswered(request_id=number, result=answer, caller=caller):
                    if self._in_flight is not None:
                        self._in_flight.remove_answered(number, caller)
                    event = TurnUnderstood(
                        at, request.request_id, answer.understanding, answer.transcript
                    )
                    return DueInput(event)
                case StreamsFailed(failure=failure):
                    raise RuntimeError(f"a model failed on turn {request.turn}: {failure}")
        raise RuntimeError(f"the models did not answer turn {request.turn}")

    def _run_batches(self) -> list[MessageFromWorker]:
        self.messages.clear()
        while (batch := self.scheduler.next_batch(math.inf)) is not None:
            assert not isinstance(batch, float)  # at time infinity no batch has to wait
            self.scheduler.run_batch(batch, lambda: 0.0)
            if isinstance(self.scheduler.writer, ImmediateWriter):
                for written in self.scheduler.writer.take_written():
                    self.scheduler.receive(written, 0.0)
        return list(self.messages)
