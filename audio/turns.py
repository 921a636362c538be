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

from audio.text_endpointing import Completeness, TurnEndings, text_completeness
from audio.types import RATE, VOICE_HOP, AnswerKind, Expectation, Samples

# Seconds of silence that end a turn, by what was asked. For digits, while some are missing or
# when it is not known how many there are. Chosen with `hearken tune turns` on the dev speakers of
# the public sets: at most one turn in twenty is cut off. Digits and spelled names are few there,
# and were held against train as well. Nobody pauses in a recorded yes, and there are no recorded
# amounts or dates: those three are guesses.
SILENCE_S: Mapping[AnswerKind, float] = {
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

    speech_on: float = 0.5  # a hop becomes speech at this,
    speech_off: float = 0.35  # and goes on being speech down to this: one threshold alone flickers
    onset_voiced: int = 3  # a turn begins when so many hops were speech
    onset_hops: int = 4  # among the last so many
    preroll_s: float = 0.3  # of sound before its first voiced hop that belongs to a turn
    min_voiced_s: float = 0.16  # of voice in a turn; less is a cough, and is dropped
    discard_after_s: float = 0.4  # of silence
    silence: Mapping[AnswerKind, float] = field(default_factory=lambda: SILENCE_S)
    answered: float = 0.4  # of silence, once a closed question has its answer
    complete: float = 1.0  # times the silence, where turns often end after the words so far
    incomplete: float = 1.0  # and where they never do
    endings: TurnEndings = field(default_factory=TurnEndings)  # which words those are; empty: none
    tail_s: float = 0.36  # of silence that is part of a turn's audio: the encoder's chunk and a bit
    max_turn_s: float = 30.0  # a turn is cut here, and what follows is the next one

    def silence_limit_s(
        self, expectation: Expectation, completeness: Completeness, voiced_hops: int
    ) -> float:
        """Seconds of silence that end a turn with so many voiced hops, whose words look so."""
        wait = self._silence_s(expectation.kind)
        match completeness:
            case "answered":
                wait = min(wait, self.answered)
            case "complete":
                wait *= self.complete
            case "incomplete":
                wait *= self.incomplete
            case "spelling":
                wait = max(wait, self._silence_s("digits"))
            case "unknown":
                pass
        return (
            min(wait, self.discard_after_s) if voiced_hops < hop_count(self.min_voiced_s) else wait
        )

    def _silence_s(self, kind: AnswerKind) -> float:
        return self.silence.get(kind, SILENCE_S[kind])


@dataclass(frozen=True, slots=True)
class Pause:
    """The silence at the end of an open turn, and all that patience knows about the turn."""

    silent_hops: int  # hops since the last voiced one
    voiced_hops: int  # hops of voice in the turn
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class TurnOnset:
    start: int  # position of the first sample that belongs to the turn, with its pre-roll


@dataclass(frozen=True, slots=True, eq=False)
class TurnAudio:
    samples: Samples  # the next of the current turn, in order and without gaps


@dataclass(frozen=True, slots=True, eq=False)
class TurnEndpoint:
    """The turn is [start, end); `voiced` says of each of its hops whether it is speech. All of it
    was fed as TurnAudio, but for the silence at its end beyond `TurnRules.tail`."""

    start: int
    end: int
    voiced: NDArray[np.bool_]
    reason: Literal["silence", "longest", "closed"]

    @property
    def speech_end(self) -> int:
        """Where the voice stopped. What came after was waiting, and is what a caller notices."""
        return self.start + (int(np.flatnonzero(self.voiced)[-1]) + 1) * VOICE_HOP


@dataclass(frozen=True, slots=True)
class FalseOnset:
    """What began here was no speech. Its audio is to be forgotten."""

    start: int


TurnEvent = TurnOnset | TurnAudio | TurnEndpoint | FalseOnset


class TurnDetector:
    """The turns of one leg. What is expected may change at any time, and counts from then on."""

    def __init__(self, rules: TurnRules | None = None) -> None:
        self.rules = rules or TurnRules()
        self.position = 0  # samples so far
        self._expectation = Expectation()
        self._text = ""  # of the open turn so far
        self._completeness: Completeness = "unknown"
        self._speaking = False  # the last hop was speech
        self._start: int | None = None  # of the open turn
        self._voiced: list[bool] = []  # for every hop of the open turn
        self._voiced_count = 0  # how many of them are
        self._silent_hops = 0  # hops since its last voiced one
        self._held_silence: list[Samples] = []  # the last of those: silence until voice returns
        # Rules in hops: they are asked for each hop.
        self._preroll_hops, self._tail_hops = (
            hop_count(self.rules.preroll_s),
            hop_count(self.rules.tail_s),
        )
        self._min_voiced_hops, self._max_hops = (
            hop_count(self.rules.min_voiced_s),
            hop_count(self.rules.max_turn_s),
        )
        # While no turn is open: the hops that would belong to one that begins now.
        self._onset_buffer: deque[tuple[Samples, bool]] = deque(
            maxlen=self._preroll_hops + self.rules.onset_hops
        )

    @property
    def is_open(self) -> bool:
        return self._start is not None

    @property
    def silence_limit_s(self) -> float:
        """Seconds of silence that would end an open turn now.

        For whoever has a clock, when packets stop coming: wait this long, then `close`.
        """
        voiced = self._voiced_count if self.is_open else self._min_voiced_hops
        return self.rules.silence_limit_s(self._expectation, self._completeness, voiced)

    @property
    def pause(self) -> Pause:
        """Where the open turn stands, for whoever measures rules on recordings."""
        return Pause(self._silent_hops, self._voiced_count, self._completeness)

    def set_expectation(self, expectation: Expectation) -> None:
        self._expectation = expectation
        self._set_text(self._text)

    def set_partial_text(self, text: str) -> None:
        """The words of the open turn so far. Between turns this means nothing and is ignored."""
        if self.is_open:
            self._set_text(text)

    def _set_text(self, text: str) -> None:
        self._text = text
        self._completeness = text_completeness(self._expectation, text, self.rules.endings)

    def push(self, samples: Samples, speech: Sequence[float]) -> list[TurnEvent]:
        """A whole number of hops, and the probability of speech in each."""
        if len(samples) != len(speech) * VOICE_HOP:
            raise ValueError(f"{len(samples)} samples are not {len(speech)} hops of {VOICE_HOP}")
        events: list[TurnEvent] = []
        for hop, probability in zip(samples.reshape(-1, VOICE_HOP), speech, strict=True):
            self.position += VOICE_HOP
            self._speaking = probability >= (
                self.rules.speech_off if self._speaking else self.rules.speech_on
            )
            events += self._continue_turn(hop) if self.is_open else self._await_onset(hop)
        return _merge_audio(events)

    def close(self) -> list[TurnEvent]:
        """Nothing more will be heard for now: an open turn is over. Later audio may be pushed."""
        return [self._end_turn("closed")] if self.is_open else []

    def skip(self, samples: int) -> None:
        """Between turns: a whole number of hops was lost. ValueError inside a turn."""
        if self.is_open or samples < 0 or samples % VOICE_HOP:
            raise ValueError(f"{samples} samples cannot be skipped here")
        self.position += samples
        self._speaking = False
        if samples:
            self._onset_buffer.clear()  # a turn's audio has no hole in it

    def _await_onset(self, hop: Samples) -> list[TurnEvent]:
        self._onset_buffer.append((hop.copy(), self._speaking))
        if not self._speaking:
            return []
        recent = [voiced for _, voiced in self._onset_buffer][-self.rules.onset_hops :]
        if sum(recent) < self.rules.onset_voiced:
            return []
        first = len(self._onset_buffer) - len(recent) + recent.index(True)
        kept = list(self._onset_buffer)[max(0, first - self._preroll_hops) :]
        self._onset_buffer.clear()
        self._start = self.position - len(kept) * VOICE_HOP
        self._voiced = [voiced for _, voiced in kept]
        self._voiced_count, self._silent_hops = sum(self._voiced), 0
        return [TurnOnset(self._start), *(TurnAudio(samples) for samples, _ in kept)]

    def _continue_turn(self, hop: Samples) -> list[TurnEvent]:
        self._voiced.append(self._speaking)
        self._voiced_count += self._speaking
        self._silent_hops = 0 if self._speaking else self._silent_hops + 1
        events: list[TurnEvent] = []
        if self._silent_hops > self._tail_hops:
            self._held_silence.append(hop.copy())
        else:
            events += [TurnAudio(held) for held in self._held_silence]
            events.append(TurnAudio(hop))
            self._held_silence = []
        if self._silent_hops and self._silent_hops >= hop_count(self.silence_limit_s):
            events.append(self._end_turn("silence"))
        elif len(self._voiced) >= self._max_hops:
            events.append(self._end_turn("longest"))
        return events

    def _end_turn(self, reason: Literal["silence", "longest", "closed"]) -> TurnEvent:
        assert self._start is not None
        start, voiced = self._start, np.array(self._voiced, np.bool_)
        self._start, self._voiced, self._held_silence = None, [], []
        self._set_text("")
        # What goes on after a cut is speech again only from the higher threshold, as any onset.
        self._speaking = False
        if self._voiced_count < self._min_voiced_hops:
            return FalseOnset(start)
        return TurnEndpoint(start, start + len(voiced) * VOICE_HOP, voiced, reason)


def hop_count(seconds: float) -> int:
    """The number of hops that are at least so long; at least one."""
    return max(1, ceil(seconds * RATE / VOICE_HOP))


def _merge_audio(events: list[TurnEvent]) -> list[TurnEvent]:
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
