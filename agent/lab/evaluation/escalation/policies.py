"""Handoff policies on the same conversations: the pack's rules and their alternatives.

Handing off no conversation and handing off every one are the trivial policies; one that costs more
than the better of the two is useless. The baseline for the pack's rules is a single threshold on
the upset score of a turn. Policies fitted on STAR are tested on folds they were not fitted on; on
USS they are tested as fitted on all of STAR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.evaluation.escalation.context import CONTEXT_FOLDS, TurnLogOdds, conversation_folds
from agent.lab.evaluation.escalation.handoff_scores import (
    HandoffDecisions,
    HandoffScores,
    LeadTime,
    first_dissatisfied_turn,
    first_turn_above,
    handoff_scores,
    lead_time,
)
from agent.lab.evaluation.escalation.policy_replay import TASK_RULES, PolicyTrace
from agent.lab.evaluation.escalation.weight_tuning import (
    RuleWeights,
    TermAmounts,
    handoff_turns,
    pack_weights,
    single_turn_terms,
    tune_weights,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from dialogs.pack.model import Pack

HandoffTurns = list[int | None]
# STAR has too few repeated misunderstandings to fit the other rules
TUNED_RULES = ("upset_over_turns",)


@dataclass(frozen=True, slots=True)
class PolicyResult:
    name: str
    scores: HandoffScores
    lead_time: LeadTime | None


@dataclass(frozen=True, slots=True)
class Flapping:
    """Per 100 conversations: thresholds entered and left, and causes that fired again."""

    entered: float
    left: float
    again: float
    rules: Mapping[str, int]  # number of handoffs by rule


@dataclass(frozen=True, slots=True, eq=False)
class CorpusReplay:
    """One set of conversations, with its policy traces, scores and term amounts."""

    name: str
    conversations: Sequence[RatedDialogue]
    traces: Sequence[PolicyTrace]
    turn_scores: TurnLogOdds
    term_amounts: Mapping[str, TermAmounts]  # by rule; the last term of each is CONTEXT_TERM

    @property
    def needed_person(self) -> BoolArray:
        """(conversations,): annoyed, or dissatisfied in at least one turn."""
        return np.array(
            [
                bool(talk.annoyed) or first_dissatisfied_turn(talk) is not None
                for talk in self.conversations
            ]
        )


def count_flapping(replay: CorpusReplay) -> Flapping:
    per = 100.0 / max(1, len(replay.conversations))
    rules: dict[str, int] = {}
    for trace in replay.traces:
        for _, rule in trace.handoffs:
            rules[rule] = rules.get(rule, 0) + 1
    return Flapping(
        per * sum(sum(trace.entered.values()) for trace in replay.traces),
        per * sum(trace.left for trace in replay.traces),
        per * sum(trace.refire_count for trace in replay.traces),
        rules,
    )


def compare_policies(
    replay: CorpusReplay, pack: Pack, fitted_policies: Mapping[str, HandoffTurns]
) -> list[PolicyResult]:
    """Results of all policies; `fitted_policies`: handoff turns of further policies, by name."""
    many = len(replay.conversations)
    at_cost = float(logit(pack.error_costs.threshold))
    turns: dict[str, HandoffTurns] = {
        "nobody is called": [None] * many,
        "everybody is handed over": [0] * many,
        "the pack's rules about how it goes": [f.first_handoff(TASK_RULES) for f in replay.traces],
        "all of the pack's rules": [f.first_handoff() for f in replay.traces],
        "one turn's upset, threshold of the costs": _turns_above(
            replay, replay.turn_scores.upset, at_cost
        ),
        "context, threshold of the costs": _turns_above(
            replay, replay.turn_scores.context, at_cost
        ),
        **fitted_policies,
    }
    rated = any(first_dissatisfied_turn(talk) is not None for talk in replay.conversations)
    return [
        PolicyResult(
            name,
            handoff_scores(
                HandoffDecisions.from_turns(replay.needed_person.tolist(), found), pack.error_costs
            ),
            lead_time(replay.conversations, found) if rated else None,
        )
        for name, found in turns.items()
    ]


def _turns_above(replay: CorpusReplay, scores: FloatArray, threshold: float) -> HandoffTurns:
    return [
        first_turn_above(own.tolist(), threshold)
        for own in replay.turn_scores.by_conversation(scores)
    ]


@dataclass(frozen=True, slots=True)
class WeightProposal:
    """Fitted weights of a rule; `name` says with which terms."""

    name: str
    rule: str
    weights: RuleWeights


def held_out_turns(replay: CorpusReplay, pack: Pack) -> dict[str, HandoffTurns]:
    """STAR: handoff turns of the fitted policies, cross-validated over conversations."""
    fold = np.array(conversation_folds(replay.conversations))
    found: dict[str, HandoffTurns] = {}
    for at in range(CONTEXT_FOLDS):
        own = np.flatnonzero(fold == at)
        for name, turns in _fitted_policies(replay, pack, fold != at).items():
            whole = found.setdefault(name, [None] * len(fold))
            for place in own:
                whole[place] = turns[place]
    return found


def transferred_turns(
    replay: CorpusReplay, pack: Pack, weight_proposals: Sequence[WeightProposal]
) -> dict[str, HandoffTurns]:
    """Handoff turns on another set, with weights fitted on all of STAR."""
    return _policies_with_weights(replay, pack, weight_proposals)


def propose_weights(
    replay: CorpusReplay, pack: Pack, training: BoolArray | None = None
) -> list[WeightProposal]:
    training = np.ones(len(replay.conversations), bool) if training is None else training
    found = []
    for rule in TUNED_RULES:
        all_amounts = replay.term_amounts[rule]
        terms = single_turn_terms(pack.rules[rule])
        single_turn_amounts = replace(
            all_amounts, terms=terms, values=all_amounts.values[:, : len(terms)]
        )
        for name, amounts in (("tuned", single_turn_amounts), ("tuned, with context", all_amounts)):
            weights = tune_weights(
                amounts, replay.needed_person, training, pack.rules[rule], pack.error_costs
            )
            found.append(WeightProposal(name, rule, weights))
    return found


def _fitted_policies(
    replay: CorpusReplay, pack: Pack, training: BoolArray
) -> dict[str, HandoffTurns]:
    found = _policies_with_weights(replay, pack, propose_weights(replay, pack, training))
    found["one turn's upset, best threshold"] = _turns_above(
        replay, replay.turn_scores.upset, _best_upset_threshold(replay, pack, training)
    )
    return found


def _policies_with_weights(
    replay: CorpusReplay, pack: Pack, weight_proposals: Sequence[WeightProposal]
) -> dict[str, HandoffTurns]:
    """The pack's rules about how it goes, with fitted weights instead of the pack's."""
    many = len(replay.conversations)
    fixed_turns = [_fixed_rules_turn(one) for one in replay.traces]
    found: dict[str, HandoffTurns] = {}
    for name in dict.fromkeys(one.name for one in weight_proposals):
        turns = [fixed_turns]
        for one in weight_proposals:
            if one.name == name:
                rule, own = pack.rules[one.rule], replay.term_amounts[one.rule]
                turns.append(handoff_turns(one.weights, own, rule, many))
        found[f"the pack's rules, {name}"] = [_earliest(row) for row in zip(*turns, strict=True)]
    return found


def _fixed_rules_turn(trace: PolicyTrace) -> int | None:
    return trace.first_handoff(TASK_RULES | set(TUNED_RULES))


def _earliest(turns: Sequence[int | None]) -> int | None:
    return min((turn for turn in turns if turn is not None), default=None)


def _best_upset_threshold(replay: CorpusReplay, pack: Pack, training: BoolArray) -> float:
    """The threshold on one turn's upset that costs least on the `training` conversations."""
    highest = np.array(
        [own.max() for own in replay.turn_scores.by_conversation(replay.turn_scores.upset)]
    )
    choices = np.r_[np.inf, np.quantile(highest[training], np.linspace(0.5, 1.0, 101))]
    need = replay.needed_person[training]

    def cost(threshold: float) -> float:
        handed = highest[training] >= threshold
        missed, needless = (need & ~handed).sum(), (~need & handed).sum()
        return float(missed * pack.error_costs.missed + needless * pack.error_costs.needless)

    return float(min(choices, key=cost))


def turns_by_pack_weights(replay: CorpusReplay, pack: Pack, rule: str) -> HandoffTurns:
    """Handoff turns from the amounts with the pack's own weights; must equal the policy's."""
    return handoff_turns(
        pack_weights(pack.rules[rule]),
        replay.term_amounts[rule],
        pack.rules[rule],
        len(replay.conversations),
    )
