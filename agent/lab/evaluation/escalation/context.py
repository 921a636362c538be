"""Does it help to judge the last turns together, rather than each turn by its own words?

The model of trouble.py, trained on STAR without the conversations it is measured on (and, once
more, without any of their domain), against the upset score of single turns, summed up in the two
ways a policy might: the highest so far, and the turns added up, fading. On USS it is measured as it
is shipped, in trades and with systems it knows nothing of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit  # type: ignore[import-untyped]

from agent.lab.evaluation.escalation.conversation_bootstrap import ScoredRows
from agent.lab.training.understanding.dialogue_breakdown import (
    BreakdownSettings,
    DialogueTurns,
    fit_on_turns,
    log_odds,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from agent.understanding.dialogue_breakdown import BreakdownModel
from agent.understanding.text_models import TextAffectModel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
CONTEXT_FOLDS = 5
QUICK_SETTINGS = BreakdownSettings(folds=3)  # folds within folds: three are enough to calibrate


@dataclass(frozen=True, slots=True, eq=False)
class TurnLogOdds:
    """Log-odds for every turn of some talks, in order: by the context and by single turns."""

    conversation: Places
    context: Floats
    upset: Floats
    faded: Floats

    def above_prior(self, prior: float) -> Floats:
        """The context's log-odds over those of a customer nothing is known of."""
        return np.asarray(self.context - logit(prior))

    def by_conversation(self, scores: Floats) -> list[Floats]:
        return np.split(scores, np.flatnonzero(self.conversation[1:] != self.conversation[:-1]) + 1)


def cross_validated_scores(
    conversations: Sequence[RatedDialogue], feelings: TextAffectModel, groups: Sequence[int]
) -> TurnLogOdds:
    """Each group of talks judged by a model of the others."""
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


def _turn_scores(turns: DialogueTurns, feelings: TextAffectModel, context: Floats) -> TurnLogOdds:
    upset = np.asarray(feelings.log_odds(turns.texts), dtype=float)
    faded = np.asarray(
        turns.fading_words(feelings.features, QUICK_SETTINGS.fade) @ feelings.upset, dtype=float
    )
    return TurnLogOdds(turns.dialogue, context, upset, faded)


def conversation_folds(conversations: Sequence[RatedDialogue]) -> list[int]:
    return [talk.fold(CONTEXT_FOLDS, "context/") for talk in conversations]


def domain_folds(conversations: Sequence[RatedDialogue]) -> list[int]:
    """Domains lie in one fold whole."""
    names = sorted({talk.domain for talk in conversations})
    return [names.index(talk.domain) % CONTEXT_FOLDS for talk in conversations]


def annoyance_comparison(
    conversations: Sequence[RatedDialogue], turn_scores: TurnLogOdds
) -> dict[str, ScoredRows]:
    """Told at the end, and when half of the customer's turns are over: was this one annoyed?"""
    truth = np.array([bool(talk.annoyed) for talk in conversations])
    place = np.arange(len(conversations))

    def scored(name: str, values: Sequence[float]) -> ScoredRows:
        return ScoredRows(name, truth, np.array(values), place)

    context, upset = (
        turn_scores.by_conversation(turn_scores.context),
        turn_scores.by_conversation(turn_scores.upset),
    )
    faded = turn_scores.by_conversation(turn_scores.faded)
    return {
        "context, at the end": scored("STAR", [own[-1] for own in context]),
        "context, half-way": scored("STAR", [own[(len(own) - 1) // 2] for own in context]),
        "single turns, the most upset": scored("STAR", [own.max() for own in upset]),
        "single turns, added up and fading": scored("STAR", [own[-1] for own in faded]),
        "single turns, half-way": scored("STAR", [own[(len(own) - 1) // 2] for own in faded]),
    }


def dissatisfaction_comparison(
    conversations: Sequence[RatedDialogue], turn_scores: TurnLogOdds
) -> dict[str, ScoredRows]:
    """USS: is this turn a dissatisfied one?"""
    rated = [exchange.rating is not None for talk in conversations for exchange in talk.exchanges]
    rows = np.flatnonzero(rated)
    low = np.array(
        [exchange.is_dissatisfied for talk in conversations for exchange in talk.exchanges]
    )
    name = conversations[0].source

    def scored(values: Floats) -> ScoredRows:
        return ScoredRows(name, low[rows], values[rows], turn_scores.conversation[rows])

    both = turn_scores.upset + turn_scores.context
    return {
        "context": scored(turn_scores.context),
        "single turns": scored(turn_scores.upset),
        "both, added": scored(both),
    }
