"""Scores of handoff decisions: precision, recall, cost and lead time.

A conversation counts once: handed off or not, in need of a person or not. Held by
tests/agent/lab/evaluation/test_escalation.py against values worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent.lab.evaluation.escalation.conversation_bootstrap import (
    ConversationEstimate,
    bootstrap_conversations,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.pack.model import ErrorCosts

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HandoffDecisions:
    """For each conversation: whether it needed a person, and the turn of its handoff (-1: none)."""

    needed: Flags
    handoff_turn: Places

    @classmethod
    def from_turns(cls, needed: Sequence[bool], turns: Sequence[int | None]) -> HandoffDecisions:
        return cls(np.array(needed), np.array([-1 if turn is None else turn for turn in turns]))


@dataclass(frozen=True, slots=True)
class HandoffScores:
    """Scores with 95 % intervals. `cost` is per conversation, in units of a needless handoff."""

    precision: ConversationEstimate
    recall: ConversationEstimate
    f1: ConversationEstimate
    calls_per_100: ConversationEstimate
    false_alarms: ConversationEstimate  # share of the conversations that needed no person
    cost: ConversationEstimate


def handoff_scores(decisions: HandoffDecisions, costs: ErrorCosts) -> HandoffScores:
    place = np.arange(len(decisions.needed))

    def figure(name: str) -> ConversationEstimate:
        return bootstrap_conversations(partial(_score, decisions, costs, name), place)

    return HandoffScores(*(figure(name) for name in HandoffScores.__dataclass_fields__))


def _score(decisions: HandoffDecisions, costs: ErrorCosts, name: str, rows: Places) -> float:
    needed, handed = decisions.needed[rows], decisions.handoff_turn[rows] >= 0
    right, missed = int((needed & handed).sum()), int((needed & ~handed).sum())
    needless = int((~needed & handed).sum())
    match name:
        case "precision":
            return _ratio(right, right + needless)
        case "recall":
            return _ratio(right, right + missed)
        case "f1":
            return _ratio(2 * right, 2 * right + missed + needless)
        case "calls_per_100":
            return 100.0 * _ratio(right + needless, len(rows))
        case "false_alarms":
            return _ratio(needless, len(rows) - right - missed)
        case _:
            total = missed * costs.missed / costs.needless + needless
            return _ratio(total, len(rows))


def _ratio(part: float, total: float) -> float:
    return part / total if total else float("nan")


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Turns from the handoff to the first dissatisfied turn; shares are of the conversations that
    have such a turn."""

    talks: int
    before: float
    at: float
    after: float
    never: float
    median: float | None  # turns, positive: handoff before; None: no handoff
    quarter: float | None
    three_quarters: float | None


def lead_time(conversations: Sequence[RatedDialogue], turns: Sequence[int | None]) -> LeadTime:
    gaps: list[int] = []
    breakdowns = 0
    for talk, turn in zip(conversations, turns, strict=True):
        first = first_dissatisfied_turn(talk)
        if first is not None:
            breakdowns += 1
            gaps += [first - turn] if turn is not None else []
    found = np.array(gaps)
    before, same, after = (int(hit.sum()) for hit in (found > 0, found == 0, found < 0))
    low, middle, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist() if gaps else [None] * 3
    return LeadTime(
        breakdowns,
        _ratio(before, breakdowns),
        _ratio(same, breakdowns),
        _ratio(after, breakdowns),
        _ratio(breakdowns - len(gaps), breakdowns),
        middle,
        low,
        high,
    )


def first_dissatisfied_turn(conversation: RatedDialogue) -> int | None:
    return next(
        (at for at, exchange in enumerate(conversation.exchanges) if exchange.is_dissatisfied), None
    )


def first_turn_above(scores: Sequence[float], threshold: float) -> int | None:
    """The first turn whose score reaches `threshold`; None when there is none."""
    return next((at for at, score in enumerate(scores) if score >= threshold), None)
