"""Tuning of an intent model: temperatures, threshold, conformal sets, and trust in transcripts.

Everything is tuned on turns that the model was not fitted on: the tuning splits of public sets, or,
for a pack's own few examples, each example scored by a model fitted without it (cross-fitting).
Invariant, held by tests/agent/lab/training/test_understanding.py: tuning never changes which intent
is the likeliest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.intents import (
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
MAX_HEARD_FLOOR = 0.95  # below 1: a poor transcript always lowers the confidence
MIN_TRANSCRIBED_TURNS = 100  # transcribed turns for a temperature of their own
FitFunction = Callable[[Sequence[IntentExample]], IntentModel]


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """Scores (n, intents) of turns that the model was not fitted on, and their labels (n,).

    `is_transcribed` (n,): the words came from a transcriber.
    """

    scores: FloatArray
    labels: IntArray
    is_transcribed: BoolArray


def score_examples(model: IntentModel, rows: Sequence[IntentExample]) -> HeldOutScores:
    """The model's scores of the rows, as written and as transcribed."""
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
    """Scores of each row by a model fitted without it; every fold trains on every intent."""
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
    """The model with temperatures, threshold and conformal sets; unchanged without written turns.

    Intents weigh equally, except in the conformal sets, whose coverage is over turns as they come.
    """
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


def calibrated_probabilities(model: IntentModel, held_out: HeldOutScores) -> FloatArray:
    """(n, intents): each row by the temperature for written or for transcribed words."""
    temperatures = np.where(
        held_out.is_transcribed, model.for_transcripts.temperature, model.temperature
    )
    return np.asarray(softmax(held_out.scores / temperatures[:, None], axis=1), dtype=np.float64)


def _fit_temperature(held_out: HeldOutScores, which: BoolArray) -> float:
    labels = held_out.labels[which]
    return fit_temperature(held_out.scores[which], labels, balanced_weights(labels))


def _weighted_quantile(values: FloatArray, weights: FloatArray, share: float) -> float:
    order = np.argsort(values)
    upto = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][min(int(np.searchsorted(upto, share)), len(order) - 1)])


def fit_heard_floor(model: IntentModel, rows: Sequence[IntentExample], seed: int) -> float:
    """The factor on the confidence when no word is right, by likelihood on noisy copies.

    The share of words that survived the noise stands in for the transcript's confidence.
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
