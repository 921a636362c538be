"""Pause tracks: where a recorded turn pauses, and how complete its words look meanwhile.

The detector that serves customers runs with endless patience, so that nothing cuts the turn short.
The track holds every pause inside the turn and the silence after it, with the outlook of the words
so far at each hop. Any rules can then be tried on it (sweep.py) without analysing audio again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from agent.lab.training.turns.labelled_turns import LabelledTurn
from audio.text_endpointing import Completeness, TurnEndings
from audio.turns import TurnDetector, TurnRules
from audio.types import RATE, VOICE_HOP, AnswerKind, Expectation

HOP_S = VOICE_HOP / RATE  # seconds
_ENDLESS_S = 1e6
LABEL_TOLERANCE_S = 0.1  # by which a label may precede the end of the voice

PartialTexts = Sequence[tuple[int, str]]  # (hops received, the words so far from then on)


@dataclass(frozen=True, slots=True)
class PauseSpan:
    """Hops `first` to `last` of one pause, in which the outlook of the words is the same."""

    first: int
    last: int
    voiced: int
    words: Completeness


@dataclass(frozen=True, slots=True)
class PauseTrack:
    """The pauses of one turn in order, each as spans of equal outlook; the last pause ends it."""

    source: str
    speaker: str
    expect: Expectation
    pauses: tuple[tuple[PauseSpan, ...], ...]
    lag_s: float = 0.0  # seconds from the end of the speech to the first hop of the last pause

    @property
    def inner_pauses(self) -> tuple[tuple[PauseSpan, ...], ...]:
        return self.pauses[:-1]

    def has_pause(self, min_s: float) -> bool:
        """Whether a pause inside the turn lasts at least `min_s` seconds."""
        return any(pause[-1].last * HOP_S >= min_s for pause in self.inner_pauses)


def endless_rules(endings: TurnEndings) -> TurnRules:
    """Rules under which no silence ends a turn."""
    silence: Mapping[AnswerKind, float] = dict.fromkeys(get_args(AnswerKind), _ENDLESS_S)
    return TurnRules(
        silence=silence,
        answered=_ENDLESS_S,
        discard_after_s=_ENDLESS_S,
        max_turn_s=_ENDLESS_S,
        endings=endings,
    )


def pause_track(
    turn: LabelledTurn,
    voice_probabilities: Sequence[float],
    partials: PartialTexts,
    endings: TurnEndings,
) -> PauseTrack | None:
    """The turn's track; None without a voice, or if the voice never falls silent."""
    detector = TurnDetector(endless_rules(endings))
    detector.set_expectation(turn.expect)
    text_by_hop, pauses, voiced_until = dict(partials), list[list[PauseSpan]](), list[int]()
    for index, probability in enumerate(voice_probabilities):
        hop = turn.samples[index * VOICE_HOP : (index + 1) * VOICE_HOP]
        detector.push(hop, [probability])
        pause = detector.pause
        if detector.is_open and pause.silent_hops:
            if pause.silent_hops == 1:
                pauses.append([])
                voiced_until.append(index)  # hops up to this pause
            _extend_pause(pauses[-1], pause.silent_hops, pause.voiced_hops, pause.completeness)
        if (text := text_by_hop.get(index + 1)) is not None:
            detector.set_partial_text(text)
    last = _final_pause(pauses, voiced_until, len(voice_probabilities), turn.end_s)
    if last is None:
        return None
    lag_s = 0.0 if turn.end_s is None else voiced_until[last] * HOP_S - turn.end_s
    kept = tuple(tuple(pause) for pause in pauses[: last + 1])
    return PauseTrack(turn.source, turn.speaker, turn.expect, kept, lag_s)


def _extend_pause(pause: list[PauseSpan], quiet: int, voiced: int, words: Completeness) -> None:
    if pause and pause[-1].words == words:
        pause[-1] = PauseSpan(pause[-1].first, quiet, voiced, words)
    else:
        pause.append(PauseSpan(quiet, quiet, voiced, words))


def _final_pause(
    pauses: Sequence[Sequence[PauseSpan]],
    voiced_until: Sequence[int],
    hop_count: int,
    end_s: float | None,
) -> int | None:
    """Index of the pause after the turn: the last one, or the first to outlast its label."""
    if not pauses:
        return None
    if end_s is None:
        return len(pauses) - 1 if voiced_until[-1] + pauses[-1][-1].last == hop_count else None
    for index, pause in enumerate(pauses):
        if (voiced_until[index] + pause[-1].last) * HOP_S > end_s + LABEL_TOLERANCE_S:
            return index
    return None
