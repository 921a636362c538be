"""How do the figures of escalation look, in a terminal and in a file?

The JSON begins with the goals, from which the README's table is made; a value that does not exist
is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isnan
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.lab.evaluation.escalation.conversation_bootstrap import Counted, Scored
from agent.lab.evaluation.escalation.goals import as_said
from agent.lab.evaluation.escalation.policies import Proposal, Way
from agent.lab.evaluation.escalation.run import Policy, Report
from dialogs.pack.model import Pack


def show(report: Report, pack: Pack, console: Console) -> None:
    console.print(_goals(report))
    console.print(_context(report.context))
    for policy in report.policies:
        console.print(_ways(policy, pack))
        for line in _timing(policy):
            console.print(line, highlight=False)
    for asking in report.handoff:
        got = asking.understood
        console.print(
            f"{asking.name} ({asking.asked} of {asking.turns} turns ask for a person): understood "
            f"with precision {_in(got.precision)}, recall {_in(got.recall)}; handed over at once "
            f"with precision {_in(asking.called.precision)}, recall {_in(asking.called.recall)}",
            highlight=False,
        )
    for proposal in report.proposals:
        console.print(_proposed(proposal), highlight=False)


def _goals(report: Report) -> Table:
    table = _table("Goals", "", "goal", "", "got", "95 %", "plain TF-IDF")
    for goal in report.goals:
        table.add_row(
            goal.what, f"{goal.goal:.3f}", "[green]met[/]" if goal.met else "[red]missed[/]",
            f"{goal.got:.3f}", f"{goal.low:.3f} to {goal.high:.3f}",
            f"{goal.floor:.3f}" if goal.floor else "",
        )  # fmt: skip
    return table


def _context(found: Mapping[str, Scored]) -> Table:
    table = _table("The context of a turn against the turn alone", "judged by", "AUROC", "95 %", "")
    for name, one in found.items():
        auroc = one.auroc()
        counts = f"{int(one.truth.sum())} of {len(one.truth)}"
        table.add_row(name, f"{auroc.value:.3f}", f"{auroc.low:.3f} to {auroc.high:.3f}", counts)
    return table


def _ways(policy: Policy, pack: Pack) -> Table:
    costs = f"{pack.error_costs.missed:g} missed : {pack.error_costs.needless:g} needless"
    needed = f"{policy.talks} conversations, {policy.needed:.1%} needed a person"
    title = f"{policy.name}: {needed} ({costs})"
    table = _table(title, "", "precision", "recall", "F1", "calls / 100", "false alarms", "cost")
    for way in policy.ways:
        got = way.outcome
        table.add_row(
            way.name, _in(got.precision), _in(got.recall), _in(got.f1),
            f"{got.calls_per_100.value:.1f}", _in(got.false_alarms),
            f"{got.cost.value:.3f} ({got.cost.low:.3f} to {got.cost.high:.3f})",
        )  # fmt: skip
    return table


def _timing(policy: Policy) -> Iterator[str]:
    flaps, rules = policy.flapping, ", ".join(f"{r} {n}" for r, n in policy.flapping.rules.items())
    yield (
        f"  the pack's rules, per 100 conversations: {flaps.entered:.1f} causes entered, "
        f"{flaps.left:.1f} left, {flaps.again:.1f} fired again (flapping). Hand-overs: {rules or 0}"
    )
    for way in policy.ways:
        if way.lead is not None and way.lead.median is not None:
            at = way.lead
            yield (
                f"  {way.name}: before the first dissatisfied turn {at.before:.0%}, at it "
                f"{at.at:.0%}, after {at.after:.0%}, never {at.never:.0%}; median {at.median:+.1f} "
                "turns ahead"
            )


def _proposed(proposal: Proposal) -> str:
    terms = ", ".join(f"{name} {worth:.2f}" for name, worth in proposal.weights.terms.items())
    return (
        f"{proposal.rule}, {proposal.name} on all of STAR: baseline "
        f"{proposal.weights.baseline:.2f}, {terms}"
    )


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _in(found: Counted) -> str:
    return "-" if isnan(found.value) else f"{found.value:.3f}"


def as_json(report: Report, pack: Pack) -> dict[str, Any]:
    everything = {
        "goals": [asdict(goal) | {"goal": as_said(goal)} for goal in report.goals],
        "costs": asdict(pack.error_costs),
        "told_from_everything_so_far": {one.name: _scored(one) for one in report.scored},
        "context": {name: _scored(one) for name, one in report.context.items()},
        "policy": {policy.name: _policy(policy) for policy in report.policies},
        "asking_for_a_person": [asdict(asking) for asking in report.handoff],
        "proposed_weights": [asdict(proposal) for proposal in report.proposals],
    }
    return {key: _plain(value) for key, value in everything.items()}


def _scored(one: Scored) -> dict[str, Any]:
    return {
        "rows": len(one.truth),
        "true": int(one.truth.sum()),
        "auroc": asdict(one.auroc()),
        "auprc": asdict(one.auprc()),
        "ece": asdict(one.ece()),
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "conversations": policy.talks,
        "needed_a_person": policy.needed,
        "flapping_per_100": asdict(policy.flapping),
        "ways": {way.name: _way(way) for way in policy.ways},
    }


def _way(way: Way) -> dict[str, Any]:
    return {**asdict(way.outcome), "lead": asdict(way.lead) if way.lead else None}


def _plain(value: Any) -> Any:
    """Without NaN, which JSON does not have, and without digits that mean nothing."""
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_plain(inner) for inner in value]
        case float():
            return None if isnan(value) else round(value, 5)
        case _:
            return value
