"""Prediction of dissatisfaction at each turn, from the conversation so far, on USS.

Each of the four sets of USS has five folds of whole conversations. Linear models over words predict
the mean rating and whether it is low; boosted and randomised trees stack them with features of how
things are said, with running features of the scores, and with scores of models of the other three
sets. The trees see of a conversation only scores of models not trained on it (stacking, Wolpert
1992), and are calibrated on conversations they were not trained on. No model is stored or served:
USS may only be used for evaluation. Settings were chosen on other partitions of the same
conversations and these folds were evaluated once; expect slightly lower figures on unseen ones.
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

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.evaluation.escalation.running_features import running_features
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.evaluation.escalation.word_blocks import (
    WordBlocks,
    hashed_letters,
    hashed_words,
    logistic_log_odds,
    negated_ridge_rating,
)
from agent.lab.training.understanding.rated_dialogues import DISSATISFIED_BELOW, RatedDialogue
from agent.understanding.calibration import fit_platt
from agent.understanding.conversation_features import conversation_features, count_turn
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel

OUTER_FOLDS, INNER_FOLDS, STACKING_PARTS = 5, 4, 3
TREE_COUNT = 80
CONTEXT_EXCHANGES = 3  # preceding exchanges whose words are the context


@dataclass(frozen=True, slots=True, eq=False)
class RatedTurns:
    """Ratings, folds and features of the rated turns of several sets."""

    source: NDArray[np.str_]
    rating: FloatArray
    conversation: IntArray
    outer_fold: IntArray  # fold of the turn's conversation
    inner_fold: IntArray
    part: IntArray
    word_blocks: WordBlocks
    dense_features: FloatArray

    @property
    def is_dissatisfied(self) -> BoolArray:
        return np.asarray(self.rating < DISSATISFIED_BELOW)


def rated_turns(conversations: Sequence[RatedDialogue], feelings: TextAffectModel) -> RatedTurns:
    rows = [
        (number, at)
        for number, talk in enumerate(conversations)
        for at, exchange in enumerate(talk.exchanges)
        if exchange.rating is not None
    ]
    number, _ = np.array(rows).T
    turns = [conversations[n].exchanges[at] for n, at in rows]
    said = [plain_text(turn.customer_text) for turn in turns]
    signs = [
        conversation_features([count_turn(*pair) for pair in talk.text_pairs])
        for talk in conversations
    ]
    upset = np.asarray(feelings.log_odds(said), dtype=float)
    mood = np.column_stack([upset, feelings.sentiments(said), running_features(upset, number)])
    blocks = WordBlocks(
        {
            "said": hashed_words(said, 2),
            "told": hashed_words([plain_text(turn.agent_text) for turn in turns], 2),
            "before": hashed_words([_text_before(conversations[n], at) for n, at in rows]),
            "letters": hashed_letters(said),
        }
    )

    def folds(count: int, salt: str) -> IntArray:
        of_talks = np.array([talk.fold(count, salt) for talk in conversations])
        return np.asarray(of_talks[number])

    return RatedTurns(
        np.array([talk.source for talk in conversations])[number],
        np.array([turn.rating for turn in turns], dtype=float),
        number,
        folds(OUTER_FOLDS, "outer/"),
        folds(INNER_FOLDS, "inner/"),
        folds(STACKING_PARTS, "part/"),
        blocks,
        np.column_stack([np.array([signs[n][at] for n, at in rows]), mood]),
    )


def _text_before(conversation: RatedDialogue, at: int) -> str:
    return " ".join(
        f"{plain_text(told)} {plain_text(said)}"
        for told, said in conversation.text_pairs[max(0, at - CONTEXT_EXCHANGES) : at]
    )


def dissatisfaction_scores(turns: RatedTurns) -> list[ScoredRows]:
    """Calibrated log-odds of every turn, per set, by models not trained on its conversation."""
    return [_score_set(turns, name) for name in dict.fromkeys(turns.source.tolist())]


def _score_set(turns: RatedTurns, name: str) -> ScoredRows:
    own = np.flatnonzero(turns.source == name)
    others = np.flatnonzero(turns.source != name)
    other_set_scores = np.zeros((len(turns.conversation), 2))
    if len(others):
        other_set_scores[own] = _linear_scores(turns, others, own)
    score = np.zeros(len(turns.conversation))
    for fold in range(OUTER_FOLDS):
        training, test = own[turns.outer_fold[own] != fold], own[turns.outer_fold[own] == fold]
        if not len(test) or not 0 < turns.is_dissatisfied[training].sum() < len(training):
            continue
        linear = np.zeros((len(turns.conversation), 2))
        linear[test] = _linear_scores(turns, training, test)
        for inner in range(INNER_FOLDS):
            held_out = training[turns.inner_fold[training] == inner]
            if len(held_out):
                linear[held_out] = _linear_scores(
                    turns, training[turns.inner_fold[training] != inner], held_out
                )
        score[test] = _stacked_scores(turns, np.hstack([linear, other_set_scores]), training, test)
    return ScoredRows(name, turns.is_dissatisfied[own], score[own], turns.conversation[own])


def _linear_scores(turns: RatedTurns, training: IntArray, test: IntArray) -> FloatArray:
    x, wanted = turns.word_blocks.tf_idf(training, test)
    return np.column_stack(
        [
            negated_ridge_rating(x, turns.rating[training], wanted),
            logistic_log_odds(x, turns.is_dissatisfied[training], wanted, 1.0),
        ]
    )


def _stacked_scores(
    turns: RatedTurns, linear: FloatArray, training: IntArray, test: IntArray
) -> FloatArray:
    """Mean over STACKING_PARTS models, each trained without one part, which calibrates it."""
    running = [running_features(column, turns.conversation) for column in linear.T]
    x = np.hstack([turns.dense_features, linear, *running])
    held_out_scores, total = np.zeros(len(turns.conversation)), np.zeros(len(test))
    for part in range(STACKING_PARTS):
        held_out = training[turns.part[training] == part]
        scores = _tree_scores(
            x, turns, training[turns.part[training] != part], np.r_[held_out, test]
        )
        held_out_scores[held_out] = scores[: len(held_out)]
        total += scores[len(held_out) :] / STACKING_PARTS
    slope, shift = fit_platt(held_out_scores[training], turns.is_dissatisfied[training])
    return np.asarray(slope * total + shift)


def _tree_scores(
    x: FloatArray, turns: RatedTurns, training: IntArray, test: IntArray
) -> FloatArray:
    """Negated ratings by randomised trees plus log-odds by boosted trees, on a common scale."""
    rating, low = turns.rating[training], turns.is_dissatisfied[training]
    random = ExtraTreesRegressor(TREE_COUNT, min_samples_leaf=8, max_features=0.3, random_state=0)
    ratings = -random.fit(x[training], rating).predict(x[test]) / rating.std()
    if not 0 < low.sum() < len(low):
        return np.asarray(ratings, dtype=float)
    boosted = HistGradientBoostingClassifier(
        learning_rate=0.06, max_iter=60, max_leaf_nodes=5, min_samples_leaf=30,
        l2_regularization=10.0, random_state=0,
    ).fit(x[training], low)  # fmt: skip
    return np.asarray(3.0 * ratings + boosted.decision_function(x[test]), dtype=float)
