"""How well can it be told, from a conversation so far, that its customer is dissatisfied now?

USS, each of its four sets on five folds of whole conversations. Linear models over words learn the
mean rating and whether it is low; boosted and randomised trees join them with the signs of how
things are said, with how the scores ran so far, and with what models of the other three sets think.
The trees see of a conversation only scores by models that did not learn from it (stacking, Wolpert
1992), and are calibrated on conversations they did not learn from. Nothing here is stored or
served: USS is measured on. Settings were chosen on other partitions of the same conversations, so
that these folds were measured once; expect a little less of conversations never chosen on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (  # type: ignore[import-untyped]
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
)

from agent.lab.evaluation.escalation.conversation_bootstrap import Scored
from agent.lab.evaluation.escalation.running_features import course
from agent.lab.evaluation.escalation.word_blocks import Blocks, letters, likely, rated, words
from agent.lab.training.understanding.rated_dialogues import DISSATISFIED_BELOW, RatedDialogue
from agent.understanding.calibration import fit_platt
from agent.understanding.conversation_features import conversation_features, count_turn
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
OUTER, INNER, PARTS = 5, 4, 3
TREES = 80
BACK = 3  # exchanges whose words count as what was said before


@dataclass(frozen=True, slots=True, eq=False)
class Rated:
    """The rated turns of several sets: what people said of them, and what a model may look at."""

    source: NDArray[np.str_]
    rating: Floats
    talk: Places
    outer: Places  # folds of whole conversations
    inner: Places
    part: Places
    blocks: Blocks
    dense: Floats

    @property
    def low(self) -> Flags:
        return np.asarray(self.rating < DISSATISFIED_BELOW)


def rated_turns(talks: Sequence[RatedDialogue], feelings: TextAffectModel) -> Rated:
    rows = [
        (number, at)
        for number, talk in enumerate(talks)
        for at, exchange in enumerate(talk.exchanges)
        if exchange.rating is not None
    ]
    number, _ = np.array(rows).T
    turns = [talks[n].exchanges[at] for n, at in rows]
    said = [plain_text(turn.customer_text) for turn in turns]
    signs = [
        conversation_features([count_turn(*pair) for pair in talk.text_pairs]) for talk in talks
    ]
    upset = np.asarray(feelings.log_odds(said), dtype=float)
    mood = np.column_stack([upset, feelings.sentiments(said), course(upset, number)])
    blocks = Blocks(
        {
            "said": words(said, 2),
            "told": words([plain_text(turn.agent_text) for turn in turns], 2),
            "before": words([_before(talks[n], at) for n, at in rows]),
            "letters": letters(said),
        }
    )

    def folds(count: int, salt: str) -> Places:
        of_talks = np.array([talk.fold(count, salt) for talk in talks])
        return np.asarray(of_talks[number])

    return Rated(
        np.array([talk.source for talk in talks])[number],
        np.array([turn.rating for turn in turns], dtype=float),
        number,
        folds(OUTER, "outer/"),
        folds(INNER, "inner/"),
        folds(PARTS, "part/"),
        blocks,
        np.column_stack([np.array([signs[n][at] for n, at in rows]), mood]),
    )


def _before(talk: RatedDialogue, at: int) -> str:
    return " ".join(
        f"{plain_text(told)} {plain_text(said)}"
        for told, said in talk.text_pairs[max(0, at - BACK) : at]
    )


def dissatisfied(turns: Rated) -> list[Scored]:
    """Calibrated log-odds for every turn, each by models that know nothing of its conversation."""
    return [_one_set(turns, name) for name in dict.fromkeys(turns.source.tolist())]


def _one_set(turns: Rated, name: str) -> Scored:
    own = np.flatnonzero(turns.source == name)
    others = np.flatnonzero(turns.source != name)
    elsewhere = np.zeros((len(turns.talk), 2))
    if len(others):
        elsewhere[own] = _linear(turns, others, own)
    score = np.zeros(len(turns.talk))
    for fold in range(OUTER):
        learnt, asked = own[turns.outer[own] != fold], own[turns.outer[own] == fold]
        if not len(asked) or not 0 < turns.low[learnt].sum() < len(learnt):
            continue
        linear = np.zeros((len(turns.talk), 2))
        linear[asked] = _linear(turns, learnt, asked)
        for inner in range(INNER):
            left = learnt[turns.inner[learnt] == inner]
            if len(left):
                linear[left] = _linear(turns, learnt[turns.inner[learnt] != inner], left)
        score[asked] = _stacked(turns, np.hstack([linear, elsewhere]), learnt, asked)
    return Scored(name, turns.low[own], score[own], turns.talk[own])


def _linear(turns: Rated, learnt: Places, asked: Places) -> Floats:
    x, wanted = turns.blocks.weighted(learnt, asked)
    return np.column_stack(
        [rated(x, turns.rating[learnt], wanted), likely(x, turns.low[learnt], wanted, 1.0)]
    )


def _stacked(turns: Rated, linear: Floats, learnt: Places, asked: Places) -> Floats:
    """The mean over PARTS of the training part, each left out in turn to calibrate on."""
    ran = [course(column, turns.talk) for column in linear.T]
    x = np.hstack([turns.dense, linear, *ran])
    held, total = np.zeros(len(turns.talk)), np.zeros(len(asked))
    for part in range(PARTS):
        left = learnt[turns.part[learnt] == part]
        scores = _trees(x, turns, learnt[turns.part[learnt] != part], np.r_[left, asked])
        held[left] = scores[: len(left)]
        total += scores[len(left) :] / PARTS
    slope, shift = fit_platt(held[learnt], turns.low[learnt])
    return np.asarray(slope * total + shift)


def _trees(x: Floats, turns: Rated, learnt: Places, asked: Places) -> Floats:
    """Ratings by randomised trees and odds by boosted ones, in units that weigh them alike."""
    rating, low = turns.rating[learnt], turns.low[learnt]
    random = ExtraTreesRegressor(TREES, min_samples_leaf=8, max_features=0.3, random_state=0)
    ratings = -random.fit(x[learnt], rating).predict(x[asked]) / rating.std()
    if not 0 < low.sum() < len(low):
        return np.asarray(ratings, dtype=float)
    boosted = HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=60, max_leaf_nodes=5, min_samples_leaf=30,
        l2_regularization=10.0, random_state=0,
    ).fit(x[learnt], low)  # fmt: skip
    return np.asarray(3.0 * ratings + boosted.decision_function(x[asked]), dtype=float)
