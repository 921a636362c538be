"""Plan and outcome of a load.

A `LoadPlan` is sent to the load process (agent/lab/bench/load.py), which returns a `LoadOutcome`.

A turn is *due to end* with the packet that completes its end-of-turn silence. `completing_packet`
finds that packet exactly: the server judges whole voice hops at 16 kHz, and its resampler holds
back a constant number of input samples, which `resampler_lookahead` measures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

TELEPHONE_RATE = 8000  # samples per second; mu-law: one byte per sample

# Seconds of line noise after every turn. Longer than any endpointing delay (audio/turns.py: 1.0 s
# after a question for digits), so that the server never joins two turns.
END_SILENCE_S = 1.6

TurnPackets = tuple[bytes, ...]  # packets of one turn, the last padded with line noise


@dataclass(frozen=True, slots=True)
class CallerVoices:
    """The audio that callers send, as packets."""

    turns: tuple[TurnPackets, ...]
    short: tuple[TurnPackets, ...]  # for the warm-up, and for the short calls of churn
    noise: tuple[bytes, ...]  # line noise, to be repeated


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One load: `seconds` are measured, after a ramp of `ramp_s` that is not."""

    url: str
    voices: CallerVoices
    callers: int
    seconds: float
    ramp_s: float
    packet_ms: int
    talk: float
    ahead: int  # look-ahead: input samples held back by the server's resampler
    churn: float = 0.0  # additional short calls per second, in the second half
    speak: bool = False  # the server also synthesises its answers
    first_counts: bool = False  # count the first turn of each caller, too
    seed: int = 0

    @property
    def packet_s(self) -> float:
        return self.packet_ms / 1000

    @property
    def packet_samples(self) -> int:
        return self.packet_ms * TELEPHONE_RATE // 1000

    @property
    def end_silence_packets(self) -> int:
        return ceil(END_SILENCE_S / self.packet_s)

    def noise_packets_after(self, turn_packets: int) -> int:
        """Noise packets after a turn, so that turn and end silence are the share `talk`."""
        over = turn_packets + self.end_silence_packets
        return self.end_silence_packets + round(over / self.talk) - over

    def completing_packet(self, end_s: float) -> int:
        """The packet with the last sample that the server needs to judge audio up to `end_s`."""
        return ceil((round(end_s * TELEPHONE_RATE) + self.ahead) / self.packet_samples) - 1


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """Latency of one understood turn, due `at_s` seconds after the start of the measurement."""

    at_s: float
    latency_s: float
    visitor: bool  # from one of the short calls of churn


@dataclass(slots=True)
class LoadOutcome:
    """Counts of a load: of its measured seconds, unless a field says otherwise."""

    answers: list[TurnLatency] = field(default_factory=list)
    spoken: int = 0  # turns sent
    answered: int = 0  # of these, with at least one understanding
    missed: int = 0  # the server reported that understanding failed
    unanswered: int = 0  # no reply of either kind
    partials: int = 0
    packets: int = 0
    calls: int = 0  # from the start: callers, repeated calls and short calls
    refused: dict[str, int] = field(default_factory=dict)  # from the start, by status and reason
    closed: dict[str, int] = field(default_factory=dict)  # likewise, other codes than 1000
    errors: dict[str, int] = field(default_factory=dict)  # error messages from the start, by code
    lag_p99_ms: float = 0.0  # lateness of sent packets
    cpu_s: float = 0.0  # of the load process
    seconds: float = 0.0
