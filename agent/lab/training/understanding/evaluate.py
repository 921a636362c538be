"""How good is it, on sentences nobody trained on, and how sure are we of that?

Sets whose licence lets them be measured on only (USS, STAR's ratings) are read here and nowhere
else. Hand-written bank turns come in two halves: those written before the weights, and those
written when they were final. Invariant, held by tests/agent/training/test_understanding.py: no
held-out turn is a training sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit  # type: ignore[import-untyped]

from agent.lab.training.understanding.examples import Example, rows_of
from agent.lab.training.understanding.figures import (
    Array,
    Figure,
    accuracy,
    auroc,
    f1,
    figure,
    macro_f1,
    mean,
)
from agent.lab.training.understanding.intents import scope
from agent.lab.training.understanding.noise import CLEAR, PHONE, POOR, Line, spoken
from agent.lab.training.understanding.sentiment import Felt
from agent.understanding.calibration import expected_error
from agent.understanding.text_models import FeelingModel, IntentModel
from dialogs.values import OUT_OF_SCOPE

ANNOYED = "Did the user become aggressive or annoyed"  # STAR asked its wizards


@dataclass(frozen=True, slots=True)
class Turn:
    """A hand-written customer turn of the held-out bank set.

    `later`: written when the weights were final, so that nothing could have been fitted to it.
    """

    text: str
    intent: str | None
    upset: bool
    later: bool


def bank_turns(path: Path) -> list[Turn]:
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Turn(row["text"], row["intent"], row["upset"], row["later"]) for row in rows]


def _halves(turns: Sequence[Turn]) -> dict[str, list[Turn]]:
    named = {
        "bank turns written before": [turn for turn in turns if not turn.later],
        "bank turns written after training": [turn for turn in turns if turn.later],
    }
    return {name: some for name, some in named.items() if some}


def intents(model: IntentModel, rows: Sequence[Example], turns: Sequence[Turn]) -> list[Figure]:
    """Accuracy and macro-F1 of what is decided, the out-of-scope rule included."""
    sets = {name: _labelled(some) for name, some in _halves(turns).items()}
    for row in rows:
        if row.split == "test" and row.source != "clinc150_oos":
            sets.setdefault(row.source, []).append((row.text, row.intent))
    found = []
    for name, pairs in sets.items():
        labels = [intent for _, intent in pairs]
        decided = _decided(model, [text for text, _ in pairs])
        found.append(figure(name, "accuracy", accuracy, labels, decided))
        found.append(figure(name, "macro-F1", macro_f1, labels, decided))
    return found


def heard(model: IntentModel, turns: Sequence[Turn]) -> list[Figure]:
    """The same turns as a phone line might deliver them."""
    lines: tuple[tuple[str, Line], ...] = (("clear", CLEAR), ("phone", PHONE), ("poor", POOR))
    labels = [intent for _, intent in _labelled(turns)]
    found = []
    for name, line in lines if labels else ():
        rng = np.random.default_rng(1)
        texts = [spoken(text, Line(line.misheard, 0.0), rng)[0] for text, _ in _labelled(turns)]
        title = f"all bank turns, {name} line ({line.misheard:.0%} of words misheard)"
        found.append(figure(title, "accuracy", accuracy, labels, _decided(model, texts)))
    return found


def _labelled(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    return [(turn.text, turn.intent) for turn in turns if turn.intent]


def _decided(model: IntentModel, texts: Sequence[str]) -> list[str]:
    chances = model.probabilities(texts)
    names = model.intents
    return [model.decide(dict(zip(names, p.tolist(), strict=True))).intent for p in chances]


def scope_figures(model: IntentModel, rows: Sequence[Example]) -> list[Figure]:
    """CLINC150's own task: its out-of-scope test set against its in-scope test turns."""
    out = [row.text for row in rows if row.split == "test" and row.source == "clinc150_oos"]
    inside = [
        row.text
        for row in rows
        if row.split == "test" and row.source == "clinc150" and row.intent != OUT_OF_SCOPE
    ]
    if not out or not inside:
        return []
    decided = np.array(_decided(model, [*out, *inside]))
    rejected = decided == OUT_OF_SCOPE
    score = -scope(model, [*out, *inside])
    is_out = np.arange(len(rejected)) < len(out)
    return [
        figure("CLINC150, its out-of-scope set", "recall", mean, rejected[is_out]),
        figure("CLINC150, intents that are ours", "wrongly rejected", mean, rejected[~is_out]),
        figure("CLINC150, its out-of-scope set", "AUROC", auroc, is_out, score),
    ]


def calibration(model: IntentModel, rows: Sequence[Example], turns: Sequence[Turn]) -> list[Figure]:
    sets = {
        "public test sets": [(r.text, r.intent) for r in rows if r.split == "test"],
        "all bank turns": _labelled(turns),
    }
    found = []
    for name, pairs in sets.items():
        if not pairs:
            continue
        chances = model.probabilities([text for text, _ in pairs])
        labels = [intent for _, intent in pairs]
        hit = np.array([model.intents[at] for at in chances.argmax(axis=1)]) == labels
        found.append(
            figure(name, "expected calibration error", expected_error, chances.max(axis=1), hit)
        )
    return found


def feelings(model: FeelingModel, rows: Sequence[Felt], turns: Sequence[Turn]) -> list[Figure]:
    """`rows` are GoEmotions' test split, empty without the data."""
    found = [row for name, some in _halves(turns).items() for row in _on_turns(model, name, some)]
    return found + (_on_goemotions(model, rows) if rows else [])


def _on_turns(model: FeelingModel, name: str, turns: Sequence[Turn]) -> list[Figure]:
    upset = np.array([turn.upset for turn in turns])
    scores = model.log_odds([turn.text for turn in turns])
    title, chances = f"{name}, upset", expit(scores)
    return [
        figure(title, "AUROC", auroc, upset, scores),
        figure(title, "F1 at 0.5", f1, upset, chances > 0.5),
        figure(title, "F1 at 0.3", f1, upset, chances > 0.3),
        figure(title, "expected calibration error", _usual_error, chances, upset),
    ]


def _on_goemotions(model: FeelingModel, rows: Sequence[Felt]) -> list[Figure]:
    scores = model.log_odds([row.text for row in rows])
    is_upset = np.array([row.upset for row in rows])
    told = [row for row in rows if row.sentiment]
    plus = np.array([row.sentiment == 1 for row in told])
    balance = model.sentiments([row.text for row in told])
    title = "GoEmotions test, positive against negative"
    return [
        figure("GoEmotions test, upset", "AUROC", auroc, is_upset, scores),
        figure(title, "AUROC", auroc, plus, balance),
        figure(title, "accuracy", accuracy, plus, balance > 0),
    ]


def _usual_error(claimed: Array, upset: Array) -> float:
    """Calibration error with upset turns weighted to their usual share, by drawing rows."""
    rows = usual_share(upset)
    return expected_error(claimed[rows], upset[rows]) if len(rows) else float("nan")


def usual_share(upset: ArrayLike, usual: float = 0.10) -> NDArray[np.int64]:
    """Rows drawn so that upset turns have the share that the probability is calibrated to; none
    where there is only one kind of turns."""
    labels, rng = np.asarray(upset, dtype=bool), np.random.default_rng(0)
    yes, no = np.flatnonzero(labels), np.flatnonzero(~labels)
    if not len(yes) or not len(no):
        return np.zeros(0, np.int64)
    return np.concatenate([rng.choice(yes, int(2000 * usual)), rng.choice(no, 2000)])


def satisfaction(model: FeelingModel, data: Path) -> list[Figure]:
    """Dissatisfied turns (mean rating below 2.5) of USS, and annoyed users of STAR's dialogues."""
    found = []
    for name in ("MWOZ", "SGD", "ReDial", "CCPE"):
        path = data / "uss" / f"{name}.jsonl.gz"
        turns = [
            (turn["text"], float(np.mean(turn["sat"])) < 2.5)
            for talk in (rows_of(path) if path.exists() else ())
            for turn in talk["turns"]
            if turn["s"] == "U" and turn.get("sat")
        ]
        if turns:
            labels = [low for _, low in turns]
            scores = model.log_odds([text for text, _ in turns])
            found.append(figure(f"USS {name}, dissatisfied turns", "AUROC", auroc, labels, scores))
    talks = list(_star(data))
    if talks:
        labels = [annoyed for _, annoyed in talks]
        most = [float(model.log_odds(texts).max()) for texts, _ in talks]
        found.append(figure("STAR, annoyed users (dialogues)", "AUROC", auroc, labels, most))
    return found


def _star(data: Path) -> Iterator[tuple[list[str], bool]]:
    for name in ("bank", "other"):
        path = data / "star" / f"{name}_dialogues.jsonl.gz"
        for talk in rows_of(path) if path.exists() else ():
            asked = [a for q, a in talk.get("wizard_q", {}).items() if q.startswith(ANNOYED)]
            texts = [e["text"] for e in talk["events"] if e["a"] == "User" and e.get("text")]
            if texts and asked and asked[0] is not None:
                yield texts, bool(asked[0])


def milliseconds(answer: Callable[[str], object], texts: Sequence[str]) -> tuple[float, float]:
    """Median and 95th percentile of one answer."""
    taken = []
    for text in texts:
        began = perf_counter()
        answer(text)
        taken.append(1000.0 * (perf_counter() - began))
    median, high = np.quantile(taken, [0.5, 0.95])
    return float(median), float(high)
