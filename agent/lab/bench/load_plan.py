"""What is a load: who says what, how fast, and for how long? And what came of it?

A `Plan` goes into the process that makes the load (agent/lab/bench/load.py), an `Outcome` comes
out.

A turn is *due to be over* with the packet that completes its end-of-turn silence. `completing`
finds that packet exactly: the server judges whole voice hops at 16 kHz, and its resampler holds
back a constant number of input samples, which `lookahead` measures on the resampler itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

TELEPHONE_RATE = 8000  # a telephone line, mu-law: one byte a sample

# Of line noise after every turn. Longer than any patience of the turn-taking (audio/turns.py: 1.0 s
# after a question for digits), so that a turn never runs into the next one.
END_SILENCE_S = 1.6

TurnPackets = tuple[bytes, ...]  # packets of one turn, the last filled up with line noise


@dataclass(frozen=True, slots=True)
class CallerVoices:
    """What can be said, cut into packets."""

    turns: tuple[TurnPackets, ...]
    short: tuple[TurnPackets, ...]  # for the warm-up, and for callers who come and go
    noise: tuple[bytes, ...]  # of a quiet line, to be repeated


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One load. Seconds; `ramp_s` passes before anything counts, `seconds` is what counts."""

    url: str
    voices: CallerVoices
    callers: int
    seconds: float
    ramp_s: float
    packet_ms: int
    talk: float
    ahead: int  # input samples that the server's resampler holds back
    churn: float = 0.0  # callers a second who come and go during the second half
    speak: bool = False  # answers are spoken, too
    first_counts: bool = False  # the first turn of each caller is no ramp
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
        """Packets of noise after a turn of so many, such that turn and silence are `talk` of it."""
        over = turn_packets + self.end_silence_packets
        return self.end_silence_packets + round(over / self.talk) - over

    def completing_packet(self, end_s: float) -> int:
        """Which packet brings the last sample needed to hear up to `end_s` of the leg's audio."""
        return ceil((round(end_s * TELEPHONE_RATE) + self.ahead) / self.packet_samples) - 1


@dataclass(frozen=True, slots=True)
class TurnLatency:
    """One turn that was understood: `at` seconds into what counts, and how long it took."""

    at_s: float
    latency_s: float
    visitor: bool  # of a caller who came and went


@dataclass(slots=True)
class LoadOutcome:
    """What came of a load: of the seconds that count, if nothing else is said."""

    answers: list[TurnLatency] = field(default_factory=list)
    spoken: int = 0  # turns said
    answered: int = 0  # of them, with at least one understanding
    missed: int = 0  # the server said that it could not understand
    unanswered: int = 0  # nothing came
    partials: int = 0
    packets: int = 0
    calls: int = 0  # from the start: callers, those who called again, and visitors
    refused: dict[str, int] = field(default_factory=dict)  # from the start, by status and reason
    closed: dict[str, int] = field(default_factory=dict)  # likewise, other than with 1000
    errors: dict[str, int] = field(default_factory=dict)  # error messages from the start, by code
    lag_p99_ms: float = 0.0  # how late packets were sent
    cpu_s: float = 0.0  # of the process that made the load
    seconds: float = 0.0
