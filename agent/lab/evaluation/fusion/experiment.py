"""What does each fusion make of turns whose speaker and sentence it does not know?

Every kind is taught and tested on the same turns, fold by fold and seed by seed, and each test turn
is judged as it is, transcribed, through a telephone, and without its words or its voice. Invariant,
held by tests/agent/evaluation/test_fusion.py: no speaker and no sentence is both taught and tested.
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
FEWEST = 3  # speakers: one to test, one to calibrate on, one to learn from


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """`draw` gives what is learned from in an epoch; `kept_back` calibrates; `tested` tests."""

    draw: Callable[[np.random.Generator], Sequence[FusionTurn]]
    kept_back: Sequence[FusionTurn]
    tested: Sequence[FusionTurn]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Of one kind, in one condition, all test turns of all folds and seeds: probabilities of the
    three sentiments (turns, 3) and of upset (turns,), and what is decided from them."""

    sentiment: Floats
    upset: Floats
    decided: NDArray[np.int64]
    raised: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """`sentiment` and `upset` are the truth, -1 where it is not known."""

    speakers: Sequence[str]
    sentiment: NDArray[np.int64]
    upset: NDArray[np.int64]
    judged: Mapping[tuple[FusionKind, str], Judged]  # by kind and condition
    capacity: Mapping[FusionKind, int]  # parameters
    folds: int
    seeds: int


class Source(Protocol):
    """Where folds come from; sent to the processes that do the work."""

    @property
    def folds(self) -> int: ...

    def fold(self, seed: int, number: int) -> Fold: ...


@dataclass(frozen=True, slots=True)
class Paired:
    """Words and voices that are put together anew for every seed: so many pairs of a speaker, to
    learn from in an epoch, to calibrate on and to test."""

    material: PairMaterial
    folds: int = FOLDS
    each: int = 60
    kept: int = 200
    tested: int = 90

    def fold(self, seed: int, number: int) -> Fold:
        known, unknown = self.material.fold(number, self.folds)
        learned, back = known.split_held_out(seed, self.folds)
        rng = np.random.default_rng((seed, number))
        return Fold(
            lambda rng: learned.draw_pairs(self.each, rng),
            back.draw_pairs(self.kept, rng),
            unknown.draw_pairs(self.tested, rng),
        )


class Given:
    """Turns whose words and voice belong together. A sentence of somebody tested is learned from
    nobody."""

    def __init__(self, turns: Sequence[FusionTurn], folds: int = FOLDS) -> None:
        speakers = {turn.speaker for turn in turns}
        if len(speakers) < FEWEST:
            few = f"{len(speakers)} speakers are too few"
            raise EvaluationError(f"{few}: fusion needs {FEWEST}, of whom one is tested")
        self.turns, self.folds = turns, min(folds, len(speakers))

    def fold(self, seed: int, number: int) -> Fold:
        names = {turn.speaker for turn in self.turns}
        order = sorted(names, key=lambda name: stable_bucket(f"{seed} {name}", 2**31))
        tested = set(order[number :: self.folds])
        kept = set(order[(number + 1) % self.folds :: self.folds])
        out = [turn for turn in self.turns if turn.speaker in tested]
        back = _apart([turn for turn in self.turns if turn.speaker in kept], out)
        rest = [turn for turn in self.turns if turn.speaker not in tested | kept]
        learned = _apart(rest, [*out, *back])
        if not learned or not back:
            raise EvaluationError("everybody says the same sentences: none is left to learn from")
        return Fold(lambda _: learned, back, out)


def _apart(turns: Sequence[FusionTurn], others: Sequence[FusionTurn]) -> list[FusionTurn]:
    said = {turn.text for turn in others if turn.text}
    return [turn for turn in turns if turn.text not in said]


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """What one fold of one seed gave."""

    tested: Sequence[tuple[str, int, int]]  # speaker, sentiment, upset
    judged: Mapping[tuple[FusionKind, str], Judged]
    capacity: Mapping[FusionKind, int]


def experiment(
    source: Source,
    seeds: int,
    lesson: FusionTrainingSettings | None = None,
    told: Callable[[str], None] = lambda _: None,
    processes: int = 2,
) -> Outcome:
    """`told` hears what is done. One process: this one."""
    jobs = [(seed, number) for seed in range(seeds) for number in range(source.folds)]
    pieces = []
    if processes == 1:
        done: Iterator[Piece] = (piece(source, *job, lesson) for job in jobs)
        pieces = list(_counted(done, len(jobs), told))
    else:
        # Pickled here, or every tensor would be a shared file of its own, of which few are allowed.
        given = pickle.dumps((source, lesson))
        with ProcessPoolExecutor(processes, get_context("spawn"), _start, (given,)) as pool:
            pieces = list(_counted(pool.map(_work, jobs), len(jobs), told))
    turns = [turn for one in pieces for turn in one.tested]
    return Outcome(
        [speaker for speaker, _, _ in turns],
        np.array([sentiment for _, sentiment, _ in turns]),
        np.array([upset for _, _, upset in turns]),
        {key: _joined([one.judged[key] for one in pieces]) for key in pieces[0].judged},
        pieces[0].capacity,
        source.folds,
        seeds,
    )


def _counted(done: Iterator[Piece], many: int, told: Callable[[str], None]) -> Iterator[Piece]:
    told(f"learning: 0 of {many} folds")
    for count, one in enumerate(done, 1):
        told(f"learning: {count} of {many} folds")
        yield one


_given: tuple[Source, FusionTrainingSettings | None]  # in a process that works, what it works on


def _start(given: bytes) -> None:
    global _given
    torch.set_num_threads(1)
    _given = pickle.loads(given)


def _work(job: tuple[int, int]) -> Piece:
    source, lesson = _given
    return piece(source, *job, lesson)


def piece(
    source: Source, seed: int, number: int, lesson: FusionTrainingSettings | None = None
) -> Piece:
    """Every kind, taught on one fold and tested on the rest of it."""
    fold = source.fold(seed, number)
    judged, capacity = dict[tuple[FusionKind, str], Judged](), dict[FusionKind, int]()
    for kind in FUSION_KINDS:
        one = train_calibrated_fusion(kind, fold.draw, fold.kept_back, seed, lesson)
        capacity[kind] = parameter_count(one.fuser)
        for condition in INPUT_CONDITIONS:
            judged[kind, condition.name] = _judged(one, fold.tested, condition)
    tested = [(turn.speaker, turn.sentiment, turn.upset) for turn in fold.tested]
    return Piece(tested, judged, capacity)


def _judged(
    one: CalibratedFusion, turns: Sequence[FusionTurn], condition: InputCondition
) -> Judged:
    """Decided by what a turn adds to what is usual: the mean recall over classes, which is
    measured, asks for no more of the frequent class than of the rare one."""
    verdicts = one.predict(turns, condition)
    return Judged(
        verdicts.sentiment,
        verdicts.upset,
        (verdicts.sentiment / one.sentiment_prior).argmax(1),
        verdicts.upset > one.upset_prior,
    )


def _joined(some: Sequence[Judged]) -> Judged:
    return Judged(
        np.concatenate([one.sentiment for one in some]),
        np.concatenate([one.upset for one in some]),
        np.concatenate([one.decided for one in some]),
        np.concatenate([one.raised for one in some]),
    )
