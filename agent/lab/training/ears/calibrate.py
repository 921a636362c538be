"""Confidence calibration: logistic curves from a hypothesis's evidence to its probability.

One curve for each kind of question, fitted on dev speakers. The curve for closed questions also
sees questions whose true answer is not on the list, so that a wrong guess gets a low confidence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import minimize  # type: ignore[import-untyped]

from agent.lab.arrays import FloatArray
from agent.lab.training.ears.corpus import Corpus
from agent.lab.training.ears.offline_recogniser import EncodedUtterance, OfflineRecogniser
from agent.lab.training.ears.phrases import MENU
from agent.lab.training.ears.tasks import (
    COMMANDS,
    JOINED_DIGITS_TASK,
    KEYWORDS,
    TASKS,
    RecognitionTask,
    expectation_without,
    joined_digits_corpus,
)
from audio.beam_search import CALIBRATION_FILE, BeamSearchDecoder
from audio.transcriber import DEFAULT_CURVES, ConfidenceFeatures, DecodingMode, joined_text

MIN_WEIGHT = 0.4
TRIED_LIFTS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
TRIED_LANGUAGE_MODEL_WEIGHTS = (0.6, 1.0, 1.4, 1.8, 2.4)
TRIED_WORD_SCORES = (-1.0, 0.0, 1.0, 2.0)
SENTENCE_TASKS = ("telephone sentences, open", "adults reading, open, wide band")


def fit_confidence_curves(corpus: Corpus, folder: Path, seed: int) -> None:
    """Fit lifts, language-model weights and curves on dev, and write them into the folder."""
    recogniser = OfflineRecogniser(folder)
    answers = [
        (task, one)
        for task in TASKS
        for one in recogniser.encode(corpus, task.utterances(corpus, "dev"), task.channel)
    ]
    numbers = joined_digits_corpus(corpus, "dev")
    answers += [
        (JOINED_DIGITS_TASK, one)
        for one in recogniser.encode(numbers, numbers.utterances, JOINED_DIGITS_TASK.channel)
    ]
    lifts: dict[DecodingMode, float] = {
        "closed": _best_lift(
            recogniser,
            [h for h in answers if _expectation_kind(h) in ("choice", "yes_no")],
            "closed",
        ),
        "words": _best_lift(
            recogniser, [h for h in answers if _expectation_kind(h) == "digits"], "words"
        ),
        "open": 0.0,
    }
    language_model = _best_language_model_weights(
        folder, recogniser, [h for h in answers if h[0].name in SENTENCE_TASKS]
    )
    recogniser.transcriber.beam_search = BeamSearchDecoder(
        folder, recogniser.transcriber.decoding_alphabet, **language_model
    )
    recogniser.transcriber.curves = {
        g: replace(DEFAULT_CURVES[g], blank_penalty=lift) for g, lift in lifts.items()
    }
    evidence = _evidence_by_group(recogniser, answers, np.random.default_rng(seed))
    curves: dict[str, object] = {
        group: {**_fit_curve(pairs), "lift": lifts[group]} for group, pairs in evidence.items()
    }
    calibration = {**curves, "order": language_model}
    (folder / CALIBRATION_FILE).write_text(json.dumps(calibration, indent=1) + "\n")


def _expectation_kind(pair: tuple[RecognitionTask, EncodedUtterance]) -> str:
    task, heard = pair
    return task.expectation(heard.utterance).kind


def _best_language_model_weights(
    folder: Path,
    recogniser: OfflineRecogniser,
    answers: Sequence[tuple[RecognitionTask, EncodedUtterance]],
    max_per_task: int = 120,
) -> dict[str, float]:
    """The language-model weight and word score with the lowest word error rate on dev."""
    by_task = {task: [h for t, h in answers if t is task][:max_per_task] for task, _ in answers}
    wrong: dict[tuple[float, float], float] = {}
    for weight, word in product(TRIED_LANGUAGE_MODEL_WEIGHTS, TRIED_WORD_SCORES):
        lexicon = BeamSearchDecoder(folder, recogniser.transcriber.decoding_alphabet, weight, word)
        # An unweighted sum: both kinds of sentences count alike, whatever their number.
        wrong[weight, word] = sum(_word_error_rate(lexicon, each) for each in by_task.values())
    weight, word = min(wrong, key=lambda pair: wrong[pair])
    return {"weight": weight, "word": word}


def _word_error_rate(lexicon: BeamSearchDecoder, utterances: Sequence[EncodedUtterance]) -> float:
    edits = words = 0
    for encoded in utterances:
        sounds = encoded.letter_scores if encoded.phone_scores is None else encoded.phone_scores
        truth = encoded.utterance.text.split()
        edits += Levenshtein.distance(truth, joined_text(lexicon.decode(sounds)).split())
        words += len(truth)
    return edits / max(1, words)


def _best_lift(
    recogniser: OfflineRecogniser,
    answers: Sequence[tuple[RecognitionTask, EncodedUtterance]],
    group: DecodingMode,
) -> float:
    """The lift with the most correct dev answers; of equals, the smallest."""
    right: dict[float, int] = {}
    for lift in TRIED_LIFTS:
        recogniser.transcriber.curves = {
            **DEFAULT_CURVES,
            group: replace(DEFAULT_CURVES[group], blank_penalty=lift),
        }
        texts = [
            (
                task,
                h,
                recogniser.transcriber.best_hypothesis(
                    h.letter_scores, task.expectation(h.utterance), h.phone_scores
                ),
            )
            for task, h in answers
        ]
        right[lift] = sum(
            r is not None and t.is_correct(h.utterance.text, r.text) for t, h, r in texts
        )
    return max(TRIED_LIFTS, key=lambda lift: right[lift])


def _evidence_by_group(
    recogniser: OfflineRecogniser,
    answers: Sequence[tuple[RecognitionTask, EncodedUtterance]],
    random: np.random.Generator,
) -> dict[DecodingMode, list[tuple[ConfidenceFeatures, bool]]]:
    by_group: dict[DecodingMode, list[tuple[ConfidenceFeatures, bool]]] = {
        "closed": [],
        "words": [],
        "open": [],
    }
    for task, encoded in answers:
        truth = encoded.utterance.text
        questions = [(task.expectation(encoded.utterance), task.is_correct)]
        if questions[0][0].kind == "choice":
            pool = [*KEYWORDS, *COMMANDS, *MENU]
            others = [pool[i] for i in random.permutation(len(pool))]
            questions += [(expectation_without(truth, others, size), str.__eq__) for size in (3, 8)]
        for expect, right in questions:
            reading = recogniser.transcriber.best_hypothesis(
                encoded.letter_scores, expect, encoded.phone_scores
            )
            if reading is not None:
                by_group[reading.mode].append((reading.features, right(truth, reading.text)))
    return by_group


def _fit_curve(pairs: list[tuple[ConfidenceFeatures, bool]]) -> dict[str, object]:
    terms = np.array([evidence.as_tuple() for evidence, _ in pairs])
    sign = np.where([right for _, right in pairs], 1.0, -1.0)

    def surprise(curve: FloatArray) -> float:
        doubt = np.logaddexp(0, -sign * (curve[0] + terms @ curve[1:]))
        return float(doubt.sum() + 0.02 * np.square(curve[1:]).sum())

    # Terms are 0 at best. A term that no dev turn shows must still lower the confidence a little.
    bounds = [(None, None), *[(MIN_WEIGHT, None)] * terms.shape[1]]
    fitted = minimize(surprise, np.ones(1 + terms.shape[1]), bounds=bounds, method="L-BFGS-B").x
    return {"bias": float(fitted[0]), "weights": fitted[1:].tolist(), "turns": len(pairs)}
