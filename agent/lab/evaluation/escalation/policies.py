"""Ways to decide when a person is called, over the same conversations: the pack's and its rivals.

To call nobody and to call for everybody cost what they cost; a way that costs more than the better
of the two is not worth having. A single threshold on the upset score of a turn is what the pack's
rules have to beat. What is fitted on STAR is measured on folds it was not fitted on; on USS it is
measured as fitted on all of STAR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit  # type: ignore[import-untyped]

from agent.lab.evaluation.escalation.context import FOLDS, Verdicts, by_fold
from agent.lab.evaluation.escalation.handoff_scores import (
    Called,
    Lead,
    Outcome,
    first_above,
    first_low,
    lead,
    outcome,
)
from agent.lab.evaluation.escalation.policy_replay import OTHER_CAUSES, Followed
from agent.lab.evaluation.escalation.weight_tuning import (
    Amounts,
    Weights,
    called,
    given,
    single,
    tuned,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.pack.model import Pack

Flags = NDArray[np.bool_]
Turns = list[int | None]
TUNED = ("upset_over_turns",)  # STAR has too few turns missed three times over to tune on


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    outcome: Outcome
    lead: Lead | None


@dataclass(frozen=True, slots=True)
class Flapping:
    """Per 100 conversations: thresholds entered and left, and causes that fired once more."""

    entered: float
    left: float
    again: float
    rules: Mapping[str, int]  # hand-overs, all causes


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Everything that was found out about one set of conversations."""

    name: str
    talks: Sequence[RatedDialogue]
    followed: Sequence[Followed]
    verdicts: Verdicts
    amounts: Mapping[str, Amounts]  # by rule; CONTEXT among the terms of the first

    @property
    def needed(self) -> Flags:
        """Annoyed, or at least one dissatisfied turn."""
        return np.array([bool(talk.annoyed) or first_low(talk) is not None for talk in self.talks])


def flapping(seen: Seen) -> Flapping:
    per = 100.0 / max(1, len(seen.talks))
    rules: dict[str, int] = {}
    for one in seen.followed:
        for _, rule in one.calls:
            rules[rule] = rules.get(rule, 0) + 1
    return Flapping(
        per * sum(sum(one.entered.values()) for one in seen.followed),
        per * sum(one.left for one in seen.followed),
        per * sum(one.again for one in seen.followed),
        rules,
    )


def ways(seen: Seen, pack: Pack, fitted: Mapping[str, Turns]) -> list[Way]:
    """`fitted` are further ways by name, each with the turns at which it calls."""
    many = len(seen.talks)
    at_cost = float(logit(pack.error_costs.threshold))
    turns: dict[str, Turns] = {
        "nobody is called": [None] * many,
        "everybody is handed over": [0] * many,
        "the pack's rules about how it goes": [f.first(OTHER_CAUSES) for f in seen.followed],
        "all of the pack's rules": [f.first() for f in seen.followed],
        "one turn's upset, threshold of the costs": _above(seen, seen.verdicts.upset, at_cost),
        "context, threshold of the costs": _above(seen, seen.verdicts.context, at_cost),
        **fitted,
    }
    rated = any(first_low(talk) is not None for talk in seen.talks)
    return [
        Way(
            name,
            outcome(Called.of(seen.needed.tolist(), found), pack.error_costs),
            lead(seen.talks, found) if rated else None,
        )
        for name, found in turns.items()
    ]


def _above(seen: Seen, scores: NDArray[np.float64], threshold: float) -> Turns:
    return [first_above(own.tolist(), threshold) for own in seen.verdicts.split(scores)]


@dataclass(frozen=True, slots=True)
class Proposal:
    """Weights for a rule, fitted on all of STAR; `name` says with which terms."""

    name: str
    rule: str
    weights: Weights


def held_out(seen: Seen, pack: Pack) -> dict[str, Turns]:
    """STAR: every way that learns, each conversation decided by what was learnt on the others."""
    fold = np.array(by_fold(seen.talks))
    found: dict[str, Turns] = {}
    for at in range(FOLDS):
        own = np.flatnonzero(fold == at)
        for name, turns in _learnt(seen, pack, fold != at).items():
            whole = found.setdefault(name, [None] * len(fold))
            for place in own:
                whole[place] = turns[place]
    return found


def transferred(seen: Seen, pack: Pack, proposals: Sequence[Proposal]) -> dict[str, Turns]:
    """Another set, by what was learnt on all of STAR."""
    return _combined(seen, pack, proposals)


def proposals(seen: Seen, pack: Pack, kept: Flags | None = None) -> list[Proposal]:
    kept = np.ones(len(seen.talks), bool) if kept is None else kept
    found = []
    for rule in TUNED:
        own = seen.amounts[rule]
        terms = single(pack.rules[rule])
        without = replace(own, terms=terms, seen=own.seen[:, : len(terms)])
        for name, sight in (("tuned", without), ("tuned, with context", own)):
            weights = tuned(sight, seen.needed, kept, pack.rules[rule], pack.error_costs)
            found.append(Proposal(name, rule, weights))
    return found


def _learnt(seen: Seen, pack: Pack, kept: Flags) -> dict[str, Turns]:
    found = _combined(seen, pack, proposals(seen, pack, kept))
    found["one turn's upset, best threshold"] = _above(
        seen, seen.verdicts.upset, _best(seen, pack, kept)
    )
    return found


def _combined(seen: Seen, pack: Pack, learnt: Sequence[Proposal]) -> dict[str, Turns]:
    """The pack's rules about how it goes, with the learnt weights in the place of its own."""
    many = len(seen.talks)
    asked = [_asked(one) for one in seen.followed]
    found: dict[str, Turns] = {}
    for name in dict.fromkeys(one.name for one in learnt):
        turns = [asked]
        for one in learnt:
            if one.name == name:
                rule, own = pack.rules[one.rule], seen.amounts[one.rule]
                turns.append(called(one.weights, own, rule, many))
        found[f"the pack's rules, {name}"] = [_first(row) for row in zip(*turns, strict=True)]
    return found


def _asked(one: Followed) -> int | None:
    return one.first(OTHER_CAUSES | set(TUNED))


def _first(turns: Sequence[int | None]) -> int | None:
    return min((turn for turn in turns if turn is not None), default=None)


def _best(seen: Seen, pack: Pack, kept: Flags) -> float:
    """The threshold on one turn's upset that would have cost least on the `kept` conversations."""
    highest = np.array([own.max() for own in seen.verdicts.split(seen.verdicts.upset)])
    choices = np.r_[np.inf, np.quantile(highest[kept], np.linspace(0.5, 1.0, 101))]
    need = seen.needed[kept]

    def cost(threshold: float) -> float:
        handed = highest[kept] >= threshold
        missed, needless = (need & ~handed).sum(), (~need & handed).sum()
        return float(missed * pack.error_costs.missed + needless * pack.error_costs.needless)

    return float(min(choices, key=cost))


def same_as_judged(seen: Seen, pack: Pack, rule: str) -> Turns:
    """What the pack's own weights make of the amounts; the policy itself must say the same."""
    return called(given(pack.rules[rule]), seen.amounts[rule], pack.rules[rule], len(seen.talks))
