"""Terminal and JSON rendering of an `EscalationReport`.

The JSON begins with the goals, which `hearken evaluate goals` reads; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from math import isnan
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.lab.evaluation.escalation.conversation_bootstrap import ConversationEstimate, ScoredRows
from agent.lab.evaluation.escalation.goals import goal_text
from agent.lab.evaluation.escalation.policies import PolicyResult, WeightProposal
from agent.lab.evaluation.escalation.run import EscalationReport, HandoffPolicyComparison
from dialogs.pack.model import Pack


def print_escalation_report(report: EscalationReport, pack: Pack, console: Console) -> None:
    console.print(_goals_table(report))
    console.print(_context_table(report.context_rows))
    for policy in report.policy_comparisons:
        console.print(_policies_table(policy, pack))
        for line in _timing_lines(policy):
            console.print(line, highlight=False)
    for asking in report.handoff_requests:
        got = asking.understood
        console.print(
            f"{asking.name} ({asking.asked} of {asking.turns} turns ask for a person): understood "
            f"with precision {_estimate_text(got.precision)}, recall {_estimate_text(got.recall)}; handed off at once "
            f"with precision {_estimate_text(asking.called.precision)}, recall {_estimate_text(asking.called.recall)}",
            highlight=False,
        )
    for proposal in report.weight_proposals:
        console.print(_proposal_line(proposal), highlight=False)


def _goals_table(report: EscalationReport) -> Table:
    table = _table("Goals", "", "goal", "", "got", "95 %", "plain TF-IDF")
    for goal in report.goals:
        table.add_row(
            goal.what, f"{goal.goal:.3f}", "[green]met[/]" if goal.met else "[red]missed[/]",
            f"{goal.got:.3f}", f"{goal.low:.3f} to {goal.high:.3f}",
            f"{goal.floor:.3f}" if goal.floor else "",
        )  # fmt: skip
    return table


def _context_table(context_rows: Mapping[str, ScoredRows]) -> Table:
    table = _table("Turns with context against single turns", "scored by", "AUROC", "95 %", "")
    for name, one in context_rows.items():
        auroc = one.auroc()
        counts = f"{int(one.truth.sum())} of {len(one.truth)}"
        table.add_row(name, f"{auroc.value:.3f}", f"{auroc.low:.3f} to {auroc.high:.3f}", counts)
    return table


def _policies_table(policy: HandoffPolicyComparison, pack: Pack) -> Table:
    costs = f"{pack.error_costs.missed:g} missed : {pack.error_costs.needless:g} needless"
    needed = f"{policy.conversations} conversations, {policy.needed_share:.1%} needed a person"
    title = f"{policy.name}: {needed} ({costs})"
    table = _table(title, "", "precision", "recall", "F1", "handoffs / 100", "false alarms", "cost")
    for way in policy.policies:
        got = way.scores
        table.add_row(
            way.name, _estimate_text(got.precision), _estimate_text(got.recall), _estimate_text(got.f1),
            f"{got.calls_per_100.value:.1f}", _estimate_text(got.false_alarms),
            f"{got.cost.value:.3f} ({got.cost.low:.3f} to {got.cost.high:.3f})",
        )  # fmt: skip
    return table


def _timing_lines(policy: HandoffPolicyComparison) -> Iterator[str]:
    flaps, rules = policy.flapping, ", ".join(f"{r} {n}" for r, n in policy.flapping.rules.items())
    yield (
        f"  the pack's rules, per 100 conversations: {flaps.entered:.1f} causes entered, "
        f"{flaps.left:.1f} left, {flaps.again:.1f} fired again (flapping). Handoffs: {rules or 0}"
    )
    for way in policy.policies:
        if way.lead_time is not None and way.lead_time.median is not None:
            at = way.lead_time
            yield (
                f"  {way.name}: before the first dissatisfied turn {at.before:.0%}, at it "
                f"{at.at:.0%}, after {at.after:.0%}, never {at.never:.0%}; median {at.median:+.1f} "
                "turns ahead"
            )


def _proposal_line(proposal: WeightProposal) -> str:
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


def _estimate_text(estimate: ConversationEstimate) -> str:
    return "-" if isnan(estimate.value) else f"{estimate.value:.3f}"


def escalation_json(report: EscalationReport, pack: Pack) -> dict[str, Any]:
    everything = {
        "goals": [asdict(goal) | {"goal": goal_text(goal)} for goal in report.goals],
        "costs": asdict(pack.error_costs),
        "told_from_everything_so_far": {one.name: _scored_json(one) for one in report.scored_rows},
        "context": {name: _scored_json(one) for name, one in report.context_rows.items()},
        "policy": {policy.name: _policy_json(policy) for policy in report.policy_comparisons},
        "asking_for_a_person": [asdict(asking) for asking in report.handoff_requests],
        "proposed_weights": [asdict(proposal) for proposal in report.weight_proposals],
    }
    return {key: _json_value(value) for key, value in everything.items()}


def _scored_json(rows: ScoredRows) -> dict[str, Any]:
    return {
        "rows": len(rows.truth),
        "true": int(rows.truth.sum()),
        "auroc": asdict(rows.auroc()),
        "auprc": asdict(rows.auprc()),
        "ece": asdict(rows.ece()),
    }


def _policy_json(comparison: HandoffPolicyComparison) -> dict[str, Any]:
    return {
        "conversations": comparison.conversations,
        "needed_a_person": comparison.needed_share,
        "flapping_per_100": asdict(comparison.flapping),
        "ways": {way.name: _policy_result_json(way) for way in comparison.policies},
    }


def _policy_result_json(result: PolicyResult) -> dict[str, Any]:
    return {**asdict(result.scores), "lead": asdict(result.lead_time) if result.lead_time else None}


def _json_value(value: Any) -> Any:
    """The value with NaN as None and floats rounded to 5 decimals."""
    match value:
        case dict():
            return {key: _json_value(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_json_value(inner) for inner in value]
        case float():
            return None if isnan(value) else round(value, 5)
        case _:
            return value
