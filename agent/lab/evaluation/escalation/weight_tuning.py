"""Which weights should the pack's rules about mood have, to go by conversations that people judged?

What a rule sees at each turn is taken from the policy itself, every term at weight one. A logistic
regression then asks what each is worth, a term never counting against its own meaning; and the
baseline is set where the mistakes of calling once, at the first turn above the threshold, cost
least. Fitted on STAR; what is fitted on some folds is measured on the others. Held by
tests/agent/evaluation/test_escalation.py: a rule's amounts times its weights are its score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.special import expit, log_expit, logit  # type: ignore[import-untyped]

from agent.lab.evaluation.escalation.policy_replay import judged
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.escalation.scoring import recent_turns, rule_evidence
from dialogs.pack.model import ErrorCosts, Pack, Rule
from dialogs.values import Understanding

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
CONTEXT = "going_wrong"  # log-odds of trouble.py over usual
AGAINST = frozenset({"calm"})  # terms that may only lower a score
SMALLEST = 1e-3  # how strongly weights are held near nothing


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """What one rule saw at every turn: (turns, terms) at weight one, and on how many turns."""

    terms: tuple[str, ...]
    seen: Floats
    turns: Places  # turns with evidence for it, as `least_turns` counts them
    talk: Places


def amounts(
    pack: Pack,
    name: str,
    talks: Sequence[RatedDialogue],
    understood: Mapping[str, Understanding],
    context: Floats | None = None,
) -> Amounts:
    """`context` (turns,) adds the term CONTEXT."""
    rule = pack.rules[name]
    terms = single(rule)
    bare = replace(rule, baseline=0.0, term_weights=dict.fromkeys(terms, 1.0), intent_weights={})
    seen, turns, place = [], [], []
    for number, talk in enumerate(talks):
        for asked, _ in judged(pack, talk, understood):
            evidence = rule_evidence(bare, pack, asked.state, recent_turns(asked.talk, asked.now))
            row = dict.fromkeys(terms, 0.0)
            for one in evidence[1:]:
                row[one.term] += one.weight
            with_evidence = {e.turn for e in evidence[1:] if e.term not in AGAINST}
            missed = asked.state.misses if "not_understood" in terms else 0
            seen.append(list(row.values()))
            turns.append(max(len(with_evidence), missed))
            place.append(number)
    found, many = np.array(seen), np.array(turns)
    if context is not None:
        found, terms = np.column_stack([found, context]), (*terms, CONTEXT)
        many = np.maximum(many, np.where(context > 0, rule.min_turns, 0))
    return Amounts(terms, found, many, np.array(place))


def single(rule: Rule) -> tuple[str, ...]:
    """The rule's terms but the one that looks at several turns together."""
    return tuple(term for term in rule.term_weights if term != CONTEXT)


@dataclass(frozen=True, slots=True)
class Weights:
    baseline: float
    terms: Mapping[str, float]


def given(rule: Rule) -> Weights:
    return Weights(rule.baseline, rule.term_weights)


def score(weights: Weights, seen: Amounts) -> Floats:
    worth = np.array([weights.terms.get(term, 0.0) for term in seen.terms])
    return np.asarray(seen.seen @ worth + weights.baseline)


def called(weights: Weights, seen: Amounts, rule: Rule, talks: int) -> list[int | None]:
    """The turn of each conversation at which the rule, with these weights, first calls a person."""
    above = score(weights, seen) >= logit(rule.enter)
    fires = np.flatnonzero(above & (seen.turns >= rule.min_turns))
    starts = np.searchsorted(seen.talk, np.arange(talks))
    first: list[int | None] = [None] * talks
    for row in fires[::-1]:
        first[seen.talk[row]] = int(row - starts[seen.talk[row]])
    return first


def tuned(seen: Amounts, needed: Flags, kept: Flags, rule: Rule, costs: ErrorCosts) -> Weights:
    """`needed` and `kept` are of conversations: what is true of them, and which may be learnt."""
    rows = np.flatnonzero(kept[seen.talk])
    weights = _regressed(seen, needed, rows)
    odds = score(weights, seen)
    best = np.full(len(needed), -np.inf)
    may = rows[seen.turns[rows] >= rule.min_turns]
    np.maximum.at(best, seen.talk[may], odds[may])
    shift = logit(rule.enter) - _cheapest(best[kept], needed[kept], costs)
    return replace(weights, baseline=weights.baseline + float(shift))


def _regressed(seen: Amounts, needed: Flags, rows: Places) -> Weights:
    counts = np.bincount(seen.talk)
    weight = 1.0 / counts[seen.talk[rows]]
    weight = weight / weight.sum()
    x, truth = seen.seen[rows], needed[seen.talk[rows]].astype(float)
    scale = x.std(0)
    used = np.where(scale > 0, scale, 1.0)

    def loss(found: Floats) -> tuple[float, Floats]:
        odds = (x / used) @ found[1:] + found[0]
        likely = truth * log_expit(odds) + (1.0 - truth) * log_expit(-odds)
        off = weight * (expit(odds) - truth)
        slope = np.r_[off.sum(), off @ (x / used) + 2.0 * SMALLEST * found[1:]]
        return -float(weight @ likely) + SMALLEST * float(found[1:] @ found[1:]), slope

    sides = [(None, 0.0) if term in AGAINST else (0.0, None) for term in seen.terms]
    start = np.zeros(len(seen.terms) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *sides]).x
    worth = np.where(scale > 0, found[1:] / used, 0.0)
    return Weights(float(found[0]), dict(zip(seen.terms, worth.tolist(), strict=True)))


def _cheapest(best: Floats, needed: Flags, costs: ErrorCosts) -> float:
    """The threshold on each conversation's highest score at which mistakes cost least."""
    order = np.argsort(-best)
    missed = needed.sum() - np.cumsum(needed[order])
    needless = np.cumsum(~needed[order])
    total = missed * costs.missed + needless * costs.needless
    total[~np.isfinite(best[order])] = np.inf
    never = float(needed.sum() * costs.missed)
    at = int(np.argmin(total))
    if not total[at] < never:
        return float(best[order[0]]) + 1.0 if np.isfinite(best[order[0]]) else 0.0
    after = best[order[at + 1]] if at + 1 < len(order) else -np.inf
    middle = (best[order[at]] + after) / 2.0
    return float(middle if np.isfinite(middle) else best[order[at]] - 0.1)
