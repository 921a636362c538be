"""Cross-validation of fusion classifiers on unseen speakers and sentences.

Every kind is trained and tested on the same turns, fold by fold and seed by seed. Each test turn is
classified as it is, transcribed, through a telephone, without words and without voice. Invariant,
held by tests/agent/lab/evaluation/test_fusion.py: training and test share no speaker and no
sentence.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Protocol

import numpy as np
import torch

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.evaluation import EvaluationError
from agent.lab.fusion_models.classifiers import FUSION_KINDS, FusionKind, parameter_count
from agent.lab.progress import ReportProgress
from agent.lab.training.fusion.fusion_training import (
    INPUT_CONDITIONS,
    CalibratedFusion,
    FusionTrainingSettings,
    InputCondition,
    train_calibrated_fusion,
)
from agent.lab.training.fusion.pairs import FOLDS, FusionTurn, PairMaterial
from agent.lab.training.understanding.examples import stable_bucket

MIN_SPEAKERS = 3  # one to test, one to calibrate on, one to train on


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """`draw_training` gives the turns of one epoch; `calibration` and `test` are fixed turns."""

    draw_training: Callable[[np.random.Generator], Sequence[FusionTurn]]
    calibration: Sequence[FusionTurn]
    test: Sequence[FusionTurn]


@dataclass(frozen=True, slots=True, eq=False)
class FusionPredictions:
    """Predictions of one kind in one condition for all test turns of all folds and seeds:
    probabilities of the three sentiments (turns, 3) and of upset (turns,), and the decisions."""

    sentiment: FloatArray
    upset: FloatArray
    decided_sentiment: IntArray
    decided_upset: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class FusionResults:
    """Labels and predictions of all test turns; `sentiment` and `upset` are -1 where unknown."""

    speakers: Sequence[str]
    sentiment: IntArray
    upset: IntArray
    predictions: Mapping[tuple[FusionKind, str], FusionPredictions]  # by kind and condition
    parameter_counts: Mapping[FusionKind, int]  # parameters
    folds: int
    seeds: int


class FoldSource(Protocol):
    """Source of folds; pickled to the worker processes."""

    @property
    def folds(self) -> int: ...

    def fold(self, seed: int, number: int) -> Fold: ...


@dataclass(frozen=True, slots=True)
class SyntheticPairs:
    """Words and voices that are paired anew for every seed. The counts are pairs per speaker: for
    one training epoch, for calibration and for test."""

    material: PairMaterial
    folds: int = FOLDS
    training_pairs: int = 60
    calibration_pairs: int = 200
    test_pairs: int = 90

    def fold(self, seed: int, number: int) -> Fold:
        known, unknown = self.material.fold(number, self.folds)
        learned, back = known.split_held_out(seed, self.folds)
        rng = np.random.default_rng((seed, number))
        return Fold(
            lambda rng: learned.draw_pairs(self.training_pairs, rng),
            back.draw_pairs(self.calibration_pairs, rng),
            unknown.draw_pairs(self.test_pairs, rng),
        )


class RecordedTurns:
    """Turns whose words and voice belong together. Sentences of the test speakers are removed from
    the training turns of all others."""

    def __init__(self, turns: Sequence[FusionTurn], folds: int = FOLDS) -> None:
        speakers = {turn.speaker for turn in turns}
        if len(speakers) < MIN_SPEAKERS:
            few = f"{len(speakers)} speakers are too few"
            raise EvaluationError(f"{few}: fusion needs {MIN_SPEAKERS}, of whom one is tested")
        self.turns, self.folds = turns, min(folds, len(speakers))

    def fold(self, seed: int, number: int) -> Fold:
        names = {turn.speaker for turn in self.turns}
        order = sorted(names, key=lambda name: stable_bucket(f"{seed} {name}", 2**31))
        tested = set(order[number :: self.folds])
        kept = set(order[(number + 1) % self.folds :: self.folds])
        out = [turn for turn in self.turns if turn.speaker in tested]
        back = _without_sentences_of([turn for turn in self.turns if turn.speaker in kept], out)
        rest = [turn for turn in self.turns if turn.speaker not in tested | kept]
        learned = _without_sentences_of(rest, [*out, *back])
        if not learned or not back:
            raise EvaluationError("all speakers say the same sentences: none is left to train on")
        return Fold(lambda _: learned, back, out)


def _without_sentences_of(
    turns: Sequence[FusionTurn], others: Sequence[FusionTurn]
) -> list[FusionTurn]:
    sentences = {turn.text for turn in others if turn.text}
    return [turn for turn in turns if turn.text not in sentences]


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """Test labels and predictions of one fold of one seed."""

    test_turns: Sequence[tuple[str, int, int]]  # speaker, sentiment, upset
    predictions: Mapping[tuple[FusionKind, str], FusionPredictions]
    parameter_counts: Mapping[FusionKind, int]


def run_experiment(
    source: FoldSource,
    seeds: int,
    lesson: FusionTrainingSettings | None = None,
    report_progress: ReportProgress = lambda _: None,
    processes: int = 2,
) -> FusionResults:
    """Run all folds and seeds. With one process, it runs in this one; `report_progress` is called
    with a text after each fold."""
    jobs = [(seed, number) for seed in range(seeds) for number in range(source.folds)]
    results = []
    if processes == 1:
        done: Iterator[FoldResult] = (run_fold(source, *job, lesson) for job in jobs)
        results = list(_with_progress(done, len(jobs), report_progress))
    else:
        # Pickled here: torch would share each tensor as an open file, and their number is limited.
        given = pickle.dumps((source, lesson))
        with ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (given,)) as pool:
            results = list(_with_progress(pool.map(_run_job, jobs), len(jobs), report_progress))
    turns = [turn for result in results for turn in result.test_turns]
    return FusionResults(
        [speaker for speaker, _, _ in turns],
        np.array([sentiment for _, sentiment, _ in turns]),
        np.array([upset for _, _, upset in turns]),
        {
            key: _concatenate([result.predictions[key] for result in results])
            for key in results[0].predictions
        },
        results[0].parameter_counts,
        source.folds,
        seeds,
    )


def _with_progress(
    results: Iterator[FoldResult], total: int, report_progress: ReportProgress
) -> Iterator[FoldResult]:
    report_progress(f"training: 0 of {total} folds")
    for count, one in enumerate(results, 1):
        report_progress(f"training: {count} of {total} folds")
        yield one


_worker_task: tuple[
    FoldSource, FusionTrainingSettings | None
]  # in a worker process: its source and settings


def _start_worker(pickled_task: bytes) -> None:
    global _worker_task
    torch.set_num_threads(1)
    _worker_task = pickle.loads(pickled_task)


def _run_job(job: tuple[int, int]) -> FoldResult:
    source, lesson = _worker_task
    return run_fold(source, *job, lesson)


def run_fold(
    source: FoldSource, seed: int, number: int, lesson: FusionTrainingSettings | None = None
) -> FoldResult:
    """Train and test every kind on one fold."""
    fold = source.fold(seed, number)
    predictions, parameter_counts = (
        dict[tuple[FusionKind, str], FusionPredictions](),
        dict[FusionKind, int](),
    )
    for kind in FUSION_KINDS:
        trained = train_calibrated_fusion(kind, fold.draw_training, fold.calibration, seed, lesson)
        parameter_counts[kind] = parameter_count(trained.fuser)
        for condition in INPUT_CONDITIONS:
            predictions[kind, condition.name] = _predict(trained, fold.test, condition)
    tested = [(turn.speaker, turn.sentiment, turn.upset) for turn in fold.test]
    return FoldResult(tested, predictions, parameter_counts)


def _predict(
    trained: CalibratedFusion, turns: Sequence[FusionTurn], condition: InputCondition
) -> FusionPredictions:
    """Predictions; decisions divide the probabilities by the base rates, because the metric is the
    mean recall over classes, in which rare and frequent classes count alike."""
    verdicts = trained.predict(turns, condition)
    return FusionPredictions(
        verdicts.sentiment,
        verdicts.upset,
        (verdicts.sentiment / trained.sentiment_prior).argmax(1),
        verdicts.upset > trained.upset_prior,
    )


def _concatenate(predictions: Sequence[FusionPredictions]) -> FusionPredictions:
    return FusionPredictions(
        np.concatenate([one.sentiment for one in predictions]),
        np.concatenate([one.upset for one in predictions]),
        np.concatenate([one.decided_sentiment for one in predictions]),
        np.concatenate([one.decided_upset for one in predictions]),
    )
