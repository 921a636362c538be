"""Turn detection on one leg: onset and endpoint of speech from voice activity and partial text.

Time is counted in hops of 32 ms, each with its probability of speech; there is no clock here. An
onset has two stages. `TurnOnset` waits until most of the last few hops were speech (about 100 to
130 ms), so that a click or a short cough neither begins a turn nor interrupts the bot. A turn that
falls silent before it is as long as the shortest word is revoked by `FalseOnset`, after which the
bot may go on. Waiting loses no audio: `TurnOnset` points back before the first voiced hop, where
the first `TurnAudio` starts. A voiced sneeze lasts as long as a word; only its lack of words
shows, later, that it is none.

The silence that ends a turn depends on the expectation and on the words so far
(audio/text_endpointing.py): it is short after a recognised answer, long after "i want to", and a
pause between the digits of an account number ends nothing. `hearken tune turns` measures these
numbers on recordings.

Held by tests/audio/test_turns.py: for any sound, events do not depend on how it was cut into
pieces; the audio of a turn is exactly what lies between its start and its end, turns do not
overlap, and every onset has had its endpoint or been revoked when the stream closes; silence alone
gives no event. Of the silence at the end of a turn, only as much belongs to its audio as the
encoder needs for the last word: the rest is held back until voice returns.
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

# Seconds of silence that end a turn, by expected answer. For digits: while some are missing or
# their number is unknown. Chosen with `hearken tune turns` on the dev speakers of the public
# sets, so that at most one turn in twenty is cut off. Digits and spelled names are rare there and
# were checked on train as well. Nobody pauses in a recorded yes, and there are no recorded
# amounts or dates: those three values are guesses.
SILENCE_S: Mapping[AnswerKind, float] = {
    "open": 0.9,
    "yes_no": 0.4,
    "choice": 0.4,
    "name": 1.0,
    "amount": 0.9,
    "date": 0.9,
    "digits": 1.0,
}


TurnEndReason = Literal["silence", "longest", "closed"]


@dataclass(frozen=True, slots=True)
class TurnRules:
    """Parameters of turn detection. Durations in seconds, thresholds as probability of speech."""

    speech_on: float = 0.5  # threshold for a hop after silence,
    speech_off: float = 0.35  # and for one after speech: a single threshold flickers
    onset_voiced: int = 3  # a turn begins when so many hops are speech
    onset_hops: int = 4  # among the last so many
    preroll_s: float = 0.3  # of audio before its first voiced hop that belongs to a turn
    min_voiced_s: float = 0.16  # of voice in a turn; less is a cough: a false onset,
    discard_after_s: float = 0.4  # which is revoked after so much silence
    silence: Mapping[AnswerKind, float] = field(default_factory=lambda: SILENCE_S)
    answered: float = 0.4  # silence limit once a closed question has its answer
    complete: float = 1.0  # factor of the silence limit where turns often end after these words,
    incomplete: float = 1.0  # and where they never do
    # statistics of those words; empty: none
    endings: TurnEndings = field(default_factory=TurnEndings)
    tail_s: float = 0.36  # of silence that is part of a turn's audio: the encoder's chunk and more
    max_turn_s: float = 30.0  # a turn is cut here; the next one follows at once

    def silence_limit_s(
        self, expectation: Expectation, completeness: Completeness, voiced_hops: int
    ) -> float:
        """Seconds of silence that end a turn with this expectation, text and amount of voice."""
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
    """The trailing silence of an open turn, and the inputs of its silence limit."""

    silent_hops: int  # hops since the last voiced one
    voiced_hops: int  # hops of voice in the turn
    completeness: Completeness


@dataclass(frozen=True, slots=True)
class TurnOnset:
    """A turn has begun."""

    start: int  # position of the first sample that belongs to the turn, with its pre-roll


@dataclass(frozen=True, slots=True, eq=False)
class TurnAudio:
    """The next samples of the open turn, in order and without gaps."""

    samples: Samples  # the next of the current turn, in order and without gaps


@dataclass(frozen=True, slots=True, eq=False)
class TurnEndpoint:
    """The turn [start, end) is over; `voiced` tells for each of its hops whether it is speech.

    All of its samples came as TurnAudio, except the silence at its end beyond
    `TurnRules.tail_s`.
    """

    start: int
    end: int
    voiced: NDArray[np.bool_]
    reason: TurnEndReason

    @property
    def speech_end(self) -> int:
        """Position at which speech stopped. The caller notices the time from there to `end`."""
        return self.start + (int(np.flatnonzero(self.voiced)[-1]) + 1) * VOICE_HOP


@dataclass(frozen=True, slots=True)
class FalseOnset:
    """The turn that began here was no speech; its audio is to be discarded."""

    start: int


TurnEvent = TurnOnset | TurnAudio | TurnEndpoint | FalseOnset


class TurnDetector:
    """Detects the turns of one leg. A new expectation or text applies from when it is set."""

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
        self._held_silence: list[Samples] = []  # of those, the ones held back until voice returns
        # Rules converted to hops once: they are used for each hop.
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
        """Whether a turn is open."""
        return self._start is not None

    @property
    def silence_limit_s(self) -> float:
        """Seconds of silence that would end an open turn now.

        For a caller with a clock, when packets stop coming: wait this long, then `close`.
        """
        voiced = self._voiced_count if self.is_open else self._min_voiced_hops
        return self.rules.silence_limit_s(self._expectation, self._completeness, voiced)

    @property
    def pause(self) -> Pause:
        """The trailing silence of the open turn, to measure rules on recordings."""
        return Pause(self._silent_hops, self._voiced_count, self._completeness)

    def set_expectation(self, expectation: Expectation) -> None:
        """Set what the dialogue expects, for the open turn as well."""
        self._expectation = expectation
        self._set_text(self._text)

    def set_partial_text(self, text: str) -> None:
        """Set the words of the open turn so far. Ignored between turns."""
        if self.is_open:
            self._set_text(text)

    def _set_text(self, text: str) -> None:
        self._text = text
        self._completeness = text_completeness(self._expectation, text, self.rules.endings)

    def push(self, samples: Samples, speech: Sequence[float]) -> list[TurnEvent]:
        """Process a whole number of hops, with the probability of speech in each."""
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
        """End an open turn, because no more audio comes for now. `push` may follow later."""
        return [self._end_turn("closed")] if self.is_open else []

    def skip(self, samples: int) -> None:
        """Advance the position over a whole number of lost hops. ValueError inside a turn."""
        if self.is_open or samples < 0 or samples % VOICE_HOP:
            raise ValueError(f"{samples} samples cannot be skipped here")
        self.position += samples
        self._speaking = False
        if samples:
            self._onset_buffer.clear()  # a turn's audio has no gap

    def _await_onset(self, hop: Samples) -> list[TurnEvent]:
        self._onset_buffer.append((hop.copy(), self._speaking))
        if not self._speaking:
            return []
        recent = [voiced for _, voiced in self._onset_buffer][-self.rules.onset_hops :]
        if sum(recent) < self.rules.onset_voiced:
            return []
        first = len(self._onset_buffer) - len(recent) + recent.index(True)
        preroll_and_onset = list(self._onset_buffer)[max(0, first - self._preroll_hops) :]
        self._onset_buffer.clear()
        self._start = self.position - len(preroll_and_onset) * VOICE_HOP
        self._voiced = [voiced for _, voiced in preroll_and_onset]
        self._voiced_count, self._silent_hops = sum(self._voiced), 0
        return [TurnOnset(self._start), *(TurnAudio(samples) for samples, _ in preroll_and_onset)]

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

    def _end_turn(self, reason: TurnEndReason) -> TurnEvent:
        assert self._start is not None
        start, voiced = self._start, np.array(self._voiced, np.bool_)
        self._start, self._voiced, self._held_silence = None, [], []
        self._set_text("")
        # After a cut, speech begins again from the higher threshold, as at any onset.
        self._speaking = False
        if self._voiced_count < self._min_voiced_hops:
            return FalseOnset(start)
        return TurnEndpoint(start, start + len(voiced) * VOICE_HOP, voiced, reason)


def hop_count(seconds: float) -> int:
    """The smallest number of hops that lasts at least `seconds`; at least one."""
    return max(1, ceil(seconds * RATE / VOICE_HOP))


def _merge_audio(events: list[TurnEvent]) -> list[TurnEvent]:
    """Join adjacent TurnAudio events into one, with a copy of their samples."""
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
