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
from agent.inference.in_flight import Kept
from agent.inference.messages import Answered as ModelAnswered
from agent.inference.messages import Forgotten, FromModels, Gone, Heard, Lost, Question
from agent.inference.scheduler import Inference
from agent.inference.worker import load_inference
from agent.replay.answer_sources import Answered, recalled
from dialogs.pack.model import Pack

if TYPE_CHECKING:
    from agent.recordings.recording import Recording
    from agent.replay.recorded_answers import Then

NONE = "[]"
VOICE_ACTIVITY = "silero-vad"  # its verdicts are part of what was heard


class Models:
    """The models of one process, for one recording after the other."""

    def __init__(self, settings: Settings, pack: Pack) -> None:
        """Reads them from disk, which takes seconds; raises what that raises."""
        self._told: list[FromModels] = []
        self._inference = load_inference(settings, pack, self._told.append)
        encoder = self._inference.ears
        self._hop, self._ahead = encoder.hop, encoder.ahead

    @property
    def names(self) -> dict[str, str]:
        """Role -> which model answers for it, as a server's sessions note it."""
        return {"voice_activity": VOICE_ACTIVITY, **self._inference.names}

    def hearing(self, recording: Recording) -> Listening:
        """The answers for this recording."""
        kept = Kept(self._hop, self._ahead)
        return Listening(self._inference, self._told, kept, recording)

    def over(self, recording: Recording) -> None:
        """Its customer's voice is forgotten."""
        self._inference.take(Gone(recording.record.id), 0.0)


@dataclass(slots=True)
class Listening:
    """The models, listening to one recording."""

    inference: Inference
    told: list[FromModels]
    kept: Kept
    recording: Recording
    borrowed: int = 0
    _asked: int = 0
    _legs: dict[int, str] = field(default_factory=dict)  # of turns in progress

    def hears(self, stream: int) -> bool:
        """Whether the recording holds the sound of this turn so far as it was heard."""
        sound = self.recording.sound.get(self._legs.get(stream, ""))
        turn = self.kept.turn((self.recording.record.id, stream))
        return bool(sound and turn and sound.whole(turn.start, turn.start + turn.heard))

    def listen(self, effect: e.Listen) -> Sequence[str]:
        self._legs[effect.stream] = effect.leg
        sound = self.kept.listen(self.recording.record.id, effect, lambda text: None)
        if sound is None:
            return ()
        self.inference.take(sound, 0.0)
        words = [told.text for told in self._work() if isinstance(told, Heard)]
        return words if self.hears(effect.stream) else ()

    def forget(self, stream: int) -> None:
        key = (self.recording.record.id, stream)
        self._legs.pop(stream, None)
        self.kept.forget(key)
        self.inference.take(Forgotten(key), 0.0)

    def understand(self, ask: e.Understand, then: Then | None, today: date, at: float) -> Answered:
        if ask.stream is not None and not self.hears(ask.stream):
            self.borrowed += 1
            self.forget(ask.stream)
            return recalled(ask, then)
        self._asked += 1
        question = Question(self._asked, self.recording.record.id, ask, today, at)
        told = self.kept.ask(question)
        if told is None:
            return recalled(ask, then)
        self.inference.take(told, 0.0)
        for one in self._work():
            match one:
                case ModelAnswered(question=number, answer=answer, caller=caller):
                    self.kept.answered(number, caller)
                    return e.Understood(at, ask.ask, answer.understanding, answer.transcript), NONE
                case Lost(failure=failure):
                    raise RuntimeError(f"a model failed on turn {ask.turn}: {failure}")
        raise RuntimeError(f"the models did not answer turn {ask.turn}")

    def _work(self) -> list[FromModels]:
        self.told.clear()
        while (work := self.inference.next(math.inf)) is not None:
            assert not isinstance(work, float)  # nothing waits at the end of time
            self.inference.do(work, lambda: 0.0)
        return list(self.told)
