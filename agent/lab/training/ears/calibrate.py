"""How often is a reading with this much evidence right?

Logistic curves from evidence to probability, one a kind of question, fitted on dev speakers. The
closed curve also sees questions whose true answer is not on the list: a guess must look doubtful.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from scipy.optimize import minimize  # type: ignore[import-untyped]

from agent.lab.training.ears.corpus import Corpus
from agent.lab.training.ears.offline_recogniser import Ear, Heard
from agent.lab.training.ears.phrases import MENU
from agent.lab.training.ears.tasks import (
    COMMANDS,
    JOINED,
    KEYWORDS,
    TASKS,
    Task,
    absent,
    joined_digits,
)
from audio.beam_search import CALIBRATION, Lexicon
from audio.transcriber import UNFITTED, Evidence, Group, text_of

LEAST_WEIGHT = 0.4
LIFTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
ORDER_WEIGHTS = (0.6, 1.0, 1.4, 1.8, 2.4)
WORD_SCORES = (-1.0, 0.0, 1.0, 2.0)
SENTENCES = ("telephone sentences, open", "adults reading, open, wide band")


def fit_curves(corpus: Corpus, folder: Path, seed: int) -> None:
    ear = Ear(folder)
    heard = [
        (task, one) for task in TASKS for one in ear.hear(corpus, task.of(corpus, "dev"), task.room)
    ]
    numbers = joined_digits(corpus, "dev")
    heard += [(JOINED, one) for one in ear.hear(numbers, numbers.utterances, JOINED.room)]
    lifts: dict[Group, float] = {
        "closed": _best_lift(ear, [h for h in heard if _kind(h) in ("choice", "yes_no")], "closed"),
        "words": _best_lift(ear, [h for h in heard if _kind(h) == "digits"], "words"),
        "open": 0.0,
    }
    order = _best_order(folder, ear, [h for h in heard if h[0].name in SENTENCES])
    ear.transcriber.lexicon = Lexicon(folder, ear.transcriber.sounds, **order)
    ear.transcriber.curves = {g: replace(UNFITTED[g], lift=lift) for g, lift in lifts.items()}
    seen = _evidence(ear, heard, np.random.default_rng(seed))
    curves: dict[str, object] = {
        group: {**_curve(pairs), "lift": lifts[group]} for group, pairs in seen.items()
    }
    told = {**curves, "order": order}
    (folder / CALIBRATION).write_text(json.dumps(told, indent=1) + "\n")


def _kind(pair: tuple[Task, Heard]) -> str:
    task, heard = pair
    return task.expect(heard.utterance).kind


def _best_order(
    folder: Path, ear: Ear, heard: Sequence[tuple[Task, Heard]], most: int = 120
) -> dict[str, float]:
    """How much the order of words counts, and what a word costs, for fewest wrong words on dev."""
    some = {task: [h for t, h in heard if t is task][:most] for task, _ in heard}
    wrong: dict[tuple[float, float], float] = {}
    for weight, word in product(ORDER_WEIGHTS, WORD_SCORES):
        lexicon = Lexicon(folder, ear.transcriber.sounds, weight, word)
        # both kinds of sentences count alike, whatever their number
        wrong[weight, word] = sum(_word_errors(lexicon, each) for each in some.values())
    weight, word = min(wrong, key=lambda pair: wrong[pair])
    return {"weight": weight, "word": word}


def _word_errors(lexicon: Lexicon, heard: Sequence[Heard]) -> float:
    edits = words = 0
    for one in heard:
        sounds = one.likely if one.phones is None else one.phones
        truth = one.utterance.text.split()
        edits += Levenshtein.distance(truth, text_of(lexicon.words(sounds)).split())
        words += len(truth)
    return edits / max(1, words)


def _best_lift(ear: Ear, heard: Sequence[tuple[Task, Heard]], group: Group) -> float:
    """The lift with which most dev answers are right; the smallest one in a draw."""
    right: dict[float, int] = {}
    for lift in LIFTS:
        ear.transcriber.curves = {**UNFITTED, group: replace(UNFITTED[group], lift=lift)}
        texts = [
            (task, h, ear.transcriber.read(h.likely, task.expect(h.utterance), h.phones))
            for task, h in heard
        ]
        right[lift] = sum(r is not None and t.right(h.utterance.text, r.text) for t, h, r in texts)
    return max(LIFTS, key=lambda lift: right[lift])


def _evidence(
    ear: Ear, heard: Sequence[tuple[Task, Heard]], random: np.random.Generator
) -> dict[Group, list[tuple[Evidence, bool]]]:
    seen: dict[Group, list[tuple[Evidence, bool]]] = {"closed": [], "words": [], "open": []}
    for task, one in heard:
        truth = one.utterance.text
        questions = [(task.expect(one.utterance), task.right)]
        if questions[0][0].kind == "choice":
            pool = [*KEYWORDS, *COMMANDS, *MENU]
            others = [pool[i] for i in random.permutation(len(pool))]
            questions += [(absent(truth, others, size), str.__eq__) for size in (3, 8)]
        for expect, right in questions:
            reading = ear.transcriber.read(one.likely, expect, one.phones)
            if reading is not None:
                seen[reading.group].append((reading.evidence, right(truth, reading.text)))
    return seen


def _curve(pairs: list[tuple[Evidence, bool]]) -> dict[str, object]:
    terms = np.array([evidence.terms() for evidence, _ in pairs])
    sign = np.where([right for _, right in pairs], 1.0, -1.0)

    def surprise(curve: NDArray[np.float64]) -> float:
        doubt = np.logaddexp(0, -sign * (curve[0] + terms @ curve[1:]))
        return float(doubt.sum() + 0.02 * np.square(curve[1:]).sum())

    # Terms are 0 at best. What dev turns never showed must still count a little against a reading.
    bounds = [(None, None), *[(LEAST_WEIGHT, None)] * terms.shape[1]]
    fitted = minimize(surprise, np.ones(1 + terms.shape[1]), bounds=bounds, method="L-BFGS-B").x
    return {"bias": float(fitted[0]), "weights": fitted[1:].tolist(), "turns": len(pairs)}
