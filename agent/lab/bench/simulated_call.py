"""One simulated call of a load: its packets, and which answer belongs to which turn.

No socket and no clock: packets are numbered from the beginning of the call, packet k is due at
`started_at + k * packet_s`, and each message is passed in with the time at which it arrived. Held
by tests/agent/lab/bench/test_caller.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from agent.lab.bench.load_plan import LoadPlan, TurnPackets

PARTIAL_PREFIX = b'{"type": "partial"'  # frequent and not needed: counted without parsing
ANSWER_TIMEOUT_S = 6.0  # longer than the server's own deadline, `answer_s`


@dataclass(slots=True)
class SpokenTurn:
    """One turn of a call. Packets [first_packet, last_packet] hold it and its closing silence."""

    first_packet: int
    last_packet: int
    is_ramp_up: bool = False  # excluded from the counts
    answers: list[tuple[float, float]] = field(default_factory=list)  # (due, latency_s)
    missed: bool = False

    @property
    def is_settled(self) -> bool:
        return self.missed or bool(self.answers)


def random_turns(
    plan: LoadPlan, turns: Sequence[TurnPackets], rng: Random
) -> Iterator[tuple[TurnPackets, int]]:
    """Endless turns in random order, each with the number of noise packets that follow it."""
    while True:
        turn = rng.choice(turns)
        yield turn, plan.noise_packets_after(len(turn))


class SimulatedCall:
    """One call, from its first packet on. `script` continues where the last call ended."""

    def __init__(
        self,
        plan: LoadPlan,
        script: Iterator[tuple[TurnPackets, int]],
        started_at: float,
        visitor: bool = False,
        ramp: float | None = None,
    ) -> None:
        """`ramp`: skip this share of the first turn, and do not count that turn."""
        self.plan, self.started_at, self.visitor = plan, started_at, visitor
        self.packets_sent = 0
        self.spoken_turns: list[SpokenTurn] = []
        self.partial_count = 0
        self.error_codes: list[str] = []
        self.ended_at: float | None = None
        self.script = script
        self._packets: Sequence[bytes] = ()
        self._position = self._noise_left = 0  # packet within the turn; noise packets left after it
        # server's turn number -> seconds of audio at its end
        self._turn_ends: dict[int, float] = {}
        self._first_unsettled = 0  # all turns before this index are settled
        self._start_turn()
        if ramp is not None:
            self._skip_share(ramp)

    @property
    def next_due(self) -> float:
        """Due time of the next packet."""
        return self.packet_due(self.packets_sent)

    def packet_due(self, packet: int) -> float:
        return self.started_at + packet * self.plan.packet_s

    def next_packet(self) -> bytes:
        """Take the packet that is due next."""
        if self._position == len(self._packets) and not self._noise_left:
            self._start_turn()
        self.packets_sent += 1
        if self._position < len(self._packets):
            self._position += 1
            return self._packets[self._position - 1]
        self._noise_left -= 1
        return self.plan.voices.noise[self.packets_sent % len(self.plan.voices.noise)]

    def receive(self, message: bytes, received_at: float) -> None:
        """Process a text message from the server."""
        if message.startswith(PARTIAL_PREFIX):
            self.partial_count += 1
            return
        fields: dict[str, Any] = json.loads(message)
        match fields["type"]:
            case "transcript" if "turn_end" in fields:
                self._turn_ends[fields["turn"]] = fields["turn_end"]
            case "understanding" if (end := self._turn_ends.pop(fields["turn"], None)) is not None:
                self._record_answer(self.plan.completing_packet(end), received_at)
            case "error":
                self.error_codes.append(fields["code"])
                if fields["code"] == "missed":
                    self._record_missed(received_at)

    def is_first_turn_done(self, now: float) -> bool:
        """Whether the first turn has ended and is either settled or past the answer timeout."""
        over = self.packet_due(self.spoken_turns[0].last_packet)
        return over < now and (self.spoken_turns[0].is_settled or over + ANSWER_TIMEOUT_S <= now)

    def is_awaiting_answer(self, until: float, now: float) -> bool:
        """Whether an answer to a turn that ended by `until` may still arrive."""
        return self.ended_at is None and any(
            not spoken.is_settled
            and self.packet_due(spoken.last_packet) <= until
            and now < self.packet_due(spoken.last_packet) + ANSWER_TIMEOUT_S
            for spoken in self.spoken_turns[self._first_unsettled :]
        )

    def counted_turns(self, begin: float, end: float) -> Iterator[SpokenTurn]:
        """The turns due to end in [begin, end], except those cut off by the end of the call."""
        for spoken in self.spoken_turns:
            due = self.packet_due(spoken.last_packet)
            is_cut_off = self.ended_at is not None and self.ended_at < due and not spoken.is_settled
            if begin <= due <= end and not is_cut_off and not spoken.is_ramp_up:
                yield spoken

    def _start_turn(self) -> None:
        self._packets, self._noise_left = next(self.script)
        self._position = 0
        over = self.packets_sent + len(self._packets) + self.plan.end_silence_packets - 1
        self.spoken_turns.append(SpokenTurn(self.packets_sent, over))

    def _skip_share(self, share: float) -> None:
        skipped = int(share * (len(self._packets) + self._noise_left))
        in_turn = min(skipped, len(self._packets))
        self._position, self._noise_left = in_turn, self._noise_left - (skipped - in_turn)
        self.spoken_turns[0].last_packet -= skipped
        self.spoken_turns[0].is_ramp_up = True

    def _record_answer(self, packet: int, received_at: float) -> None:
        for spoken in reversed(self.spoken_turns):
            if spoken.first_packet <= packet:
                due = self.packet_due(packet)
                spoken.answers.append((due, received_at - due))
                break
        while (
            self._first_unsettled < len(self.spoken_turns)
            and self.spoken_turns[self._first_unsettled].is_settled
        ):
            self._first_unsettled += 1

    def _record_missed(self, received_at: float) -> None:
        """Mark the oldest unanswered turn as missed: the error does not place the turn."""
        for spoken in self.spoken_turns[self._first_unsettled :]:
            if not spoken.is_settled and self.packet_due(spoken.first_packet) < received_at:
                spoken.missed = True
                break
