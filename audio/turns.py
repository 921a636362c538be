"""When does somebody's turn begin, and when is it over?

Everything is counted in hops of 32 ms, from the probability of speech in each; there is no clock
here. A turn begins in two stages: `TurnBegan` waits until most of the last few hops were speech
(about 100 to 130 ms), so that a click or a short cough neither begins a turn nor stops the bot in
the middle of a sentence; and what began but falls silent before it was long enough for the
shortest word is taken back with `TurnDropped`, after which the bot may go on. Waiting loses no
sound: `TurnBegan` points back before the first voiced hop, where the first `TurnAudio` starts.
A sneeze with a voice in it lasts as long as a word; only its lack of words can tell, later.

How long a silence ends a turn depends on what was asked and on how the words so far look
(audio/text_endpointing.py): an answer that was heard ends early, "i want to" late, and a pause
between the digits of an account number does not end anything. `hearken tune turns` measures these
numbers on recordings.

Held by tests/audio/test_turns.py: for any sound, events do not depend on how it was cut into
pieces; the audio of a turn is exactly what lies between its start and its end, turns do not
overlap, and every turn that began has ended or been dropped when the stream closes; silence alone
gives no event. The silence at the end of a turn is no part of its audio beyond what the encoder
needs to be sure of the last word: it is kept back until voice returns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audio.text_endpointing import Endings, Outlook, outlook
from audio.types import RATE, VOICE_HOP, Asked, Expectation, Samples

# Seconds of silence that end a turn, by what was asked. For digits, while some are missing or
# when it is not known how many there are. Chosen with `hearken tune turns` on the dev speakers of
# the public sets: at most one turn in twenty is cut off. Digits and spelled names are few there,
# and were held against train as well. Nobody pauses in a recorded yes, and there are no recorded
# amounts or dates: those three are guesses.
SILENCE: Mapping[Asked, float] = {
    "open": 0.9,
    "yes_no": 0.4,
    "choice": 0.4,
    "name": 1.0,
    "amount": 0.9,
    "date": 0.9,
    "digits": 1.0,
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
    silence: Mapping[Asked, float] = field(default_factory=lambda: SILENCE)
    answered: float = 0.4  # of silence, once a closed question has its answer
    complete: float = 1.0  # times the silence, where turns often end after the words so far
    incomplete: float = 1.0  # and where they never do
    endings: Endings = field(default_factory=Endings)  # which words those are; empty: none
    tail: float = 0.36  # of silence that is part of a turn's audio: the encoder's chunk and a bit
    longest: float = 30.0  # a turn is cut here, and what follows is the next one

    def patience(self, asked: Expectation, words: Outlook, voiced: int) -> float:
        """Seconds of silence that end a turn with so many voiced hops, whose words look so."""
        wait = self._silence(asked.kind)
        match words:
            case "answered":
                wait = min(wait, self.answered)
            case "complete":
                wait *= self.complete
            case "incomplete":
                wait *= self.incomplete
            case "spelling":
                wait = max(wait, self._silence("digits"))
            case "unknown":
                pass
        return min(wait, self.dropped_after) if voiced < hops(self.shortest) else wait

    def _silence(self, kind: Asked) -> float:
        return self.silence.get(kind, SILENCE[kind])


@dataclass(frozen=True, slots=True)
class Pause:
    """The silence at the end of an open turn, and all that patience knows about the turn."""

    quiet: int  # hops since the last voiced one
    voiced: int  # hops of voice in the turn
    words: Outlook


@dataclass(frozen=True, slots=True)
class TurnBegan:
    start: int  # position of the first sample that belongs to the turn, with its pre-roll


@dataclass(frozen=True, slots=True, eq=False)
class TurnAudio:
    samples: Samples  # the next of the current turn, in order and without gaps


@dataclass(frozen=True, slots=True, eq=False)
class TurnEnded:
    """The turn is [start, end); `voiced` says of each of its hops whether it is speech. All of it
    was fed as TurnAudio, but for the silence at its end beyond `TurnRules.tail`."""

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
        self._text = ""  # of the open turn so far
        self._words: Outlook = "unknown"
        self._speaking = False  # the last hop was speech
        self._start: int | None = None  # of the open turn
        self._voiced: list[bool] = []  # for every hop of the open turn
        self._voice = 0  # how many of them are
        self._quiet = 0  # hops since its last voiced one
        self._held: list[Samples] = []  # the last of those: silence until voice returns
        # Rules in hops: they are asked for each hop.
        self._preroll, self._tail = hops(self.rules.preroll), hops(self.rules.tail)
        self._shortest, self._longest = hops(self.rules.shortest), hops(self.rules.longest)
        # While no turn is open: the hops that would belong to one that begins now.
        self._before: deque[tuple[Samples, bool]] = deque(
            maxlen=self._preroll + self.rules.onset_hops
        )

    @property
    def open(self) -> bool:
        return self._start is not None

    @property
    def patience(self) -> float:
        """Seconds of silence that would end an open turn now.

        For whoever has a clock, when packets stop coming: wait this long, then `close`.
        """
        voiced = self._voice if self.open else self._shortest
        return self.rules.patience(self._expectation, self._words, voiced)

    @property
    def pause(self) -> Pause:
        """Where the open turn stands, for whoever measures rules on recordings."""
        return Pause(self._quiet, self._voice, self._words)

    def expect(self, expectation: Expectation) -> None:
        self._expectation = expectation
        self._hear(self._text)

    def partial(self, text: str) -> None:
        """The words of the open turn so far. Between turns this means nothing and is ignored."""
        if self.open:
            self._hear(text)

    def _hear(self, text: str) -> None:
        self._text = text
        self._words = outlook(self._expectation, text, self.rules.endings)

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

    def skip(self, samples: int) -> None:
        """Between turns: a whole number of hops was lost. ValueError inside a turn."""
        if self.open or samples < 0 or samples % VOICE_HOP:
            raise ValueError(f"{samples} samples cannot be skipped here")
        self.heard += samples
        self._speaking = False
        if samples:
            self._before.clear()  # a turn's audio has no hole in it

    def _wait(self, hop: Samples) -> list[TurnEvent]:
        self._before.append((hop.copy(), self._speaking))
        if not self._speaking:
            return []
        recent = [voiced for _, voiced in self._before][-self.rules.onset_hops :]
        if sum(recent) < self.rules.onset_voiced:
            return []
        first = len(self._before) - len(recent) + recent.index(True)
        kept = list(self._before)[max(0, first - self._preroll) :]
        self._before.clear()
        self._start = self.heard - len(kept) * VOICE_HOP
        self._voiced = [voiced for _, voiced in kept]
        self._voice, self._quiet = sum(self._voiced), 0
        return [TurnBegan(self._start), *(TurnAudio(samples) for samples, _ in kept)]

    def _continue(self, hop: Samples) -> list[TurnEvent]:
        self._voiced.append(self._speaking)
        self._voice += self._speaking
        self._quiet = 0 if self._speaking else self._quiet + 1
        events: list[TurnEvent] = []
        if self._quiet > self._tail:
            self._held.append(hop.copy())
        else:
            events += [TurnAudio(held) for held in self._held]
            events.append(TurnAudio(hop))
            self._held = []
        if self._quiet and self._quiet >= hops(self.patience):
            events.append(self._end("silence"))
        elif len(self._voiced) >= self._longest:
            events.append(self._end("longest"))
        return events

    def _end(self, why: Literal["silence", "longest", "closed"]) -> TurnEvent:
        assert self._start is not None
        start, voiced = self._start, np.array(self._voiced, np.bool_)
        self._start, self._voiced, self._held = None, [], []
        self._hear("")
        # What goes on after a cut is speech again only from the higher threshold, as any onset.
        self._speaking = False
        if self._voice < self._shortest:
            return TurnDropped(start)
        return TurnEnded(start, start + len(voiced) * VOICE_HOP, voiced, why)


def hops(seconds: float) -> int:
    """The number of hops that are at least so long; at least one."""
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
