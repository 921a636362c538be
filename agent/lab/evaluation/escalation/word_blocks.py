"""Which words were said, by whom, as rows that many folds can share?

Words are hashed once, which learns nothing from them; how rare a word is, is counted on the rows of
a fold that are trained on. So no fold learns anything of the conversations it is measured on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import HashingVectorizer  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression, Ridge  # type: ignore[import-untyped]
from sklearn.preprocessing import normalize  # type: ignore[import-untyped]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]
HASH_COLUMNS = 2**16


def hashed_words(texts: Sequence[str], max_words: int = 1) -> csr_matrix:
    """1 + log of how often each word, or run of up to `most` words, occurs in each plain text."""
    return _log_counts(
        HashingVectorizer(token_pattern=r"\S+", ngram_range=(1, max_words), **_COUNT_SETTINGS),
        texts,
    )


def hashed_letters(texts: Sequence[str], max_letters: int = 4) -> csr_matrix:
    """The same of 2 to `most` letters in a row inside words, of texts as they were written."""
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
    """Some blocks of the same rows, side by side."""

    def __init__(self, blocks: Mapping[str, csr_matrix]) -> None:
        self.blocks = dict(blocks)

    def tf_idf(
        self, training: Places, test: Places, names: Sequence[str] | None = None
    ) -> tuple[csr_matrix, csr_matrix]:
        """The `learnt` and the `asked` rows, TF-IDF by the `learnt` ones, each block of length one;
        what occurs in a single one of these is left out."""
        parts = []
        for name in names or self.blocks:
            block = self.blocks[name][np.r_[training, test]]
            seen = np.bincount(block[: len(training)].indices, minlength=block.shape[1])
            rare = np.log((1.0 + len(training)) / (1.0 + seen)) + 1.0
            parts.append(normalize(block.multiply(rare).tocsr()[:, seen > 1]))
        rows = hstack(parts, format="csr")
        return rows[: len(training)], rows[len(training) :]


def logistic_log_odds(x: csr_matrix, truth: Flags, test: csr_matrix, cost: float) -> Floats:
    """Log-odds of the `asked` rows by a logistic regression on the rows `x`."""
    model = LogisticRegression(C=cost, solver="liblinear", class_weight="balanced", tol=1e-2)
    return np.asarray(model.fit(x, truth).decision_function(test), dtype=float)


def negated_ridge_rating(x: csr_matrix, rating: Floats, test: csr_matrix) -> Floats:
    """How low the `asked` rows would be rated. A rating tells more of a turn than a limit on it."""
    model = Ridge(alpha=3.0, solver="lsqr", tol=1e-3)
    return -np.asarray(model.fit(x, rating).predict(test), dtype=float)
