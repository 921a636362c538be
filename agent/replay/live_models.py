"""What do the models that are here now make of a recording's turns?

The same models and the same order of work as on a line (agent/inference/scheduler.py), without
waiting and without company. A turn whose sound was not kept, or was silenced because somebody said
a number in it, cannot be heard again: it is answered as it was then.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.core import events as e
from agent.inference.in_flight import InFlight
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
from agent.inference.worker import load_scheduler
from agent.replay.answer_sources import ReplayAnswer, answer_from_recording
from dialogs.pack.model import Pack

if TYPE_CHECKING:
    from agent.recordings.recording import Recording
    from agent.replay.recorded_answers import RecordedAnswer

NO_REDACTIONS = "[]"
VAD_MODEL = "silero-vad"  # its verdicts are part of what was heard


class LiveModels:
    """The models of one process, for one recording after the other."""

    def __init__(self, settings: Settings, pack: Pack) -> None:
        """Reads them from disk, which takes seconds; raises what that raises."""
        self._messages: list[MessageFromWorker] = []
        self._scheduler = load_scheduler(settings, pack, self._messages.append)
        encoder = self._scheduler.analyser
        self._hop_samples, self._lookahead_samples = encoder.hop, encoder.overhang

    @property
    def model_names(self) -> dict[str, str]:
        """Role -> which model answers for it, as a server's sessions note it."""
        return {"voice_activity": VAD_MODEL, **self._scheduler.model_names}

    def answer_source(self, recording: Recording) -> ModelAnswerSource:
        """The answers for this recording."""
        in_flight = InFlight(self._hop_samples, self._lookahead_samples)
        return ModelAnswerSource(self._scheduler, self._messages, in_flight, recording)

    def end_session(self, recording: Recording) -> None:
        """Its customer's voice is forgotten."""
        self._scheduler.receive(EndSession(recording.record.id), 0.0)


@dataclass(slots=True)
class ModelAnswerSource:
    """The models, listening to one recording."""

    scheduler: BatchScheduler
    messages: list[MessageFromWorker]
    in_flight: InFlight
    recording: Recording
    recorded_fallbacks: int = 0
    _request_count: int = 0
    _leg_of_stream: dict[int, str] = field(default_factory=dict)  # of turns in progress

    def has_audio_of(self, stream: int) -> bool:
        """Whether the recording holds the sound of this turn so far as it was heard."""
        audio = self.recording.audio.get(self._leg_of_stream.get(stream, ""))
        turn = self.in_flight.find_turn((self.recording.record.id, stream))
        return bool(audio and turn and audio.is_intact(turn.start, turn.start + turn.received))

    def feed_audio(self, effect: e.FeedEncoder) -> Sequence[str]:
        self._leg_of_stream[effect.stream] = effect.leg
        chunk = self.in_flight.add_audio(self.recording.record.id, effect, lambda text: None)
        if chunk is None:
            return ()
        self.scheduler.receive(chunk, 0.0)
        texts = [told.text for told in self._run_batches() if isinstance(told, PartialText)]
        return texts if self.has_audio_of(effect.stream) else ()

    def discard_turn(self, stream: int) -> None:
        key = (self.recording.record.id, stream)
        self._leg_of_stream.pop(stream, None)
        self.in_flight.discard_turn(key)
        self.scheduler.receive(CancelStream(key), 0.0)

    def understand(
        self,
        request: e.UnderstandTurn,
        recorded_answer: RecordedAnswer | None,
        today: date,
        at: float,
    ) -> ReplayAnswer:
        if request.stream is not None and not self.has_audio_of(request.stream):
            self.recorded_fallbacks += 1
            self.discard_turn(request.stream)
            return answer_from_recording(request, recorded_answer)
        self._request_count += 1
        model_request = UnderstandRequest(
            self._request_count, self.recording.record.id, request, today, at
        )
        request_to_send = self.in_flight.add_request(model_request)
        if request_to_send is None:
            return answer_from_recording(request, recorded_answer)
        self.scheduler.receive(request_to_send, 0.0)
        for one in self._run_batches():
            match one:
                case ModelAnswered(request_id=number, result=answer, caller=caller):
                    self.in_flight.remove_answered(number, caller)
                    return e.TurnUnderstood(
                        at, request.request_id, answer.understanding, answer.transcript
                    ), NO_REDACTIONS
                case StreamsFailed(failure=failure):
                    raise RuntimeError(f"a model failed on turn {request.turn}: {failure}")
        raise RuntimeError(f"the models did not answer turn {request.turn}")

    def _run_batches(self) -> list[MessageFromWorker]:
        self.messages.clear()
        while (batch := self.scheduler.next_batch(math.inf)) is not None:
            assert not isinstance(batch, float)  # nothing waits at the end of time
            self.scheduler.run_batch(batch, lambda: 0.0)
        return list(self.messages)
