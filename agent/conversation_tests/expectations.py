"""Comparison of what was expected of a step with what came of it.

Each difference is a `Mismatch` with both sides in words (tests/agent/conversation_tests/
test_expectations.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from agent.conversation_tests.case import ExpectedAction, StepExpectation
from agent.conversation_tests.outcome import StepOutcome
from dialogs.values import ActionCall

UNPLAYED = "turn"  # the name of a mismatch when the turn could not be played at all


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One expectation that was not met: its name in the file, what was expected, what came."""

    name: str
    expected: str
    came: str

    def __str__(self) -> str:
        if self.name == UNPLAYED:
            return f"cannot be played: {self.came}"
        return f"{self.name}: expected {self.expected}, came {self.came}"


def mismatches(expected: StepExpectation, outcome: StepOutcome) -> list[Mismatch]:
    """What of `expected` is not true of `outcome`."""
    problems = [Mismatch(UNPLAYED, "played", one) for one in outcome.problems]
    return [
        *problems,
        *_state_mismatches(expected, outcome),
        *_slot_mismatches(expected, outcome),
        *_reply_mismatches(expected, outcome),
        *_action_mismatches(expected, outcome),
        *_escalation_mismatches(expected, outcome),
        *_reading_mismatches(expected, outcome),
    ]


def _state_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    pairs: list[tuple[str, str | bool | None, str | bool]] = [
        ("flow", expected.flow, outcome.flow),
        ("step", expected.step, outcome.question),
        ("owner", expected.owner, outcome.owner),
        ("person", expected.person, outcome.person),
        ("ended", expected.has_ended, outcome.has_ended),
        ("callback", expected.has_callback, outcome.callbacks > 0),
        ("verified", expected.is_verified, outcome.is_verified),
    ]
    for name, wanted, came in pairs:
        if wanted is not None and wanted != came:
            yield Mismatch(name, _text(wanted), _text(came))


def _text(value: str | bool) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "none"


def _slot_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    for name, wanted in expected.slots.items():
        came = outcome.slots.get(name, "")
        if not _is_same(wanted, came):
            yield Mismatch(f"slots.{name}", _text(wanted), _text(came))


def _is_same(wanted: str, came: str) -> bool:
    """Whether a value is the wanted one: the same text or number, or found by a /pattern/."""
    if len(wanted) > 2 and wanted[0] == wanted[-1] == "/":
        return re.search(wanted[1:-1], came, re.IGNORECASE) is not None
    if wanted == came:
        return True
    try:
        return "." in wanted + came and Decimal(wanted) == Decimal(came)
    except InvalidOperation:
        return False


def _reply_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    said = list(dict.fromkeys(reply.step for reply in outcome.replies))
    came = ", ".join(said) or "none"
    if expected.replies == () and said:
        yield Mismatch("reply", "none", came)
    for name in expected.replies or ():
        if name not in said:
            yield Mismatch("reply", name, came)
    for name in expected.forbidden_replies:
        if name in said:
            yield Mismatch("no_reply", f"no {name}", came)
    for pattern in expected.patterns:
        if not pattern.search(outcome.reply_text):
            yield Mismatch("says", f"/{pattern.pattern}/", "nothing like it")
    for pattern in expected.forbidden_patterns:
        if found := pattern.search(outcome.reply_text):
            yield Mismatch("never_says", f"no /{pattern.pattern}/", f"“{found[0]}”")


def _action_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    calls = outcome.calls
    came = "; ".join(_call_text(call.name, call.arguments) for call in calls) or "none"
    for name in expected.forbidden_actions:
        if any(call.name == name for call in calls):
            yield Mismatch("no_actions", f"no {name}", came)
    if (wanted := expected.actions) is None:
        return
    if len(wanted) != len(calls) or not all(map(_is_expected_call, wanted, calls)):
        wanted_text = "; ".join(_call_text(one.name, one.arguments) for one in wanted) or "none"
        yield Mismatch("actions", wanted_text, came)


def _is_expected_call(wanted: ExpectedAction, call: ActionCall) -> bool:
    return wanted.name == call.name and all(
        _is_same(value, call.arguments.get(name, "")) for name, value in wanted.arguments.items()
    )


def _call_text(name: str, arguments: Mapping[str, str]) -> str:
    given = ", ".join(f"{key}: {value}" for key, value in sorted(arguments.items()))
    return f"{name}({given})"


def _escalation_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    if (wanted := expected.escalation) is None:
        return
    came = ", ".join(f"{one.rule} ({one.urgency})" for one in outcome.escalations) or "none"
    if not wanted.rule:
        if outcome.escalations:
            yield Mismatch("escalation", "none", came)
    elif not any(
        one.rule == wanted.rule and wanted.urgency in ("", one.urgency)
        for one in outcome.escalations
    ):
        wanted_text = f"{wanted.rule} ({wanted.urgency})" if wanted.urgency else wanted.rule
        yield Mismatch("escalation", wanted_text, came)


def _reading_mismatches(expected: StepExpectation, outcome: StepOutcome) -> Iterator[Mismatch]:
    intents = [one.understanding.intent for one in outcome.readings]
    acts = [one.act.kind if one.act else "" for one in outcome.readings]
    if expected.intent is not None and expected.intent not in intents:
        yield Mismatch("intent", _text(expected.intent), _text(", ".join(intents)))
    if expected.act is not None and expected.act not in acts:
        yield Mismatch("act", _text(expected.act), _text(", ".join(acts)))
