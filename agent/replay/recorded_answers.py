"""The answers of a recording, found by what they answer.

A turn is found by its leg and the position where its voice stopped, or by its typed text; an action
by its name and arguments. Numbers of turns, requests and keys may differ in a replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from agent.core.effects import UnderstandTurn
from agent.core.inputs import (
    ActionCompleted,
    HandoffQueued,
    HandoffUnanswered,
    Input,
    PersonTookOver,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.virtual_session import OpenWork
from agent.recordings.recording import Recording
from audio.types import RATE
from dialogs.values import ActionCall, ActionResult

MAX_TURN_END_SHIFT = RATE // 4  # samples by which the end of the same turn may differ


class NotRecorded(LookupError):
    """The recording lacks an answer that the replay needs; the text says which."""


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A recorded answer of the models, the seconds it took, and its redactions as in a row."""

    event: TurnUnderstood | UnderstandingFailed
    latency_s: float
    redactions: str


@dataclass(slots=True)
class _RecordedRequest:
    leg: str
    typed: str | None
    voice_end: int | None
    requested_at: float
    answer: RecordedAnswer | None = None


@dataclass(slots=True)
class _RecordedAction:
    name: str
    arguments: dict[str, str]
    requested_at: float
    latency_s: float = 0.0
    outcome: ActionResult | None = None


@dataclass(slots=True)
class RecordedAnswers:
    """The requests, actions and handoffs of a recorded session, with their answers."""

    _requests: dict[int, _RecordedRequest] = field(default_factory=dict)  # by request id
    _actions: dict[str, _RecordedAction] = field(default_factory=dict)  # by key
    _queue_answers: dict[int, list[tuple[float, HandoffQueued | HandoffUnanswered]]] = field(
        default_factory=dict
    )
    _accepted_at: set[float] = field(default_factory=set)  # times at which a handoff was accepted

    @classmethod
    def from_recording(cls, recording: Recording) -> RecordedAnswers:
        answers = cls()
        handoff_times: dict[int, float] = {}
        for row, event in zip(recording.rows, recording.inputs(), strict=True):
            answers._add_input(event, row.redactions, handoff_times)
            for one in json.loads(row.decisions):
                answers._add_decision(one, row.at, handoff_times)
        return answers

    def _add_decision(
        self, decision: dict[str, object], at: float, handoff_times: dict[int, float]
    ) -> None:
        match decision:
            case {"kind": "turn", "ask": int(ask), "leg": str(leg), **rest}:
                typed, until = rest.get("typed"), rest.get("until")
                assert typed is None or isinstance(typed, str)
                assert until is None or isinstance(until, int)
                self._requests[ask] = _RecordedRequest(leg, typed, until, at)
            case {
                "kind": "action",
                "name": str(name),
                "key": str(key),
                "arguments": dict(arguments),
            }:
                self._actions[key] = _RecordedAction(name, arguments, at)
            case {"kind": "escalation", "id": int(id)}:
                handoff_times[id] = at
            case {"kind": "hand_over", "state": "accepted"}:
                self._accepted_at.add(at)

    def _add_input(self, event: Input, redactions: str, handoff_times: dict[int, float]) -> None:
        match event:
            case TurnUnderstood(at, ask) | UnderstandingFailed(at, ask):
                if (request := self._requests.get(ask)) is not None and request.answer is None:
                    request.answer = RecordedAnswer(event, at - request.requested_at, redactions)
            case ActionCompleted(at, outcome):
                if (action := self._actions.get(outcome.key)) is not None:
                    action.latency_s, action.outcome = at - action.requested_at, outcome
            case HandoffQueued(at, id) | HandoffUnanswered(at, id):
                latency_s = at - handoff_times.get(id, at)
                self._queue_answers.setdefault(id, []).append((latency_s, event))

    # -- look-ups of a replay ------------------------------------------------------------------

    def answer_to(self, request: UnderstandTurn) -> RecordedAnswer | None:
        """The recorded answer for the same turn; None without such a turn, or without an answer."""
        first = self._requests.get(request.request_id)
        for recorded_request in ([first] if first else []) + list(self._requests.values()):
            if recorded_request.leg == request.leg and _is_same_turn(recorded_request, request):
                return recorded_request.answer
        return None

    def take_outcome(self, call: ActionCall) -> tuple[float, ActionResult]:
        """Take the recorded outcome of the same action, after the seconds it took; each is taken
        once. NotRecorded when there is none."""
        arguments = dict(call.arguments)
        for key, action in self._actions.items():
            if (action.name, action.arguments) == (
                call.name,
                arguments,
            ) and action.outcome is not None:
                del self._actions[key]
                return action.latency_s, replace(action.outcome, key=call.key)
        arguments_text = ", ".join(f"{name}={value}" for name, value in sorted(arguments.items()))
        raise NotRecorded(f"the bank's answer to {call.name}({arguments_text}) was never recorded")

    def take_queue_answer(self, id: int) -> tuple[float, HandoffQueued | HandoffUnanswered] | None:
        """Take the next recorded answer to this handoff request, after the seconds it took; None
        when there is none, for a session does not depend on it."""
        places = self._queue_answers.get(id)
        return places.pop(0) if places else None

    def was_requested(self, event: PersonTookOver) -> bool:
        return event.at in self._accepted_at

    def missing_answers(self, open_work: OpenWork) -> Iterator[str]:
        """A sentence for each request or action that a replay left open and the recording does not
        have: what the recording left open, too, is not missing."""
        for request_id in open_work.turn_requests:
            if request_id not in self._requests:
                yield f"the answer to question {request_id} was never recorded"
        for key, action in open_work.actions.items():
            if key not in self._actions:
                yield f"the bank's answer to {action.call.name} was never recorded"


def _is_same_turn(recorded_request: _RecordedRequest, request: UnderstandTurn) -> bool:
    if request.stream is None:
        return recorded_request.typed is not None and recorded_request.typed == request.text
    if recorded_request.voice_end is None or request.spoke_until is None:
        return recorded_request.typed is None and recorded_request.voice_end == request.spoke_until
    return abs(recorded_request.voice_end - request.spoke_until) <= MAX_TURN_END_SHIFT
