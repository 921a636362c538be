"""What does each fusion make of turns whose speaker and sentence it does not know?

Every kind is taught and tested on the same turns, fold by fold and seed by seed, and each test turn
is judged as it is, transcribed, through a telephone, and without its words or its voice. Invariant,
held by tests/agent/lab/evaluation/test_fusion.py: no speaker and no sentence is both taught and tested.
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
from numpy.typing import NDArray

from agent.lab.evaluation import EvaluationError
from agent.lab.fusion_models.classifiers import FUSION_KINDS, FusionKind, parameter_count
from agent.lab.training.fusion.fusion_training import (
    INPUT_CONDITIONS,
    CalibratedFusion,
    FusionTrainingSettings,
    InputCondition,
    train_calibrated_fusion,
)
from agent.lab.training.fusion.pairs import FOLDS, FusionTurn, PairMaterial
from agent.lab.training.understanding.examples import stable_bucket

Floats = NDArray[np.float64]
MIN_SPEAKERS = 3  # speakers: one to test, one to calibrate on, one to learn from


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """`draw` gives what is learned from in an epoch; `kept_back` calibrates; `tested` tests."""

    draw_training: Callable[[np.random.Generator], Sequence[FusionTurn]]
    calibration: Sequence[FusionTurn]
    test: Sequence[FusionTurn]


@dataclass(frozen=True, slots=True, eq=False)
class FusionPredictions:
    """Of one kind, in one condition, all test turns of all folds and seeds: probabilities of the
    three sentiments (turns, 3) and of upset (turns,), and what is decided from them."""

    sentiment: Floats
    upset: Floats
    decided_sentiment: NDArray[np.int64]
    decided_upset: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class FusionResults:
    """`sentiment` and `upset` are the truth, -1 where it is not known."""

    speakers: Sequence[str]
    sentiment: NDArray[np.int64]
    upset: NDArray[np.int64]
    predictions: Mapping[tuple[FusionKind, str], FusionPredictions]  # by kind and condition
    parameter_counts: Mapping[FusionKind, int]  # parameters
    folds: int
    seeds: int


class FoldSource(Protocol):
    """Where folds come from; sent to the processes that do the work."""

    @property
    def folds(self) -> int: ...

    def fold(self, seed: int, number: int) -> Fold: ...


@dataclass(frozen=True, slots=True)
class SyntheticPairs:
    """Words and voices that are put together anew for every seed: so many pairs of a speaker, to
    learn from in an epoch, to calibrate on and to test."""

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
    """Turns whose words and voice belong together. A sentence of somebody tested is learned from
    nobody."""

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
            raise EvaluationError("everybody says the same sentences: none is left to learn from")
        return Fold(lambda _: learned, back, out)


def _without_sentences_of(
    turns: Sequence[FusionTurn], others: Sequence[FusionTurn]
) -> list[FusionTurn]:
    sentences = {turn.text for turn in others if turn.text}
    return [turn for turn in turns if turn.text not in sentences]


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """What one fold of one seed gave."""

    test_turns: Sequence[tuple[str, int, int]]  # speaker, sentiment, upset
    predictions: Mapping[tuple[FusionKind, str], FusionPredictions]
    parameter_counts: Mapping[FusionKind, int]


def run_experiment(
    source: FoldSource,
    seeds: int,
    lesson: FusionTrainingSettings | None = None,
    report_progress: Callable[[str], None] = lambda _: None,
    processes: int = 2,
) -> FusionResults:
    """`told` hears what is done. One process: this one."""
    jobs = [(seed, number) for seed in range(seeds) for number in range(source.folds)]
    results = []
    if processes == 1:
        done: Iterator[FoldResult] = (run_fold(source, *job, lesson) for job in jobs)
        results = list(_with_progress(done, len(jobs), report_progress))
    else:
        # Pickled here, or every tensor would be a shared file of its own, of which few are allowed.
        given = pickle.dumps((source, lesson))
        with ProcessPoolExecutor(processes, get_context("spawn"), _start_worker, (given,)) as pool:
            results = list(_with_progress(pool.map(_run_job, jobs), len(jobs), report_progress))
    turns = [turn for result in results for turn in result.test_turns]
    return FusionResults(
        [speaker for speaker, _, _ in turns],
        np.array([sentiment for _, sentiment, _ in turns]),
        np.array([upset for _, _, upset in turns]),
        {
            key: _concatenated([result.predictions[key] for result in results])
            for key in results[0].predictions
        },
        results[0].parameter_counts,
        source.folds,
        seeds,
    )


def _with_progress(
    results: Iterator[FoldResult], total: int, report_progress: Callable[[str], None]
) -> Iterator[FoldResult]:
    report_progress(f"learning: 0 of {total} folds")
    for count, one in enumerate(results, 1):
        report_progress(f"learning: {count} of {total} folds")
        yield one


_worker_task: tuple[
    FoldSource, FusionTrainingSettings | None
]  # in a process that works, what it works on


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
    """Every kind, taught on one fold and tested on the rest of it."""
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
    """Decided by what a turn adds to what is usual: the mean recall over classes, which is
    measured, asks for no more of the frequent class than of the rare one."""
    verdicts = trained.predict(turns, condition)
    return FusionPredictions(
        verdicts.sentiment,
        verdicts.upset,
        (verdicts.sentiment / trained.sentiment_prior).argmax(1),
        verdicts.upset > trained.upset_prior,
    )


def _concatenated(predictions: Sequence[FusionPredictions]) -> FusionPredictions:
    return FusionPredictions(
        np.concatenate([one.sentiment for one in predictions]),
        np.concatenate([one.upset for one in predictions]),
        np.concatenate([one.decided_sentiment for one in predictions]),
        np.concatenate([one.decided_upset for one in predictions]),
    )
