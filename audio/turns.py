"""When does somebody's turn begin, and when is it over?

Everything is counted in hops of 32 ms, from the probability of speech in each; there is no clock
here. A turn begins in two stages: `TurnBegan` waits until most of the last few hops were speech
(about 100 to 130 ms), so that a click or a short cough neither begins a turn nor stops the bot in
the middle of a sentence; and what began but falls silent before it was long enough for the
shortest word is taken back with `TurnDropped`, after which the bot may go on. Waiting loses no
sound: `TurnBegan` points back before the first voiced hop, where the first `TurnAudio` starts.
A sneeze with a voice in it lasts as long as a word; only its lack of words can tell, later.

How long a silence ends a turn depends on what was asked and on what was said so far: a yes ends
early, a pause between the digits of an account number does not end anything.

Held by tests/audio/test_turns.py: for any sound, events do not depend on how it was cut into
pieces; the audio of a turn is exactly what lies between its start and its end, turns do not
overlap, and every turn that began has ended or been dropped when the stream closes; silence alone
gives no event.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.types import RATE, VOICE_HOP, Expectation, Samples

# Seconds of silence that end a turn, by what was asked. For digits, while some are missing or
# when it is not known how many there are.
SILENCE: Mapping[str, float] = {
    "open": 0.7,
    "yes_no": 0.4,
    "choice": 0.5,
    "name": 0.8,
    "amount": 0.9,
    "date": 0.9,
    "digits": 1.2,
}


@dataclass(frozen=True, slots=True)
class TurnRules:
    """Durations in seconds, thresholds as probability of speech."""

    start: float = 0.5  # a hop becomes speech at this,
    keep: float = 0.35  # and goes on being speech down to this: one threshold alone flickers
    onset_voiced: int = 3  # a turn begins when so many hops were speech
    onset_hops: int = 4  # among the last so many
    preroll: float = 0.3  # of sound before its first voiced hop that belongs to a turn
    shortest: float = 0.16  # of voice in a turn; less is a cough, and is dropped
    dropped_after: float = 0.4  # of silence
    silence: Mapping[str, float] = field(default_factory=lambda: SILENCE)
    digits_done: float = 0.4  # of silence, once all the digits asked for were heard
    digits_unasked: int = 3  # so many digits at the end of an open answer: wait as for digits
    longest: float = 30.0  # a turn is cut here, and what follows is the next one


@dataclass(frozen=True, slots=True)
class TurnBegan:
    start: int  # position of the first sample that belongs to the turn, with its pre-roll


@dataclass(frozen=True, slots=True, eq=False)
class TurnAudio:
    samples: Samples  # the next of the current turn, in order and without gaps


@dataclass(frozen=True, slots=True, eq=False)
class TurnEnded:
    """[start, end) was fed as TurnAudio; `voiced` says of each of its hops whether it is speech."""

    start: int
    end: int
    voiced: NDArray[np.bool_]
    why: Literal["silence", "longest", "closed"]

    @property
    def spoke_until(self) -> int:
        """Where the voice stopped. What came after was waiting, and is what a caller notices."""
        return self.start + (int(np.flatnonzero(self.voiced)[-1]) + 1) * VOICE_HOP


@dataclass(frozen=True, slots=True)
class TurnDropped:
    """What began here was no speech. Its audio is to be forgotten."""

    start: int


TurnEvent = TurnBegan | TurnAudio | TurnEnded | TurnDropped


class TurnDetector:
    """The turns of one leg. What is expected may change at any time, and counts from then on."""

    def __init__(self, rules: TurnRules | None = None) -> None:
        self.rules = rules or TurnRules()
        self.heard = 0  # samples so far
        self._expectation = Expectation()
        self._digits = self._digits_at_end = 0  # heard in the open turn, as far as is known
        self._speaking = False  # the last hop was speech
        self._start: int | None = None  # of the open turn
        self._voiced: list[bool] = []  # for every hop of the open turn
        self._voice = 0  # how many of them are
        self._quiet = 0  # hops since its last voiced one
        # While no turn is open: the hops that would belong to one that begins now.
        self._before: deque[tuple[Samples, bool]] = deque(
            maxlen=_hops(self.rules.preroll) + self.rules.onset_hops
        )

    @property
    def open(self) -> bool:
        return self._start is not None

    @property
    def patience(self) -> float:
        """Seconds of silence that would end an open turn now.

        For whoever has a clock, when packets stop coming: wait this long, then `close`.
        """
        asked, rules = self._expectation, self.rules
        wait = rules.silence.get(asked.kind, SILENCE[asked.kind])
        if asked.kind == "digits" and 0 < asked.length <= self._digits:
            wait = rules.digits_done
        elif asked.kind == "open" and self._digits_at_end >= rules.digits_unasked:
            wait = max(wait, rules.silence.get("digits", SILENCE["digits"]))
        if self.open and self._voice < _hops(rules.shortest):
            wait = min(wait, rules.dropped_after)
        return wait

    def expect(self, expectation: Expectation) -> None:
        self._expectation = expectation

    def partial(self, text: str) -> None:
        """The words of the open turn so far. Between turns this means nothing and is ignored."""
        if self.open:
            self._digits, self._digits_at_end = digits_in(text)

    def push(self, samples: Samples, speech: Sequence[float]) -> list[TurnEvent]:
        """A whole number of hops, and the probability of speech in each."""
        if len(samples) != len(speech) * VOICE_HOP:
            raise ValueError(f"{len(samples)} samples are not {len(speech)} hops of {VOICE_HOP}")
        events: list[TurnEvent] = []
        for hop, probability in zip(samples.reshape(-1, VOICE_HOP), speech, strict=True):
            self.heard += VOICE_HOP
            self._speaking = probability >= (
                self.rules.keep if self._speaking else self.rules.start
            )
            events += self._continue(hop) if self.open else self._wait(hop)
        return _joined(events)

    def close(self) -> list[TurnEvent]:
        """Nothing more will be heard for now: an open turn is over. Later audio may be pushed."""
        return [self._end("closed")] if self.open else []

    def _wait(self, hop: Samples) -> list[TurnEvent]:
        self._before.append((hop.copy(), self._speaking))
        recent = [voiced for _, voiced in self._before][-self.rules.onset_hops :]
        if not self._speaking or sum(recent) < self.rules.onset_voiced:
            return []
        first = len(self._before) - len(recent) + recent.index(True)
        kept = list(self._before)[max(0, first - _hops(self.rules.preroll)) :]
        self._before.clear()
        self._start = self.heard - len(kept) * VOICE_HOP
        self._voiced = [voiced for _, voiced in kept]
        self._voice, self._quiet = sum(self._voiced), 0
        return [TurnBegan(self._start), *(TurnAudio(samples) for samples, _ in kept)]

    def _continue(self, hop: Samples) -> list[TurnEvent]:
        self._voiced.append(self._speaking)
        self._voice += self._speaking
        self._quiet = 0 if self._speaking else self._quiet + 1
        events: list[TurnEvent] = [TurnAudio(hop)]
        if self._quiet and self._quiet >= _hops(self.patience):
            events.append(self._end("silence"))
        elif len(self._voiced) >= _hops(self.rules.longest):
            events.append(self._end("longest"))
        return events

    def _end(self, why: Literal["silence", "longest", "closed"]) -> TurnEvent:
        assert self._start is not None
        start, voiced = self._start, np.array(self._voiced, np.bool_)
        self._start, self._voiced = None, []
        self._digits = self._digits_at_end = 0
        # What goes on after a cut is speech again only from the higher threshold, as any onset.
        self._speaking = False
        if self._voice < _hops(self.rules.shortest):
            return TurnDropped(start)
        return TurnEnded(start, start + len(voiced) * VOICE_HOP, voiced, why)


def _hops(seconds: float) -> int:
    return max(1, ceil(seconds * RATE / VOICE_HOP))


def _joined(events: list[TurnEvent]) -> list[TurnEvent]:
    """One TurnAudio where several would follow each other, holding a copy of its samples."""
    joined: list[TurnEvent] = []
    pieces: list[Samples] = []
    for event in [*events, None]:
        if isinstance(event, TurnAudio):
            pieces.append(event.samples)
            continue
        if pieces:
            joined.append(TurnAudio(np.concatenate(pieces)))
            pieces = []
        if event is not None:
            joined.append(event)
    return joined


_ZERO = {"zero", "oh", "o"}
_ONE_TO_NINE = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
_TENS = {"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
_TEENS = {"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen"} | {
    f"{stem}teen" for stem in ("six", "seven", "eigh", "nine")
}
_TIMES = {"double": 2, "triple": 3}
_BETWEEN = {"and", "dash", "uh", "um"}


def digits_in(text: str) -> tuple[int, int]:
    """How many digits the text says, and how many of them in one run at its end.

    Words that only sound like digits ("to", "for") and "hundred" are not counted: too few only
    means to wait a little longer.
    """
    total = run = 0
    times, before = 1, ""
    for word in re.findall(r"[a-z]+|\d+", text.lower()):
        if word in _TIMES:
            times = _TIMES[word]
            continue
        second = before in _TENS and word in _ONE_TO_NINE  # of "twenty one"; counted already
        if word.isdigit():
            count = len(word)
        elif word in _TENS | _TEENS:
            count = 2
        else:
            count = int(word in _ZERO | _ONE_TO_NINE and not second)
        if not count and not second and word not in _BETWEEN:
            run = 0
        total, run = total + count * times, run + count * times
        times, before = 1, word
    return total, run
