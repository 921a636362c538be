"""How good is the way intents are trained, on benchmarks that others have measured too?

Banking77 and CLINC150 are taken as if they were somebody's pack: their own intents, their own
splits, the same settings as for every pack. Choices (temperature, threshold, sets) are made on a
tuning split, the test split is read once. Nothing here is shipped. Invariant, held by
tests/agent/evaluation/test_understanding.py: no test sentence is trained on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.lab.training.understanding import intents, tuning
from agent.lab.training.understanding.confusions import Confusions, widened
from agent.lab.training.understanding.examples import Example, anything, part, rows_of
from agent.lab.training.understanding.intents import IntentSettings
from agent.lab.training.understanding.synthetic_transcripts import (
    HELD_OUT_RECORDED,
    heard,
    held_out,
    is_tuning,
    known,
    teachers,
    tuning_voices_alone,
    without_tuning_voices,
)
from agent.lab.training.understanding.synthetic_transcripts import word_errors as word_errors
from agent.understanding.hidden_layer import Sentences
from agent.understanding.text_features import plain
from agent.understanding.text_models import IntentModel
from dialogs.values import OUT_OF_SCOPE

Floats = NDArray[np.float64]
DRAWS = 3  # of the few examples


@dataclass(frozen=True, slots=True)
class Judged:
    """Test turns: calibrated probabilities (n, intents), the true columns (n,), and the model."""

    model: IntentModel
    chances: Floats
    labels: NDArray[np.int64]

    @property
    def hits(self) -> NDArray[np.bool_]:
        return np.asarray(self.chances.argmax(axis=1) == self.labels)


@dataclass(frozen=True, slots=True)
class Ears:
    """Where sentences are said and heard: the folder of the ears, and of what was heard so far."""

    ears: Path
    work: Path
    console: Console | None = None


@dataclass(frozen=True, slots=True)
class Banking:
    """`typed` are the test turns as written; `spoken` as held-out voices said them on a phone."""

    typed: Judged
    spoken: Judged | None
    recorded: NDArray[np.bool_]  # which of the spoken had a recorded voice
    word_errors: float


def banking77(
    data: Path, settings: IntentSettings, sentences: Sentences | None, ears: Ears | None
) -> Banking:
    rows = _rows(data / "banking77" / "train.jsonl.gz")
    test = _rows(data / "banking77" / "test.jsonl.gz")
    if ears is not None:
        rows = with_heard(rows, ears)
    dev = [row for row in rows if part(row.written, 10) == 0]
    kept = [row for row in rows if part(row.written, 10)]
    if ears is not None:  # tuned on other sentences and other voices than it was fitted on
        told, inside = known(ears.ears, ears.work), {row.written for row in dev}
        apart = [one for one in told if one.text not in inside and not is_tuning(one.voice)]
        kept = widened(without_tuning_voices(kept), Confusions.learned(apart))
        dev, rows = tuning_voices_alone(dev), widened(rows, Confusions.learned(told))
    model = _model(kept, dev, rows, anything(data), settings, sentences)
    typed = judged(model, [(row.text, row.intent) for row in test])
    if ears is None:
        return Banking(typed, None, np.zeros(0, bool), 0.0)
    labels = {row.written: row.intent for row in test}
    said = heard(list(labels), held_out(), ears.ears, ears.work, ears.console)
    spoken = judged(model.hearing, [(one.heard, labels[one.text]) for one in said])
    recorded = np.array([one.voice in HELD_OUT_RECORDED for one in said])
    return Banking(typed, spoken, recorded, word_errors(said))


def few(
    data: Path, shots: int, settings: IntentSettings, sentences: Sentences | None
) -> list[float]:
    """Accuracy on Banking77's test from so many examples of an intent, for each draw."""
    rows = _rows(data / "banking77" / "train.jsonl.gz")
    test = _rows(data / "banking77" / "test.jsonl.gz")
    found = []
    for draw in range(DRAWS):
        rng, taken = np.random.default_rng(draw), Counter[str]()
        chosen = []
        for at in rng.permutation(len(rows)):
            if taken[rows[at].intent] < shots:
                taken[rows[at].intent] += 1
                chosen.append(replace(rows[at], source="own"))
        model = intents.fitted(chosen, None, settings, draw, sentences)
        found.append(float(judged(model, [(r.text, r.intent) for r in test]).hits.mean()))
    return found


@dataclass(frozen=True, slots=True)
class Scope:
    """CLINC150's test: `inside` and `outside` are scores of being in scope, `threshold` the one
    under which the stated share of the tuning split's in-scope turns lies."""

    typed: Judged
    inside: Floats
    outside: Floats
    threshold: float


def clinc150(
    data: Path, settings: IntentSettings, sentences: Sentences | None, rejected: float = 0.05
) -> Scope:
    folder = data / "clinc150"
    rows, dev, test = (_rows(folder / f"{name}.jsonl.gz") for name in ("train", "val", "test"))
    out = [_outside(row.written) for row in _rows(folder / "oos_train.jsonl.gz")]
    unknown = [_outside(row.written) for row in _rows(folder / "oos_val.jsonl.gz")]
    known = [*rows, *out]
    model = _model(known, [*dev, *unknown], known, anything(data), settings, sentences)
    threshold = float(np.quantile(intents.scope(model, [row.text for row in dev]), rejected))
    typed = judged(model, [(row.text, row.intent) for row in test])
    strange = [row.text for row in _rows(folder / "oos_test.jsonl.gz")]
    return Scope(
        typed, intents.inside(model, typed.chances), intents.scope(model, strange), threshold
    )


def _model(
    kept: Sequence[Example],
    dev: Sequence[Example],
    everything: Sequence[Example],
    background: Sequence[Example],
    settings: IntentSettings,
    sentences: Sentences | None,
) -> IntentModel:
    """Tuned on `dev` with a model that did not see it, then fitted on everything."""
    first = intents.fitted([*kept, *background], None, settings, 0, sentences)
    unseen = tuning.scored(first, dev)
    whole = first
    if len(everything) > len(kept):
        whole = intents.fitted([*everything, *background], None, settings, 0, sentences)
    return tuning.tuned(whole, unseen, settings)


def judged(model: IntentModel, turns: Sequence[tuple[str, str]]) -> Judged:
    scores = np.asarray(model.scores([text for text, _ in turns]), dtype=np.float64)
    labels = np.array([model.intents.index(intent) for _, intent in turns], dtype=np.int64)
    return Judged(model, np.asarray(softmax(scores / model.temperature, axis=1)), labels)


def with_heard(rows: Sequence[Example], ears: Ears) -> list[Example]:
    """The rows with what was heard when the teaching voices said them."""
    texts = [row.written for row in rows]
    said = heard(texts, teachers(), ears.ears, ears.work, ears.console)
    told = {one.text: one.heard for one in said if one.heard}
    return [
        replace(row, heard=(told[row.written],)) if row.written in told else row for row in rows
    ]


def _rows(path: Path) -> list[Example]:
    return [
        Example(plain(row["text"]), row["intent"], "benchmark", "train", row["text"])
        for row in rows_of(path)
    ]


def _outside(text: str) -> Example:
    return Example(plain(text), OUT_OF_SCOPE, "benchmark", "train", text)
