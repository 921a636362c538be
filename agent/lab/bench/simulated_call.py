"""What does one caller of a load say, and which answer belongs to which turn?

No socket and no clock: packets are numbered from the beginning of the call, packet k is due at
`start + k * packet_s`, and messages come with the time at which they came. Held by
tests/agent/bench/test_caller.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from agent.lab.bench.load_plan import Plan, Turn

PARTIAL = b'{"type": "partial"'  # many and not needed: counted without being parsed
PATIENCE_S = 6.0  # for an answer: longer than the server's own deadline, `answer_s`


@dataclass(slots=True)
class Spoken:
    """One turn that was said. Packets [begin, over] hold it and the silence that ends it."""

    begin: int
    over: int
    ramp: bool = False  # not to be counted
    answers: list[tuple[float, float]] = field(default_factory=list)  # when due, seconds taken
    missed: bool = False

    @property
    def settled(self) -> bool:
        return self.missed or bool(self.answers)


def conversation(plan: Plan, turns: Sequence[Turn], chance: Random) -> Iterator[tuple[Turn, int]]:
    """Turns in a random order, for ever, each with the packets of noise that follow it."""
    while True:
        turn = chance.choice(turns)
        yield turn, plan.rest_packets(len(turn))


class Call:
    """One call, from its first packet on. `says` goes on where the caller's last call ended."""

    def __init__(
        self,
        plan: Plan,
        says: Iterator[tuple[Turn, int]],
        start: float,
        visitor: bool = False,
        ramp: float | None = None,
    ) -> None:
        """`ramp`: the first turn does not count; this share of it lies before the call."""
        self.plan, self.start, self.visitor = plan, start, visitor
        self.sent = 0
        self.spoken: list[Spoken] = []
        self.partials = 0
        self.errors: list[str] = []
        self.ended: float | None = None
        self.says = says
        self._packets: Sequence[bytes] = ()
        self._at = self._left = 0  # in the turn, and packets of noise after it
        self._ends: dict[int, float] = {}  # turn of the server -> seconds of audio at its end
        self._open = 0  # turns before this one are settled
        self._take()
        if ramp is not None:
            self._skip(ramp)

    @property
    def due(self) -> float:
        """When the next packet is to be sent."""
        return self.due_of(self.sent)

    def due_of(self, packet: int) -> float:
        return self.start + packet * self.plan.packet_s

    def next(self) -> bytes:
        """The packet that is due next."""
        if self._at == len(self._packets) and not self._left:
            self._take()
        self.sent += 1
        if self._at < len(self._packets):
            self._at += 1
            return self._packets[self._at - 1]
        self._left -= 1
        return self.plan.voices.noise[self.sent % len(self.plan.voices.noise)]

    def received(self, message: bytes, at: float) -> None:
        """A text message of the server's came in."""
        if message.startswith(PARTIAL):
            self.partials += 1
            return
        fields: dict[str, Any] = json.loads(message)
        match fields["type"]:
            case "transcript" if "turn_end" in fields:
                self._ends[fields["turn"]] = fields["turn_end"]
            case "understanding" if (end := self._ends.pop(fields["turn"], None)) is not None:
                self._understood(self.plan.completing(end), at)
            case "error":
                self.errors.append(fields["code"])
                if fields["code"] == "missed":
                    self._missed(at)

    def through(self, now: float) -> bool:
        """The first turn is over, and has been answered or will not be any more."""
        over = self.due_of(self.spoken[0].over)
        return over < now and (self.spoken[0].settled or over + PATIENCE_S <= now)

    def waits(self, until: float, now: float) -> bool:
        """Is an answer to a turn that was over by `until` still to be hoped for?"""
        return self.ended is None and any(
            not spoken.settled
            and self.due_of(spoken.over) <= until
            and now < self.due_of(spoken.over) + PATIENCE_S
            for spoken in self.spoken[self._open :]
        )

    def counted(self, begin: float, end: float) -> Iterator[Spoken]:
        """The turns due to be over in [begin, end], but those that a goodbye made pointless."""
        for spoken in self.spoken:
            due = self.due_of(spoken.over)
            cut = self.ended is not None and self.ended < due and not spoken.settled
            if begin <= due <= end and not cut and not spoken.ramp:
                yield spoken

    def _take(self) -> None:
        self._packets, self._left = next(self.says)
        self._at = 0
        over = self.sent + len(self._packets) + self.plan.quiet_packets - 1
        self.spoken.append(Spoken(self.sent, over))

    def _skip(self, share: float) -> None:
        skipped = int(share * (len(self._packets) + self._left))
        in_turn = min(skipped, len(self._packets))
        self._at, self._left = in_turn, self._left - (skipped - in_turn)
        self.spoken[0].over -= skipped
        self.spoken[0].ramp = True

    def _understood(self, packet: int, at: float) -> None:
        for spoken in reversed(self.spoken):
            if spoken.begin <= packet:
                due = self.due_of(packet)
                spoken.answers.append((due, at - due))
                break
        while self._open < len(self.spoken) and self.spoken[self._open].settled:
            self._open += 1

    def _missed(self, at: float) -> None:
        """The notice names the server's turn, not its place: it is the oldest without an answer."""
        for spoken in self.spoken[self._open :]:
            if not spoken.settled and self.due_of(spoken.begin) < at:
                spoken.missed = True
                break
