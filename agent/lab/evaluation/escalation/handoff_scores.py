"""Scores of handoff decisions: precision, recall, cost and lead time.

A conversation counts once: handed off or not, in need of a person or not. Held by
tests/agent/lab/evaluation/test_escalation.py against values worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from agent.lab.arrays import BoolArray, IntArray
from agent.lab.metrics import ratio
from agent.lab.statistics import Estimate, cluster_bootstrap
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.pack.model import ErrorCosts


@dataclass(frozen=True, slots=True, eq=False)
class HandoffDecisions:
    """For each conversation: whether it needed a person, and the turn of its handoff (-1: none)."""

    needed: BoolArray
    handoff_turn: IntArray

    @classmethod
    def from_turns(cls, needed: Sequence[bool], turns: Sequence[int | None]) -> HandoffDecisions:
        return cls(np.array(needed), np.array([-1 if turn is None else turn for turn in turns]))


@dataclass(frozen=True, slots=True)
class HandoffScores:
    """Scores with 95 % intervals. `cost` is per conversation, in units of a needless handoff."""

    precision: Estimate
    recall: Estimate
    f1: Estimate
    calls_per_100: Estimate
    false_alarms: Estimate  # share of the conversations that needed no person
    cost: Estimate


def handoff_scores(decisions: HandoffDecisions, costs: ErrorCosts) -> HandoffScores:
    needed, handed = decisions.needed, decisions.handoff_turn >= 0
    right, missed, needless = needed & handed, needed & ~handed, ~needed & handed
    every = np.ones(len(needed))

    def estimate(part: ArrayLike, whole: ArrayLike) -> Estimate:
        return cluster_bootstrap(ratio(part, whole), np.arange(len(needed)), "conversations")

    return HandoffScores(
        precision=estimate(right, handed),
        recall=estimate(right, needed),
        f1=estimate(2.0 * right, needed.astype(float) + handed),
        calls_per_100=estimate(100.0 * handed, every),
        false_alarms=estimate(needless, ~needed),
        cost=estimate(missed * costs.missed / costs.needless + needless, every),
    )


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
