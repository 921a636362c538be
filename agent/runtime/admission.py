"""Admission control: limits on sessions and live audio, and the capacity of this machine.

Chat costs little and is bounded by a number. Live audio is bounded by the capacity measured on this
machine at start-up (or by a setting) and by how late the models are at the moment, so that admitted
callers keep their latency.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from agent.inference.messages import ModelCosts, WorkerLoad

CUSTOMER_TALK_SHARE = 0.5  # share of a call in which the customer speaks (both sides together: 1.0)
# Of a core, for each live stream: its packets, and whether there is voice in them; measured at 176.
CORE_SHARE_PER_LEG = 0.0055
MAX_CORE_LOAD = 0.75  # of a core: beyond it, callers at a busy moment wait
MAX_MODELS_LATE_S = 0.25  # models later than this: no caller is admitted
INITIAL_SESSION_S = 120.0  # assumed length of a session, until some have ended
MAX_RETRY_S = 60  # the longest wait that a refused caller is asked for
SMOOTHING = 0.1


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How many sessions and audio legs are admitted at a time."""

    sessions: int
    streams: int  # of live audio


def stream_capacity(costs: ModelCosts, cores: int | None = None) -> int:
    """The number of audio legs this machine can serve, from the models' measured costs.

    With two or more cores the models have one to themselves while another serves the sockets.
    """
    cores = cores or os.cpu_count() or 1
    models_share = CUSTOMER_TALK_SHARE * (costs.encoding + costs.answering)
    leg_share = (
        max(models_share, CORE_SHARE_PER_LEG) if cores > 1 else models_share + CORE_SHARE_PER_LEG
    )
    return max(1, int(MAX_CORE_LOAD / leg_share))


class Admission:
    """Counts of the admitted sessions and audio legs. `add_session` and `remove_session` come in
    pairs."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self.limits = limits
        self.sessions = 0
        self.streams = 0
        self._mean_session_s = INITIAL_SESSION_S

    def sessions_full(self) -> bool:
        """Whether no further session is admitted."""
        return self.sessions >= self.limits.sessions

    def voice_full(self, streams: int, load: WorkerLoad) -> bool:
        """Whether `streams` more audio legs exceed capacity, or the models are late."""
        return self.streams + streams > self.limits.streams or load.late_s > MAX_MODELS_LATE_S

    def add_session(self) -> None:
        """Count one more session."""
        self.sessions += 1

    def add_streams(self, streams: int) -> None:
        """Count the audio legs of an admitted session: known only at hello."""
        self.streams += streams

    def remove_session(self, streams: int, lasted_s: float) -> None:
        """Count one session with its audio legs less, after so many seconds."""
        self.sessions -= 1
        self.streams -= streams
        self._mean_session_s += SMOOTHING * (lasted_s - self._mean_session_s)

    @property
    def retry_s(self) -> int:
        """Expected whole seconds until the next session ends: when a refused caller may retry."""
        return round(min(MAX_RETRY_S, max(1.0, self._mean_session_s / max(1, self.sessions))))
