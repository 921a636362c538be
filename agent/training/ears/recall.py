"""How well does an emotion head know people it never heard, and how sure may one be of that?"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.training.ears.feel import EARLY_S, Row, Verdict
from audio.emotion import ACTED

Interval = tuple[float, float, float]  # value, low, high
Pick = Callable[[Verdict], Row]
CALM, NEUTRAL = ACTED.index("calm"), ACTED.index("neutral")


def unweighted_recall(labels: Sequence[int], guesses: Sequence[int]) -> float:
    """UA: mean recall over the classes that occur."""
    truth, guess = np.array(labels), np.array(guesses)
    return float(np.mean([(guess[truth == c] == c).mean() for c in np.unique(truth)]))


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


def calibration_error(some: Sequence[Verdict], temperature: float, bins: int = 10) -> float:
    """Expected calibration error of the likeliest class."""
    chances = [softmax(v.logits / temperature) for v in some]
    sure = np.array([float(c.max()) for c in chances])
    right = np.array([int(c.argmax()) == v.label for c, v in zip(chances, some, strict=True)])
    where = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [abs(float((sure[where == b] - right[where == b]).sum())) for b in range(bins)]
    return sum(gaps) / len(some)


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
