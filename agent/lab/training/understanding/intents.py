"""How is the intent model fitted, and how is it made to know what it does not know?

A linear support vector machine over TF-IDF features, and a small hidden layer beside it whose
mistakes are others (Banking77, CLINC150: see the model card). Every
sentence is also learned as a phone line and our own transcriber deliver it. Margins become
probabilities by one temperature; questions about anything on earth are taught as out of scope
(outlier exposure, Hendrycks et al. 2019, arXiv 1812.04606), and the threshold rejects a stated
share of in-scope turns of the tuning split, every intent counting alike. Invariants, held by
tests/agent/training/test_understanding.py: a seed gives one model; nothing here sees a test split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]

from agent.lab.training.understanding import hidden_layer as layer
from agent.lab.training.understanding.examples import Example
from agent.lab.training.understanding.noise import CLEAR, PHONE, POOR, Line, spoken
from agent.understanding.hidden_layer import Layer, Sentences
from agent.understanding.text_features import Features, plain
from agent.understanding.text_models import IntentModel
from dialogs.pack.model import Pack
from dialogs.values import OUT_OF_SCOPE

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IntentSettings:
    words: int = 15_000  # most word and word-pair features
    letters: int = 25_000  # most features of two to four letters inside words
    cost: float = 0.3  # the machine's C
    copies: int = 6  # noisy copies of a sentence written for this pack; public ones get one
    own_weight: float = 4.0  # how much more such a sentence counts
    balance: float = 0.6  # 0: intents weigh as often as they occur, 1: all weigh alike
    rejected: float = 0.05  # share of in-scope turns that the threshold may reject
    hidden: int = 64  # units of the layer beside the machine; 0: none
    epochs: int = 8
    dense: float = 1.0  # length of a sentence encoder's vectors beside the features'


def fitted(
    rows: Sequence[Example],
    pack: Pack | None,
    settings: IntentSettings,
    seed: int = 0,
    sentences: Sentences | None = None,
) -> IntentModel:
    """`pack` says which intents are talk, around which nobody chats; None: none is."""
    names = sorted({row.intent for row in rows})
    texts, labels, weights = _augmented(rows, pack, settings, np.random.default_rng(seed))
    target = np.array([names.index(label) for label in labels])
    share = np.bincount(target, weights=weights, minlength=len(names))
    weight = np.asarray(weights) / share[target] ** settings.balance
    fewest = 2 if len(texts) > 5_000 else 1
    features = Features.fitted(
        texts,
        (
            ("word", (1, 2), fewest, settings.words),
            ("char_wb", (2, 4), fewest + 1, settings.letters),
        ),
    )
    rows_of = features(texts)
    if sentences is not None:
        vectors = csr_matrix(settings.dense * sentences(texts))
        rows_of = hstack([rows_of, vectors], format="csr")
    machine = LinearSVC(C=settings.cost, tol=1e-3, random_state=seed)
    machine.fit(rows_of, target, sample_weight=weight / weight.mean())
    columns = np.asarray(machine.coef_.T, dtype=np.float16).astype(np.float32)  # as stored on disk
    bias = np.asarray(machine.intercept_, dtype=np.float16).astype(np.float32)
    if len(names) == 2:  # one machine for two intents: its other side is the first one's
        columns, bias = np.hstack([-columns, columns]), np.concatenate([-bias, bias])
    known = len(features.names)
    model = IntentModel(features, columns[:known], bias, tuple(names))
    if settings.hidden:
        terms, machine_of = rows_of[:, :known], (columns[:known], bias)
        found = _layer(terms, machine_of, target, weight / weight.mean(), settings, seed)
        model = replace(model, layer=found)
    if sentences is None:
        return model
    return replace(model, dense=settings.dense * columns[known:], sentences=sentences)


def _layer(
    rows: csr_matrix,
    machine: tuple[NDArray[np.float32], NDArray[np.float32]],
    labels: NDArray[np.int64],
    weights: Array,
    settings: IntentSettings,
    seed: int,
) -> Layer:
    """A layer whose scores weigh as much as the machine's."""
    found = layer.taught(rows, labels, weights, settings.hidden, settings.epochs, seed)
    some = np.random.default_rng(seed).permutation(rows.shape[0])[:2_000]
    linear = rows[some] @ machine[0] + machine[1]
    return found.scaled(float(linear.std() / found(rows[some]).std()))


def _augmented(
    rows: Sequence[Example], pack: Pack | None, settings: IntentSettings, rng: np.random.Generator
) -> tuple[list[str], list[str], list[float]]:
    """Every sentence as written, as a phone line might deliver it, and as ours was heard to."""
    texts: list[str] = []
    labels: list[str] = []
    weights: list[float] = []
    for row in rows:
        own = row.source == "own"
        line = (CLEAR, PHONE, POOR)[int(rng.integers(3))]
        heard = [spoken(row.text, _talk(line, row.intent, pack), rng)[0]]
        for _ in range(settings.copies - 1 if own else 0):
            line = (CLEAR, PHONE, POOR)[int(rng.integers(3))]
            heard.append(spoken(row.text, _talk(line, row.intent, pack), rng)[0])
        heard += [plain(text) for text in row.heard]
        for text in (plain(row.text), *filter(None, heard)):
            texts.append(text)
            labels.append(row.intent)
            weights.append(settings.own_weight if own else 1.0)
    return texts, labels, weights


def _talk(line: Line, intent: str, pack: Pack | None) -> Line:
    """No greetings around a greeting, nor thanks around a thank-you: they would change it."""
    known = pack.intents.get(intent) if pack is not None else None
    wordy = known is None or known.kind in ("task", "question") or intent == OUT_OF_SCOPE
    return line if wordy else Line(line.misheard, 0.0)


def scope(model: IntentModel, texts: Sequence[str]) -> Array:
    """Probability of the likeliest intent that is in scope, for every text."""
    return inside(model, np.asarray(model.probabilities(texts), dtype=np.float64))


def inside(model: IntentModel, probabilities: Array) -> Array:
    columns = [at for at, name in enumerate(model.intents) if name != OUT_OF_SCOPE]
    return np.asarray(probabilities[:, columns].max(axis=1), dtype=np.float64)


def balanced(labels: Iterable[object]) -> Array:
    """Weights that make every label count alike."""
    _, which, counts = np.unique(list(labels), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[which] / len(counts), dtype=np.float64)
