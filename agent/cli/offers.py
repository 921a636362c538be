"""Which offers are worth making, judged from those that were made?

Every choice was logged with its probability, so another way of choosing can be judged without
trying it: each occasion on which that way would have chosen the same counts for as many as its
probability made it rare (inverse propensity, self-normalised: Swaminathan and Joachims 2015).
Held by tests/agent/test_offers.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt

from rich.console import Console
from rich.table import Table

from agent.core.turn_notes import LoggedOffer

Z = 1.959964  # of the normal distribution, for intervals of 95 in 100


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How often one offer was made and what came of it; `low` to `high` holds its true share of
    acceptance in 95 of 100 cases (Wilson 1927)."""

    offer: str
    made: int
    accepted: int
    declined: int
    ignored: int
    completed: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Value:
    """Acceptances for each occasion under one way of choosing. `effective` is how many occasions
    of its own the estimate is worth."""

    share: float
    low: float
    high: float
    effective: float


@dataclass(frozen=True, slots=True)
class Report:
    occasions: int
    silent: int
    offers: tuple[Acceptance, ...]
    as_logged: Value
    top_scored: Value


def wilson(accepted: int, made: int) -> tuple[float, float]:
    """The interval of a share, honest for few cases too."""
    if made == 0:
        return 0.0, 1.0
    p, spread = accepted / made, Z * Z / made
    centre = (p + spread / 2) / (1 + spread)
    half = Z * sqrt(p * (1 - p) / made + spread / (4 * made)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def report(log: Sequence[LoggedOffer]) -> Report:
    names = sorted({one.chosen for one in log} - {""})
    return Report(
        occasions=len(log),
        silent=sum(not one.chosen for one in log),
        offers=tuple(_acceptance(name, [o for o in log if o.chosen == name]) for name in names),
        as_logged=value(log, [1.0] * len(log)),
        top_scored=value(log, [_agrees(one) / one.propensity for one in log]),
    )


def _acceptance(name: str, log: Sequence[LoggedOffer]) -> Acceptance:
    outcomes = [one.outcome for one in log]
    accepted = outcomes.count("accepted")
    low, high = wilson(accepted, len(log))
    return Acceptance(
        offer=name,
        made=len(log),
        accepted=accepted,
        declined=outcomes.count("declined"),
        ignored=outcomes.count("ignored"),
        completed=sum("completed" in one.changes for one in log),
        share=accepted / len(log),
        low=low,
        high=high,
    )


def _agrees(one: LoggedOffer) -> bool:
    """Would "always what has the highest score" have chosen the same?"""
    return one.chosen == max(sorted(one.scores), key=lambda name: one.scores[name])


def value(log: Sequence[LoggedOffer], weights: Sequence[float]) -> Value:
    """The weighted share of acceptances, with the delta method's interval."""
    whole = sum(weights)
    if whole == 0:
        return Value(0.0, 0.0, 1.0, 0.0)
    rewards = [float(one.outcome == "accepted") for one in log]
    share = sum(w * r for w, r in zip(weights, rewards, strict=True)) / whole
    squares = sum((w * (r - share)) ** 2 for w, r in zip(weights, rewards, strict=True))
    half = Z * sqrt(squares) / whole
    effective = whole**2 / sum(w * w for w in weights)
    return Value(share, max(0.0, share - half), min(1.0, share + half), effective)


def show(log: Sequence[LoggedOffer], as_json: bool, console: Console) -> None:
    """Print what came of the offers that are kept."""
    found = report(log)
    if as_json:
        console.print_json(json.dumps(asdict(found)))
        return
    if not log:
        console.print("Nothing has been offered yet.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("offer", "made", "yes", "no", "ignored", "completed", "share", "95 %"):
        table.add_column(name, justify="left" if name == "offer" else "right", no_wrap=True)
    for one in found.offers:
        counts = (one.made, one.accepted, one.declined, one.ignored, one.completed)
        interval = f"{one.low:.0%} to {one.high:.0%}"
        table.add_row(one.offer, *map(str, counts), f"{one.share:.0%}", interval)
    console.print(table)
    console.print(f"\nOccasions: {found.occasions}; on {found.silent} of them nothing was offered.")
    console.print("Accepted for each occasion (95 %; worth so many occasions of its own):")
    console.print(f"  as it was chosen:          {_said(found.as_logged)}")
    console.print(f"  always the top-scored:     {_said(found.top_scored)}")


def _said(one: Value) -> str:
    return f"{one.share:.0%} ({one.low:.0%} to {one.high:.0%}; {one.effective:.0f})"
