"""What was answered then, to what was asked then?

Answers are found by what they answer: a turn by its leg and where its voice stopped, or by what was
typed; an action by its name and arguments. Numbers of turns, questions and keys may be others now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from agent.core import events as e
from agent.recordings.recording import Recording
from agent.replay.answer_sources import NotRecorded
from audio.types import RATE
from dialogs.values import ActionCall, Outcome

NEAR = RATE // 4  # samples by which the same turn may end earlier or later


@dataclass(frozen=True, slots=True)
class Then:
    """How a question was answered: with what, and after how many seconds."""

    event: e.Understood | e.Missed
    took: float
    redactions: str


@dataclass(slots=True)
class _Asked:
    leg: str
    typed: str | None
    until: int | None
    at: float
    then: Then | None = None


@dataclass(slots=True)
class _Acted:
    name: str
    arguments: dict[str, str]
    at: float
    took: float = 0.0
    outcome: Outcome | None = None


@dataclass(slots=True)
class Memory:
    """What the session of a recording asked for, and what came of it."""

    _turns: dict[int, _Asked] = field(default_factory=dict)  # by question
    _acts: dict[str, _Acted] = field(default_factory=dict)  # by key
    _places: dict[int, list[tuple[float, e.Queued | e.Unreached]]] = field(default_factory=dict)
    _taken: set[float] = field(default_factory=set)  # when somebody came who had been asked for
    _open_asks: set[int] = field(default_factory=set)  # asked for again and not answered then
    _open_acts: dict[str, ActionCall] = field(default_factory=dict)

    @classmethod
    def of(cls, recording: Recording) -> Memory:
        memory = cls()
        requested: dict[int, float] = {}
        for row, event in zip(recording.rows, recording.inputs(), strict=True):
            memory._remember(event, row.redactions, requested)
            for one in json.loads(row.decisions):
                memory._note(one, row.at, requested)
        return memory

    def _note(self, one: dict[str, object], at: float, requested: dict[int, float]) -> None:
        match one:
            case {"kind": "turn", "ask": int(ask), "leg": str(leg), **rest}:
                typed, until = rest.get("typed"), rest.get("until")
                assert typed is None or isinstance(typed, str)
                assert until is None or isinstance(until, int)
                self._turns[ask] = _Asked(leg, typed, until, at)
            case {"kind": "action", "name": str(name), "key": str(key), "arguments": dict(given)}:
                self._acts[key] = _Acted(name, given, at)
            case {"kind": "escalation", "id": int(id)}:
                requested[id] = at
            case {"kind": "hand_over", "state": "accepted"}:
                self._taken.add(at)

    def _remember(self, event: e.Input, redactions: str, requested: dict[int, float]) -> None:
        match event:
            case e.Understood(at, ask) | e.Missed(at, ask):
                if (asked := self._turns.get(ask)) is not None and asked.then is None:
                    asked.then = Then(event, at - asked.at, redactions)
            case e.Acted(at, outcome):
                if (acted := self._acts.get(outcome.key)) is not None:
                    acted.took, acted.outcome = at - acted.at, outcome
            case e.Queued(at, id) | e.Unreached(at, id):
                took = at - requested.get(id, at)
                self._places.setdefault(id, []).append((took, event))

    # -- what is asked for now -----------------------------------------------------------------

    def answer(self, ask: e.Understand) -> Then | None:
        """How the same turn was answered then; None when there was no such turn, or no answer."""
        first = self._turns.get(ask.ask)
        for asked in ([first] if first else []) + list(self._turns.values()):
            if asked.leg == ask.leg and _same(asked, ask):
                return asked.then
        return None

    def outcome(self, call: ActionCall) -> tuple[float, Outcome]:
        """What came of the same action then, after how many seconds; each serves once."""
        given = dict(call.arguments)
        for key, acted in self._acts.items():
            if (acted.name, acted.arguments) == (call.name, given) and acted.outcome is not None:
                del self._acts[key]
                return acted.took, replace(acted.outcome, key=call.key)
        said = ", ".join(f"{name}={value}" for name, value in sorted(given.items()))
        raise NotRecorded(f"what the bank answers to {call.name}({said}) was never recorded")

    def place(self, id: int) -> tuple[float, e.Queued | e.Unreached] | None:
        """What came of asking for a person; None when nobody knows: the session needs it not."""
        places = self._places.get(id)
        return places.pop(0) if places else None

    def asked_for(self, event: e.TookOver) -> bool:
        return event.at in self._taken

    # -- of a replay that takes the inputs as they are -------------------------------------------

    def asked(self, effects: Sequence[e.Effect]) -> None:
        """Note what is asked for now."""
        for effect in effects:
            match effect:
                case e.Understand(ask=ask) if ask not in self._turns:
                    self._open_asks.add(ask)
                case e.Act(call) if call.key not in self._acts:
                    self._open_acts[call.key] = call

    def unanswered(self) -> Iterator[str]:
        """What was asked for and is not among the inputs."""
        for ask in sorted(self._open_asks):
            yield f"the answer to question {ask} was never recorded"
        for call in self._open_acts.values():
            yield f"what the bank answers to {call.name} was never recorded"


def _same(asked: _Asked, ask: e.Understand) -> bool:
    if ask.stream is None:
        return asked.typed is not None and asked.typed == ask.text
    if asked.until is None or ask.spoke_until is None:
        return asked.typed is None and asked.until == ask.spoke_until
    return abs(asked.until - ask.spoke_until) <= NEAR
