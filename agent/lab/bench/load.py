"""`python -m agent.lab.bench.load`: a load on a server, made by a process of its own.

The plan comes pickled on standard input; JSON lines go to standard output: `steady` when everybody
has joined and turns begin to count, `tick` every second, `counted` when they no longer do, and
`outcome`. One loop sends what is due for all callers. Packets are sent at their times whatever the
server does, and an answer's time counts from when its packet was due: a server that falls behind
cannot make the load lighter, nor hide waiting in front of the socket. How late this process was
itself is part of the outcome. It imports no model and no torch.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from random import Random

from websockets.uri import parse_uri

from agent.lab.bench.load_connection import Line, framed
from agent.lab.bench.load_plan import Answer, Outcome, Plan, Turn
from agent.lab.bench.simulated_call import PATIENCE_S, Call, conversation
from agent.lab.bench.timer_queue import Agenda

TICK_S = 0.001  # packets due within it are sent together
JOINING = 0.8  # of the ramp: callers join spread over it
LATEST_MS = 2000  # lags are counted by the millisecond; greater ones as this
CONNECT_S = 10.0
GOODBYE_S = 3.0
LOOK_S = 0.1  # how often it is looked whether all answers have come

Says = Iterator[tuple[Turn, int]]
Tell = Callable[[dict[str, object]], None]


class Load:
    """All callers of one load, and what is counted of them."""

    def __init__(self, plan: Plan, tell: Tell) -> None:
        self.plan = plan
        self.outcome = Outcome(seconds=plan.seconds)
        self._tell = tell
        self._uri = parse_uri(plan.url)
        self._chance = Random(plan.seed)
        self._agenda = Agenda()
        self._lines: set[Line] = set()
        self._calls: list[Call] = []
        self._lags = [0] * (LATEST_MS + 1)
        self._refused: Counter[str] = Counter()
        self._closed: Counter[str] = Counter()
        self._counting = self._over = self._leaving = False
        self._gone = asyncio.Event()  # everybody has left

    async def run(self) -> Outcome:
        """Make the load; returns when it is over and everybody has hung up."""
        self._loop = asyncio.get_running_loop()
        begin = self._loop.time()
        self._steady = begin + self.plan.ramp_s
        self._until = self._steady + self.plan.seconds
        self._invite(begin)
        async with asyncio.TaskGroup() as self._tasks:
            while not self._over:
                coming = self._agenda.run(self._loop.time())
                wait = TICK_S if coming is None else coming - self._loop.time()
                await asyncio.sleep(max(wait, TICK_S))
        self._count()
        await self._hang_up()
        return self.outcome

    # -- coming and going ----------------------------------------------------------------------

    def _invite(self, begin: float) -> None:
        plan, spread = self.plan, JOINING * self.plan.ramp_s
        for number in range(plan.callers):
            at = begin + spread * (number + self._chance.random()) / plan.callers
            says = conversation(plan, plan.voices.turns, Random(f"{plan.seed}/{number}"))
            ramp = None if plan.first_counts else self._chance.random()
            self._agenda.add(at, partial(self._join, says, ramp))
        if plan.churn:
            self._agenda.add(self._steady + plan.seconds / 2, self._visit)
        self._agenda.add(self._steady, self._count_from_now)
        self._agenda.add(self._until, self._count_no_more)
        self._agenda.add(begin, self._tick)

    def _join(self, says: Says, ramp: float | None, due: float) -> None:
        self._tasks.create_task(self._dial(says, False, ramp))

    def _visit(self, due: float) -> float | None:
        if due >= self._until:
            return None
        turn = self._chance.choice(self.plan.voices.short)
        rest = self.plan.quiet_packets + round((PATIENCE_S + 1) / self.plan.packet_s)
        self._tasks.create_task(self._dial(iter([(turn, rest)]), True, None))
        return due + 1 / self.plan.churn

    async def _dial(self, says: Says, visitor: bool, ramp: float | None) -> None:
        opened = partial(self._opened, says, visitor, ramp)
        line = Line(self._uri, self.plan.speak, opened, self._left)
        self._lines.add(line)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._loop.create_connection(
                    lambda: line, self._uri.host, self._uri.port, ssl=self._uri.secure or None
                )
        except (OSError, TimeoutError):
            self._refused["unreachable"] += 1
            self._lines.discard(line)

    def _opened(self, says: Says, visitor: bool, ramp: float | None, line: Line) -> Call:
        call = Call(self.plan, says, self._loop.time(), visitor, ramp)
        self._calls.append(call)
        self._agenda.add(call.due, partial(self._send, line, call))
        return call

    def _send(self, line: Line, call: Call, due: float) -> float | None:
        if not line.live:
            return None
        if call.visitor and call.through(due):
            line.hang_up()
            return None
        line.send_packet()
        if self._counting:
            self.outcome.packets += 1
            self._lags[min(int(1000 * (self._loop.time() - due)), LATEST_MS)] += 1
        return call.due

    def _left(self, line: Line, how: str) -> None:
        self._lines.discard(line)
        if not self._lines:
            self._gone.set()
        if line.call is None:
            self._refused[how] += 1
            return
        line.call.ended = self._loop.time()
        if self._leaving or line.call.visitor and how.startswith("1000"):
            return
        if how.startswith("1000"):  # the conversation has ended, the caller has more to say
            self._tasks.create_task(self._dial(line.call.says, False, None))
        else:
            self._closed[how] += 1

    async def _hang_up(self) -> None:
        self._leaving = True
        for line in list(self._lines):
            line.hang_up()
        try:
            async with asyncio.timeout(GOODBYE_S if self._lines else 0):
                await self._gone.wait()
        except TimeoutError:
            for line in list(self._lines):
                line.drop()

    # -- counting ------------------------------------------------------------------------------

    def _tick(self, due: float) -> float:
        self._tell({"event": "tick", "at": due - self._steady, "lines": len(self._lines)})
        return due + 1

    def _count_from_now(self, due: float) -> None:
        self._counting = True
        self.outcome.cpu_s = -time.process_time()
        self.outcome.partials = -sum(call.partials for call in self._calls)
        self._tell({"event": "steady"})

    def _count_no_more(self, due: float) -> None:
        self._counting = False
        self.outcome.cpu_s += time.process_time()
        self.outcome.partials += sum(call.partials for call in self._calls)
        self._tell({"event": "counted"})
        self._agenda.add(due, self._look)

    def _look(self, due: float) -> float:
        now = self._loop.time()
        self._over = not any(call.waits(self._until, now) for call in self._calls)
        return now + LOOK_S

    def _count(self) -> None:
        outcome = self.outcome
        for call in self._calls:
            for turn in call.counted(self._steady, self._until):
                outcome.spoken += 1
                outcome.answered += bool(turn.answers)
                outcome.missed += turn.missed
                outcome.unanswered += not turn.settled
                outcome.answers += [
                    Answer(due - self._steady, took, call.visitor) for due, took in turn.answers
                ]
        silent = sum(line.call is None for line in self._lines)
        self._refused["no answer to the handshake"] += silent
        outcome.calls = len(self._calls)
        outcome.refused, outcome.closed = dict(+self._refused), dict(self._closed)
        outcome.errors = dict(Counter(code for call in self._calls for code in call.errors))
        outcome.lag_p99_ms = _quantile(self._lags, 0.99)


def _quantile(counts: list[int], share: float) -> float:
    """Of values counted by their whole part: the upper edge of the one that has the share below."""
    below, wanted = 0, share * sum(counts)
    for value, count in enumerate(counts):
        below += count
        if below >= wanted and count:
            return value + 1.0
    return 0.0


def _as_frames(plan: Plan) -> Plan:
    """Packets as they go over the socket, made once and not each time they are sent."""
    voices = plan.voices
    return replace(
        plan,
        voices=replace(
            voices,
            turns=tuple(tuple(framed(packet) for packet in turn) for turn in voices.turns),
            short=tuple(tuple(framed(packet) for packet in turn) for turn in voices.short),
            noise=tuple(framed(packet) for packet in voices.noise),
        ),
    )


def main() -> None:
    plan: Plan = pickle.load(sys.stdin.buffer)

    def tell(event: dict[str, object]) -> None:
        print(json.dumps(event), flush=True)

    outcome = asyncio.run(Load(_as_frames(plan), tell).run())
    tell({"event": "outcome"} | asdict(outcome))


if __name__ == "__main__":
    main()
