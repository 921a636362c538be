"""Terminal and JSON rendering of an `EscalationReport`.

The JSON begins with the goals, which `hearken evaluate goals` reads; a missing value is null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from rich.console import Console
from rich.table import Table

from agent.lab.evaluation.escalation.handoff_requests import HandoffRequestScores
from agent.lab.evaluation.escalation.handoff_scores import HandoffScores
from agent.lab.evaluation.escalation.policies import WeightProposal
from agent.lab.evaluation.escalation.run import EscalationReport, HandoffPolicyComparison
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.goals import goals_table
from agent.lab.json_output import json_value
from agent.lab.statistics import Estimate, interval_note
from dialogs.pack.model import Pack


def print_escalation_report(report: EscalationReport, pack: Pack, console: Console) -> None:
    console.print(goals_table(report.goals))
    console.print(_context_table(report.context_rows))
    for policy in report.policy_comparisons:
        console.print(_policies_table(policy, pack))
        for line in _timing_lines(policy):
            console.print(line, highlight=False)
    for asking in report.handoff_requests:
        console.print(
            f"{asking.name} ({asking.asked} of {asking.turns} turns ask for a person): understood "
            f"with {_precision_and_recall(asking.understood)}; handed off at once with "
            f"{_precision_and_recall(asking.called)}",
            highlight=False,
        )
    for proposal in report.weight_proposals:
        console.print(_proposal_line(proposal), highlight=False)


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
            way.name, *map(_estimate_text, (got.precision, got.recall, got.f1)),
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
    table = Table(
        title=title, title_justify="left", title_style="bold",
        caption=interval_note("conversations"), caption_justify="left",
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _precision_and_recall(scores: HandoffScores) -> str:
    precision, recall = _estimate_text(scores.precision), _estimate_text(scores.recall)
    return f"precision {precision}, recall {recall}"


def _estimate_text(estimate: Estimate) -> str:
    return f"{estimate.value:.3f}" if estimate.is_known else "-"


def escalation_json(report: EscalationReport, pack: Pack) -> dict[str, Any]:
    return {
        "goals": [goal.as_json() for goal in report.goals],
        "costs": json_value(pack.error_costs),
        "told_from_everything_so_far": {one.name: _scored_json(one) for one in report.scored_rows},
        "context": {name: _scored_json(one) for name, one in report.context_rows.items()},
        "policy": {policy.name: _policy_json(policy) for policy in report.policy_comparisons},
        "asking_for_a_person": [_requests_json(one) for one in report.handoff_requests],
        "proposed_weights": json_value(report.weight_proposals),
    }


def _scored_json(rows: ScoredRows) -> dict[str, Any]:
    return {
        "rows": len(rows.truth),
        "true": int(rows.truth.sum()),
        "auroc": _estimate_json(rows.auroc()),
        "auprc": _estimate_json(rows.auprc()),
        "ece": _estimate_json(rows.ece()),
    }


def _policy_json(comparison: HandoffPolicyComparison) -> dict[str, Any]:
    return {
        "conversations": comparison.conversations,
        "needed_a_person": json_value(comparison.needed_share),
        "flapping_per_100": json_value(comparison.flapping),
        "ways": {
            way.name: {**_handoff_json(way.scores), "lead": json_value(way.lead_time)}
            for way in comparison.policies
        },
    }


def _requests_json(requests: HandoffRequestScores) -> dict[str, Any]:
    return {
        "name": requests.name,
        "turns": requests.turns,
        "asked": requests.asked,
        "understood": _handoff_json(requests.understood),
        "called": _handoff_json(requests.called),
    }


def _handoff_json(scores: HandoffScores) -> dict[str, Any]:
    return {field.name: _estimate_json(getattr(scores, field.name)) for field in fields(scores)}


def _estimate_json(estimate: Estimate) -> dict[str, Any]:
    return {**json_value(estimate.bounds), "talks": estimate.clusters}
