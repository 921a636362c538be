"""Sweep of turn-taking policies over pause tracks: cut-offs and dead air of every policy.

Counted as in eot-bench (huggingface.co/datasets/livekit/eot-bench): every pause inside a turn must
be waited out, the silence after the turn is its end; each pause is judged by what was known in it
and by nothing later. A turn is cut off when a policy ends it in any of its inner pauses; its dead
air is the time from the end of its speech to the decision in the last silence, whether or not the
turn was cut off before.

Held by tests/agent/lab/training/test_turns.py: the rules give here what they give in the detector.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.training.turns.pause_tracks import HOP_S, PauseSpan, PauseTrack
from audio.turns import TurnRules, hop_count
from audio.types import AnswerKind, Expectation

TRIED_SILENCES_S = tuple(round(0.05 * n, 2) for n in range(3, 41))  # seconds
TRIED_ANSWERED_S = tuple(round(0.05 * n, 2) for n in range(4, 17))
TRIED_COMPLETE_FACTORS = (1.0, 0.85, 0.7, 0.55, 0.4)
TRIED_INCOMPLETE_FACTORS = (1.0, 1.25, 1.5, 2.0, 2.5)
MAX_PATIENCE_S = 2.5  # tried


@dataclass(frozen=True, slots=True)
class TurnPolicy:
    """Tried settings for one kind of question: seconds, and factors of `silence`.

    The fields are the keys of the settings and of the JSON report.
    """

    silence: float
    answered: float
    complete: float = 1.0
    incomplete: float = 1.0

    def apply_to(self, rules: TurnRules, kind: AnswerKind) -> TurnRules:
        """The rules with this policy for one kind of question."""
        return replace(
            rules,
            silence={**rules.silence, kind: self.silence},
            answered=self.answered,
            complete=self.complete,
            incomplete=self.incomplete,
        )

    @property
    def word_influence(self) -> float:
        """How much the words change the silence; 0: not at all."""
        return abs(log(self.complete)) + abs(log(self.incomplete))

    def is_allowed(self, min_patience_s: float) -> bool:
        """Whether all patience lies between `min_patience_s` and MAX_PATIENCE_S."""
        shortest = min(self.answered, self.silence * self.complete)
        return shortest >= min_patience_s and self.silence * self.incomplete <= MAX_PATIENCE_S


@dataclass(frozen=True, slots=True)
class SweepResult:
    """Whether each policy cuts off each turn, and the dead air after it in seconds."""

    policies: tuple[TurnPolicy, ...]
    cut: BoolArray  # (policies, turns)
    dead: FloatArray  # (policies, turns)


def silence_policies() -> list[TurnPolicy]:
    """Policies that ignore the words."""
    return [TurnPolicy(silence, silence) for silence in TRIED_SILENCES_S]


def word_policies(kind: AnswerKind, rules: TurnRules) -> list[TurnPolicy]:
    """Policies with words. The factors hold for all kinds of questions: open questions vary them,
    digits vary `answered`, and all others take both from `rules`."""
    match kind:
        case "open":
            tried = [
                TurnPolicy(silence, rules.answered, complete, incomplete)
                for silence in TRIED_SILENCES_S
                for complete in TRIED_COMPLETE_FACTORS
                for incomplete in TRIED_INCOMPLETE_FACTORS
            ]
        case "digits":
            tried = [
                TurnPolicy(silence, answered, rules.complete, rules.incomplete)
                for silence in TRIED_SILENCES_S
                for answered in TRIED_ANSWERED_S
                if answered <= silence
            ]
        case _:
            tried = [
                TurnPolicy(silence, rules.answered, rules.complete, rules.incomplete)
                for silence in TRIED_SILENCES_S
            ]
    return [policy for policy in tried if policy.silence * policy.incomplete <= MAX_PATIENCE_S]


def strip_words(turn: PauseTrack) -> PauseTrack:
    """The track as if no words had been recognised."""
    pauses = tuple(tuple(replace(wait, words="unknown") for wait in pause) for pause in turn.pauses)
    return replace(turn, pauses=pauses)


def sweep(
    turns: Sequence[PauseTrack], kind: AnswerKind, policies: Iterable[TurnPolicy], rules: TurnRules
) -> SweepResult:
    """The result of every policy on every turn."""
    tried = tuple(policies)
    outcomes = [
        [turn_outcome(turn, one) for turn in turns]
        for one in (p.apply_to(rules, kind) for p in tried)
    ]
    cut = np.array([[c for c, _ in row] for row in outcomes], np.bool_)
    dead = np.array([[d for _, d in row] for row in outcomes], np.float64)
    return SweepResult(tried, cut.reshape(len(tried), -1), dead.reshape(len(tried), -1))


def turn_outcome(turn: PauseTrack, rules: TurnRules) -> tuple[bool, float]:
    """(whether the rules cut off the turn, seconds of dead air after it)."""
    cut = any(decision_hop(rules, turn.expect, pause) is not None for pause in turn.inner_pauses)
    last = turn.pauses[-1]
    ended = decision_hop(rules, turn.expect, last) or last[-1].last
    return cut, ended * HOP_S + turn.lag_s


def decision_hop(rules: TurnRules, expect: Expectation, pause: Sequence[PauseSpan]) -> int | None:
    """The hop of this pause at which the rules end the turn; None: they never do."""
    for wait in pause:
        patience = hop_count(rules.silence_limit_s(expect, wait.words, wait.voiced))
        if patience <= wait.last:
            return max(patience, wait.first)
    return None
