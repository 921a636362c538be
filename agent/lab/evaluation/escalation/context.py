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

from agent.lab.evaluation.escalation.intervals import Scored
from agent.lab.training.understanding.dialogue_breakdown import (
    TroubleSettings,
    Turns,
    learnt,
    log_odds,
)
from agent.lab.training.understanding.rated_dialogues import Talk
from agent.understanding.dialogue_breakdown import TroubleModel
from agent.understanding.text_models import FeelingModel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
FOLDS = 5
QUICK = TroubleSettings(folds=3)  # folds within folds: three are enough to calibrate


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


def unseen(talks: Sequence[Talk], feelings: FeelingModel, groups: Sequence[int]) -> Verdicts:
    """Each group of talks judged by a model of the others."""
    turns = Turns.of(talks)
    words, group = turns.faded(feelings.features, QUICK.fade), np.array(groups)[turns.talk]
    context = np.zeros(len(turns.said))
    for at in np.unique(group):
        model = learnt(turns, words, group != at, feelings, QUICK)
        context[group == at] = log_odds(model, turns, words)[group == at]
    return _verdicts(turns, feelings, context)


def as_shipped(talks: Sequence[Talk], feelings: FeelingModel, model: TroubleModel) -> Verdicts:
    turns = Turns.of(talks)
    words = turns.faded(model.features, model.fade)
    return _verdicts(turns, feelings, log_odds(model, turns, words))


def _verdicts(turns: Turns, feelings: FeelingModel, context: Floats) -> Verdicts:
    upset = np.asarray(feelings.log_odds(turns.said), dtype=float)
    faded = np.asarray(turns.faded(feelings.features, QUICK.fade) @ feelings.upset, dtype=float)
    return Verdicts(turns.talk, context, upset, faded)


def by_fold(talks: Sequence[Talk]) -> list[int]:
    return [talk.fold(FOLDS, "context/") for talk in talks]


def by_domain(talks: Sequence[Talk]) -> list[int]:
    """Domains lie in one fold whole."""
    names = sorted({talk.domain for talk in talks})
    return [names.index(talk.domain) % FOLDS for talk in talks]


def figures(talks: Sequence[Talk], verdicts: Verdicts) -> dict[str, Scored]:
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


def transferred(talks: Sequence[Talk], verdicts: Verdicts) -> dict[str, Scored]:
    """USS: is this turn a dissatisfied one?"""
    rated = [exchange.rating is not None for talk in talks for exchange in talk.exchanges]
    rows = np.flatnonzero(rated)
    low = np.array([exchange.low for talk in talks for exchange in talk.exchanges])
    name = talks[0].source

    def scored(values: Floats) -> Scored:
        return Scored(name, low[rows], values[rows], verdicts.talk[rows])

    both = verdicts.upset + verdicts.context
    return {
        "context": scored(verdicts.context),
        "single turns": scored(verdicts.upset),
        "both, added": scored(both),
    }
