"""How well does an emotion head know people it never heard, and how sure may one be of that?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax  # type: ignore[import-untyped]
from sklearn.metrics import recall_score  # type: ignore[import-untyped]

from agent.lab.training.ears.emotion_training import EARLY_S, Row, Verdict
from agent.understanding.calibration import expected_error
from audio.emotion import ACTED

Interval = tuple[float, float, float]  # value, low, high
Pick = Callable[[Verdict], Row]
CALM, NEUTRAL = ACTED.index("calm"), ACTED.index("neutral")


def unweighted_recall(labels: Sequence[int], guesses: Sequence[int]) -> float:
    """UA: mean recall over the classes that occur."""
    occurring = sorted(set(labels))
    return float(
        recall_score(labels, guesses, labels=occurring, average="macro", zero_division=0.0)
    )


def recall(some: Sequence[Verdict], pick: Pick = lambda v: v.logits, calm: bool = True) -> Interval:
    """UA with a 95 % interval by bootstrap over speakers. `calm` counts as its own class, or as
    neutral: what the agent makes of it."""
    by_speaker: dict[str, list[tuple[int, int]]] = {}
    for verdict in some:
        chances = softmax(pick(verdict))
        label = verdict.label
        if not calm:
            chances[NEUTRAL] += chances[CALM]
            chances[CALM] = 0
            label = NEUTRAL if label == CALM else label
        pair = label, int(chances.argmax())
        by_speaker.setdefault(verdict.utterance.speaker, []).append(pair)
    return _interval(list(by_speaker.values()))


def _interval(groups: Sequence[Sequence[tuple[int, int]]], seed: int = 0) -> Interval:
    random, drawn = np.random.default_rng(seed), []
    for _ in range(1000):
        pairs = [p for i in random.integers(len(groups), size=len(groups)) for p in groups[i]]
        drawn.append(unweighted_recall([a for a, _ in pairs], [b for _, b in pairs]))
    every = [p for group in groups for p in group]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return unweighted_recall([a for a, _ in every], [b for _, b in every]), float(low), float(high)


def calibration_error(some: Sequence[Verdict], temperature: float) -> float:
    """Expected calibration error of the likeliest class."""
    chances = np.array([softmax(v.logits / temperature) for v in some])
    right = chances.argmax(1) == [v.label for v in some]
    return expected_error(chances.max(1), right)


def figures(some: Sequence[Verdict], temperature: float) -> dict[str, str]:
    """The rows of the card that come from the six folds."""
    line = [v for v in some if v.telephone]
    rows = {
        "RAVDESS, 8 classes, wide band": recall([v for v in some if not v.telephone]),
        "the same through 8 kHz mu-law": recall(line),
        "the same, nothing known of the caller": recall(line, lambda v: v.first),
        "the same, 7 classes (calm is neutral)": recall(line, calm=False),
    }
    for seconds in EARLY_S:
        name = f"the same, after {seconds:g} s of speech"
        rows[name] = recall(line, lambda v, s=seconds: v.early[s])  # type: ignore[misc]
    told = {name: shown(value) for name, value in rows.items()}
    told["its calibration error (ECE), 8 classes"] = f"{calibration_error(line, temperature):.3f}"
    return told


def shown(figure: Interval) -> str:
    value, low, high = figure
    return f"{100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
