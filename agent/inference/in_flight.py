"""What would have to be told again if the models forgot everything now?

Every turn that is not answered yet, with its audio from the start, and every question. A turn's
audio is told hop by hop, so that little goes through the socket and nothing is told twice. Bounded
by the turns in progress: one per leg, at most as long as a turn may last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from agent.core.events import Listen
from agent.inference.messages import Known, Question, Sound, StreamKey, ToModels
from audio.types import Samples

TRIES = 2  # of a turn or a question that a model failed on; then it is given up


@dataclass(slots=True, eq=False)
class Turn:
    """A turn in progress, or over and not yet answered."""

    key: StreamKey
    start: int
    feel: bool
    partial: Callable[[str], None]
    audio: list[Samples] = field(default_factory=list)
    heard: int = 0  # samples so far
    told: int = 0  # how many of them the models were told, and in how many pieces
    pieces: int = 0
    tries: int = 1
    alone: bool = False
    question: Question | None = None

    def rest(self) -> Samples:
        """What the models have not been told."""
        found, at = [], self.heard
        for piece in reversed(self.audio):
            if at <= self.told:
                break
            found.append(piece)
            at -= len(piece)
        return np.concatenate([np.zeros(0, np.float32), *reversed(found)])


class Kept:
    """The turns and questions of all sessions. What its methods return is for the models."""

    def __init__(self, hop: int, ahead: int) -> None:
        self._hop, self._ahead = hop, ahead
        self._turns: dict[StreamKey, Turn] = {}
        self._typed: dict[int, tuple[Question, int]] = {}  # with how often it was asked
        self._callers: dict[str, bytes] = {}
        self._given_up: set[StreamKey] = set()  # turns that go on although nobody can hear them

    def __len__(self) -> int:
        return len(self._turns)

    def listen(self, session: str, effect: Listen, partial: Callable[[str], None]) -> Sound | None:
        """Keep audio of a turn; what the models are told when it completes a hop."""
        key = (session, effect.stream)
        if key in self._given_up:
            return None
        turn = self._turns.get(key)
        if turn is None:
            turn = self._turns[key] = Turn(key, effect.start, effect.feel, partial)
        before, turn.heard = self._hops(turn.told), turn.heard + len(effect.samples)
        turn.audio.append(effect.samples)
        return self._sound(turn) if self._hops(turn.heard) > before else None

    def turn(self, key: StreamKey) -> Turn | None:
        """A turn that is not answered yet."""
        return self._turns.get(key)

    def _hops(self, samples: int) -> int:
        """By position: packet sizes do not matter."""
        return max(0, samples - self._ahead) // self._hop

    def _sound(self, turn: Turn) -> Sound:
        first, samples = not turn.pieces, turn.rest()
        turn.told, turn.pieces = turn.heard, turn.pieces + 1
        return Sound(turn.key, turn.start, turn.feel, samples, first, turn.alone)

    def partial(self, key: StreamKey, text: str) -> None:
        if turn := self._turns.get(key):
            turn.partial(text)

    def ask(self, question: Question) -> Question | None:
        """Keep a question; None when its turn has been given up meanwhile."""
        if question.key is None:
            self._typed[question.id] = (question, 1)
            return question
        if (turn := self._turns.get(question.key)) is None:
            self._given_up.discard(question.key)
            return None
        turn.question = question
        return replace(question, sound=self._sound(turn), alone=turn.alone)

    def answered(self, question: int, caller: bytes | None) -> None:
        self._typed.pop(question, None)
        for turn in self._turns.values():
            if turn.question is not None and turn.question.id == question:
                if caller is not None:
                    self._callers[turn.key[0]] = caller
                del self._turns[turn.key]
                return

    def unask(self, question: Question) -> None:
        """Nobody waits for its answer any more."""
        self._typed.pop(question.id, None)
        if question.key is not None:
            self.forget(question.key)

    def forget(self, key: StreamKey) -> None:
        self._turns.pop(key, None)
        self._given_up.discard(key)

    def leave(self, session: str) -> list[StreamKey]:
        """Forget a session; the turns that were still going on."""
        self._callers.pop(session, None)
        self._given_up = {key for key in self._given_up if key[0] != session}
        open_turns = [key for key in self._turns if key[0] == session]
        for key in open_turns:
            del self._turns[key]
        return open_turns

    # -- telling again -------------------------------------------------------------------------

    def again(
        self, keys: tuple[StreamKey, ...], questions: tuple[int, ...], alone: bool
    ) -> tuple[list[ToModels], list[int]]:
        """What the models are told about what they have lost; and the questions that are given up,
        because they were lost before."""
        tell: list[ToModels] = []
        given_up: list[int] = []
        for key in keys:
            if turn := self._turns.get(key):
                told, lost = self._tell_again(turn, alone)
                tell += told
                given_up += lost
        for number in questions:
            if number in self._typed:
                question, tries = self._typed[number]
                if tries >= TRIES:
                    del self._typed[number]
                    given_up.append(number)
                    continue
                self._typed[number] = (replace(question, alone=alone), tries + 1)
                tell.append(self._typed[number][0])
        return tell, given_up

    def _tell_again(self, turn: Turn, alone: bool) -> tuple[list[ToModels], list[int]]:
        if turn.tries >= TRIES:
            del self._turns[turn.key]
            if turn.question is not None:
                return [], [turn.question.id]
            self._given_up.add(turn.key)  # a question that comes later finds it gone
            return [], []
        turn.tries, turn.alone = turn.tries + 1, turn.alone or alone
        turn.told = turn.pieces = 0
        sound = self._sound(turn)
        if turn.question is None:
            return [sound], []
        return [replace(turn.question, sound=sound, alone=turn.alone)], []

    def everything(self) -> tuple[list[ToModels], list[int]]:
        """All of it, for models that have just been started."""
        tell, given_up = self.again(tuple(self._turns), tuple(self._typed), alone=False)
        return [*self._known(), *tell], given_up

    def _known(self) -> Iterator[ToModels]:
        for session, caller in self._callers.items():
            yield Known(session, caller)
