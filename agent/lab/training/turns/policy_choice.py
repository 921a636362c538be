"""What do recordings say about each kind of question, and what follows for the settings?

Open questions come first: the factors for complete and incomplete words are chosen on them. Numbers
choose the silence once all digits were heard. Every other kind of question takes those as they are
and chooses its silence alone. A kind whose turns hardly pause says nothing about patience and keeps
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from agent.lab.training.turns.frontier import (
    Frontier,
    Outcome,
    choose,
    frontiers,
    held_out,
    outcome,
)
from agent.lab.training.turns.pause_tracks import Track
from agent.lab.training.turns.settings_file import Chosen
from agent.lab.training.turns.sweep import (
    Measured,
    Policy,
    measure,
    silence_alone,
    with_words,
    without_words,
)
from audio.turns import TurnRules
from audio.types import Asked

PAUSE_S = 0.2  # a silence inside a turn from which patience can be learnt
PAUSES = 10  # turns with one, before anything is chosen


@dataclass(frozen=True, slots=True)
class Aim:
    """What is wanted of a choice."""

    cut_offs: float = 0.05  # share of turns that may be cut off
    least: float = 0.3  # seconds: no patience is chosen below
    words: bool = True  # listen to them
    choose: bool = True  # and not only measure


@dataclass(frozen=True, slots=True)
class Side:
    """One family of policies."""

    frontier: Frontier
    best: Outcome
    held_out: tuple[float, float]  # cut-offs and mean dead air, chosen on other speakers


@dataclass(frozen=True, slots=True)
class Report:
    """One kind of question."""

    kind: Asked
    single: bool  # one digit alone: nothing to pause between
    turns: tuple[Track, ...]
    pauses: int
    now: Outcome
    alone: Side  # silence alone
    worded: Side  # and words
    gained: Frontier  # the second less the first
    chosen: bool
    rules: TurnRules  # with what was chosen

    @property
    def name(self) -> str:
        return "one digit" if self.single else self.kind.replace("_", " or ")


def examined(turns: Sequence[Track], rules: TurnRules, aim: Aim) -> list[Report]:
    """A report for each kind of question in the recordings; choices build on each other."""
    first: tuple[Asked, ...] = ("open", "digits")
    reports, now = list[Report](), rules
    for kind in (*first, *(kind for kind in get_args(Asked) if kind not in first)):
        for single in (False, True):
            asked = tuple(t for t in turns if t.expect.kind == kind and _single(t) == single)
            if asked:
                reports.append(_examine(asked, kind, single, now, rules, aim))
                rules = reports[-1].rules
    return reports


def settings_of(reports: Sequence[Report], aim: Aim) -> Chosen:
    """What the chosen reports have to say to a settings file."""
    best = {report.kind: report.worded.best.policy for report in reports if report.chosen}
    silence = {kind: policy.silence for kind, policy in best.items()}
    if not aim.words:
        return Chosen(silence)
    said, number = best.get("open"), best.get("digits")
    return Chosen(
        silence,
        number.answered if number else None,
        said.complete if said else None,
        said.incomplete if said else None,
    )


def _examine(
    turns: tuple[Track, ...], kind: Asked, single: bool, now: TurnRules, rules: TurnRules, aim: Aim
) -> Report:
    deaf = [without_words(turn) for turn in turns]
    heard = turns if aim.words else deaf
    alone = measure(deaf, kind, silence_alone(), rules)
    worded = measure(heard, kind, with_words(kind, rules), rules) if aim.words else alone
    of_alone, of_worded, gained = frontiers(turns, alone, worded)
    today = Policy(now.silence[kind], now.answered, now.complete, now.incomplete)
    pauses = sum(turn.held(PAUSE_S) for turn in turns)
    chosen = aim.choose and pauses >= PAUSES and not single
    with_silence, with_words_too = (
        Side(frontier, _best(swept, aim), held_out(swept, turns, aim.cut_offs, aim.least))
        for frontier, swept in ((of_alone, alone), (of_worded, worded))
    )
    best = with_words_too.best.policy
    return Report(
        kind=kind,
        single=single,
        turns=turns,
        pauses=pauses,
        now=outcome(measure(heard, kind, [today], now), 0),
        alone=with_silence,
        worded=with_words_too,
        gained=gained,
        chosen=chosen,
        rules=best.of(rules, kind) if chosen and aim.words else rules,
    )


def _best(measured: Measured, aim: Aim) -> Outcome:
    return choose(measured, aim.cut_offs, aim.least)


def _single(turn: Track) -> bool:
    return turn.expect.kind == "digits" and turn.expect.length == 1
