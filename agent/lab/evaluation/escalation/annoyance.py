"""Prediction from a whole conversation of STAR that its customer was annoyed.

STAR's wizards gave the label afterwards. Five folds of whole conversations; linear models over the
words of both sides and of the last turns are stacked, with features of how things are said, by a
second linear model and by trees, which see only scores of models not trained on the conversation.
The task, the instructions and the other questions to the wizards are not used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import (  # type: ignore[import-untyped]
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.evaluation.escalation.running_features import conversation_summary
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.evaluation.escalation.word_blocks import (
    WordBlocks,
    hashed_letters,
    hashed_words,
    logistic_log_odds,
)
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from agent.understanding.calibration import fit_platt
from agent.understanding.conversation_features import conversation_features, count_turn
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel

OUTER_FOLDS, INNER_FOLDS, STACKING_PARTS = 5, 4, 3
LATE_TURNS = 3  # last turns, whose words are a view of their own
WORD_VIEWS = (("said",), ("said", "told"), ("letters",), ("said", "told", "letters", "late"))


@dataclass(frozen=True, slots=True, eq=False)
class ConversationFeatures:
    """Labels, folds and features of whole conversations, one per row."""

    annoyed: BoolArray
    outer_fold: IntArray
    inner_fold: IntArray
    part: IntArray
    word_blocks: WordBlocks
    dense_features: FloatArray


def annoyance_features(
    conversations: Sequence[RatedDialogue], feelings: TextAffectModel
) -> ConversationFeatures:
    said = [
        [plain_text(exchange.customer_text) for exchange in talk.exchanges]
        for talk in conversations
    ]
    place = np.repeat(np.arange(len(conversations)), [len(turns) for turns in said])
    upset = feelings.log_odds([text for turns in said for text in turns])
    signs = [
        conversation_features([count_turn(*pair) for pair in talk.text_pairs])
        for talk in conversations
    ]
    summed = [np.concatenate([rows.max(0), rows.mean(0), rows[-1]]) for rows in signs]
    blocks = WordBlocks(
        {
            "said": hashed_words([" ".join(turns) for turns in said], 2),
            "late": hashed_words([" ".join(turns[-LATE_TURNS:]) for turns in said], 2),
            "told": hashed_words(
                [
                    plain_text(" ".join(told for told, _ in talk.text_pairs))
                    for talk in conversations
                ],
                2,
            ),
            "letters": hashed_letters(
                [" ".join(text for _, text in talk.text_pairs) for talk in conversations]
            ),
        }
    )

    def folds(count: int, salt: str) -> IntArray:
        return np.array([talk.fold(count, salt) for talk in conversations])

    return ConversationFeatures(
        np.array([bool(talk.annoyed) for talk in conversations]),
        folds(OUTER_FOLDS, "outer/"),
        folds(INNER_FOLDS, "inner/"),
        folds(STACKING_PARTS, "part/"),
        blocks,
        np.column_stack(
            [np.array(summed), conversation_summary(np.asarray(upset, dtype=float), place)]
        ),
    )


def annoyance_scores(features: ConversationFeatures, name: str = "STAR") -> ScoredRows:
    """Calibrated log-odds of annoyance, each by models not trained on the conversation."""
    score = np.zeros(len(features.annoyed))
    for fold in range(OUTER_FOLDS):
        training, test = (
            np.flatnonzero(features.outer_fold != fold),
            np.flatnonzero(features.outer_fold == fold),
        )
        linear = np.zeros((len(score), len(WORD_VIEWS)))
        linear[test] = _linear_scores(features, training, test)
        for inner in range(INNER_FOLDS):
            held_out = training[features.inner_fold[training] == inner]
            linear[held_out] = _linear_scores(
                features, training[features.inner_fold[training] != inner], held_out
            )
        score[test] = _stacked_scores(features, linear, training, test)
    return ScoredRows(name, features.annoyed, score, np.arange(len(score)))


def _linear_scores(
    features: ConversationFeatures, training: IntArray, test: IntArray
) -> FloatArray:
    views = []
    for view in WORD_VIEWS:
        x, wanted = features.word_blocks.tf_idf(training, test, view)
        views.append(logistic_log_odds(x, features.annoyed[training], wanted, 2.0))
    return np.column_stack(views)


def _stacked_scores(
    features: ConversationFeatures, linear: FloatArray, training: IntArray, test: IntArray
) -> FloatArray:
    x = np.hstack([features.dense_features, linear])
    held_out_scores, total = np.zeros(len(x)), np.zeros(len(test))
    for part in range(STACKING_PARTS):
        held_out = training[features.part[training] == part]
        fitted = training[features.part[training] != part]
        scores = _ensemble_log_odds(x, features.annoyed, fitted, np.r_[held_out, test])
        held_out_scores[held_out] = scores[: len(held_out)]
        total += scores[len(held_out) :] / STACKING_PARTS
    slope, shift = fit_platt(held_out_scores[training], features.annoyed[training])
    return np.asarray(slope * total + shift)


def _ensemble_log_odds(
    x: FloatArray, truth: BoolArray, training: IntArray, test: IntArray
) -> FloatArray:
    """Sum of the log-odds of a linear model and two kinds of trees."""
    straight = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.003, max_iter=500, class_weight="balanced")
    ).fit(x[training], truth[training])
    boosted = HistGradientBoostingClassifier(
        learning_rate=0.04, max_iter=100, max_leaf_nodes=6, min_samples_leaf=30,
        l2_regularization=10.0, random_state=0,
    ).fit(x[training], truth[training])  # fmt: skip
    random = ExtraTreesClassifier(
        200, min_samples_leaf=5, max_features=0.3, random_state=0,
        class_weight="balanced_subsample",
    ).fit(x[training], truth[training])  # fmt: skip
    chance = np.clip(random.predict_proba(x[test])[:, 1], 1e-3, 1.0 - 1e-3)
    return np.asarray(
        straight.decision_function(x[test])
        + boosted.decision_function(x[test])
        + 2.0 * np.log(chance / (1.0 - chance)),
        dtype=float,
    )
