"""Was a person called for those who needed one, when, and what did the mistakes cost?

A conversation counts once: handed over or not, in need or not. Held by
tests/agent/evaluation/test_escalation.py against values worked out by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from agent.lab.evaluation.escalation.conversation_bootstrap import Counted, counted
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.pack.model import ErrorCosts

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    """For each conversation: was a person needed, and in which turn was one called (-1: never)."""

    needed: Flags
    turn: Places

    @classmethod
    def of(cls, needed: Sequence[bool], turns: Sequence[int | None]) -> Called:
        return cls(np.array(needed), np.array([-1 if turn is None else turn for turn in turns]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """Shares, with 95 % intervals. `cost` is per conversation, in units of a needless hand-over."""

    precision: Counted
    recall: Counted
    f1: Counted
    calls_per_100: Counted
    false_alarms: Counted  # share of the conversations that needed nobody
    cost: Counted


def outcome(called: Called, costs: ErrorCosts) -> Outcome:
    place = np.arange(len(called.needed))

    def figure(name: str) -> Counted:
        return counted(partial(_share, called, costs, name), place)

    return Outcome(*(figure(name) for name in Outcome.__dataclass_fields__))


def _share(called: Called, costs: ErrorCosts, name: str, rows: Places) -> float:
    needed, handed = called.needed[rows], called.turn[rows] >= 0
    right, missed = int((needed & handed).sum()), int((needed & ~handed).sum())
    needless = int((~needed & handed).sum())
    match name:
        case "precision":
            return _of(right, right + needless)
        case "recall":
            return _of(right, right + missed)
        case "f1":
            return _of(2 * right, 2 * right + missed + needless)
        case "calls_per_100":
            return 100.0 * _of(right + needless, len(rows))
        case "false_alarms":
            return _of(needless, len(rows) - right - missed)
        case _:
            total = missed * costs.missed / costs.needless + needless
            return _of(total, len(rows))


def _of(part: float, total: float) -> float:
    return part / total if total else float("nan")


@dataclass(frozen=True, slots=True)
class Lead:
    """How many turns before the first dissatisfied turn a person was called; shares of the
    conversations that have such a turn."""

    talks: int
    before: float
    at: float
    after: float
    never: float
    median: float | None  # turns, positive when before; None: nobody was called
    quarter: float | None
    three_quarters: float | None


def lead(talks: Sequence[RatedDialogue], turns: Sequence[int | None]) -> Lead:
    gaps: list[int] = []
    breakdowns = 0
    for talk, turn in zip(talks, turns, strict=True):
        first = first_low(talk)
        if first is not None:
            breakdowns += 1
            gaps += [first - turn] if turn is not None else []
    found = np.array(gaps)
    before, same, after = (int(hit.sum()) for hit in (found > 0, found == 0, found < 0))
    low, middle, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist() if gaps else [None] * 3
    return Lead(
        breakdowns,
        _of(before, breakdowns),
        _of(same, breakdowns),
        _of(after, breakdowns),
        _of(breakdowns - len(gaps), breakdowns),
        middle,
        low,
        high,
    )


def first_low(talk: RatedDialogue) -> int | None:
    return next(
        (at for at, exchange in enumerate(talk.exchanges) if exchange.is_dissatisfied), None
    )


def first_above(scores: Sequence[float], threshold: float) -> int | None:
    """The turn at which a single threshold would have called."""
    return next((at for at, score in enumerate(scores) if score >= threshold), None)
