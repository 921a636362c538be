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

from agent.lab.evaluation.escalation.conversation_bootstrap import Scored
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
FOLDS = 5
QUICK = BreakdownSettings(folds=3)  # folds within folds: three are enough to calibrate


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Log-odds for every turn of some talks, in order: by the context and by single turns."""

    talk: Places
    context: Floats
    upset: Floats
    faded: Floats

    def above_usual(self, share: float) -> Floats:
        """The context's log-odds over those of a customer nothing is known of."""
        return np.asarray(self.context - logit(share))

    def split(self, scores: Floats) -> list[Floats]:
        return np.split(scores, np.flatnonzero(self.talk[1:] != self.talk[:-1]) + 1)


def unseen(
    talks: Sequence[RatedDialogue], feelings: TextAffectModel, groups: Sequence[int]
) -> Verdicts:
    """Each group of talks judged by a model of the others."""
    turns = DialogueTurns.from_dialogues(talks)
    words, group = (
        turns.fading_words(feelings.features, QUICK.fade),
        np.array(groups)[turns.dialogue],
    )
    context = np.zeros(len(turns.texts))
    for at in np.unique(group):
        model = fit_on_turns(turns, words, group != at, feelings, QUICK)
        context[group == at] = log_odds(model, turns, words)[group == at]
    return _verdicts(turns, feelings, context)


def as_shipped(
    talks: Sequence[RatedDialogue], feelings: TextAffectModel, model: BreakdownModel
) -> Verdicts:
    turns = DialogueTurns.from_dialogues(talks)
    words = turns.fading_words(model.features, model.word_decay)
    return _verdicts(turns, feelings, log_odds(model, turns, words))


def _verdicts(turns: DialogueTurns, feelings: TextAffectModel, context: Floats) -> Verdicts:
    upset = np.asarray(feelings.log_odds(turns.texts), dtype=float)
    faded = np.asarray(
        turns.fading_words(feelings.features, QUICK.fade) @ feelings.upset, dtype=float
    )
    return Verdicts(turns.dialogue, context, upset, faded)


def by_fold(talks: Sequence[RatedDialogue]) -> list[int]:
    return [talk.fold(FOLDS, "context/") for talk in talks]


def by_domain(talks: Sequence[RatedDialogue]) -> list[int]:
    """Domains lie in one fold whole."""
    names = sorted({talk.domain for talk in talks})
    return [names.index(talk.domain) % FOLDS for talk in talks]


def figures(talks: Sequence[RatedDialogue], verdicts: Verdicts) -> dict[str, Scored]:
    """Told at the end, and when half of the customer's turns are over: was this one annoyed?"""
    truth = np.array([bool(talk.annoyed) for talk in talks])
    place = np.arange(len(talks))

    def scored(name: str, values: Sequence[float]) -> Scored:
        return Scored(name, truth, np.array(values), place)

    context, upset = verdicts.split(verdicts.context), verdicts.split(verdicts.upset)
    faded = verdicts.split(verdicts.faded)
    return {
        "context, at the end": scored("STAR", [own[-1] for own in context]),
        "context, half-way": scored("STAR", [own[(len(own) - 1) // 2] for own in context]),
        "single turns, the most upset": scored("STAR", [own.max() for own in upset]),
        "single turns, added up and fading": scored("STAR", [own[-1] for own in faded]),
        "single turns, half-way": scored("STAR", [own[(len(own) - 1) // 2] for own in faded]),
    }


def transferred(talks: Sequence[RatedDialogue], verdicts: Verdicts) -> dict[str, Scored]:
    """USS: is this turn a dissatisfied one?"""
    rated = [exchange.rating is not None for talk in talks for exchange in talk.exchanges]
    rows = np.flatnonzero(rated)
    low = np.array([exchange.is_dissatisfied for talk in talks for exchange in talk.exchanges])
    name = talks[0].source

    def scored(values: Floats) -> Scored:
        return Scored(name, low[rows], values[rows], verdicts.talk[rows])

    both = verdicts.upset + verdicts.context
    return {
        "context": scored(verdicts.context),
        "single turns": scored(verdicts.upset),
        "both, added": scored(both),
    }
