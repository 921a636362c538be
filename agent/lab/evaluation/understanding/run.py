"""Which figures does `hearken evaluate understanding` come to, and which of them were aimed for?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from agent.lab.evaluation.goals import Goal
from agent.lab.evaluation.understanding import benchmarks, shipped
from agent.lab.evaluation.understanding.benchmarks import Banking, Ears, Scope
from agent.lab.training.understanding.evaluate import read_bank_turns, rows_at_prior
from agent.lab.training.understanding.figures import (
    TextModelFigure,
    auroc,
    mean,
    row_bootstrap_figure,
)
from agent.lab.training.understanding.intents import IntentSettings
from agent.understanding import conformal
from agent.understanding.calibration import (
    ReliabilityBin,
    expected_calibration_error,
    reliability_table,
)
from agent.understanding.hidden_layer import TextEncoder
from dialogs.pack.model import Pack

NO_ENCODER = "no sentence encoder was given (--sentence-checkpoint)"
NO_EARS = "sentences were not said and heard (--no-spoken)"
Tell = Callable[[str], None]


@dataclass(slots=True)
class Report:
    figures: list[TextModelFigure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    reliability: dict[str, list[ReliabilityBin]] = field(default_factory=dict)

    def add(self, found: TextModelFigure, goal: float | None = None, unit: str = "%") -> None:
        """A figure, and the goal it was measured for; a goal below zero is one not to exceed."""
        self.figures.append(found)
        if goal is None:
            return
        most = goal < 0
        met = found.value <= -goal if most else found.value >= goal
        said = f"{'<=' if most else '>='} {abs(goal) * (100 if unit == '%' else 1):g} {unit}"
        name = f"{found.name}: {found.measure}"
        self.goals.append(Goal(name, said, found.value, found.low, found.high, bool(met)))

    def calibrated(self, name: str, claimed: ArrayLike, true: ArrayLike, goal: float) -> None:
        self.add(
            row_bootstrap_figure(
                name, "calibration error (ECE)", expected_calibration_error, claimed, true
            ),
            -goal,
        )
        self.reliability[name] = reliability_table(claimed, true)

    def not_measured(self, what: str, goal: str, why: str) -> None:
        self.goals.append(Goal(what, goal, None, why=why))


def evaluated(
    data: Path | None,
    weights: Path,
    pack: Pack,
    written: Path | None,
    ears: Ears | None,
    encoder: tuple[str, TextEncoder] | None,
    tell: Tell,
) -> Report:
    """`written` is the folder of hand-written turns (tests/data), where this is a checkout."""
    report, settings = Report(), IntentSettings()
    if data is not None:
        tell("Banking77 as a pack of 77 intents")
        _banking(report, benchmarks.banking77(data, settings, None, ears), "")
        for shots in (5, 10):
            tell(f"Banking77, {shots} examples an intent")
            _few(report, benchmarks.few(data, shots, settings, None), shots, None)
        tell("CLINC150 as a pack of 150 intents")
        _scope(report, benchmarks.clinc150(data, settings, None), "", 0.80, 0.955)
        _with_encoder(report, data, settings, encoder, ears, tell)
        tell("feelings")
        report.calibrated("sentiment, GoEmotions test", *shipped.sentiment(weights, data), 0.03)
    if written is not None:
        tell("the shipped weights")
        name = encoder[0] if encoder else ""
        _served(report, shipped.served(pack, weights, written, name), bool(encoder))
        claimed, true = shipped.upset(weights, read_bank_turns(written / shipped.TURNS))
        rows = rows_at_prior(true)
        report.calibrated("upset from words, bank turns", claimed[rows], true[rows], 0.03)
    return report


def _banking(report: Report, found: Banking, beside: str, goal: float = 0.915) -> None:
    name = f"Banking77, 77 intents{beside}"
    report.add(row_bootstrap_figure(name, "accuracy", mean, found.typed.hits), goal)
    report.calibrated(f"intent, {name}", found.typed.chances.max(axis=1), found.typed.hits, 0.03)
    if found.spoken is None:
        report.not_measured(f"{name}, heard on the phone: accuracy", ">= 80 %", NO_EARS)
        return
    title = f"{name}, heard on the phone from held-out voices"
    report.add(row_bootstrap_figure(title, "accuracy", mean, found.spoken.hits), 0.80)
    for voices, which in (("recorded", found.recorded), ("espeak", ~found.recorded)):
        if which.any():
            report.add(
                row_bootstrap_figure(
                    f"{title}, {voices}", "accuracy", mean, found.spoken.hits[which]
                )
            )
    errors = found.word_errors
    report.figures.append(
        TextModelFigure(title, "word errors", errors, errors, errors, len(found.recorded))
    )
    report.calibrated(f"intent, {title}", found.spoken.chances.max(axis=1), found.spoken.hits, 0.03)
    for heard, judged in ((False, found.typed), (True, found.spoken)):
        _sets(report, f"Banking77{beside}", judged, heard)


def _sets(report: Report, name: str, judged: benchmarks.Judged, heard: bool) -> None:
    """Coverage of the conformal sets; the goal is for the turns a clarifying question is for."""
    marks = np.full(len(judged.labels), heard)
    coverage = judged.model.conformal
    for group, (turns, held, size) in conformal.sizes_and_coverage(
        coverage, judged.chances, judged.labels, marks
    ).items():
        half = 1.96 * (held * (1 - held) / turns) ** 0.5
        title = f"{name}, possible intents, {group} ({size:.1f} of them)"
        found = TextModelFigure(title, "coverage", held, held - half, held + half, turns)
        report.figures.append(found)
        if group.endswith("unclear"):
            met = abs(held - coverage.level) <= 0.02
            said = f"{100 * coverage.level:g} +- 2 %"
            what = f"{title}: coverage"
            report.goals.append(Goal(what, said, held, found.low, found.high, met))


def _few(report: Report, found: Sequence[float], shots: int, goal: float | None) -> None:
    value, low, high = float(np.mean(found)), min(found), max(found)
    name = f"Banking77, {shots} examples an intent (range of {len(found)} draws)"
    report.add(TextModelFigure(name, "accuracy", value, low, high, len(found)), goal)


def _scope(report: Report, found: Scope, beside: str, recall: float, area: float) -> None:
    name = f"CLINC150, 150 intents{beside}"
    report.add(row_bootstrap_figure(name, "accuracy in scope", mean, found.typed.hits))
    report.add(
        row_bootstrap_figure(f"{name}, 5 % rejected on dev", "out-of-scope recall", mean,
               found.outside < found.threshold), recall,
    )  # fmt: skip
    report.add(row_bootstrap_figure(name, "wrongly rejected", mean, found.inside < found.threshold))
    out = np.r_[np.zeros(len(found.inside), bool), np.ones(len(found.outside), bool)]
    scores = -np.r_[found.inside, found.outside]
    report.add(row_bootstrap_figure(name, "out-of-scope AUROC", auroc, out, scores), area)
    report.calibrated(f"intent, {name}", found.typed.chances.max(axis=1), found.typed.hits, 0.03)


def _with_encoder(
    report: Report,
    data: Path,
    settings: IntentSettings,
    encoder: tuple[str, TextEncoder] | None,
    ears: Ears | None,
    tell: Tell,
) -> None:
    if encoder is None:
        for what, goal in (
            ("Banking77, 77 intents, with sentence encoder: accuracy", ">= 94.2 %"),
            ("Banking77, 10 examples an intent, with sentence encoder: accuracy", ">= 87 %"),
            ("CLINC150, with sentence encoder: out-of-scope recall", ">= 87 %"),
            ("CLINC150, with sentence encoder: out-of-scope AUROC", ">= 97 %"),
        ):
            report.not_measured(what, goal, NO_ENCODER)
        return
    name, sentences = encoder
    beside = f", beside {name}"
    tell(f"Banking77{beside}")
    _banking(report, benchmarks.banking77(data, settings, sentences, ears), beside, 0.942)
    _few(report, benchmarks.few(data, 10, settings, sentences), 10, 0.87)
    tell(f"CLINC150{beside}")
    _scope(report, benchmarks.clinc150(data, settings, sentences), beside, 0.87, 0.97)


def _served(report: Report, found: shipped.Served, encoder: bool) -> None:
    told = [(t.intent, u.intent) for t, u in zip(found.turns, found.understood, strict=True)]
    right = np.array([meant == understood for meant, understood in told if meant])
    report.add(row_bootstrap_figure("bank turns", "accuracy", mean, right))
    several = np.array([len(one.intents) > 1 for one in found.asked])
    exact = np.array([a.intents == got for a, got in zip(found.asked, found.answered, strict=True)])
    cut = np.array([len(got) > 1 for got in found.answered])
    name = "turns with several requests"
    report.add(row_bootstrap_figure(name, "all of them understood, in order", mean, exact[several]))
    report.add(
        row_bootstrap_figure("single requests with a connective", "cut in two", mean, cut[~several])
    )
    limit = -15.0 if encoder else -5.0
    turns = 3 * len(found.turns)
    time = TextModelFigure(
        "text turn, one thread", "p95", found.p95_ms, found.median_ms, found.p95_ms, turns
    )
    report.add(time, limit, "ms")
    if not encoder:
        report.not_measured(
            "text turn, one thread, with sentence encoder: p95", "<= 15 ms", NO_ENCODER
        )
