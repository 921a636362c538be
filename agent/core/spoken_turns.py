"""Spoken turns of all legs of one session, from their audio to the requests to understand them.

Each leg takes turns by itself (agent/core/turn_taking.py). A customer who begins to speak stops the
bot's replies; a turn that was no speech after all lets them go on
(tests/agent/core/test_session.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from agent.core.effects import Effect, ShowPartialText
from agent.core.inputs import AudioReceived, PartialTextReceived
from agent.core.session_state import SessionState
from agent.core.turn_taking import (
    LegTurnChange,
    LegTurnDiscarded,
    LegTurnEnded,
    LegTurnStarted,
    LegTurnTaking,
)
from agent.core.understanding_requests import UnderstandingRequests
from audio.turns import TurnRules
from audio.types import Leg


class SpokenTurns:
    """The turns that are spoken on the legs of one session."""

    def __init__(
        self, state: SessionState, requests: UnderstandingRequests, stalled_s: float
    ) -> None:
        """`stalled_s` without audio, in the middle of a turn, end it."""
        self._state = state
        self._requests = requests
        self._stalled_s = stalled_s

    def open(self, legs: Sequence[Leg], rules: TurnRules) -> None:
        """Begin to take turns on these legs."""
        self._state.legs = {leg: LegTurnTaking(leg, rules, self._state.next_turn) for leg in legs}

    @property
    def deadline(self) -> float:
        """When the first open turn has stalled, in session seconds; infinite without one."""
        return min((self._stalls_at(leg) for leg in self._open_legs()), default=math.inf)

    def add_audio(self, event: AudioReceived) -> list[Effect]:
        """Add audio of one leg; return the effects of the turns that begin and end in it."""
        leg = self._state.legs[event.leg]
        changes = leg.push(event, self._state.may_infer_emotion(event.leg))
        return self._apply_changes(leg, changes, event.at)

    def show_partial_text(self, event: PartialTextReceived) -> list[Effect]:
        """Show the words so far of an open turn."""
        for leg in self._open_legs():
            if leg.open_turn == event.stream:
                leg.set_partial_text(event.text)
                return [ShowPartialText(leg.open_turn, leg.leg, event.text)]
        return []  # the turn has ended meanwhile: its final transcript will come

    def end_stalled(self, at: float) -> list[Effect]:
        """End the open turns whose audio has failed to come for too long."""
        return self._end([leg for leg in self._open_legs() if at >= self._stalls_at(leg)], at)

    def end_open(self, at: float) -> list[Effect]:
        """End the open turns, because their connection is gone."""
        return self._end(self._open_legs(), at)

    def skip(self, samples: int) -> None:
        """Skip samples that were lost on every leg: positions go on after them."""
        for leg in self._state.legs.values():
            leg.skip(samples)

    def _open_legs(self) -> list[LegTurnTaking]:
        return [leg for leg in self._state.legs.values() if leg.open_turn]

    def _stalls_at(self, leg: LegTurnTaking) -> float:
        return leg.last_audio_at + self._stalled_s

    def _end(self, legs: Sequence[LegTurnTaking], at: float) -> list[Effect]:
        effects: list[Effect] = []
        for leg in legs:
            effects += self._apply_changes(leg, leg.end_turn(), at)
        return effects

    def _apply_changes(
        self, leg: LegTurnTaking, changes: Sequence[Effect | LegTurnChange], at: float
    ) -> list[Effect]:
        effects: list[Effect] = []
        for event in changes:
            match event:
                case LegTurnStarted():
                    effects += self._state.playback.barge_in() if leg.leg == "customer" else []
                case LegTurnEnded():
                    effects.append(self._requests.add_spoken(event, leg.leg, at))
                case LegTurnDiscarded():
                    effects += self._state.resume_after_noise(at)
                case _:
                    effects.append(event)
        return effects
