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
from dialogs.pack.privacy_rules import PiiKind

MIN_HOLD_SAMPLES = RATE  # samples held at least: a turn begins up to 0.7 s before it is noticed
PAD_SAMPLES = RATE * 15 // 100  # samples around private words that are silenced, too
MAX_HOLD_SAMPLES = 120 * RATE  # samples of a leg that are held at most; what is older is silenced
NON_NUMERIC_EXPECTATIONS = frozenset(
    {"choice", "yes_no", "name"}
)  # questions that no number answers
TENTATIVE_KINDS: frozenset[PiiKind] = frozenset(
    {"code"}
)  # or so it seems while they are still being said


@dataclass(frozen=True, slots=True)
class MaskedAudio:
    """Sound of a leg from position `start`, as it may be kept."""

    leg: str
    start: int
    samples: Samples


@dataclass(slots=True)
class _BufferedTurn:
    stream: int
    leg: str
    start: int
    end: int
    expects_digits: bool = False  # a number was asked for
    partial_kinds: set[PiiKind] = field(
        default_factory=set
    )  # what words on the way held: the last may not
    ignored_kinds: frozenset[PiiKind] = (
        frozenset()
    )  # of these, what is no secret where this was asked


@dataclass(slots=True)
class _LegBuffer:
    """One leg: its sound that is not out yet, and which of it will be silence."""

    next_position: int  # position of what comes next
    chunks: deque[tuple[int, Samples]] = field(default_factory=deque)
    masked_ranges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first_position(self) -> int:
        return self.chunks[0][0] if self.chunks else self.next_position


class AudioMasker:
    """All legs of one conversation. Inputs and effects are told in the order they happened."""

    def __init__(
        self, legs: Iterable[str], start_positions: Mapping[str, int] | None = None
    ) -> None:
        """`starts` are the positions that legs begin with, 0 where not said."""
        self._buffers = {leg: _LegBuffer((start_positions or {}).get(leg, 0)) for leg in legs}
        self._open_turns: dict[int, _BufferedTurn] = {}  # by stream
        self._pending_turns: dict[int, _BufferedTurn] = {}  # by question

    def process(
        self, event: e.Input, effects: Sequence[e.Effect], redactions: Sequence[Redaction]
    ) -> list[MaskedAudio]:
        """What may be written, now that this happened."""
        match event:
            case e.AudioReceived(leg=leg, samples=samples):
                self._append_audio(leg, samples)
            case e.ConnectionResumed(missed_samples=missed):
                for buffer in self._buffers.values():
                    buffer.next_position += missed
            case e.PartialTextReceived(stream=stream):
                for turn in (*self._open_turns.values(), *self._pending_turns.values()):
                    if turn.stream == stream:
                        turn.partial_kinds |= {one.kind for one in redactions}
            case e.TurnUnderstood(request_id=ask):
                self._mask_turn(ask, redactions)
            case e.UnderstandingFailed(request_id=ask):
                self._mask_turn(ask, None)
        for effect in effects:
            self._apply_effect(effect)
        return [
            piece
            for leg in self._buffers
            for piece in self._release(leg, self._release_position(leg))
        ]

    def flush(self) -> list[MaskedAudio]:
        """The rest. Turns that nobody has understood are silence."""
        for turn in (*self._open_turns.values(), *self._pending_turns.values()):
            self._mask(turn.leg, turn.start - PAD_SAMPLES, self._buffers[turn.leg].next_position)
        self._open_turns.clear()
        self._pending_turns.clear()
        return [
            piece
            for leg, buffer in self._buffers.items()
            for piece in self._release(leg, buffer.next_position)
        ]

    def _append_audio(self, leg: str, samples: Samples) -> None:
        buffer = self._buffers[leg]
        if len(samples):
            buffer.chunks.append((buffer.next_position, samples))
            buffer.next_position += len(samples)

    def _apply_effect(self, effect: e.Effect) -> None:
        match effect:
            case e.FeedEncoder(stream=stream, leg=leg, start=start, samples=samples):
                turn = self._open_turns.setdefault(stream, _BufferedTurn(stream, leg, start, start))
                turn.end = max(turn.end, start + len(samples))
            case e.DiscardTurn(stream=stream):
                self._open_turns.pop(stream, None)
            case e.UnderstandTurn(stream=int() as stream) if stream in self._open_turns:
                turn = self._open_turns.pop(stream)
                turn.end = max(turn.end, self._buffers[turn.leg].next_position)
                turn.expects_digits = effect.expectation.kind == "digits"
                turn.ignored_kinds = (
                    frozenset()
                    if effect.expectation.kind in NON_NUMERIC_EXPECTATIONS
                    else TENTATIVE_KINDS
                )
                self._pending_turns[effect.request_id] = turn

    def _mask_turn(self, ask: int, redactions: Sequence[Redaction] | None) -> None:
        """None: nobody knows what was said."""
        turn = self._pending_turns.pop(ask, None)
        if turn is None:
            return
        timed = [one for one in redactions or () if one.to_sample > one.from_sample]
        spoken = [one for one in redactions or () if one.where == "transcript"]
        has_untimed = bool(redactions) and len(timed) < max(1, len(spoken))
        is_number_lost = bool(turn.partial_kinds - turn.ignored_kinds) and not timed
        if redactions is None or turn.expects_digits or has_untimed or is_number_lost:
            self._mask(turn.leg, turn.start - PAD_SAMPLES, turn.end + PAD_SAMPLES)
        for one in timed:
            self._mask(turn.leg, one.from_sample - PAD_SAMPLES, one.to_sample + PAD_SAMPLES)

    def _mask(self, leg: str, start: int, end: int) -> None:
        self._buffers[leg].masked_ranges.append((start, end))

    def _release_position(self, leg: str) -> int:
        """Up to which position a leg may be written."""
        buffer = self._buffers[leg]
        turns = (*self._open_turns.values(), *self._pending_turns.values())
        turn_starts = [turn.start - PAD_SAMPLES for turn in turns if turn.leg == leg]
        until = min([buffer.next_position - MIN_HOLD_SAMPLES, *turn_starts])
        if buffer.next_position - until > MAX_HOLD_SAMPLES:
            self._mask(leg, until, buffer.next_position - MAX_HOLD_SAMPLES)
            until = buffer.next_position - MAX_HOLD_SAMPLES
        return until

    def _release(self, leg: str, until: int) -> list[MaskedAudio]:
        buffer = self._buffers[leg]
        pieces: list[MaskedAudio] = []
        while buffer.chunks and buffer.first_position < until:
            start, samples = buffer.chunks.popleft()
            if start + len(samples) > until:
                buffer.chunks.appendleft((until, samples[until - start :]))
                samples = samples[: until - start]
            pieces.append(
                MaskedAudio(leg, start, self._with_silence(start, samples, buffer.masked_ranges))
            )
        buffer.masked_ranges = [
            (start, end) for start, end in buffer.masked_ranges if end > buffer.first_position
        ]
        return pieces

    def _with_silence(
        self, start: int, samples: Samples, masked_ranges: Sequence[tuple[int, int]]
    ) -> Samples:
        overlapping = [(a, b) for a, b in masked_ranges if a < start + len(samples) and b > start]
        if overlapping:
            samples = samples.copy()
            for begin, end in overlapping:
                samples[max(0, begin - start) : max(0, end - start)] = 0.0
        return samples


def flac_bytes(samples: Samples) -> bytes:
    """Sound as FLAC, 16 bits at 16 kHz. Exact for multiples of 1/32768."""
    file = io.BytesIO()
    pcm16 = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(file, pcm16, RATE, format="FLAC", subtype="PCM_16")
    return file.getvalue()
