"""Choice of turn-taking policies: one report for each kind of question.

Open questions come first: the factors for complete and incomplete words are chosen on them. Digits
choose the silence once all digits were said. Every other kind of question takes those values as
given and chooses its silence alone. A kind whose turns hardly pause says nothing about patience and
keeps its settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from agent.lab.training.turns.frontier import (
    Frontier,
    PolicyOutcome,
    choose_policy,
    frontiers,
    held_out_outcome,
    policy_outcome,
)
from agent.lab.training.turns.pause_tracks import PauseTrack
from agent.lab.training.turns.settings_file import ChosenTurnSettings
from agent.lab.training.turns.sweep import (
    SweepResult,
    TurnPolicy,
    silence_policies,
    strip_words,
    sweep,
    word_policies,
)
from audio.turns import TurnRules
from audio.types import AnswerKind

MIN_PAUSE_S = 0.2  # a silence inside a turn from which patience can be learnt
MIN_PAUSING_TURNS = 10  # turns with one, before anything is chosen


@dataclass(frozen=True, slots=True)
class TurnTuningOptions:
    """Limits and switches of a tuning run."""

    max_cut_off_share: float = 0.05  # share of turns that may be cut off
    min_patience_s: float = 0.3  # seconds: no patience is chosen below
    use_words: bool = True  # listen to them
    may_choose: bool = True  # and not only measure


@dataclass(frozen=True, slots=True)
class PolicyFamily:
    """Results of one family of policies, with words or with silence alone."""

    frontier: Frontier
    best: PolicyOutcome
    held_out: tuple[float, float]  # cut-offs and mean dead air, chosen on other speakers


@dataclass(frozen=True, slots=True)
class QuestionKindReport:
    """Measurements and choice for one kind of question."""

    kind: AnswerKind
    is_single_digit: bool  # one digit alone: nothing to pause between
    turns: tuple[PauseTrack, ...]
    pausing_turns: int
    current: PolicyOutcome
    silence_alone: PolicyFamily  # silence alone
    with_words: PolicyFamily  # and words
    difference: Frontier  # the second less the first
    is_chosen: bool
    rules: TurnRules  # with what was chosen

    @property
    def name(self) -> str:
        return "one digit" if self.is_single_digit else self.kind.replace("_", " or ")


def question_kind_reports(
    turns: Sequence[PauseTrack], rules: TurnRules, options: TurnTuningOptions
) -> list[QuestionKindReport]:
    """A report for each kind of question; each choice starts from the rules chosen so far."""
    first: tuple[AnswerKind, ...] = ("open", "digits")
    reports, now = list[QuestionKindReport](), rules
    for kind in (*first, *(kind for kind in get_args(AnswerKind) if kind not in first)):
        for is_single_digit in (False, True):
            answers = tuple(
                t for t in turns if t.expect.kind == kind and _is_single_digit(t) == is_single_digit
            )
            if answers:
                reports.append(_report(answers, kind, is_single_digit, now, rules, options))
                rules = reports[-1].rules
    return reports


def chosen_settings(
    reports: Sequence[QuestionKindReport], options: TurnTuningOptions
) -> ChosenTurnSettings:
    """The settings that these reports chose, for a settings file."""
    best = {report.kind: report.with_words.best.policy for report in reports if report.is_chosen}
    silence = {kind: policy.silence for kind, policy in best.items()}
    if not options.use_words:
        return ChosenTurnSettings(silence)
    open_policy, digits_policy = best.get("open"), best.get("digits")
    return ChosenTurnSettings(
        silence,
        digits_policy.answered if digits_policy else None,
        open_policy.complete if open_policy else None,
        open_policy.incomplete if open_policy else None,
    )


def _report(
    turns: tuple[PauseTrack, ...],
    kind: AnswerKind,
    is_single_digit: bool,
    current_rules: TurnRules,
    rules: TurnRules,
    options: TurnTuningOptions,
) -> QuestionKindReport:
    without_any_words = [strip_words(turn) for turn in turns]
    tuned_turns = turns if options.use_words else without_any_words
    silence_sweep = sweep(without_any_words, kind, silence_policies(), rules)
    word_sweep = (
        sweep(tuned_turns, kind, word_policies(kind, rules), rules)
        if options.use_words
        else silence_sweep
    )
    silence_frontier, word_frontier, difference = frontiers(turns, silence_sweep, word_sweep)
    current_policy = TurnPolicy(
        current_rules.silence[kind],
        current_rules.answered,
        current_rules.complete,
        current_rules.incomplete,
    )
    pausing_turns = sum(turn.has_pause(MIN_PAUSE_S) for turn in turns)
    is_chosen = options.may_choose and pausing_turns >= MIN_PAUSING_TURNS and not is_single_digit
    silence_family, word_family = (
        PolicyFamily(
            frontier,
            _best_outcome(swept, options),
            held_out_outcome(swept, turns, options.max_cut_off_share, options.min_patience_s),
        )
        for frontier, swept in ((silence_frontier, silence_sweep), (word_frontier, word_sweep))
    )
    best = word_family.best.policy
    return QuestionKindReport(
        kind=kind,
        is_single_digit=is_single_digit,
        turns=turns,
        pausing_turns=pausing_turns,
        current=policy_outcome(sweep(tuned_turns, kind, [current_policy], current_rules), 0),
        silence_alone=silence_family,
        with_words=word_family,
        difference=difference,
        is_chosen=is_chosen,
        rules=best.apply_to(rules, kind) if is_chosen and options.use_words else rules,
    )


def _best_outcome(measured: SweepResult, options: TurnTuningOptions) -> PolicyOutcome:
    return choose_policy(measured, options.max_cut_off_share, options.min_patience_s)


def _is_single_digit(turn: PauseTrack) -> bool:
    return turn.expect.kind == "digits" and turn.expect.length == 1
