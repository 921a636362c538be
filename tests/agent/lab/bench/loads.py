"""Plans for tests: turns that are told apart by their bytes."""

from __future__ import annotations

from dataclasses import replace

from agent.lab.bench.load_plan import CallerVoices, LoadPlan

NOISE = (b"n0", b"n1", b"n2")


def turn(packets):
    return tuple(f"t{number}".encode() for number in range(packets))


PLAN = LoadPlan(
    url="ws://127.0.0.1:1/v1/session",
    voices=CallerVoices((turn(100),), (turn(50),), NOISE),
    callers=1,
    seconds=10.0,
    ramp_s=1.0,
    packet_ms=20,
    talk=1.0,
    ahead=47,
)


def plan(**changes):
    return replace(PLAN, **changes)
