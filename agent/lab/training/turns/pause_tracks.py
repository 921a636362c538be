"""Where does a recorded turn pause, and how do its words look meanwhile?

The detector that serves customers listens with endless patience, so nothing cuts the turn short:
every pause inside it and the silence after it are noted, with how the words so far look at each
hop. Any rules can then be tried on these notes (sweep.py) without hearing the recording again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from agent.lab.training.turns.labelled_turns import Labelled
from audio.text_endpointing import Endings, Outlook
from audio.turns import TurnDetector, TurnRules
from audio.types import RATE, VOICE_HOP, Asked, Expectation

HOP_S = VOICE_HOP / RATE  # seconds
_ENDLESS = 1e6
EARLY_S = 0.1  # a label may come so much before the voice is gone

Partials = Sequence[tuple[int, str]]  # (hops heard, the words so far from then on)


@dataclass(frozen=True, slots=True)
class Wait:
    """Hops `first` to `last` of one pause, in which the words look the same."""

    first: int
    last: int
    voiced: int
    words: Outlook


@dataclass(frozen=True, slots=True)
class Track:
    """One turn: its pauses in order, each with what is waited for in it; the last one ends it."""

    source: str
    speaker: str
    expect: Expectation
    pauses: tuple[tuple[Wait, ...], ...]
    late: float = 0.0  # seconds from the end of the speech to the first hop of the last pause

    @property
    def holds(self) -> tuple[tuple[Wait, ...], ...]:
        return self.pauses[:-1]

    def held(self, least: float) -> bool:
        """Is there a pause of so many seconds inside the turn?"""
        return any(pause[-1].last * HOP_S >= least for pause in self.holds)


def endless(endings: Endings) -> TurnRules:
    """Rules under which no silence ends a turn."""
    silence: Mapping[Asked, float] = dict.fromkeys(get_args(Asked), _ENDLESS)
    return TurnRules(
        silence=silence,
        answered=_ENDLESS,
        dropped_after=_ENDLESS,
        longest=_ENDLESS,
        endings=endings,
    )


def track(
    turn: Labelled, speech: Sequence[float], partials: Partials, endings: Endings
) -> Track | None:
    """The turn's pauses. None when there is no voice, or none that falls silent."""
    detector = TurnDetector(endless(endings))
    detector.expect(turn.expect)
    waiting, pauses, voiced_until = dict(partials), list[list[Wait]](), list[int]()
    for index, probability in enumerate(speech):
        hop = turn.samples[index * VOICE_HOP : (index + 1) * VOICE_HOP]
        detector.push(hop, [probability])
        pause = detector.pause
        if detector.open and pause.quiet:
            if pause.quiet == 1:
                pauses.append([])
                voiced_until.append(index)  # hops up to this pause
            _note(pauses[-1], pause.quiet, pause.voiced, pause.words)
        if (text := waiting.get(index + 1)) is not None:
            detector.partial(text)
    last = _last(pauses, voiced_until, len(speech), turn.end_s)
    if last is None:
        return None
    late = 0.0 if turn.end_s is None else voiced_until[last] * HOP_S - turn.end_s
    kept = tuple(tuple(pause) for pause in pauses[: last + 1])
    return Track(turn.source, turn.speaker, turn.expect, kept, late)


def _note(pause: list[Wait], quiet: int, voiced: int, words: Outlook) -> None:
    if pause and pause[-1].words == words:
        pause[-1] = Wait(pause[-1].first, quiet, voiced, words)
    else:
        pause.append(Wait(quiet, quiet, voiced, words))


def _last(
    pauses: Sequence[Sequence[Wait]], begun: Sequence[int], heard: int, end_s: float | None
) -> int | None:
    """Which pause comes after the turn: the last, or the first that goes on after its label."""
    if not pauses:
        return None
    if end_s is None:
        return len(pauses) - 1 if begun[-1] + pauses[-1][-1].last == heard else None
    for index, pause in enumerate(pauses):
        if (begun[index] + pause[-1].last) * HOP_S > end_s + EARLY_S:
            return index
    return None
