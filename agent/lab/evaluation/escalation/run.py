"""Sequence of `hearken evaluate escalation`: from the conversation sets to the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.escalation import context as contexts
from agent.lab.evaluation.escalation.annoyance import annoyance_features, annoyance_scores
from agent.lab.evaluation.escalation.batch_understanding import understand_all
from agent.lab.evaluation.escalation.context import (
    TurnLogOdds,
    conversation_folds,
    cross_validated_scores,
    domain_folds,
    shipped_model_scores,
)
from agent.lab.evaluation.escalation.goals import escalation_goals
from agent.lab.evaluation.escalation.handoff_requests import (
    HandoffRequestScores,
    handoff_request_scores,
)
from agent.lab.evaluation.escalation.policies import (
    TUNED_RULES,
    CorpusReplay,
    Flapping,
    PolicyResult,
    WeightProposal,
    compare_policies,
    count_flapping,
    held_out_turns,
    propose_weights,
    transferred_turns,
)
from agent.lab.evaluation.escalation.policy_replay import policy_trace
from agent.lab.evaluation.escalation.satisfaction import dissatisfaction_scores, rated_turns
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.evaluation.escalation.weight_tuning import term_amounts
from agent.lab.goals import Goal
from agent.lab.progress import ReportProgress
from agent.lab.training.understanding.dialogue_breakdown import WEIGHTS_FILE
from agent.lab.training.understanding.rated_dialogues import (
    USS_SETS,
    RatedDialogue,
    read_star,
    read_uss,
)
from agent.understanding.dialogue_breakdown import BreakdownModel
from agent.understanding.turn_understanding import TurnUnderstanding
from dialogs.pack.model import Pack
from dialogs.values import Understanding

CONVERSATION_STRIDE = 3  # policies use every third conversation of USS: saves a minute


@dataclass(frozen=True, slots=True, eq=False)
class HandoffPolicyComparison:
    """All handoff policies on one set of conversations."""

    name: str
    conversations: int
    needed_share: float  # share of the conversations
    policies: list[PolicyResult]
    flapping: Flapping


@dataclass(frozen=True, slots=True, eq=False)
class EscalationReport:
    goals: list[Goal]
    scored_rows: list[ScoredRows]
    context_rows: Mapping[str, ScoredRows]
    policy_comparisons: list[HandoffPolicyComparison]
    weight_proposals: list[WeightProposal]
    handoff_requests: list[HandoffRequestScores]


def escalation_report(
    data: Path, weights: Path, pack: Pack, report_progress: ReportProgress
) -> EscalationReport:
    missing = [name for name in ("uss", "star", "nlupp") if not (data / name).is_dir()]
    if missing:
        raise EvaluationError(f"{data} lacks the folder{'s' * (len(missing) > 1)} {missing}")
    with threadpool_limits(1):
        return _escalation_report(data, weights, pack, report_progress)


def _escalation_report(
    data: Path, weights: Path, pack: Pack, report_progress: ReportProgress
) -> EscalationReport:
    report_progress("reading conversations")
    nlu = TurnUnderstanding.load(pack, weights)
    star_conversations, uss_conversations = (
        read_star(data),
        {name: read_uss(data, name) for name in USS_SETS},
    )
    report_progress("annoyance, from whole conversations of STAR")
    scored = [annoyance_scores(annoyance_features(star_conversations, nlu.affect_model))]
    report_progress("dissatisfaction, turn by turn on USS")
    scored += dissatisfaction_scores(
        rated_turns(
            [t for own_scores in uss_conversations.values() for t in own_scores], nlu.affect_model
        )
    )
    report_progress("turns with context against single turns")
    shipped = BreakdownModel.load(weights / WEIGHTS_FILE)
    own_scores = cross_validated_scores(
        star_conversations, nlu.affect_model, conversation_folds(star_conversations)
    )
    context_rows = dict(contexts.annoyance_comparison(star_conversations, own_scores))
    other_domain_scores = cross_validated_scores(
        star_conversations, nlu.affect_model, domain_folds(star_conversations)
    )
    context_rows["context, domains never seen"] = contexts.annoyance_comparison(
        star_conversations, other_domain_scores
    )["context, at the end"]
    for name, talks in uss_conversations.items():
        for what, one in contexts.dissatisfaction_comparison(
            talks, shipped_model_scores(talks, nlu.affect_model, shipped)
        ).items():
            context_rows[f"USS {name}, {what}"] = one
    report_progress("handoff policies, turn by turn")
    sampled = {name: talks[::CONVERSATION_STRIDE] for name, talks in uss_conversations.items()}
    policies, learnt = _compare_policies(
        pack, nlu, star_conversations, own_scores, sampled, shipped
    )
    report_progress("requests for a person")
    return EscalationReport(
        list(escalation_goals(scored)),
        scored,
        context_rows,
        policies,
        learnt,
        handoff_request_scores(data, pack, nlu),
    )


def _compare_policies(
    pack: Pack,
    nlu: TurnUnderstanding,
    star_conversations: Sequence[RatedDialogue],
    own_scores: TurnLogOdds,
    uss_conversations: Mapping[str, Sequence[RatedDialogue]],
    shipped: BreakdownModel,
) -> tuple[list[HandoffPolicyComparison], list[WeightProposal]]:
    everything = [
        *star_conversations,
        *(talk for talks in uss_conversations.values() for talk in talks),
    ]
    understandings = understand_all(
        nlu, (e.customer_text for talk in everything for e in talk.exchanges)
    )
    share = float(np.mean([bool(talk.annoyed) for talk in star_conversations]))
    replay = _replay_corpus("STAR", star_conversations, pack, understandings, own_scores, share)
    weight_proposals, held_out_by_policy = (
        propose_weights(replay, pack),
        held_out_turns(replay, pack),
    )
    policies = [_compare_on_corpus(replay, pack, held_out_by_policy)]
    bank = [at for at, talk in enumerate(star_conversations) if talk.source == "bank"]
    at_bank = {name: [turns[at] for at in bank] for name, turns in held_out_by_policy.items()}
    policies.append(_compare_on_corpus(_corpus_part(replay, "STAR, its bank", bank), pack, at_bank))
    for name, talks in uss_conversations.items():
        verdicts = shipped_model_scores(talks, nlu.affect_model, shipped)
        other_replay = _replay_corpus(f"USS {name}", talks, pack, understandings, verdicts, share)
        policies.append(
            _compare_on_corpus(
                other_replay, pack, transferred_turns(other_replay, pack, weight_proposals)
            )
        )
    return policies, weight_proposals


def _replay_corpus(
    name: str,
    conversations: Sequence[RatedDialogue],
    pack: Pack,
    understandings: Mapping[str, Understanding],
    turn_scores: TurnLogOdds,
    prior: float,
) -> CorpusReplay:
    above_prior = turn_scores.above_prior(prior)
    each = [own.tolist() for own in turn_scores.by_conversation(above_prior)]
    return CorpusReplay(
        name,
        conversations,
        [
            policy_trace(pack, *one)
            for one in zip(conversations, repeat(understandings), each, strict=False)
        ],
        turn_scores,
        {
            rule: term_amounts(pack, rule, conversations, understandings, above_prior)
            for rule in TUNED_RULES
        },
    )


def _corpus_part(replay: CorpusReplay, name: str, indices: Sequence[int]) -> CorpusReplay:
    """The replay of some of the conversations, without term amounts, which are not needed there."""
    rows = np.isin(replay.turn_scores.conversation, indices)
    turn_scores = TurnLogOdds(
        np.searchsorted(indices, replay.turn_scores.conversation[rows]),
        replay.turn_scores.context[rows],
        replay.turn_scores.upset[rows],
        replay.turn_scores.faded[rows],
    )
    return CorpusReplay(
        name,
        [replay.conversations[at] for at in indices],
        [replay.traces[at] for at in indices],
        turn_scores,
        {},
    )


def _compare_on_corpus(
    replay: CorpusReplay, pack: Pack, fitted: Mapping[str, list[int | None]]
) -> HandoffPolicyComparison:
    return HandoffPolicyComparison(
        replay.name,
        len(replay.conversations),
        float(replay.needed_person.mean()),
        compare_policies(replay, pack, fitted),
        count_flapping(replay),
    )
