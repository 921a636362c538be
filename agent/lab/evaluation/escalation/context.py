"""Comparison of the dialogue breakdown model, which sees the last turns, with single-turn scores.

The model is trained on STAR without the conversations it is tested on (and, in a second run,
without their domain). Single-turn upset scores are combined in the two ways a policy might: the
highest so far, and a decaying sum. On USS the shipped model is tested, in domains and with systems
unknown to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit  # type: ignore[import-untyped]

from agent.lab.arrays import FloatArray, IntArray
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.training.understanding.dialogue_breakdown import (
    BreakdownSettings,
    DialogueTurns,
    fit_on_turns,
    log_odds,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from agent.understanding.dialogue_breakdown import BreakdownModel
from agent.understanding.text_models import TextAffectModel

CONTEXT_FOLDS = 5
QUICK_SETTINGS = BreakdownSettings(folds=3)  # inner folds: three are enough to calibrate


@dataclass(frozen=True, slots=True, eq=False)
class TurnLogOdds:
    """Log-odds of every turn of some conversations, in order: with context and by single turns."""

    conversation: IntArray
    context: FloatArray
    upset: FloatArray
    faded: FloatArray

    def above_prior(self, prior: float) -> FloatArray:
        """Log-odds with context, relative to the prior probability of an annoyed customer."""
        return np.asarray(self.context - logit(prior))

    def by_conversation(self, scores: FloatArray) -> list[FloatArray]:
        return np.split(scores, np.flatnonzero(self.conversation[1:] != self.conversation[:-1]) + 1)


def cross_validated_scores(
    conversations: Sequence[RatedDialogue], feelings: TextAffectModel, groups: Sequence[int]
) -> TurnLogOdds:
    """Each group of conversations scored by a model trained on the other groups."""
    turns = DialogueTurns.from_dialogues(conversations)
    words, group = (
        turns.fading_words(feelings.features, QUICK_SETTINGS.fade),
        np.array(groups)[turns.dialogue],
    )
    context = np.zeros(len(turns.texts))
    for at in np.unique(group):
        model = fit_on_turns(turns, words, group != at, feelings, QUICK_SETTINGS)
        context[group == at] = log_odds(model, turns, words)[group == at]
    return _turn_scores(turns, feelings, context)


def shipped_model_scores(
    conversations: Sequence[RatedDialogue], feelings: TextAffectModel, model: BreakdownModel
) -> TurnLogOdds:
    turns = DialogueTurns.from_dialogues(conversations)
    words = turns.fading_words(model.features, model.word_decay)
    return _turn_scores(turns, feelings, log_odds(model, turns, words))


def _turn_scores(
    turns: DialogueTurns, feelings: TextAffectModel, context: FloatArray
) -> TurnLogOdds:
    upset = np.asarray(feelings.log_odds(turns.texts), dtype=float)
    faded = np.asarray(
        turns.fading_words(feelings.features, QUICK_SETTINGS.fade) @ feelings.upset, dtype=float
    )
    return TurnLogOdds(turns.dialogue, context, upset, faded)


def conversation_folds(conversations: Sequence[RatedDialogue]) -> list[int]:
    return [talk.fold(CONTEXT_FOLDS, "context/") for talk in conversations]


def domain_folds(conversations: Sequence[RatedDialogue]) -> list[int]:
    """Fold of each conversation; no domain is in two folds."""
    names = sorted({talk.domain for talk in conversations})
    return [names.index(talk.domain) % CONTEXT_FOLDS for talk in conversations]


def annoyance_comparison(
    conversations: Sequence[RatedDialogue], turn_scores: TurnLogOdds
) -> dict[str, ScoredRows]:
    """Rows for "was the customer annoyed?", scored at the end and half-way through."""
    truth = np.array([bool(talk.annoyed) for talk in conversations])
    place = np.arange(len(conversations))

    def scored_rows(name: str, values: Sequence[float]) -> ScoredRows:
        return ScoredRows(name, truth, np.array(values), place)

    context, upset = (
        turn_scores.by_conversation(turn_scores.context),
        turn_scores.by_conversation(turn_scores.upset),
    )
    faded = turn_scores.by_conversation(turn_scores.faded)
    return {
        "context, at the end": scored_rows("STAR", [own[-1] for own in context]),
        "context, half-way": scored_rows("STAR", [own[(len(own) - 1) // 2] for own in context]),
        "single turns, the most upset": scored_rows("STAR", [own.max() for own in upset]),
        "single turns, added up and fading": scored_rows("STAR", [own[-1] for own in faded]),
        "single turns, half-way": scored_rows("STAR", [own[(len(own) - 1) // 2] for own in faded]),
    }


def dissatisfaction_comparison(
    conversations: Sequence[RatedDialogue], turn_scores: TurnLogOdds
) -> dict[str, ScoredRows]:
    """Rows of USS for "is the customer dissatisfied in this turn?"."""
    rated = [exchange.rating is not None for talk in conversations for exchange in talk.exchanges]
    rows = np.flatnonzero(rated)
    low = np.array(
        [exchange.is_dissatisfied for talk in conversations for exchange in talk.exchanges]
    )
    name = conversations[0].source

    def scored_rows(values: FloatArray) -> ScoredRows:
        return ScoredRows(name, low[rows], values[rows], turn_scores.conversation[rows])

    both = turn_scores.upset + turn_scores.context
    return {
        "context": scored_rows(turn_scores.context),
        "single turns": scored_rows(turn_scores.upset),
        "both, added": scored_rows(both),
    }
