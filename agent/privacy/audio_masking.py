"""Which sound of a conversation may be written now, and what of it must be silence?

A leg's sound is held back for a second, and while a turn is heard or its meaning is not known yet.
When it is, what was private in it is silenced; the whole turn where a number had been asked for, or
was in words on the way and is not in the last ones, or where nobody knows what was said. What is
written is written once and in order (tests/agent/test_tape.py).
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.core import events as e
from agent.privacy.redaction_record import Redaction
from audio.types import RATE, Samples
from dialogs.pack.privacy_rules import Kind

HELD = RATE  # samples held at least: a turn begins up to 0.7 s before it is noticed
PAD = RATE * 15 // 100  # samples around private words that are silenced, too
MOST = 120 * RATE  # samples of a leg that are held at most; what is older is silenced
CLOSED = frozenset({"choice", "yes_no", "name"})  # questions that no number answers
AMOUNTS: frozenset[Kind] = frozenset({"code"})  # or so it seems while they are still being said


@dataclass(frozen=True, slots=True)
class Piece:
    """Sound of a leg from position `start`, as it may be kept."""

    leg: str
    start: int
    samples: Samples


@dataclass(slots=True)
class _Turn:
    stream: int
    leg: str
    start: int
    end: int
    private: bool = False  # a number was asked for
    seen: set[Kind] = field(default_factory=set)  # what words on the way held: the last may not
    plain: frozenset[Kind] = frozenset()  # of these, what is no secret where this was asked


@dataclass(slots=True)
class _Held:
    """One leg: its sound that is not out yet, and which of it will be silence."""

    at: int  # position of what comes next
    chunks: deque[tuple[int, Samples]] = field(default_factory=deque)
    silent: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.chunks[0][0] if self.chunks else self.at


class Tape:
    """All legs of one conversation. Inputs and effects are told in the order they happened."""

    def __init__(self, legs: Iterable[str], starts: Mapping[str, int] | None = None) -> None:
        """`starts` are the positions that legs begin with, 0 where not said."""
        self._legs = {leg: _Held((starts or {}).get(leg, 0)) for leg in legs}
        self._open: dict[int, _Turn] = {}  # by stream
        self._asked: dict[int, _Turn] = {}  # by question

    def push(
        self, event: e.Input, effects: Sequence[e.Effect], redactions: Sequence[Redaction]
    ) -> list[Piece]:
        """What may be written, now that this happened."""
        match event:
            case e.Heard(leg=leg, samples=samples):
                self._hear(leg, samples)
            case e.Resumed(missed=missed):
                for held in self._legs.values():
                    held.at += missed
            case e.Partial(stream=stream):
                for turn in (*self._open.values(), *self._asked.values()):
                    if turn.stream == stream:
                        turn.seen |= {one.kind for one in redactions}
            case e.Understood(ask=ask):
                self._judged(ask, redactions)
            case e.Missed(ask=ask):
                self._judged(ask, None)
        for effect in effects:
            self._follow(effect)
        return [piece for leg in self._legs for piece in self._out(leg, self._until(leg))]

    def close(self) -> list[Piece]:
        """The rest. Turns that nobody has understood are silence."""
        for turn in (*self._open.values(), *self._asked.values()):
            self._silence(turn.leg, turn.start - PAD, self._legs[turn.leg].at)
        self._open.clear()
        self._asked.clear()
        return [piece for leg, held in self._legs.items() for piece in self._out(leg, held.at)]

    def _hear(self, leg: str, samples: Samples) -> None:
        held = self._legs[leg]
        if len(samples):
            held.chunks.append((held.at, samples))
            held.at += len(samples)

    def _follow(self, effect: e.Effect) -> None:
        match effect:
            case e.Listen(stream=stream, leg=leg, start=start, samples=samples):
                turn = self._open.setdefault(stream, _Turn(stream, leg, start, start))
                turn.end = max(turn.end, start + len(samples))
            case e.Forget(stream=stream):
                self._open.pop(stream, None)
            case e.Understand(stream=int() as stream) if stream in self._open:
                turn = self._open.pop(stream)
                turn.end = max(turn.end, self._legs[turn.leg].at)
                turn.private = effect.expect.kind == "digits"
                turn.plain = frozenset() if effect.expect.kind in CLOSED else AMOUNTS
                self._asked[effect.ask] = turn

    def _judged(self, ask: int, redactions: Sequence[Redaction] | None) -> None:
        """None: nobody knows what was said."""
        turn = self._asked.pop(ask, None)
        if turn is None:
            return
        placed = [one for one in redactions or () if one.to_sample > one.from_sample]
        spoken = [one for one in redactions or () if one.where == "transcript"]
        unplaced = bool(redactions) and len(placed) < max(1, len(spoken))
        lost = bool(turn.seen - turn.plain) and not placed
        if redactions is None or turn.private or unplaced or lost:
            self._silence(turn.leg, turn.start - PAD, turn.end + PAD)
        for one in placed:
            self._silence(turn.leg, one.from_sample - PAD, one.to_sample + PAD)

    def _silence(self, leg: str, start: int, end: int) -> None:
        self._legs[leg].silent.append((start, end))

    def _until(self, leg: str) -> int:
        """Up to which position a leg may be written."""
        held = self._legs[leg]
        turns = (*self._open.values(), *self._asked.values())
        waiting = [turn.start - PAD for turn in turns if turn.leg == leg]
        until = min([held.at - HELD, *waiting])
        if held.at - until > MOST:
            self._silence(leg, until, held.at - MOST)
            until = held.at - MOST
        return until

    def _out(self, leg: str, until: int) -> list[Piece]:
        held = self._legs[leg]
        pieces: list[Piece] = []
        while held.chunks and held.first < until:
            start, samples = held.chunks.popleft()
            if start + len(samples) > until:
                held.chunks.appendleft((until, samples[until - start :]))
                samples = samples[: until - start]
            pieces.append(Piece(leg, start, self._masked(start, samples, held.silent)))
        held.silent = [(start, end) for start, end in held.silent if end > held.first]
        return pieces

    def _masked(self, start: int, samples: Samples, silent: Sequence[tuple[int, int]]) -> Samples:
        inside = [(a, b) for a, b in silent if a < start + len(samples) and b > start]
        if inside:
            samples = samples.copy()
            for begin, end in inside:
                samples[max(0, begin - start) : max(0, end - start)] = 0.0
        return samples


def flac(samples: Samples) -> bytes:
    """Sound as FLAC, 16 bits at 16 kHz. Exact for multiples of 1/32768."""
    out = io.BytesIO()
    whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(out, whole, RATE, format="FLAC", subtype="PCM_16")
    return out.getvalue()
