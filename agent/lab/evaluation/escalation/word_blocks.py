"""Hashed word counts that all folds share, and their TF-IDF weights per fold.

Hashing learns nothing from the words; document frequencies are counted on the training rows of a
fold only. So no fold learns anything about the conversations it is tested on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import HashingVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]
from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray

HASH_COLUMNS = 2**16


def hashed_words(texts: Sequence[str], max_words: int = 1) -> csr_matrix:
    """(texts, columns): 1 + log of the count of each run of up to `max_words` words."""
    return _log_counts(
        HashingVectorizer(token_pattern=r"\S+", ngram_range=(1, max_words), **_COUNT_SETTINGS),
        texts,
    )


def hashed_letters(texts: Sequence[str], max_letters: int = 4) -> csr_matrix:
    """The same for runs of 2 to `max_letters` letters inside words, in the original text."""
    return _log_counts(
        HashingVectorizer(analyzer="char_wb", ngram_range=(2, max_letters), **_COUNT_SETTINGS),
        texts,
    )


_COUNT_SETTINGS = {
    "n_features": HASH_COLUMNS,
    "alternate_sign": False,
    "norm": None,
    "lowercase": False,
    "dtype": np.float32,
}


def _log_counts(counter: HashingVectorizer, texts: Sequence[str]) -> csr_matrix:
    rows = counter.transform(texts)
    rows.data = 1.0 + np.log(rows.data)
    return rows


class WordBlocks:
    """Named blocks of columns over the same rows."""

    def __init__(self, blocks: Mapping[str, csr_matrix]) -> None:
        self.blocks = dict(blocks)

    def tf_idf(
        self, training: IntArray, test: IntArray, names: Sequence[str] | None = None
    ) -> tuple[csr_matrix, csr_matrix]:
        """The `training` and the `test` rows as TF-IDF, with frequencies of the training rows; each
        block is normalised to length 1. Columns in only one training row are dropped."""
        parts = []
        for name in names or self.blocks:
            block = self.blocks[name][np.r_[training, test]]
            seen = np.bincount(block[: len(training)].indices, minlength=block.shape[1])
            rare = np.log((1.0 + len(training)) / (1.0 + seen)) + 1.0
            parts.append(normalize(block.multiply(rare).tocsr()[:, seen > 1]))
        rows = hstack(parts, format="csr")
        return rows[: len(training)], rows[len(training) :]


def logistic_log_odds(x: csr_matrix, truth: BoolArray, test: csr_matrix, cost: float) -> FloatArray:
    """Log-odds of the `test` rows by a logistic regression on the rows `x`."""
    model = LogisticRegression(C=cost, solver="liblinear", class_weight="balanced", tol=1e-2)
    return np.asarray(model.fit(x, truth).decision_function(test), dtype=float)


def negated_ridge_rating(x: csr_matrix, rating: FloatArray, test: csr_matrix) -> FloatArray:
    """Negated rating of the `test` rows by ridge regression: ratings carry more than labels do."""
    model = Ridge(alpha=3.0, solver="lsqr", tol=1e-3)
    return -np.asarray(model.fit(x, rating).predict(test), dtype=float)
