"""Turn-taking on one audio leg of a session.

Wraps `audio.turns.TurnDetector` with the numbers a session needs (turn, stream, position) and
watches the recording level for clipping. Counts samples only: where turns begin and end does not
depend on how the audio was cut into packets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core.effects import DiscardTurn, Effect, FeedEncoder, NotifyClient
from agent.core.inputs import AudioReceived
from audio.turns import FalseOnset, TurnAudio, TurnDetector, TurnEndpoint, TurnOnset, TurnRules
from audio.types import RATE, VOICE_HOP, Expectation, Leg, Samples

CLIPPED_LEVEL = 0.999  # a sample at or above this magnitude was cut off by a converter
MAX_CLIPPED_SHARE = 0.01  # of a turn's samples; more leads to a notice


@dataclass(frozen=True, slots=True)
class LegTurnStarted:
    """A turn has started."""

    turn: int


@dataclass(frozen=True, slots=True)
class LegTurnEnded:
    """A turn is complete and can be understood; its stream is still open.

    `voiced_s` is the voice in it, in seconds; `end` is the position after the silence that ended
    it.
    """

    turn: int
    voiced_s: float
    end: int
    spoke_until: int  # position where its voice stopped


@dataclass(frozen=True, slots=True)
class LegTurnDiscarded:
    """A turn that had started was too short to be speech."""

    turn: int


LegTurnChange = LegTurnStarted | LegTurnEnded | LegTurnDiscarded


class LegTurnTaking:
    """Turn-taking on one leg. `next_turn` gives the session's next turn number."""

    def __init__(self, leg: Leg, rules: TurnRules, next_turn: Callable[[], int]) -> None:
        self.leg = leg
        self.open_turn = 0  # number of the open turn; 0 while nobody speaks
        self.last_audio_at = 0.0
        self._detector = TurnDetector(rules)
        self._next_turn = next_turn
        self._next_position = 0
        self._turn_samples = 0
        self._clipped_samples = 0

    @property
    def position(self) -> int:
        """The position of the next sample."""
        return self._detector.position

    def set_expectation(self, expectation: Expectation) -> None:
        """Set what the customer has been asked: it changes how long a silence ends a turn."""
        self._detector.set_expectation(expectation)

    def set_partial_text(self, text: str) -> None:
        """Set the words so far of the open turn: a complete number ends it sooner than a partial
        one."""
        self._detector.set_partial_text(text)

    def push(self, event: AudioReceived, infer_emotion: bool) -> list[Effect | LegTurnChange]:
        """Add audio; return encoder effects and turn changes, in the order they happened."""
        self.last_audio_at = event.at
        return self._convert(
            self._detector.push(event.samples, event.speech_probabilities), infer_emotion
        )

    def end_turn(self) -> list[Effect | LegTurnChange]:
        """End the open turn here, because no more audio comes."""
        return self._convert(self._detector.close(), infer_emotion=False)

    def skip(self, samples: int) -> None:
        """Skip samples that were lost: positions go on after them."""
        self._detector.skip(samples)

    def _convert(
        self,
        turn_events: Sequence[TurnOnset | TurnAudio | TurnEndpoint | FalseOnset],
        infer_emotion: bool,
    ) -> list[Effect | LegTurnChange]:
        changes: list[Effect | LegTurnChange] = []
        for event in turn_events:
            match event:
                case TurnOnset(start):
                    self.open_turn = self._next_turn()
                    self._next_position, self._turn_samples, self._clipped_samples = start, 0, 0
                    changes.append(LegTurnStarted(self.open_turn))
                case TurnAudio(samples):
                    changes.append(self._feed_encoder(samples, infer_emotion))
                case FalseOnset():
                    changes += [DiscardTurn(self.open_turn), LegTurnDiscarded(self.open_turn)]
                    self.open_turn = 0
                case TurnEndpoint(end=end, voiced=voiced, speech_end=until):
                    voiced_s = float(np.count_nonzero(voiced)) * VOICE_HOP / RATE
                    changes += [
                        *self._clipping_notice(),
                        LegTurnEnded(self.open_turn, voiced_s, end, until),
                    ]
                    self.open_turn = 0
        return changes

    def _feed_encoder(self, samples: Samples, infer_emotion: bool) -> FeedEncoder:
        start, self._next_position = self._next_position, self._next_position + len(samples)
        self._turn_samples += len(samples)
        self._clipped_samples += int(np.count_nonzero(np.abs(samples) >= CLIPPED_LEVEL))
        return FeedEncoder(self.open_turn, self.leg, start, samples, infer_emotion)

    def _clipping_notice(self) -> list[NotifyClient]:
        if self._clipped_samples <= MAX_CLIPPED_SHARE * self._turn_samples:
            return []
        share = 100 * self._clipped_samples / self._turn_samples
        text = f"{share:.0f} % of turn {self.open_turn} is clipped: lower the recording gain."
        return [NotifyClient("clipping", text)]
