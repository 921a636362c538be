"""Figures of the text models on sentences that nothing was trained on.

Hand-written bank turns come in two halves: those written before the weights, and those written when
the weights were final. Invariant, held by tests/agent/lab/training/test_understanding.py: no
held-out turn is a training sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit  # type: ignore[import-untyped]

from agent.lab.arrays import IntArray
from agent.lab.figures import Figure, row_figure
from agent.lab.json_lines import read_json_lines
from agent.lab.metrics import accuracy, auroc, calibration_error, f1, macro_f1, mean
from agent.lab.statistics import Estimate, cluster_bootstrap
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.intents import in_scope_probability
from agent.lab.training.understanding.noise import (
    CLEAR_LINE,
    PHONE_LINE,
    POOR_LINE,
    LineQuality,
    noisy_transcript,
)
from agent.lab.training.understanding.sentiment import SentimentExample
from agent.understanding.text_models import IntentModel, TextAffectModel
from dialogs.values import OUT_OF_SCOPE


@dataclass(frozen=True, slots=True)
class BankTurn:
    """A hand-written customer turn of the held-out bank set.

    `after_training`: written when the weights were final, so that nothing could be fitted to it.
    """

    text: str
    intent: str | None
    upset: bool
    after_training: bool


def read_bank_turns(path: Path) -> list[BankTurn]:
    return [
        BankTurn(row["text"], row["intent"], row["upset"], row["later"])
        for row in read_json_lines(path)
    ]


def _by_time_written(turns: Sequence[BankTurn]) -> dict[str, list[BankTurn]]:
    named = {
        "bank turns written before": [turn for turn in turns if not turn.after_training],
        "bank turns written after training": [turn for turn in turns if turn.after_training],
    }
    return {name: some for name, some in named.items() if some}


def intent_figures(
    model: IntentModel, rows: Sequence[IntentExample], turns: Sequence[BankTurn]
) -> list[Figure]:
    """Accuracy and macro-F1 of the decided intents, including the out-of-scope rule."""
    sets = {name: _texts_and_intents(some) for name, some in _by_time_written(turns).items()}
    for row in rows:
        if row.split == "test" and row.source != "clinc150_oos":
            sets.setdefault(row.source, []).append((row.text, row.intent))
    results = []
    for name, pairs in sets.items():
        labels = [intent for _, intent in pairs]
        decided = _decided_intents(model, [text for text, _ in pairs])
        results.append(row_figure(name, "accuracy", accuracy, labels, decided))
        results.append(row_figure(name, "macro-F1", macro_f1, labels, decided))
    return results


def noisy_line_figures(model: IntentModel, turns: Sequence[BankTurn]) -> list[Figure]:
    """Accuracy on the bank turns with the recognition errors of three phone lines."""
    lines: tuple[tuple[str, LineQuality], ...] = (
        ("clear", CLEAR_LINE),
        ("phone", PHONE_LINE),
        ("poor", POOR_LINE),
    )
    labels = [intent for _, intent in _texts_and_intents(turns)]
    results = []
    for name, line in lines if labels else ():
        rng = np.random.default_rng(1)
        texts = [
            noisy_transcript(text, LineQuality(line.misheard_rate, 0.0), rng)[0]
            for text, _ in _texts_and_intents(turns)
        ]
        title = f"all bank turns, {name} line ({line.misheard_rate:.0%} of words misheard)"
        results.append(
            row_figure(title, "accuracy", accuracy, labels, _decided_intents(model, texts))
        )
    return results


def _texts_and_intents(turns: Sequence[BankTurn]) -> list[tuple[str, str]]:
    return [(turn.text, turn.intent) for turn in turns if turn.intent]


def _decided_intents(model: IntentModel, texts: Sequence[str]) -> list[str]:
    chances = model.probabilities(texts)
    names = model.intents
    return [model.verdict(dict(zip(names, p.tolist(), strict=True))).intent for p in chances]


def scope_figures(model: IntentModel, rows: Sequence[IntentExample]) -> list[Figure]:
    """Figures of CLINC150's own task: its out-of-scope test set against its in-scope turns."""
    out = [row.text for row in rows if row.split == "test" and row.source == "clinc150_oos"]
    inside = [
        row.text
        for row in rows
        if row.split == "test" and row.source == "clinc150" and row.intent != OUT_OF_SCOPE
    ]
    if not out or not inside:
        return []
    decided = np.array(_decided_intents(model, [*out, *inside]))
    rejected = decided == OUT_OF_SCOPE
    score = -in_scope_probability(model, [*out, *inside])
    is_out = np.arange(len(rejected)) < len(out)
    return [
        row_figure("CLINC150, its out-of-scope set", "recall", mean, rejected[is_out]),
        row_figure("CLINC150, intents that are ours", "wrongly rejected", mean, rejected[~is_out]),
        row_figure("CLINC150, its out-of-scope set", "AUROC", auroc, is_out, score),
    ]


def calibration_figures(
    model: IntentModel, rows: Sequence[IntentExample], turns: Sequence[BankTurn]
) -> list[Figure]:
    sets = {
        "public test sets": [(r.text, r.intent) for r in rows if r.split == "test"],
        "all bank turns": _texts_and_intents(turns),
    }
    results = []
    for name, pairs in sets.items():
        if not pairs:
            continue
        chances = model.probabilities([text for text, _ in pairs])
        labels = [intent for _, intent in pairs]
        hit = np.array([model.intents[at] for at in chances.argmax(axis=1)]) == labels
        results.append(
            row_figure(
                name,
                "expected calibration error",
                calibration_error,
                chances.max(axis=1),
                hit,
            )
        )
    return results


def sentiment_figures(
    model: TextAffectModel, rows: Sequence[SentimentExample], turns: Sequence[BankTurn]
) -> list[Figure]:
    """Figures on the bank turns and on GoEmotions' test split (`rows`, empty without the data)."""
    results = [
        row
        for name, some in _by_time_written(turns).items()
        for row in _upset_figures(model, name, some)
    ]
    return results + (_goemotions_figures(model, rows) if rows else [])


def _upset_figures(model: TextAffectModel, name: str, turns: Sequence[BankTurn]) -> list[Figure]:
    upset = np.array([turn.upset for turn in turns])
    scores = model.log_odds([turn.text for turn in turns])
    title, chances = f"{name}, upset", expit(scores)
    return [
        row_figure(title, "AUROC", auroc, upset, scores),
        row_figure(title, "F1 at 0.5", f1, upset, chances > 0.5),
        row_figure(title, "F1 at 0.3", f1, upset, chances > 0.3),
        Figure(title, "expected calibration error", calibration_error_at_prior(chances, upset)),
    ]


def _goemotions_figures(model: TextAffectModel, rows: Sequence[SentimentExample]) -> list[Figure]:
    scores = model.log_odds([row.text for row in rows])
    is_upset = np.array([row.upset for row in rows])
    rated = [row for row in rows if row.sentiment]
    plus = np.array([row.sentiment == 1 for row in rated])
    balance = model.sentiments([row.text for row in rated])
    title = "GoEmotions test, positive against negative"
    return [
        row_figure("GoEmotions test, upset", "AUROC", auroc, is_upset, scores),
        row_figure(title, "AUROC", auroc, plus, balance),
        row_figure(title, "accuracy", accuracy, plus, balance > 0),
    ]


def calibration_error_at_prior(claimed: ArrayLike, upset: ArrayLike) -> Estimate:
    """Calibration error on rows drawn with the share of upset turns of the calibration.

    A turn is in these rows many times, so whole turns are drawn for the interval.
    """
    rows = rows_at_prior(upset)
    statistic = calibration_error(np.asarray(claimed)[rows], np.asarray(upset)[rows])
    return replace(cluster_bootstrap(statistic, rows, "rows"), rows=len(np.asarray(upset)))


def rows_at_prior(upset: ArrayLike, prior: float = 0.10) -> IntArray:
    """Indices of rows drawn so that about `prior` of them are upset; none if labels are equal."""
    labels, rng = np.asarray(upset, dtype=bool), np.random.default_rng(0)
    yes, no = np.flatnonzero(labels), np.flatnonzero(~labels)
    if not len(yes) or not len(no):
        return np.zeros(0, np.int64)
    return np.concatenate([rng.choice(yes, int(2000 * prior)), rng.choice(no, 2000)])


def latency_ms(answer: Callable[[str], object], texts: Sequence[str]) -> tuple[float, float]:
    """(median, 95th percentile) of the milliseconds that `answer` takes for a text."""
    taken = []
    for text in texts:
        began = perf_counter()
        answer(text)
        taken.append(1000.0 * (perf_counter() - began))
    median, high = np.quantile(taken, [0.5, 0.95])
    return float(median), float(high)
