"""Which streams are worked on together, which question comes first, and what is left out when
there is too much to do?

Everything that waits has a deadline: a question a quarter of a second after it was asked, audio
somewhat later. What is due first is done first, together with as much of its kind as fits into the
twentieth part of a second, so that nobody waits longer than that for what is under way. Audio waits
a little for company, which makes it cheaper; a stream's result does not depend on its company
(audio/incremental.py). Whoever is behind gives up partial text first, then cues, never words.

No clock, no socket and no thread here: time is an argument (tests/agent/test_inference.py).
"""

from __future__ import annotations

import math
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from agent.inference.messages import (
    Answer,
    Answered,
    Forgotten,
    FromModels,
    Gone,
    Heard,
    Known,
    Load,
    Lost,
    Measure,
    Question,
    Sound,
    StreamKey,
    ToModels,
)
from audio.types import Expectation, Samples, Spoken
from dialogs.values import Understanding

if (
    TYPE_CHECKING
):  # these bring torch, which only the models' process needs (agent/inference/worker.py)
    from agent.understanding.turn_understanding import Mind
    from audio.speaker_normalisation import Caller
    from audio.speech_analyser import Ears, Stream

ANSWER_S = 0.25  # after which a question is late
AUDIO_S = 0.6  # after which audio is: a turn that ends asks no sooner what it meant
STEP_S = 0.06  # of work in one go
COMPANY_S = 0.1  # that audio waits for others', while there are any
ENOUGH = 16  # streams in a step: more make it no cheaper for each
LATE_S, VERY_LATE_S = 0.25, 0.75  # without partial text, without cues
SMOOTH = 0.2  # weight of the newest in running means

_NONE = np.zeros(0, np.float32)


@dataclass(slots=True, eq=False)
class Live:
    """A turn in progress: its encoder state and the audio that has not been encoded yet."""

    key: StreamKey
    start: int
    feel: bool
    alone: bool
    stream: Stream | None = None
    audio: deque[tuple[float, Samples]] = field(default_factory=deque)  # with when it came
    text: str = ""

    @property
    def since(self) -> float:
        """When the oldest of its audio came."""
        return self.audio[0][0]


@dataclass(frozen=True, slots=True)
class Step:
    """Streams whose audio is encoded together."""

    live: Sequence[Live]


@dataclass(frozen=True, slots=True)
class Answering:
    """Questions that are answered one after the other, their last audio encoded together."""

    questions: Sequence[tuple[float, Question]]  # with when they came


Work = Step | Answering


class Inference:
    """The models, every stream they are in the middle of, and every question not yet answered.

    `take` what comes in; then, as long as there is any, `do` the work that `next` names. `tell` is
    called with what comes of it.
    """

    def __init__(self, ears: Ears, mind: Mind, tell: Callable[[FromModels], None]) -> None:
        self.ears = ears
        self.mind = mind
        self._tell = tell
        self._live: dict[StreamKey, Live] = {}
        self._questions: list[tuple[float, Question]] = []
        self._callers: dict[str, Caller] = {}  # session -> how its customer usually sounds
        self._costs = {Step: 0.01, Answering: 0.03}  # seconds each, running means
        self._late = 0.0
        self._load = Load(0.0, 0.0, True, True)

    @property
    def names(self) -> dict[str, str]:
        """Role -> which model answers for it: its name and the start of its file's SHA-256."""
        ears = {role: f"{one.name}, {one.sha256}" for role, one in self.ears.models.items()}
        return {**ears, **self.mind.models}

    def __len__(self) -> int:
        return len(self._live)

    # -- what comes in -------------------------------------------------------------------------

    def take(self, message: ToModels, at: float) -> None:
        match message:
            case Sound():
                self._hear(message, at)
            case Question():
                if message.sound is not None:
                    self._hear(message.sound, at)
                if message.key is None or message.key in self._live:
                    self._questions.append((at, message))  # else it is told again, with its stream
            case Forgotten(key, number):
                if key is not None:
                    self._forget(key)
                self._questions = [
                    (since, asked)
                    for since, asked in self._questions
                    if asked.id != number and (key is None or asked.key != key)
                ]
            case Gone(session):
                self._callers.pop(session, None)
            case Known(session, caller):
                self._callers[session] = pickle.loads(caller)
            case Measure():
                raise ValueError("costs are measured by whoever has a clock")

    def _hear(self, sound: Sound, at: float) -> None:
        if sound.first:
            self._forget(sound.key)
            self._live[sound.key] = Live(sound.key, sound.start, sound.feel, sound.alone)
        live = self._live.get(sound.key)
        if live is None or not len(sound.samples):  # what was lost is told again from its start
            return
        live.audio.append((at, sound.samples))

    def _forget(self, key: StreamKey) -> None:
        live = self._live.pop(key, None)
        if live is not None and live.stream is not None:
            self.ears.close(live.stream)

    # -- what comes first ----------------------------------------------------------------------

    def next(self, now: float) -> Work | float | None:
        """What to do now; or the seconds until there will be something; or nothing at all."""
        asked = {question.key for _, question in self._questions}
        ready = [one for one in self._live.values() if one.audio and one.key not in asked]
        ready.sort(key=lambda one: one.since)
        due = ready[0].since + AUDIO_S if ready else math.inf
        if self._questions and self._questions[0][0] + ANSWER_S <= due:
            together = _together(self._questions, lambda asked: asked[1].alone)
            return Answering(together[: self._fitting(Answering)])
        if not ready:
            return None
        wait = ready[0].since + COMPANY_S - now
        if wait > 0 and len(ready) < min(ENOUGH, len(self._live)):
            return wait
        return Step(_together(ready, lambda one: one.alone)[: self._fitting(Step)])

    def _fitting(self, kind: type[Work]) -> int:
        return max(1, int(STEP_S / self._costs[kind]))

    # -- doing it ------------------------------------------------------------------------------

    def do(self, work: Work, now: Callable[[], float]) -> None:
        """May raise whatever a model raises; `failed` then says who is to be told again."""
        began = now()
        match work:
            case Step(live):
                due, count = live[0].since + AUDIO_S, len(live)
                self._encode(live)
            case Answering(questions):
                due, count = questions[0][0] + ANSWER_S, len(questions)
                self._answer(questions)
        ended = now()
        self._costs[type(work)] += SMOOTH * ((ended - began) / count - self._costs[type(work)])
        self._keep_up(max(0.0, ended - due))

    def failed(self, work: Work, failure: str) -> None:
        """Forget all that this work was about and that is not done yet."""
        match work:
            case Step(live):
                keys = {one.key for one in live}
                ids = {question.id for _, question in self._questions if question.key in keys}
            case Answering(questions):
                ids = {question.id for _, question in questions}
                lost = [question for _, question in self._questions if question.id in ids]
                keys = {question.key for question in lost if question.key is not None}
                ids = {question.id for question in lost}
        for key in keys:
            self._forget(key)
        self._questions = [(at, asked) for at, asked in self._questions if asked.id not in ids]
        self._tell(Lost(tuple(keys), tuple(ids), failure))

    def _keep_up(self, late: float) -> None:
        """Being late now and then is no reason to leave anything out; staying late is."""
        self._late += SMOOTH * (late - self._late)
        if self._affordable() != (self._load.partials, self._load.cues):
            self._stand(self._load.busy)

    def _affordable(self) -> tuple[bool, bool]:
        """Partial text and cues; what was left out comes back when half of the lag is gone."""
        partials = self._late < (LATE_S if self._load.partials else LATE_S / 2)
        cues = self._late < (VERY_LATE_S if self._load.cues else VERY_LATE_S / 2)
        return partials, cues

    def report(self, busy: float) -> None:
        """Tell how things stand, every second. Who has nothing to do is late no more."""
        if not self._questions and not any(one.audio for one in self._live.values()):
            self._late /= 2
        self._stand(busy)

    def _stand(self, busy: float) -> None:
        self._load = Load(round(self._late, 3), busy, *self._affordable())
        self._tell(self._load)

    def _encode(self, live: Sequence[Live]) -> None:
        # A piece of each: those with more would otherwise go on in ever smaller company.
        pieces = [one.audio.popleft()[1] for one in live]
        for one, text in zip(live, self._advance(live, pieces), strict=True):
            if text != one.text and self._load.partials:
                one.text = text
                self._tell(Heard(one.key, text))

    def _advance(self, live: Sequence[Live], pieces: Sequence[Samples]) -> list[str]:
        """The words so far of each, with these pieces."""
        pairs = []
        for one, samples in zip(live, pieces, strict=True):
            one.stream = one.stream or self.ears.open(one.start, one.feel)
            pairs.append((one.stream, samples))
        return self.ears.advance(pairs)

    def _answer(self, questions: Sequence[tuple[float, Question]]) -> None:
        turns = [(question, self._live[question.key]) for _, question in questions if question.key]
        spoken = self._finish(turns)
        for waiting in questions:
            _, question = waiting
            one = next(spoken) if question.key else None
            self._tell(self._understood(question, one))
            self._questions.remove(waiting)
            if question.key:
                del self._live[question.key]

    def _finish(self, turns: Sequence[tuple[Question, Live]]) -> Iterator[Spoken]:
        """Encode what is left of the turns that are asked about, together, and close them; then
        read them one by one."""
        if not turns:
            return iter(())
        rest = [np.concatenate([_NONE, *(x for _, x in live.audio)]) for _, live in turns]
        self._advance([live for _, live in turns], rest)
        asked: list[tuple[Stream, Expectation]] = []
        for question, live in turns:
            assert live.stream is not None  # opened by `_advance`
            if live.feel:  # consent was given for this customer's voice
                live.stream.caller = self._callers.setdefault(question.session, live.stream.caller)
            if question.ask.spoke_until is not None:
                live.stream.end(question.ask.spoke_until)
            asked.append((live.stream, question.ask.expect))
        return iter(self.ears.finish_all(asked, cues=self._load.cues))

    def _understood(self, question: Question, spoken: Spoken | None) -> Answered:
        ask = question.ask
        transcript = spoken.transcript if spoken else None
        text = transcript.text if transcript else ask.text
        if ask.leg != "customer":  # an employee is transcribed and never judged
            return Answered(question.id, Answer(Understanding(text, "", 0.0), transcript))
        understanding = self.mind.understand(
            text,
            spoken,
            ask.expect,
            question.today,
            ask.turn,
            question.at,
            ask.context,
            ask.usual,
            (ask.said, ask.told),
        )
        known = self._callers.get(question.session) if spoken else None
        caller = pickle.dumps(known) if known else None
        return Answered(question.id, Answer(understanding, transcript), caller)


T = TypeVar("T")


def _together(waiting: Sequence[T], alone: Callable[[T], bool]) -> list[T]:
    """The first, and those after it that may share its fate."""
    return [waiting[0]] if alone(waiting[0]) else [one for one in waiting if not alone(one)]
