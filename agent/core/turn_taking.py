"""What is one leg of a conversation doing: quiet, or in the middle of which turn?

Wraps turn-taking with the numbers a session needs (turn, stream, position) and watches the
recording level. Counts samples only; the cut points do not depend on packets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core.events import Effect, Forget, Heard, Listen, Notify
from audio.turns import TurnAudio, TurnBegan, TurnDetector, TurnDropped, TurnEnded, TurnRules
from audio.types import RATE, VOICE_HOP, Expectation, Leg, Samples

CLIPPED = 0.999  # a sample at or above this magnitude was cut off by a converter
CLIPPED_SHARE = 0.01  # of a turn's samples, before we say so


@dataclass(frozen=True, slots=True)
class Began:
    turn: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn is complete and can be understood; its stream is still open.

    `end` is the position of the sample after the silence that ended it.
    """

    turn: int
    voiced_s: float
    end: int
    spoke_until: int  # position where its voice stopped


@dataclass(frozen=True, slots=True)
class Dropped:
    turn: int


TurnChange = Began | Ended | Dropped


class LegHearing:
    """Turn-taking on one leg. `number` gives the next turn number of the session."""

    def __init__(self, leg: Leg, rules: TurnRules, number: Callable[[], int]) -> None:
        self.leg = leg
        self.turn = 0  # 0 while nobody speaks
        self.heard_at = 0.0
        self._detector = TurnDetector(rules)
        self._number = number
        self._fed = 0
        self._length = 0
        self._clipped = 0

    def expect(self, expectation: Expectation) -> None:
        self._detector.expect(expectation)

    def partial(self, text: str) -> None:
        """Words so far: a number that is complete ends sooner than one that is not."""
        self._detector.partial(text)

    def push(self, event: Heard, feel: bool) -> list[Effect | TurnChange]:
        """Audio in; what to send to the encoder and what changed, in the order it happened."""
        self.heard_at = event.at
        return self._follow(self._detector.push(event.samples, event.speech), feel)

    def cut(self) -> list[Effect | TurnChange]:
        """Packets have stopped in the middle of a turn: it ends here."""
        return self._follow(self._detector.close(), feel=False)

    def skip(self, samples: int) -> None:
        """So many samples were never heard: positions go on after them."""
        self._detector.skip(samples)

    def _follow(
        self, found: Sequence[TurnBegan | TurnAudio | TurnEnded | TurnDropped], feel: bool
    ) -> list[Effect | TurnChange]:
        out: list[Effect | TurnChange] = []
        for event in found:
            match event:
                case TurnBegan(start):
                    self.turn = self._number()
                    self._fed, self._length, self._clipped = start, 0, 0
                    out.append(Began(self.turn))
                case TurnAudio(samples):
                    out.append(self._listen(samples, feel))
                case TurnDropped():
                    out += [Forget(self.turn), Dropped(self.turn)]
                    self.turn = 0
                case TurnEnded(end=end, voiced=voiced, spoke_until=until):
                    voiced_s = float(np.count_nonzero(voiced)) * VOICE_HOP / RATE
                    out += [*self._levels(), Ended(self.turn, voiced_s, end, until)]
                    self.turn = 0
        return out

    def _listen(self, samples: Samples, feel: bool) -> Listen:
        start, self._fed = self._fed, self._fed + len(samples)
        self._length += len(samples)
        self._clipped += int(np.count_nonzero(np.abs(samples) >= CLIPPED))
        return Listen(self.turn, self.leg, start, samples, feel)

    def _levels(self) -> list[Notify]:
        if self._clipped <= CLIPPED_SHARE * self._length:
            return []
        share = 100 * self._clipped / self._length
        text = f"{share:.0f} % of turn {self.turn} is clipped: lower the recording gain."
        return [Notify("clipping", text)]
