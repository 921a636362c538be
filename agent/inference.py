"""What do the models say, and for which streams are they asked at once?

All methods but `listen` and `forget` run in the one inference thread that owns the models
(agent/engine.py). Streams of every caller are advanced together, a hop at a time; a stream holds
no more audio than a turn may last. A stream whose encoding failed is broken for good: its turn is
answered with the failure, and nobody else's is touched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from agent.events import Listen, Understand
from audio.types import Samples, Spoken, Transcript
from dialogs.talk import Understanding

if TYPE_CHECKING:  # these bring torch, which only the inference thread needs (agent/engine.py)
    from agent.understanding.mind import Mind
    from audio.contours import Caller
    from audio.ears import Ears, Stream

StreamKey = tuple[str, int]  # session, stream


class BrokenStream(RuntimeError):
    """The encoder failed on this stream earlier, or it was never opened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn meant; `transcript` is None for a typed one."""

    understanding: Understanding
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class Question:
    """An `Understand` with what the mind must know besides: whose, when and on which day."""

    session: str
    ask: Understand
    today: date
    at: float


@dataclass(slots=True, eq=False)
class _Live:
    """A turn in progress: its encoder state and the audio that has not been encoded yet."""

    start: int
    feel: bool
    partial: Callable[[str], None]
    stream: Stream | None = None
    audio: list[Samples] = field(default_factory=list)
    waiting: int = 0
    given: int = 0  # samples that the encoder has got
    text: str = ""
    broken: bool = False


class Inference:
    """The models and every stream they are in the middle of."""

    def __init__(self, ears: Ears, mind: Mind) -> None:
        self.ears = ears
        self.mind = mind
        self._lock = threading.Lock()  # guards the dictionary and the audio lists, never a model
        self._live: dict[StreamKey, _Live] = {}
        self._callers: dict[str, Caller] = {}  # session -> how its customer usually sounds

    def __len__(self) -> int:
        return len(self._live)

    def listen(self, session: str, effect: Listen, partial: Callable[[str], None]) -> bool:
        """Keep audio of a turn; true when its stream has a hop to advance.

        The first piece opens the stream. `partial` is called in the inference thread.
        """
        with self._lock:
            key = (session, effect.stream)
            if key not in self._live:
                self._live[key] = _Live(effect.start, effect.feel, partial)
            live = self._live[key]
            live.audio.append(effect.samples)
            live.waiting += len(effect.samples)
            return self._has_hop(live)

    def forget(self, session: str, stream: int) -> None:
        with self._lock:
            self._live.pop((session, stream), None)

    def leave(self, session: str) -> None:
        """The session is over. Its customer's voice is forgotten."""
        with self._lock:
            self._callers.pop(session, None)

    def advance(self) -> None:
        """Encode what has come in on every stream that has a hop, in one batch."""
        with self._lock:
            ready = [one for one in self._live.values() if self._has_hop(one) and not one.broken]
            audio = [_taken(one) for one in ready]
        if not ready:
            return
        texts = self._encode(ready, audio)
        for one, text in zip(ready, texts, strict=True):
            if text != one.text:
                one.text = text
                one.partial(text)

    def answer(self, question: Question) -> Answer:
        """What the turn of `question` meant. Closes its stream."""
        ask = question.ask
        spoken = None if ask.stream is None else self._finish(question)
        transcript = spoken.transcript if spoken else None
        text = transcript.text if transcript else ask.text
        if ask.leg != "customer":  # an employee is transcribed and never judged
            return Answer(Understanding(text, "", 0.0), transcript)
        understanding = self.mind.understand(
            text, spoken, ask.expect, question.today, ask.turn, question.at, ask.context, ask.usual
        )
        return Answer(understanding, transcript)

    def warm_up(self) -> None:
        """Do everything once, so that the first caller does not wait for it."""
        self.ears.warm_up()

    def _has_hop(self, live: _Live) -> bool:
        """Whether what waits completes a hop, by position: packet sizes do not matter."""
        before, now = (
            max(0, samples - self.ears.ahead) // self.ears.hop
            for samples in (live.given, live.given + live.waiting)
        )
        return now > before

    def _finish(self, question: Question) -> Spoken:
        ask = question.ask
        assert ask.stream is not None
        with self._lock:
            live = self._live.pop((question.session, ask.stream), None)
            audio = _taken(live) if live and live.waiting else None
        if live is None or live.broken:
            raise BrokenStream(f"stream {ask.stream} cannot be understood any more")
        if audio is not None:
            self._encode([live], [audio])
        assert live.stream is not None
        if live.feel:  # consent was given for this customer's voice
            with self._lock:
                known = self._callers.get(question.session)
            live.stream.caller = known or live.stream.caller
        spoken = self.ears.finish(live.stream, ask.expect)
        if live.feel:
            with self._lock:
                self._callers[question.session] = live.stream.caller
        return spoken

    def _encode(self, streams: list[_Live], audio: list[Samples]) -> list[str]:
        pairs = []
        for live, samples in zip(streams, audio, strict=True):
            if live.stream is None:
                live.stream = self.ears.open(live.start, live.feel)
            pairs.append((live.stream, samples))
            live.broken = True  # until the step has succeeded
        texts = self.ears.advance(pairs)
        for live in streams:
            live.broken = False
        return texts


def _taken(live: _Live) -> Samples:
    samples: Samples = np.concatenate(live.audio)
    live.audio, live.waiting = [], 0
    live.given += len(samples)
    return samples
