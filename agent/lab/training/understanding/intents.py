"""Training of the intent model, including what it rejects as out of scope.

A linear support vector machine over TF-IDF features, and a small hidden layer beside it whose
mistakes differ (Banking77, CLINC150: see the model card). Every sentence is also learned as a noisy
phone line and our own transcriber deliver it. Margins become probabilities by one temperature.
Questions about any other subject train as out of scope (outlier exposure, Hendrycks et al. 2019,
arXiv 1812.04606), and the threshold rejects a given share of in-scope turns of the tuning split,
all intents weighing equally. Invariants, held by tests/agent/lab/training/test_understanding.py: a
seed gives one model; nothing here reads a test split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]

from agent.lab.arrays import Float32Array, FloatArray, IntArray
from agent.lab.training.understanding import hidden_layer as layer
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.noise import (
    CLEAR_LINE,
    PHONE_LINE,
    POOR_LINE,
    LineQuality,
    noisy_transcript,
)
from agent.understanding.hidden_layer import HiddenLayer, TextEncoder
from agent.understanding.text_features import TfidfFeatures, plain_text
from agent.understanding.text_models import IntentModel
from dialogs.pack.model import Pack
from dialogs.values import OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class IntentSettings:
    max_words: int = 15_000  # word and word-pair features, at most
    max_letter_groups: int = 25_000  # features of two to four letters inside words, at most
    regularisation_c: float = 0.3  # of the support vector machine
    noisy_copies: int = 6  # of a sentence written for this pack; public sentences get one
    own_weight: float = 4.0  # weight of such a sentence; public sentences weigh 1
    intent_balance: float = 0.6  # 0: intents weigh by frequency, 1: all intents weigh equally
    rejected_share: float = 0.05  # of in-scope turns, by the threshold
    hidden_units: int = 64  # of the layer beside the linear model; 0: no layer
    epochs: int = 8
    dense_scale: float = 1.0  # factor of a sentence encoder's vectors beside the features


def fit_intent_model(
    rows: Sequence[IntentExample],
    pack: Pack | None,
    settings: IntentSettings,
    seed: int = 0,
    sentence_encoder: TextEncoder | None = None,
) -> IntentModel:
    """The model fitted to these rows, not yet tuned.

    `pack` tells which intents are small talk, which gets no fillers; None: no intent is.
    """
    names = sorted({row.intent for row in rows})
    texts, labels, weights = _augment(rows, pack, settings, np.random.default_rng(seed))
    target = np.array([names.index(label) for label in labels])
    share = np.bincount(target, weights=weights, minlength=len(names))
    weight = np.asarray(weights) / share[target] ** settings.intent_balance
    min_texts = 2 if len(texts) > 5_000 else 1
    features = TfidfFeatures.fit(
        texts,
        (
            ("word", (1, 2), min_texts, settings.max_words),
            ("char_wb", (2, 4), min_texts + 1, settings.max_letter_groups),
        ),
    )
    rows_of = features(texts)
    if sentence_encoder is not None:
        vectors = csr_matrix(settings.dense_scale * sentence_encoder(texts))
        rows_of = hstack([rows_of, vectors], format="csr")
    svm = LinearSVC(C=settings.regularisation_c, tol=1e-3, random_state=seed)
    svm.fit(rows_of, target, sample_weight=weight / weight.mean())
    columns = np.asarray(svm.coef_.T, dtype=np.float16).astype(np.float32)  # as stored on disk
    bias = np.asarray(svm.intercept_, dtype=np.float16).astype(np.float32)
    if len(names) == 2:  # one machine for two intents; its negative is the first one's
        columns, bias = np.hstack([-columns, columns]), np.concatenate([-bias, bias])
    feature_count = len(features.names)
    model = IntentModel(features, columns[:feature_count], bias, tuple(names))
    if settings.hidden_units:
        terms, svm_weights = rows_of[:, :feature_count], (columns[:feature_count], bias)
        hidden_layer = _fit_hidden_layer(
            terms, svm_weights, target, weight / weight.mean(), settings, seed
        )
        model = replace(model, hidden_layer=hidden_layer)
    if sentence_encoder is None:
        return model
    return replace(
        model,
        sentence_weights=settings.dense_scale * columns[feature_count:],
        sentence_encoder=sentence_encoder,
    )


def _fit_hidden_layer(
    rows: csr_matrix,
    svm_weights: tuple[Float32Array, Float32Array],
    labels: IntArray,
    weights: FloatArray,
    settings: IntentSettings,
    seed: int,
) -> HiddenLayer:
    """A hidden layer whose scores have the same spread as the linear model's."""
    hidden_layer = layer.train_layer(
        rows, labels, weights, settings.hidden_units, settings.epochs, seed
    )
    sample = np.random.default_rng(seed).permutation(rows.shape[0])[:2_000]
    linear = rows[sample] @ svm_weights[0] + svm_weights[1]
    return hidden_layer.scaled_by(float(linear.std() / hidden_layer(rows[sample]).std()))


def _augment(
    rows: Sequence[IntentExample],
    pack: Pack | None,
    settings: IntentSettings,
    rng: np.random.Generator,
) -> tuple[list[str], list[str], list[float]]:
    """(texts, labels, weights): each sentence as written, with line noise, and as transcribed."""
    texts: list[str] = []
    labels: list[str] = []
    weights: list[float] = []
    for row in rows:
        own = row.source == "own"
        line = (CLEAR_LINE, PHONE_LINE, POOR_LINE)[int(rng.integers(3))]
        transcripts = [
            noisy_transcript(row.text, _line_quality_for(line, row.intent, pack), rng)[0]
        ]
        for _ in range(settings.noisy_copies - 1 if own else 0):
            line = (CLEAR_LINE, PHONE_LINE, POOR_LINE)[int(rng.integers(3))]
            transcripts.append(
                noisy_transcript(row.text, _line_quality_for(line, row.intent, pack), rng)[0]
            )
        transcripts += [plain_text(text) for text in row.transcripts]
        for text in (plain_text(row.text), *filter(None, transcripts)):
            texts.append(text)
            labels.append(row.intent)
            weights.append(settings.own_weight if own else 1.0)
    return texts, labels, weights


def _line_quality_for(line: LineQuality, intent: str, pack: Pack | None) -> LineQuality:
    """The line without chatter for small talk: a greeting around thanks would change the intent."""
    known = pack.intents.get(intent) if pack is not None else None
    may_chat = known is None or known.kind in ("task", "question") or intent == OUT_OF_SCOPE
    return line if may_chat else LineQuality(line.misheard_rate, 0.0)


def in_scope_probability(model: IntentModel, texts: Sequence[str]) -> FloatArray:
    """The probability of the likeliest in-scope intent of every text (n,)."""
    return max_in_scope(model, np.asarray(model.probabilities(texts), dtype=np.float64))


def max_in_scope(model: IntentModel, probabilities: FloatArray) -> FloatArray:
    """The highest in-scope probability of every row of (n, intents): (n,)."""
    columns = [at for at, name in enumerate(model.intents) if name != OUT_OF_SCOPE]
    return np.asarray(probabilities[:, columns].max(axis=1), dtype=np.float64)


def balanced_weights(labels: Iterable[object]) -> FloatArray:
    """Weights that add up to 1, with an equal share for every label."""
    _, which, counts = np.unique(list(labels), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[which] / len(counts), dtype=np.float64)
