"""What do an intent model's margins mean: temperature, threshold, sets, and trust in transcripts?

Everything here is set on turns the model was not fitted on: the tuning splits of public sets, or,
for a pack's own few examples, each example scored by a model that did not see it (cross-fitting).
Invariant, held by tests/agent/training/test_understanding.py: what was tuned never changes which
intent is the likeliest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.lab.training.understanding.examples import Example
from agent.lab.training.understanding.intents import Array, IntentSettings, balanced, inside
from agent.lab.training.understanding.noise import Line, spoken
from agent.understanding import conformal
from agent.understanding.calibration import temperature
from agent.understanding.text_models import IntentModel
from dialogs.values import OUT_OF_SCOPE

FOLDS = 3
MOST_FLOOR = 0.95  # a poor transcript always costs something
FEWEST = 100  # heard turns for a temperature of their own
Fit = Callable[[Sequence[Example]], IntentModel]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Turns that the model behind the scores (n, intents) was not fitted on; `heard` (n,): the
    words came from a transcriber."""

    scores: Array
    labels: NDArray[np.int64]
    heard: NDArray[np.bool_]


def scored(model: IntentModel, rows: Sequence[Example]) -> Unseen:
    """Rows as written and as they were heard."""
    turns = [(row.text, row.intent, False) for row in rows if row.intent in model.intents]
    turns += [
        (text, row.intent, True)
        for row in rows
        if row.intent in model.intents
        for text in row.heard
    ]
    scores = model.scores([text for text, _, _ in turns]).astype(np.float64)
    labels = np.array([model.intents.index(intent) for _, intent, _ in turns], dtype=np.int64)
    return Unseen(scores, labels, np.array([heard for *_, heard in turns], dtype=bool))


def cross_fitted(rows: Sequence[Example], fit: Fit, folds: int = FOLDS) -> Unseen:
    """Each row scored by a model fitted without it; every fold has examples of every intent."""
    seen: Counter[str] = Counter()
    place = []
    for row in rows:
        place.append(seen[row.intent] % folds)
        seen[row.intent] += 1
    rare = {intent for intent, count in seen.items() if count < 2}
    parts = []
    for fold in range(min(folds, max(seen.values()))):
        kept = [r for r, at in zip(rows, place, strict=True) if at != fold or r.intent in rare]
        left = [r for r, at in zip(rows, place, strict=True) if at == fold and r.intent not in rare]
        if left:
            parts.append(scored(fit(kept), left))
    return joined(parts)


def joined(parts: Sequence[Unseen]) -> Unseen:
    return Unseen(
        np.concatenate([one.scores for one in parts]),
        np.concatenate([one.labels for one in parts]),
        np.concatenate([one.heard for one in parts]),
    )


def tuned(model: IntentModel, unseen: Unseen, settings: IntentSettings) -> IntentModel:
    """The model with temperature, threshold and conformal sets; as it was when there is nothing to
    tune on. Intents count alike, but in the sets, whose promise is about turns as they come."""
    written = ~unseen.heard
    if not written.any():
        return model
    model = replace(
        model,
        temperature=_degree(unseen, written),
        heard_temperature=_degree(unseen, unseen.heard) if unseen.heard.sum() >= FEWEST else 0.0,
    )
    chances = probabilities(model, unseen)
    ours = written & np.array([model.intents[at] != OUT_OF_SCOPE for at in unseen.labels])
    threshold = 0.0
    if ours.any():
        weights = balanced(unseen.labels[ours])
        threshold = _quantile(inside(model, chances)[ours], weights, settings.rejected)
    coverage = conformal.fitted(chances, unseen.labels, unseen.heard)
    return replace(model, threshold=threshold, coverage=coverage)


def probabilities(model: IntentModel, unseen: Unseen) -> Array:
    """(n, intents), each row by the temperature for how its words came."""
    degree = np.where(unseen.heard, model.hearing.temperature, model.temperature)
    return np.asarray(softmax(unseen.scores / degree[:, None], axis=1), dtype=np.float64)


def _degree(unseen: Unseen, which: NDArray[np.bool_]) -> float:
    labels = unseen.labels[which]
    return temperature(unseen.scores[which], labels, balanced(labels))


def _quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values)
    upto = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(upto, share)), len(order) - 1)])


def heard_floor(model: IntentModel, rows: Sequence[Example], seed: int) -> float:
    """Which part of a confidence to keep when no word is right, by likelihood on noisy copies.

    The transcript's confidence is played by the share of words that survived the noise.
    """
    rows = [row for row in rows if row.intent in model.intents]
    if not rows:
        return model.heard_floor
    rng = np.random.default_rng(seed)
    heard = [spoken(row.text, Line(rng.choice([0.1, 0.3, 0.6]), 0.0), rng) for row in rows]
    chances = model.probabilities([text for text, _ in heard])
    right = np.array([share for _, share in heard])
    hit = chances.argmax(axis=1) == [model.intents.index(row.intent) for row in rows]
    claimed, weights = chances.max(axis=1), balanced(row.intent for row in rows)

    def loss(floor: float) -> float:
        p = np.clip(claimed * (floor + (1.0 - floor) * right), 1e-4, 1.0 - 1e-4)
        return float(-np.average(np.where(hit, np.log(p), np.log(1.0 - p)), weights=weights))

    return float(min(np.linspace(0.0, MOST_FLOOR, 20), key=loss))
