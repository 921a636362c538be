"""How is the intent model fitted, and how is it made to know what it does not know?

A linear support vector machine over TF-IDF features: on short sentences it is as good as a small
neural network and a thousand times cheaper (Banking77, CLINC150: see the model card). Its margins
become probabilities by one temperature; the out-of-scope threshold rejects a stated share of
in-scope turns of the tuning split, every intent counting alike. Invariants, held by
tests/agent/training/test_understanding.py: a seed gives one model; nothing here sees a test split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC  # type: ignore[import-untyped]

from agent.training.understanding.noise import CLEAR, PHONE, POOR, Line, spoken
from agent.training.understanding.prepare import Example
from agent.understanding.calibration import temperature
from agent.understanding.text import IntentModel
from agent.understanding.words import Features, plain
from dialogs.pack import Pack
from dialogs.talk import OUT_OF_SCOPE

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


def fitted(
    rows: Sequence[Example], pack: Pack, settings: IntentSettings, seed: int = 0
) -> IntentModel:
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
    machine = LinearSVC(C=settings.cost, tol=1e-3, random_state=seed)
    machine.fit(features(texts), target, sample_weight=weight / weight.mean())
    return IntentModel(
        features,
        np.asarray(machine.coef_.T, dtype=np.float16).astype(np.float32),  # as stored on disk
        np.asarray(machine.intercept_, dtype=np.float16).astype(np.float32),
        tuple(names),
    )


def _augmented(
    rows: Sequence[Example], pack: Pack, settings: IntentSettings, rng: np.random.Generator
) -> tuple[list[str], list[str], list[float]]:
    """Every sentence as written, and again as a phone line might deliver it."""
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
        for text in (plain(row.text), *filter(None, heard)):
            texts.append(text)
            labels.append(row.intent)
            weights.append(settings.own_weight if own else 1.0)
    return texts, labels, weights


def _talk(line: Line, intent: str, pack: Pack) -> Line:
    """No greetings around a greeting, nor thanks around a thank-you: they would change it."""
    wordy = pack.intents[intent].kind in ("task", "question") or intent == OUT_OF_SCOPE
    return line if wordy else Line(line.misheard, 0.0)


def calibrated(
    model: IntentModel, rows: Sequence[Example], settings: IntentSettings, seed: int = 0
) -> IntentModel:
    """The model with temperature, threshold and trust in transcripts set on a tuning split."""
    rows = [row for row in rows if row.intent in model.intents]
    if not rows:
        return model
    weights = balanced(row.intent for row in rows)
    labels = [model.intents.index(row.intent) for row in rows]
    degree = temperature(model.scores([row.text for row in rows]), labels, weights)
    model = replace(model, temperature=degree)
    inside = np.array([row.intent != OUT_OF_SCOPE for row in rows])
    best = scope(model, [row.text for row in rows])
    model = replace(model, threshold=_quantile(best[inside], weights[inside], settings.rejected))
    return replace(model, heard_floor=_heard_floor(model, rows, weights, seed))


def scope(model: IntentModel, texts: Sequence[str]) -> Array:
    """Probability of the likeliest intent that is in scope, for every text."""
    chances = model.probabilities(texts)
    inside = [at for at, name in enumerate(model.intents) if name != OUT_OF_SCOPE]
    return np.asarray(chances[:, inside].max(axis=1), dtype=np.float64)


def balanced(labels: Iterable[str]) -> Array:
    """Weights that make every label count alike."""
    _, which, counts = np.unique(list(labels), return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[which] / len(counts), dtype=np.float64)


def _quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values)
    upto = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(upto, share)), len(order) - 1)])


def _heard_floor(model: IntentModel, rows: Sequence[Example], weights: Array, seed: int) -> float:
    """Which part of a confidence to keep when no word is right, by likelihood on noisy copies.

    The transcript's confidence is played by the share of words that survived the noise.
    """
    rng = np.random.default_rng(seed)
    heard = [spoken(row.text, Line(rng.choice([0.1, 0.3, 0.6]), 0.0), rng) for row in rows]
    chances = model.probabilities([text for text, _ in heard])
    right = np.array([text_share for _, text_share in heard])
    hit = chances.argmax(axis=1) == [model.intents.index(row.intent) for row in rows]
    claimed = chances.max(axis=1)

    def loss(floor: float) -> float:
        p = np.clip(claimed * (floor + (1.0 - floor) * right), 1e-4, 1.0 - 1e-4)
        return float(-np.average(np.where(hit, np.log(p), np.log(1.0 - p)), weights=weights))

    return float(min(np.linspace(0.0, 1.0, 21), key=loss))
