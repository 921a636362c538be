"""How often would these rules have cut a turn short, and how long would they have waited?

As eot-bench counts it (huggingface.co/datasets/livekit/eot-bench): every pause inside a turn is one
that must be held, the silence after it is its end; each pause is judged by what was known in it and
by nothing later. A turn is cut off when any of its pauses would have ended it; its dead air is the
time from the end of its speech to the decision, in its last silence, cut off before or not.

Held by tests/agent/training/test_turns.py: the rules give here what they give in the detector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from agent.lab.training.turns.pause_tracks import HOP_S, Track, Wait
from audio.turns import TurnRules, hops
from audio.types import Asked, Expectation

SILENCES = tuple(round(0.05 * n, 2) for n in range(3, 41))  # seconds
ANSWERED = tuple(round(0.05 * n, 2) for n in range(4, 17))
COMPLETE = (1.0, 0.85, 0.7, 0.55, 0.4)
INCOMPLETE = (1.0, 1.25, 1.5, 2.0, 2.5)
LONGEST_S = 2.5  # of patience that is tried


@dataclass(frozen=True, slots=True)
class Policy:
    """What is tried for one kind of question. Seconds, and factors of `silence`."""

    silence: float
    answered: float
    complete: float = 1.0
    incomplete: float = 1.0

    def of(self, rules: TurnRules, kind: Asked) -> TurnRules:
        """The rules with this policy for that question."""
        return replace(
            rules,
            silence={**rules.silence, kind: self.silence},
            answered=self.answered,
            complete=self.complete,
            incomplete=self.incomplete,
        )

    @property
    def meddling(self) -> float:
        """How much the words may change the silence: 0 when not at all."""
        return abs(log(self.complete)) + abs(log(self.incomplete))

    def allowed(self, least: float) -> bool:
        """Is no patience shorter than `least`, or longer than is tried?"""
        shortest = min(self.answered, self.silence * self.complete)
        return shortest >= least and self.silence * self.incomplete <= LONGEST_S


@dataclass(frozen=True, slots=True)
class Measured:
    """Policies by turns: was it cut off, and its dead air in seconds."""

    policies: tuple[Policy, ...]
    cut: NDArray[np.bool_]  # (policies, turns)
    dead: NDArray[np.float64]  # (policies, turns)


def silence_alone() -> list[Policy]:
    """As if no word were heard."""
    return [Policy(silence, silence) for silence in SILENCES]


def with_words(kind: Asked, rules: TurnRules) -> list[Policy]:
    """The factors are one for all questions: open ones vary them, numbers vary `answered`, and all
    others take both from `rules`."""
    match kind:
        case "open":
            tried = [
                Policy(silence, rules.answered, complete, incomplete)
                for silence in SILENCES
                for complete in COMPLETE
                for incomplete in INCOMPLETE
            ]
        case "digits":
            tried = [
                Policy(silence, answered, rules.complete, rules.incomplete)
                for silence in SILENCES
                for answered in ANSWERED
                if answered <= silence
            ]
        case _:
            tried = [
                Policy(silence, rules.answered, rules.complete, rules.incomplete)
                for silence in SILENCES
            ]
    return [policy for policy in tried if policy.silence * policy.incomplete <= LONGEST_S]


def without_words(turn: Track) -> Track:
    pauses = tuple(tuple(replace(wait, words="unknown") for wait in pause) for pause in turn.pauses)
    return replace(turn, pauses=pauses)


def measure(
    turns: Sequence[Track], kind: Asked, policies: Iterable[Policy], rules: TurnRules
) -> Measured:
    """Every policy on every turn."""
    tried = tuple(policies)
    outcomes = [[judge(turn, one) for turn in turns] for one in (p.of(rules, kind) for p in tried)]
    cut = np.array([[c for c, _ in row] for row in outcomes], np.bool_)
    dead = np.array([[d for _, d in row] for row in outcomes], np.float64)
    return Measured(tried, cut.reshape(len(tried), -1), dead.reshape(len(tried), -1))


def judge(turn: Track, rules: TurnRules) -> tuple[bool, float]:
    """Was the turn cut off, and how much dead air followed it?"""
    cut = any(decided(rules, turn.expect, pause) is not None for pause in turn.holds)
    last = turn.pauses[-1]
    ended = decided(rules, turn.expect, last) or last[-1].last
    return cut, ended * HOP_S + turn.late


def decided(rules: TurnRules, expect: Expectation, pause: Sequence[Wait]) -> int | None:
    """The hop of this pause at which the rules end the turn; None when they wait."""
    for wait in pause:
        patience = hops(rules.patience(expect, wait.words, wait.voiced))
        if patience <= wait.last:
            return max(patience, wait.first)
    return None
