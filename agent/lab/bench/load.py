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

from agent.lab.bench.load_connection import LoadConnection, websocket_frame
from agent.lab.bench.load_plan import LoadOutcome, LoadPlan, TurnLatency, TurnPackets
from agent.lab.bench.simulated_call import ANSWER_TIMEOUT_S, SimulatedCall, random_turns
from agent.lab.bench.timer_queue import TimerQueue

SEND_WINDOW_S = 0.001  # packets due within it are sent together
JOIN_SHARE = 0.8  # of the ramp: callers join spread over it
MAX_LAG_MS = 2000  # lags are counted by the millisecond; greater ones as this
CONNECT_TIMEOUT_S = 10.0
GOODBYE_TIMEOUT_S = 3.0
POLL_S = 0.1  # how often it is looked whether all answers have come

TurnScript = Iterator[tuple[TurnPackets, int]]
EmitEvent = Callable[[dict[str, object]], None]


class LoadGenerator:
    """All callers of one load, and what is counted of them."""

    def __init__(self, plan: LoadPlan, emit: EmitEvent) -> None:
        self.plan = plan
        self.outcome = LoadOutcome(seconds=plan.seconds)
        self._emit = emit
        self._uri = parse_uri(plan.url)
        self._rng = Random(plan.seed)
        self._timers = TimerQueue()
        self._connections: set[LoadConnection] = set()
        self._calls: list[SimulatedCall] = []
        self._lag_counts = [0] * (MAX_LAG_MS + 1)
        self._refusals: Counter[str] = Counter()
        self._closures: Counter[str] = Counter()
        self._counting = self._finished = self._leaving = False
        self._all_left = asyncio.Event()  # everybody has left

    async def run(self) -> LoadOutcome:
        """Make the load; returns when it is over and everybody has hung up."""
        self._loop = asyncio.get_running_loop()
        begin = self._loop.time()
        self._counting_from = begin + self.plan.ramp_s
        self._counting_until = self._counting_from + self.plan.seconds
        self._schedule_callers(begin)
        async with asyncio.TaskGroup() as self._tasks:
            while not self._finished:
                coming = self._timers.run_due(self._loop.time())
                wait = SEND_WINDOW_S if coming is None else coming - self._loop.time()
                await asyncio.sleep(max(wait, SEND_WINDOW_S))
        self._collect_outcome()
        await self._close_all()
        return self.outcome

    # -- coming and going ----------------------------------------------------------------------

    def _schedule_callers(self, begin: float) -> None:
        plan, spread = self.plan, JOIN_SHARE * self.plan.ramp_s
        for number in range(plan.callers):
            at = begin + spread * (number + self._rng.random()) / plan.callers
            script = random_turns(plan, plan.voices.turns, Random(f"{plan.seed}/{number}"))
            ramp = None if plan.first_counts else self._rng.random()
            self._timers.add(at, partial(self._join, script, ramp))
        if plan.churn:
            self._timers.add(self._counting_from + plan.seconds / 2, self._add_visitor)
        self._timers.add(self._counting_from, self._start_counting)
        self._timers.add(self._counting_until, self._stop_counting)
        self._timers.add(begin, self._emit_tick)

    def _join(self, script: TurnScript, ramp: float | None, due: float) -> None:
        self._tasks.create_task(self._connect(script, False, ramp))

    def _add_visitor(self, due: float) -> float | None:
        if due >= self._counting_until:
            return None
        turn = self._rng.choice(self.plan.voices.short)
        rest = self.plan.end_silence_packets + round((ANSWER_TIMEOUT_S + 1) / self.plan.packet_s)
        self._tasks.create_task(self._connect(iter([(turn, rest)]), True, None))
        return due + 1 / self.plan.churn

    async def _connect(self, script: TurnScript, visitor: bool, ramp: float | None) -> None:
        on_open = partial(self._start_call, script, visitor, ramp)
        connection = LoadConnection(self._uri, self.plan.speak, on_open, self._connection_closed)
        self._connections.add(connection)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._loop.create_connection(
                    lambda: connection, self._uri.host, self._uri.port, ssl=self._uri.secure or None
                )
        except (OSError, TimeoutError):
            self._refusals["unreachable"] += 1
            self._connections.discard(connection)

    def _start_call(
        self, script: TurnScript, visitor: bool, ramp: float | None, connection: LoadConnection
    ) -> SimulatedCall:
        call = SimulatedCall(self.plan, script, self._loop.time(), visitor, ramp)
        self._calls.append(call)
        self._timers.add(call.next_due, partial(self._send_packet, connection, call))
        return call

    def _send_packet(
        self, connection: LoadConnection, call: SimulatedCall, due: float
    ) -> float | None:
        if not connection.is_open:
            return None
        if call.visitor and call.is_first_turn_done(due):
            connection.say_goodbye()
            return None
        connection.send_packet()
        if self._counting:
            self.outcome.packets += 1
            self._lag_counts[min(int(1000 * (self._loop.time() - due)), MAX_LAG_MS)] += 1
        return call.next_due

    def _connection_closed(self, connection: LoadConnection, reason: str) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_left.set()
        if connection.call is None:
            self._refusals[reason] += 1
            return
        connection.call.ended_at = self._loop.time()
        if self._leaving or connection.call.visitor and reason.startswith("1000"):
            return
        if reason.startswith("1000"):  # the conversation has ended, the caller has more to say
            self._tasks.create_task(self._connect(connection.call.script, False, None))
        else:
            self._closures[reason] += 1

    async def _close_all(self) -> None:
        self._leaving = True
        for line in list(self._connections):
            line.say_goodbye()
        try:
            async with asyncio.timeout(GOODBYE_TIMEOUT_S if self._connections else 0):
                await self._all_left.wait()
        except TimeoutError:
            for line in list(self._connections):
                line.abort()

    # -- counting ------------------------------------------------------------------------------

    def _emit_tick(self, due: float) -> float:
        self._emit(
            {"event": "tick", "at": due - self._counting_from, "lines": len(self._connections)}
        )
        return due + 1

    def _start_counting(self, due: float) -> None:
        self._counting = True
        self.outcome.cpu_s = -time.process_time()
        self.outcome.partials = -sum(call.partial_count for call in self._calls)
        self._emit({"event": "steady"})

    def _stop_counting(self, due: float) -> None:
        self._counting = False
        self.outcome.cpu_s += time.process_time()
        self.outcome.partials += sum(call.partial_count for call in self._calls)
        self._emit({"event": "counted"})
        self._timers.add(due, self._check_finished)

    def _check_finished(self, due: float) -> float:
        now = self._loop.time()
        self._finished = not any(
            call.is_awaiting_answer(self._counting_until, now) for call in self._calls
        )
        return now + POLL_S

    def _collect_outcome(self) -> None:
        outcome = self.outcome
        for call in self._calls:
            for turn in call.counted_turns(self._counting_from, self._counting_until):
                outcome.spoken += 1
                outcome.answered += bool(turn.answers)
                outcome.missed += turn.missed
                outcome.unanswered += not turn.is_settled
                outcome.answers += [
                    TurnLatency(due - self._counting_from, took, call.visitor)
                    for due, took in turn.answers
                ]
        unanswered_handshakes = sum(line.call is None for line in self._connections)
        self._refusals["no answer to the handshake"] += unanswered_handshakes
        outcome.calls = len(self._calls)
        outcome.refused, outcome.closed = dict(+self._refusals), dict(self._closures)
        outcome.errors = dict(Counter(code for call in self._calls for code in call.error_codes))
        outcome.lag_p99_ms = _quantile_of_counts(self._lag_counts, 0.99)


def _quantile_of_counts(counts: list[int], share: float) -> float:
    """Of values counted by their whole part: the upper edge of the one that has the share below."""
    below, wanted = 0, share * sum(counts)
    for value, count in enumerate(counts):
        below += count
        if below >= wanted and count:
            return value + 1.0
    return 0.0


def _with_framed_packets(plan: LoadPlan) -> LoadPlan:
    """Packets as they go over the socket, made once and not each time they are sent."""
    voices = plan.voices
    return replace(
        plan,
        voices=replace(
            voices,
            turns=tuple(tuple(websocket_frame(packet) for packet in turn) for turn in voices.turns),
            short=tuple(tuple(websocket_frame(packet) for packet in turn) for turn in voices.short),
            noise=tuple(websocket_frame(packet) for packet in voices.noise),
        ),
    )


def main() -> None:
    plan: LoadPlan = pickle.load(sys.stdin.buffer)

    def emit(event: dict[str, object]) -> None:
        print(json.dumps(event), flush=True)

    outcome = asyncio.run(LoadGenerator(_with_framed_packets(plan), emit).run())
    emit({"event": "outcome"} | asdict(outcome))


if __name__ == "__main__":
    main()
