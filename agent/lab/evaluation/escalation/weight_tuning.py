"""Fitting of the weights of the pack's mood rules to conversations that people have judged.

The amounts of a rule's terms at each turn come from the policy itself, with every weight set to
one. A logistic regression gives the weights, whose signs may not contradict a term's meaning; the
baseline is then set where the errors of one handoff, at the first turn above the threshold, cost
least. Fitted on STAR: weights fitted on some folds are tested on the others. Held by
tests/agent/lab/evaluation/test_escalation.py: a rule's amounts times its weights are its score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit, log_expit, logit  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.evaluation.escalation.policy_replay import replay_policy
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.escalation.scoring import recent_turns, rule_evidence
from dialogs.pack.model import ErrorCosts, Pack, Rule
from dialogs.values import Understanding

CONTEXT_TERM = "going_wrong"  # log-odds of the breakdown model above the base rate
LOWERING_TERMS = frozenset({"calm"})  # terms that may only lower a score
REGULARISATION = 1e-3  # L2 penalty on the weights


@dataclass(frozen=True, slots=True, eq=False)
class TermAmounts:
    """Inputs of one rule at every turn: (turns, terms), with every term at weight one."""

    terms: tuple[str, ...]
    values: FloatArray
    evidence_turns: IntArray  # number of turns with evidence, as for `least_turns`
    conversation: IntArray


def term_amounts(
    pack: Pack,
    name: str,
    conversations: Sequence[RatedDialogue],
    understandings: Mapping[str, Understanding],
    context: FloatArray | None = None,
) -> TermAmounts:
    """Replay the rule `name`; `context` (turns,) adds the term CONTEXT_TERM."""
    rule = pack.rules[name]
    terms = single_turn_terms(rule)
    bare = replace(rule, baseline=0.0, term_weights=dict.fromkeys(terms, 1.0), intent_weights={})
    seen, turns, place = [], [], []
    for number, talk in enumerate(conversations):
        for asked, _ in replay_policy(pack, talk, understandings):
            evidence = rule_evidence(
                bare, pack, asked.state, recent_turns(asked.history, asked.turn)
            )
            row = dict.fromkeys(terms, 0.0)
            for one in evidence[1:]:
                row[one.term] += one.weight
            with_evidence = {e.turn for e in evidence[1:] if e.term not in LOWERING_TERMS}
            missed = asked.state.misses if "not_understood" in terms else 0
            seen.append(list(row.values()))
            turns.append(max(len(with_evidence), missed))
            place.append(number)
    found, many = np.array(seen), np.array(turns)
    if context is not None:
        found, terms = np.column_stack([found, context]), (*terms, CONTEXT_TERM)
        many = np.maximum(many, np.where(context > 0, rule.min_turns, 0))
    return TermAmounts(terms, found, many, np.array(place))


def single_turn_terms(rule: Rule) -> tuple[str, ...]:
    """The rule's terms except CONTEXT_TERM, which looks at several turns together."""
    return tuple(term for term in rule.term_weights if term != CONTEXT_TERM)


@dataclass(frozen=True, slots=True)
class RuleWeights:
    baseline: float
    terms: Mapping[str, float]


def pack_weights(rule: Rule) -> RuleWeights:
    return RuleWeights(rule.baseline, rule.term_weights)


def rule_scores(weights: RuleWeights, term_amounts: TermAmounts) -> FloatArray:
    worth = np.array([weights.terms.get(term, 0.0) for term in term_amounts.terms])
    return np.asarray(term_amounts.values @ worth + weights.baseline)


def handoff_turns(
    weights: RuleWeights, term_amounts: TermAmounts, rule: Rule, conversation_count: int
) -> list[int | None]:
    """For each conversation, the first turn at which the rule fires with these weights."""
    above = rule_scores(weights, term_amounts) >= logit(rule.enter)
    fires = np.flatnonzero(above & (term_amounts.evidence_turns >= rule.min_turns))
    starts = np.searchsorted(term_amounts.conversation, np.arange(conversation_count))
    first: list[int | None] = [None] * conversation_count
    for row in fires[::-1]:
        first[term_amounts.conversation[row]] = int(row - starts[term_amounts.conversation[row]])
    return first


def tune_weights(
    term_amounts: TermAmounts, needed: BoolArray, training: BoolArray, rule: Rule, costs: ErrorCosts
) -> RuleWeights:
    """Fit weights and baseline; `needed` and `training` are masks of conversations."""
    rows = np.flatnonzero(training[term_amounts.conversation])
    weights = _fit_terms(term_amounts, needed, rows)
    odds = rule_scores(weights, term_amounts)
    best = np.full(len(needed), -np.inf)
    may = rows[term_amounts.evidence_turns[rows] >= rule.min_turns]
    np.maximum.at(best, term_amounts.conversation[may], odds[may])
    shift = logit(rule.enter) - _cheapest_threshold(best[training], needed[training], costs)
    return replace(weights, baseline=weights.baseline + float(shift))


def _fit_terms(term_amounts: TermAmounts, needed: BoolArray, rows: IntArray) -> RuleWeights:
    counts = np.bincount(term_amounts.conversation)
    weight = 1.0 / counts[term_amounts.conversation[rows]]
    weight = weight / weight.sum()
    x, truth = term_amounts.values[rows], needed[term_amounts.conversation[rows]].astype(float)
    scale = x.std(0)
    used = np.where(scale > 0, scale, 1.0)

    def loss(found: FloatArray) -> tuple[float, FloatArray]:
        odds = (x / used) @ found[1:] + found[0]
        likely = truth * log_expit(odds) + (1.0 - truth) * log_expit(-odds)
        off = weight * (expit(odds) - truth)
        slope = np.r_[off.sum(), off @ (x / used) + 2.0 * REGULARISATION * found[1:]]
        return -float(weight @ likely) + REGULARISATION * float(found[1:] @ found[1:]), slope

    sides = [(None, 0.0) if term in LOWERING_TERMS else (0.0, None) for term in term_amounts.terms]
    start = np.zeros(len(term_amounts.terms) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *sides]).x
    worth = np.where(scale > 0, found[1:] / used, 0.0)
    return RuleWeights(float(found[0]), dict(zip(term_amounts.terms, worth.tolist(), strict=True)))


def _cheapest_threshold(highest: FloatArray, needed: BoolArray, costs: ErrorCosts) -> float:
    """The threshold on each conversation's highest score at which errors cost least."""
    order = np.argsort(-highest)
    missed = needed.sum() - np.cumsum(needed[order])
    needless = np.cumsum(~needed[order])
    total = missed * costs.missed + needless * costs.needless
    total[~np.isfinite(highest[order])] = np.inf
    never = float(needed.sum() * costs.missed)
    at = int(np.argmin(total))
    if not total[at] < never:
        return float(highest[order[0]]) + 1.0 if np.isfinite(highest[order[0]]) else 0.0
    after = highest[order[at + 1]] if at + 1 < len(order) else -np.inf
    middle = (highest[order[at]] + after) / 2.0
    return float(middle if np.isfinite(middle) else highest[order[at]] - 0.1)
