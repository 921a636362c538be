"""Training of the sentiment and upset models on words, calibrated for a bank's customers.

GoEmotions tells which words carry which emotion; public customer turns and our own sentences tell
that a lost card or a plain no is no anger. Both models are logistic regressions over words and word
pairs, so that the share of every word can be shown. The upset score is calibrated on sentences
outside the fitted fold, weighted to a given share of upset turns. Invariant, held by
tests/agent/lab/training/test_understanding.py: `usual` is that share as log-odds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from scipy.special import logit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from agent.lab.arrays import FloatArray
from agent.lab.datasets import Split, read_goemotions
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding.examples import IntentExample, stable_bucket
from agent.lab.training.understanding.noise import (
    PHONE_LINE,
    POOR_LINE,
    LineQuality,
    noisy_transcript,
)
from agent.understanding.calibration import fit_platt, fit_temperature
from agent.understanding.text_features import TfidfFeatures, plain_text
from agent.understanding.text_models import TextAffectModel

UPSET_EMOTIONS = frozenset({"anger", "annoyance", "disappointment", "disapproval", "disgust"})
NEGATIVE_EMOTIONS = UPSET_EMOTIONS | {
    "embarrassment",
    "fear",
    "grief",
    "nervousness",
    "remorse",
    "sadness",
}
POSITIVE_EMOTIONS = frozenset(
    {"admiration", "amusement", "approval", "caring", "excitement", "gratitude", "joy", "love"}
    | {"optimism", "pride", "relief"}
)
SENTENCES_FILE = Path(__file__).parent / "sentences.jsonl"
# Sets whose turns are requests and answers to a machine, almost never upset.
CALM_SETS = ("banking77", "natcs", "multidogo_finance", "sgd", "multidogo", "clinc150", "nlupp")


@dataclass(frozen=True, slots=True)
class SentimentExample:
    """A sentence, whether its writer is upset, its sentiment (-1, 0, 1; None: mixed), source."""

    text: str
    upset: bool
    sentiment: int | None
    source: Literal["own", "goemotions", "turns", "joined"]
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class SentimentSettings:
    max_words: int = 15_000
    min_texts: int = 3  # that a word must occur in
    regularisation_c: float = 3.0  # of the logistic regression
    own_weight: float = 5.0
    noisy_copies: int = 2  # of each of our own sentences
    joined_sentences: int = 12_000  # each of one of our own and a public customer turn
    folds: int = 5
    upset_prior: float = 0.10  # share of upset turns to which the probability is calibrated
    max_calm_turns: int = 25_000  # public customer turns that train as calm


def read_own_sentences() -> list[SentimentExample]:
    return [
        SentimentExample(row["text"], row["upset"], row["sentiment"], "own", row.get("intent"))
        for row in read_json_lines(SENTENCES_FILE)
    ]


def own_intent_examples() -> list[IntentExample]:
    return [
        IntentExample(row.text, row.intent, "own", "train")
        for row in read_own_sentences()
        if row.intent
    ]


def read_goemotions_sentiment(data: Path, split: Split) -> Iterator[SentimentExample]:
    for text, names in read_goemotions(data, split):
        emotions = set(names)
        bad, good = bool(emotions & NEGATIVE_EMOTIONS), bool(emotions & POSITIVE_EMOTIONS)
        sentiment = None if bad and good else good - bad
        yield SentimentExample(text, bool(emotions & UPSET_EMOTIONS), sentiment, "goemotions")


def calm_turns(rows: Sequence[IntentExample], split: str, max_turns: int) -> list[SentimentExample]:
    """Up to `max_turns` public customer turns, as calm, chosen by a hash of the text."""
    turns = [
        SentimentExample(row.text, False, int(row.intent == "thanks"), "turns")
        for row in rows
        if row.split == split and row.source in CALM_SETS and row.intent != "complaint"
    ]
    return sorted(turns, key=lambda row: stable_bucket(row.text, 2**31))[:max_turns]


def fit_sentiment_model(
    public: Sequence[SentimentExample], settings: SentimentSettings, seed: int = 0
) -> TextAffectModel:
    """The model fitted to our own sentences and to `public`, which may be empty, and calibrated."""
    own = read_own_sentences()
    fold = [stable_bucket(row.text, settings.folds) for row in own]
    scores = np.zeros(len(own))
    for at in range(settings.folds):
        kept = [row for row, place in zip(own, fold, strict=True) if place != at]
        model = _fit_uncalibrated([*kept, *public], settings, seed)
        left = [n for n, place in enumerate(fold) if place == at]
        scores[left] = model.log_odds([own[n].text for n in left])
    return _calibrate_upset(
        _fit_uncalibrated([*own, *public], settings, seed), own, scores, settings
    )


def _fit_uncalibrated(
    rows: Sequence[SentimentExample], settings: SentimentSettings, seed: int
) -> TextAffectModel:
    rng = np.random.default_rng(seed)
    texts, examples = [], []
    for row in [*rows, *_joined_sentences(rows, settings, rng)]:
        for at in range(1 + settings.noisy_copies * (row.source == "own")):
            noise = LineQuality((PHONE_LINE, POOR_LINE)[at % 2].misheard_rate, 0.0)
            texts.append(
                plain_text(row.text) if at == 0 else noisy_transcript(row.text, noise, rng)[0]
            )
            examples.append(row)
    fewest = settings.min_texts if len(texts) > 5_000 else 1
    features = TfidfFeatures.fit(texts, (("word", (1, 2), fewest, settings.max_words),))
    rows_of = features(texts)
    weights = np.array([settings.own_weight if row.source == "own" else 1.0 for row in examples])
    upset = _fit_regression(rows_of, np.array([row.upset for row in examples]), weights, settings)
    known = np.array([row.sentiment is not None for row in examples])
    sentiment = np.array([row.sentiment or 0 for row in examples])
    valence = _fit_regression(rows_of[known], sentiment[known], weights[known], settings)
    return TextAffectModel(
        features,
        np.asarray(valence.coef_.T, dtype=np.float16).astype(np.float32),
        np.asarray(valence.intercept_, dtype=np.float16).astype(np.float32),
        np.asarray(upset.coef_[0], dtype=np.float32),
        float(upset.intercept_[0]),
        float(logit(settings.upset_prior)),
    )


def fit_sentiment_temperature(
    model: TextAffectModel, rows: Sequence[SentimentExample]
) -> TextAffectModel:
    """The model with its sentiment probabilities calibrated on a tuning split."""
    rated = [row for row in rows if row.sentiment is not None]
    if not rated:
        return model
    words = model.features([plain_text(row.text) for row in rated])
    scores = words @ model.valence + model.valence_bias
    fitted_temperature = fit_temperature(
        scores, np.array([(row.sentiment or 0) + 1 for row in rated])
    )
    return replace(
        model,
        valence=np.asarray(model.valence / fitted_temperature, dtype=np.float16).astype(np.float32),
        valence_bias=np.asarray(model.valence_bias / fitted_temperature, dtype=np.float16).astype(
            np.float32
        ),
    )


def _joined_sentences(
    rows: Sequence[SentimentExample], settings: SentimentSettings, rng: np.random.Generator
) -> Iterator[SentimentExample]:
    """Our own sentences, each joined with a public customer's turn and keeping its own label.

    All public customer turns are calm, so without this every banking word would count as calm.
    """
    turns = [row for row in rows if row.source == "turns"]
    own = [row for row in rows if row.source == "own"]
    for at in rng.integers(len(own), size=settings.joined_sentences if turns else 0):
        sentence, turn = own[int(at)], turns[int(rng.integers(len(turns)))]
        pair = (sentence.text, turn.text) if rng.random() < 0.5 else (turn.text, sentence.text)
        yield replace(sentence, text=" ".join(pair), source="joined")


def _fit_regression(
    rows: csr_matrix, labels: NDArray[np.generic], weights: FloatArray, settings: SentimentSettings
) -> LogisticRegression:
    model = LogisticRegression(C=settings.regularisation_c, max_iter=200, tol=1e-3)
    return model.fit(rows, labels, sample_weight=weights)


def _calibrate_upset(
    model: TextAffectModel,
    own: Sequence[SentimentExample],
    scores: FloatArray,
    settings: SentimentSettings,
) -> TextAffectModel:
    """The model with upset weights and bias rescaled to calibrated log-odds."""
    upset = np.array([row.upset for row in own])
    weights = np.where(
        upset, settings.upset_prior / upset.sum(), (1.0 - settings.upset_prior) / (~upset).sum()
    )
    slope, shift = fit_platt(scores, upset, weights)
    scaled = np.asarray(model.upset * slope, dtype=np.float16).astype(np.float32)
    return TextAffectModel(
        model.features,
        model.valence,
        model.valence_bias,
        scaled,
        slope * model.upset_bias + shift,
        model.base_log_odds,
        _spread(slope * scores + shift, weights),
    )


def _spread(scores: FloatArray, weights: FloatArray) -> float:
    """The standard deviation of the log-odds: the uncertainty of a turn without words."""
    mean = np.average(scores, weights=weights)
    return float(np.sqrt(np.average((scores - mean) ** 2, weights=weights)))
