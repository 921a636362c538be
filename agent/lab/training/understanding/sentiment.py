"""How are sentiment and the upset score learned from words, and made to fit a bank's customers?

GoEmotions says which words carry which feeling; public customer turns and our own sentences say
that a lost card or a plain no is no anger. Both models are logistic regressions over words and word
pairs, so that each has a share anybody can read. The upset score is calibrated on sentences the
fitted fold has not seen, weighted to a stated share of upset turns. Invariant, held by
tests/agent/training/test_understanding.py: `usual` is that share as log-odds.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from scipy.special import logit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from agent.lab.training.understanding.examples import Example, part
from agent.lab.training.understanding.noise import PHONE, POOR, Line, spoken
from agent.understanding.calibration import line, temperature
from agent.understanding.text_features import Features, plain
from agent.understanding.text_models import FeelingModel

Array = NDArray[np.float64]
UPSET = frozenset({"anger", "annoyance", "disappointment", "disapproval", "disgust"})
NEGATIVE = UPSET | {"embarrassment", "fear", "grief", "nervousness", "remorse", "sadness"}
POSITIVE = frozenset(
    {"admiration", "amusement", "approval", "caring", "excitement", "gratitude", "joy", "love"}
    | {"optimism", "pride", "relief"}
)
SENTENCES = Path(__file__).parent / "sentences.jsonl"
# Sets whose turns are requests and answers to a machine, as good as never upset.
CALM = ("banking77", "natcs", "multidogo_finance", "sgd", "multidogo", "clinc150", "nlupp")


@dataclass(frozen=True, slots=True)
class Felt:
    """A sentence, whether its writer is upset, its sentiment (-1, 0, 1, or None), its source."""

    text: str
    upset: bool
    sentiment: int | None
    source: Literal["own", "goemotions", "turns", "joined"]
    intent: str | None = None


@dataclass(frozen=True, slots=True)
class FeelingSettings:
    words: int = 15_000
    fewest: int = 3  # texts a word must occur in
    cost: float = 3.0  # logistic regression's C
    own_weight: float = 5.0
    copies: int = 2  # noisy copies of our own sentences
    joined: int = 12_000  # sentences made of one of our own and a public customer turn
    folds: int = 5
    usual: float = 0.10  # share of upset turns that the probability is calibrated to
    calm_turns: int = 25_000  # public customer turns trained on as calm


def own_sentences() -> list[Felt]:
    with SENTENCES.open(encoding="utf-8") as lines:
        rows = [json.loads(row) for row in lines]
    return [
        Felt(row["text"], row["upset"], row["sentiment"], "own", row.get("intent")) for row in rows
    ]


def own_intents() -> list[Example]:
    return [Example(row.text, row.intent, "own", "train") for row in own_sentences() if row.intent]


def goemotions(data: Path, split: Literal["train", "dev", "test"]) -> Iterator[Felt]:
    folder = data / "goemotions"
    names = (folder / "original_labels.txt").read_text(encoding="utf-8").split()
    with gzip.open(folder / f"{split}.tsv.gz", "rt", encoding="utf-8") as lines:
        for row in lines:
            text, numbers, _ = row.rstrip("\n").split("\t")
            felt = {names[int(number)] for number in numbers.split(",")}
            bad, good = bool(felt & NEGATIVE), bool(felt & POSITIVE)
            sentiment = None if bad and good else good - bad
            yield Felt(text, bool(felt & UPSET), sentiment, "goemotions")


def calm_turns(rows: Sequence[Example], split: str, most: int) -> list[Felt]:
    """Customers' turns of the public sets, chosen by a hash of the text."""
    turns = [
        Felt(row.text, False, int(row.intent == "thanks"), "turns")
        for row in rows
        if row.split == split and row.source in CALM and row.intent != "complaint"
    ]
    return sorted(turns, key=lambda row: part(row.text, 2**31))[:most]


def fitted(public: Sequence[Felt], settings: FeelingSettings, seed: int = 0) -> FeelingModel:
    """`public` may be empty: then our own sentences are all there is."""
    own = own_sentences()
    fold = [part(row.text, settings.folds) for row in own]
    scores = np.zeros(len(own))
    for at in range(settings.folds):
        kept = [row for row, place in zip(own, fold, strict=True) if place != at]
        model = _fit([*kept, *public], settings, seed)
        left = [n for n, place in enumerate(fold) if place == at]
        scores[left] = model.log_odds([own[n].text for n in left])
    return _calibrated(_fit([*own, *public], settings, seed), own, scores, settings)


def _fit(rows: Sequence[Felt], settings: FeelingSettings, seed: int) -> FeelingModel:
    rng = np.random.default_rng(seed)
    texts, felt = [], []
    for row in [*rows, *_joined(rows, settings, rng)]:
        for at in range(1 + settings.copies * (row.source == "own")):
            heard = Line((PHONE, POOR)[at % 2].misheard, 0.0)
            texts.append(plain(row.text) if at == 0 else spoken(row.text, heard, rng)[0])
            felt.append(row)
    fewest = settings.fewest if len(texts) > 5_000 else 1
    features = Features.fitted(texts, (("word", (1, 2), fewest, settings.words),))
    rows_of = features(texts)
    weights = np.array([settings.own_weight if row.source == "own" else 1.0 for row in felt])
    upset = _regression(rows_of, np.array([row.upset for row in felt]), weights, settings)
    known = np.array([row.sentiment is not None for row in felt])
    sentiment = np.array([row.sentiment or 0 for row in felt])
    valence = _regression(rows_of[known], sentiment[known], weights[known], settings)
    return FeelingModel(
        features,
        np.asarray(valence.coef_.T, dtype=np.float16).astype(np.float32),
        np.asarray(valence.intercept_, dtype=np.float16).astype(np.float32),
        np.asarray(upset.coef_[0], dtype=np.float32),
        float(upset.intercept_[0]),
        float(logit(settings.usual)),
    )


def sharpened(model: FeelingModel, rows: Sequence[Felt]) -> FeelingModel:
    """The model with probabilities of sentiment as they come true on a tuning split."""
    told = [row for row in rows if row.sentiment is not None]
    if not told:
        return model
    words = model.features([plain(row.text) for row in told])
    scores = words @ model.valence + model.valence_bias
    degree = temperature(scores, np.array([(row.sentiment or 0) + 1 for row in told]))
    return replace(
        model,
        valence=np.asarray(model.valence / degree, dtype=np.float16).astype(np.float32),
        valence_bias=np.asarray(model.valence_bias / degree, dtype=np.float16).astype(np.float32),
    )


def _joined(
    rows: Sequence[Felt], settings: FeelingSettings, rng: np.random.Generator
) -> Iterator[Felt]:
    """One of our sentences and a public customer's turn in one breath, with our sentence's label.

    All public customer turns are calm, so without this every banking word would speak for calm.
    """
    turns = [row for row in rows if row.source == "turns"]
    own = [row for row in rows if row.source == "own"]
    for at in rng.integers(len(own), size=settings.joined if turns else 0):
        felt, turn = own[int(at)], turns[int(rng.integers(len(turns)))]
        pair = (felt.text, turn.text) if rng.random() < 0.5 else (turn.text, felt.text)
        yield replace(felt, text=" ".join(pair), source="joined")


def _regression(
    rows: csr_matrix, labels: NDArray[np.generic], weights: Array, settings: FeelingSettings
) -> LogisticRegression:
    model = LogisticRegression(C=settings.cost, max_iter=200, tol=1e-3)
    return model.fit(rows, labels, sample_weight=weights)


def _calibrated(
    model: FeelingModel, own: Sequence[Felt], scores: Array, settings: FeelingSettings
) -> FeelingModel:
    """Weights and bias rescaled so that the log-odds are those of a probability."""
    upset = np.array([row.upset for row in own])
    weights = np.where(upset, settings.usual / upset.sum(), (1.0 - settings.usual) / (~upset).sum())
    slope, shift = line(scores, upset, weights)
    scaled = np.asarray(model.upset * slope, dtype=np.float16).astype(np.float32)
    return FeelingModel(
        model.features,
        model.valence,
        model.valence_bias,
        scaled,
        slope * model.upset_bias + shift,
        model.usual,
        _spread(slope * scores + shift, weights),
    )


def _spread(scores: Array, weights: Array) -> float:
    """How far words usually move the log-odds: the doubt where there are none."""
    mean = np.average(scores, weights=weights)
    return float(np.sqrt(np.average((scores - mean) ** 2, weights=weights)))
