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

from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.intents import (
    Array,
    IntentSettings,
    balanced_weights,
    max_in_scope,
)
from agent.lab.training.understanding.noise import LineQuality, noisy_transcript
from agent.understanding import conformal
from agent.understanding.calibration import fit_temperature
from agent.understanding.text_models import IntentModel
from dialogs.values import OUT_OF_SCOPE

FOLDS = 3
MAX_HEARD_FLOOR = 0.95  # a poor transcript always costs something
MIN_TRANSCRIBED_TURNS = 100  # heard turns for a temperature of their own
FitFunction = Callable[[Sequence[IntentExample]], IntentModel]


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Turns that the model behind the scores (n, intents) was not fitted on; `heard` (n,): the
    words came from a transcriber."""

    scores: Array
    labels: NDArray[np.int64]
    is_transcribed: NDArray[np.bool_]


def score_examples(model: IntentModel, rows: Sequence[IntentExample]) -> HeldOutScores:
    """Rows as written and as they were heard."""
    turns = [(row.text, row.intent, False) for row in rows if row.intent in model.intents]
    turns += [
        (text, row.intent, True)
        for row in rows
        if row.intent in model.intents
        for text in row.transcripts
    ]
    scores = model.scores([text for text, _, _ in turns]).astype(np.float64)
    labels = np.array([model.intents.index(intent) for _, intent, _ in turns], dtype=np.int64)
    return HeldOutScores(scores, labels, np.array([heard for *_, heard in turns], dtype=bool))


def cross_fitted_scores(
    rows: Sequence[IntentExample], fit: FitFunction, folds: int = FOLDS
) -> HeldOutScores:
    """Each row scored by a model fitted without it; every fold has examples of every intent."""
    counts: Counter[str] = Counter()
    place = []
    for row in rows:
        place.append(counts[row.intent] % folds)
        counts[row.intent] += 1
    rare = {intent for intent, count in counts.items() if count < 2}
    parts = []
    for fold in range(min(folds, max(counts.values()))):
        kept = [r for r, at in zip(rows, place, strict=True) if at != fold or r.intent in rare]
        left = [r for r, at in zip(rows, place, strict=True) if at == fold and r.intent not in rare]
        if left:
            parts.append(score_examples(fit(kept), left))
    return concatenate_scores(parts)


def concatenate_scores(parts: Sequence[HeldOutScores]) -> HeldOutScores:
    return HeldOutScores(
        np.concatenate([one.scores for one in parts]),
        np.concatenate([one.labels for one in parts]),
        np.concatenate([one.is_transcribed for one in parts]),
    )


def tune_model(
    model: IntentModel, held_out: HeldOutScores, settings: IntentSettings
) -> IntentModel:
    """The model with temperature, threshold and conformal sets; as it was when there is nothing to
    tune on. Intents count alike, but in the sets, whose promise is about turns as they come."""
    written = ~held_out.is_transcribed
    if not written.any():
        return model
    model = replace(
        model,
        temperature=_fit_temperature(held_out, written),
        transcript_temperature=_fit_temperature(held_out, held_out.is_transcribed)
        if held_out.is_transcribed.sum() >= MIN_TRANSCRIBED_TURNS
        else 0.0,
    )
    chances = calibrated_probabilities(model, held_out)
    in_scope = written & np.array([model.intents[at] != OUT_OF_SCOPE for at in held_out.labels])
    threshold = 0.0
    if in_scope.any():
        weights = balanced_weights(held_out.labels[in_scope])
        threshold = _weighted_quantile(
            max_in_scope(model, chances)[in_scope], weights, settings.rejected_share
        )
    coverage = conformal.fit_predictor(chances, held_out.labels, held_out.is_transcribed)
    return replace(model, threshold=threshold, conformal=coverage)


def calibrated_probabilities(model: IntentModel, held_out: HeldOutScores) -> Array:
    """(n, intents), each row by the temperature for how its words came."""
    temperatures = np.where(
        held_out.is_transcribed, model.for_transcripts.temperature, model.temperature
    )
    return np.asarray(softmax(held_out.scores / temperatures[:, None], axis=1), dtype=np.float64)


def _fit_temperature(held_out: HeldOutScores, which: NDArray[np.bool_]) -> float:
    labels = held_out.labels[which]
    return fit_temperature(held_out.scores[which], labels, balanced_weights(labels))


def _weighted_quantile(values: Array, weights: Array, share: float) -> float:
    order = np.argsort(values)
    upto = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(upto, share)), len(order) - 1)])


def fit_heard_floor(model: IntentModel, rows: Sequence[IntentExample], seed: int) -> float:
    """Which part of a confidence to keep when no word is right, by likelihood on noisy copies.

    The transcript's confidence is played by the share of words that survived the noise.
    """
    rows = [row for row in rows if row.intent in model.intents]
    if not rows:
        return model.transcript_floor
    rng = np.random.default_rng(seed)
    noisy = [
        noisy_transcript(row.text, LineQuality(rng.choice([0.1, 0.3, 0.6]), 0.0), rng)
        for row in rows
    ]
    chances = model.probabilities([text for text, _ in noisy])
    right_shares = np.array([share for _, share in noisy])
    hit = chances.argmax(axis=1) == [model.intents.index(row.intent) for row in rows]
    claimed, weights = chances.max(axis=1), balanced_weights(row.intent for row in rows)

    def loss(floor: float) -> float:
        p = np.clip(claimed * (floor + (1.0 - floor) * right_shares), 1e-4, 1.0 - 1e-4)
        return float(-np.average(np.where(hit, np.log(p), np.log(1.0 - p)), weights=weights))

    return float(min(np.linspace(0.0, MAX_HEARD_FLOOR, 20), key=loss))
