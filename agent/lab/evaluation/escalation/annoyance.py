"""How well can it be told, from a whole conversation, that its customer was annoyed?

STAR's wizards said so afterwards. Five folds of whole conversations; linear models over the words
of both sides and over those of the last turns, joined with the signs of how things are said, by a
second linear model and by trees, which see only scores by models that did not learn from the
conversation. Nothing of the task, of the instructions or of what else was asked is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import (  # type: ignore[import-untyped]
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
)
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from agent.lab.evaluation.escalation.conversation_bootstrap import Scored
from agent.lab.evaluation.escalation.running_features import whole
from agent.lab.evaluation.escalation.word_blocks import Blocks, letters, likely, words
from agent.lab.training.understanding.rated_dialogues import RatedDialogue
from agent.understanding.calibration import fit_platt
from agent.understanding.conversation_features import conversation_features, count_turn
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
OUTER, INNER, PARTS = 5, 4, 3
LATE = 3  # turns at the end whose words are looked at once more
VIEWS = (("said",), ("said", "told"), ("letters",), ("said", "told", "letters", "late"))


@dataclass(frozen=True, slots=True, eq=False)
class Wholes:
    """Whole conversations, one a row."""

    annoyed: Flags
    outer: Places
    inner: Places
    part: Places
    blocks: Blocks
    dense: Floats


def wholes(talks: Sequence[RatedDialogue], feelings: TextAffectModel) -> Wholes:
    said = [[plain_text(exchange.customer_text) for exchange in talk.exchanges] for talk in talks]
    place = np.repeat(np.arange(len(talks)), [len(turns) for turns in said])
    upset = feelings.log_odds([text for turns in said for text in turns])
    signs = [
        conversation_features([count_turn(*pair) for pair in talk.text_pairs]) for talk in talks
    ]
    summed = [np.concatenate([rows.max(0), rows.mean(0), rows[-1]]) for rows in signs]
    blocks = Blocks(
        {
            "said": words([" ".join(turns) for turns in said], 2),
            "late": words([" ".join(turns[-LATE:]) for turns in said], 2),
            "told": words(
                [plain_text(" ".join(told for told, _ in talk.text_pairs)) for talk in talks], 2
            ),
            "letters": letters([" ".join(text for _, text in talk.text_pairs) for talk in talks]),
        }
    )

    def folds(count: int, salt: str) -> Places:
        return np.array([talk.fold(count, salt) for talk in talks])

    return Wholes(
        np.array([bool(talk.annoyed) for talk in talks]),
        folds(OUTER, "outer/"),
        folds(INNER, "inner/"),
        folds(PARTS, "part/"),
        blocks,
        np.column_stack([np.array(summed), whole(np.asarray(upset, dtype=float), place)]),
    )


def annoyed(talks: Wholes, name: str = "STAR") -> Scored:
    """Calibrated log-odds, each by models that know nothing of the conversation."""
    score = np.zeros(len(talks.annoyed))
    for fold in range(OUTER):
        learnt, asked = np.flatnonzero(talks.outer != fold), np.flatnonzero(talks.outer == fold)
        linear = np.zeros((len(score), len(VIEWS)))
        linear[asked] = _linear(talks, learnt, asked)
        for inner in range(INNER):
            left = learnt[talks.inner[learnt] == inner]
            linear[left] = _linear(talks, learnt[talks.inner[learnt] != inner], left)
        score[asked] = _joined(talks, linear, learnt, asked)
    return Scored(name, talks.annoyed, score, np.arange(len(score)))


def _linear(talks: Wholes, learnt: Places, asked: Places) -> Floats:
    views = []
    for view in VIEWS:
        x, wanted = talks.blocks.weighted(learnt, asked, view)
        views.append(likely(x, talks.annoyed[learnt], wanted, 2.0))
    return np.column_stack(views)


def _joined(talks: Wholes, linear: Floats, learnt: Places, asked: Places) -> Floats:
    x = np.hstack([talks.dense, linear])
    held, total = np.zeros(len(x)), np.zeros(len(asked))
    for part in range(PARTS):
        left = learnt[talks.part[learnt] == part]
        kept = learnt[talks.part[learnt] != part]
        scores = _verdicts(x, talks.annoyed, kept, np.r_[left, asked])
        held[left] = scores[: len(left)]
        total += scores[len(left) :] / PARTS
    slope, shift = fit_platt(held[learnt], talks.annoyed[learnt])
    return np.asarray(slope * total + shift)


def _verdicts(x: Floats, truth: Flags, learnt: Places, asked: Places) -> Floats:
    """Log-odds of a linear model and of two kinds of trees, added up."""
    straight = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.003, max_iter=500, class_weight="balanced")
    ).fit(x[learnt], truth[learnt])
    boosted = HistGradientBoostingClassifier(
        learning_rate=0.04, max_iter=100, max_leaf_nodes=6, min_samples_leaf=30,
        l2_regularization=10.0, random_state=0,
    ).fit(x[learnt], truth[learnt])  # fmt: skip
    random = ExtraTreesClassifier(
        200, min_samples_leaf=5, max_features=0.3, random_state=0,
        class_weight="balanced_subsample",
    ).fit(x[learnt], truth[learnt])  # fmt: skip
    chance = np.clip(random.predict_proba(x[asked])[:, 1], 1e-3, 1.0 - 1e-3)
    return np.asarray(
        straight.decision_function(x[asked])
        + boosted.decision_function(x[asked])
        + 2.0 * np.log(chance / (1.0 - chance)),
        dtype=float,
    )
