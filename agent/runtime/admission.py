"""Who is let in, and when should the others come back?

Chat costs little and is bounded by a number. Live audio is bounded by what was measured on this
machine when the server started (or by a setting), and by how the models keep up just now: whoever
is inside keeps their latency.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from agent.inference.messages import Costs, Load

TALK = 0.5  # share of a call in which the customer has the word (both together: 1.0)
# Of a core, for each live stream: its packets, and whether there is voice in them; measured at 176.
LISTENING = 0.0055
FULL = 0.75  # of a core: beyond it, whoever comes at a bad moment waits
LATE_S = 0.25  # models that are later than this let nobody in
USUAL_S = 120.0  # a conversation, until some have ended
LONGEST_S = 60  # that anybody is told to wait
SMOOTH = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    sessions: int
    streams: int  # of live audio


def capacity(costs: Costs, cores: int | None = None) -> int:
    """How many streams of live audio this machine can bear, by what hearing costs on it.

    One core hears with the encoder while another serves the sockets, as far as there are two.
    """
    cores = cores or os.cpu_count() or 1
    models = TALK * (costs.encoding + costs.answering)
    each = max(models, LISTENING) if cores > 1 else models + LISTENING
    return max(1, int(FULL / each))


class Admission:
    """The callers inside. `enter` and `leave` come in pairs."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sessions = 0
        self.streams = 0
        self._usual_s = USUAL_S

    def full(self) -> bool:
        """Nobody more."""
        return self.sessions >= self.limits.sessions

    def deaf(self, streams: int, load: Load) -> bool:
        """Nobody more who wants to be heard, on so many streams."""
        return self.streams + streams > self.limits.streams or load.late_s > LATE_S

    def enter(self) -> None:
        self.sessions += 1

    def listen(self, streams: int) -> None:
        """A session that has entered turns out to have live audio."""
        self.streams += streams

    def leave(self, streams: int, after_s: float) -> None:
        self.sessions -= 1
        self.streams -= streams
        self._usual_s += SMOOTH * (after_s - self._usual_s)

    @property
    def wait_s(self) -> int:
        """Until somebody usually leaves, in whole seconds."""
        return round(min(LONGEST_S, max(1.0, self._usual_s / max(1, self.sessions))))
