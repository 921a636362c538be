"""`hearken offers`: acceptance of the offers made, and an off-policy estimate from the log.

Every choice was logged with its probability, so that the acceptance under another policy can be
estimated without running it: an occasion on which that policy makes the logged choice is weighted
with the inverse of the choice's probability (self-normalised inverse propensity scoring,
Swaminathan and Joachims 2015). Held by tests/agent/cli/test_offers.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt

from rich.console import Console
from rich.table import Table

from agent.core.turn_notes import LoggedOffer

Z_95 = 1.959964  # normal quantile of a two-sided 95 % interval


@dataclass(frozen=True, slots=True)
class OfferStatistics:
    """How often one offer was made, and its outcomes. `share` is accepted / made; `low` to `high`
    is its 95 % interval (Wilson 1927). The field names are JSON keys of `hearken offers --json`."""

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
class AcceptanceEstimate:
    """Accepted share of occasions under one policy, with its 95 % interval. `effective` is the
    effective number of occasions."""

    share: float
    low: float
    high: float
    effective: float


@dataclass(frozen=True, slots=True)
class OfferReport:
    """All of `hearken offers`. `silent` counts occasions without an offer. The field names are JSON
    keys of `hearken offers --json`."""

    occasions: int
    silent: int
    offers: tuple[OfferStatistics, ...]
    as_logged: AcceptanceEstimate
    top_scored: AcceptanceEstimate


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson interval of `successes` in `trials`, valid for few trials, too."""
    if trials == 0:
        return 0.0, 1.0
    p, spread = successes / trials, Z_95 * Z_95 / trials
    centre = (p + spread / 2) / (1 + spread)
    half = Z_95 * sqrt(p * (1 - p) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, centre - half), min(1.0, centre + half)


def offer_report(log: Sequence[LoggedOffer]) -> OfferReport:
    """Statistics of each offer, and the acceptance as logged and for always the top-scored."""
    names = sorted({one.chosen for one in log} - {""})
    return OfferReport(
        occasions=len(log),
        silent=sum(not one.chosen for one in log),
        offers=tuple(
            _offer_statistics(name, [o for o in log if o.chosen == name]) for name in names
        ),
        as_logged=acceptance_estimate(log, [1.0] * len(log)),
        top_scored=acceptance_estimate(log, [_has_top_score(one) / one.propensity for one in log]),
    )


def _offer_statistics(name: str, log: Sequence[LoggedOffer]) -> OfferStatistics:
    outcomes = [one.outcome for one in log]
    accepted = outcomes.count("accepted")
    low, high = wilson_interval(accepted, len(log))
    return OfferStatistics(
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


def _has_top_score(offer: LoggedOffer) -> bool:
    """Whether the logged choice is the one with the highest score."""
    return offer.chosen == max(sorted(offer.scores), key=lambda name: offer.scores[name])


def acceptance_estimate(log: Sequence[LoggedOffer], weights: Sequence[float]) -> AcceptanceEstimate:
    """The weighted share of acceptances, with the interval of the delta method.

    `weights` has one weight for each occasion of `log`; all 0: no information, 0 to 1.
    """
    total_weight = sum(weights)
    if total_weight == 0:
        return AcceptanceEstimate(0.0, 0.0, 1.0, 0.0)
    rewards = [float(one.outcome == "accepted") for one in log]
    share = sum(w * r for w, r in zip(weights, rewards, strict=True)) / total_weight
    squares = sum((w * (r - share)) ** 2 for w, r in zip(weights, rewards, strict=True))
    half = Z_95 * sqrt(squares) / total_weight
    effective = total_weight**2 / sum(w * w for w in weights)
    return AcceptanceEstimate(share, max(0.0, share - half), min(1.0, share + half), effective)


def print_offer_report(log: Sequence[LoggedOffer], as_json: bool, console: Console) -> None:
    """Print the report on the logged offers as a table or as JSON."""
    summary = offer_report(log)
    if as_json:
        console.print_json(json.dumps(asdict(summary)))
        return
    if not log:
        console.print("Nothing has been offered yet.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("offer", "made", "yes", "no", "ignored", "completed", "share", "95 %"):
        table.add_column(name, justify="left" if name == "offer" else "right", no_wrap=True)
    for offer in summary.offers:
        counts = (offer.made, offer.accepted, offer.declined, offer.ignored, offer.completed)
        interval = f"{offer.low:.0%} to {offer.high:.0%}"
        table.add_row(offer.offer, *map(str, counts), f"{offer.share:.0%}", interval)
    console.print(table)
    console.print(
        f"\nOccasions: {summary.occasions}; on {summary.silent} of them nothing was offered."
    )
    console.print("Accepted share of all occasions (95 %; effective number of occasions):")
    console.print(f"  as chosen:                 {_estimate_text(summary.as_logged)}")
    console.print(f"  always the top-scored:     {_estimate_text(summary.top_scored)}")


def _estimate_text(estimate: AcceptanceEstimate) -> str:
    interval = f"{estimate.low:.0%} to {estimate.high:.0%}"
    return f"{estimate.share:.0%} ({interval}; {estimate.effective:.0f})"
