"""Delayed release of a conversation's audio, with private passages replaced by silence.

The audio of a leg is held back for a second, and as long as a turn is open or waits for its
understanding. Then the private words of the turn are masked. The whole turn is masked when digits
were expected, when a partial transcript contained a number that the final one lacks, or when the
turn was never understood. Audio is released once and in order
(tests/agent/privacy/test_audio_masking.py).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.core.effects import DiscardTurn, Effect, FeedEncoder, UnderstandTurn
from agent.core.inputs import (
    AudioReceived,
    ConnectionResumed,
    Input,
    PartialTextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.privacy.redaction_record import Redaction
from audio.types import RATE, Samples
from dialogs.pack.privacy_rules import PiiKind

MIN_HOLD_SAMPLES = RATE  # a turn starts up to 0.7 s before it is detected
PAD_SAMPLES = RATE * 15 // 100  # masked before and after private words
MAX_HOLD_SAMPLES = 120 * RATE  # of one leg; older audio is masked and released
NON_NUMERIC_EXPECTATIONS = frozenset({"choice", "yes_no", "name"})  # kinds of questions
TENTATIVE_KINDS: frozenset[PiiKind] = frozenset({"code"})  # an unfinished amount looks like one


@dataclass(frozen=True, slots=True)
class MaskedAudio:
    """Masked audio of a leg from position `start` on: float samples at 16 kHz, safe to store."""

    leg: str
    start: int
    samples: Samples


@dataclass(slots=True)
class _BufferedTurn:
    stream: int
    leg: str
    start: int
    end: int
    expects_digits: bool = False  # the customer was asked for digits
    partial_kinds: set[PiiKind] = field(default_factory=set)  # in partial transcripts
    ignored_kinds: frozenset[PiiKind] = frozenset()  # harmless after this question


@dataclass(slots=True)
class _LegBuffer:
    """The audio of one leg that is not released yet, and the ranges of it to mask."""

    next_position: int  # of the next samples to arrive
    chunks: deque[tuple[int, Samples]] = field(default_factory=deque)
    masked_ranges: list[tuple[int, int]] = field(default_factory=list)

    @property
    def first_position(self) -> int:
        return self.chunks[0][0] if self.chunks else self.next_position


class AudioMasker:
    """The audio of all legs of a conversation. Takes its inputs and effects in their order."""

    def __init__(
        self, legs: Iterable[str], start_positions: Mapping[str, int] | None = None
    ) -> None:
        """`start_positions` are those of the first samples, by leg; 0 where missing."""
        self._buffers = {leg: _LegBuffer((start_positions or {}).get(leg, 0)) for leg in legs}
        self._open_turns: dict[int, _BufferedTurn] = {}  # by stream
        self._pending_turns: dict[int, _BufferedTurn] = {}  # by request id

    def process(
        self, event: Input, effects: Sequence[Effect], redactions: Sequence[Redaction]
    ) -> list[MaskedAudio]:
        """The audio that may be stored after this input.

        `event` is the pseudonymised input, `effects` follow from it, `redactions` are its record.
        """
        match event:
            case AudioReceived(leg=leg, samples=samples):
                self._append_audio(leg, samples)
            case ConnectionResumed(missed_samples=missed):
                for buffer in self._buffers.values():
                    buffer.next_position += missed
            case PartialTextReceived(stream=stream):
                for turn in (*self._open_turns.values(), *self._pending_turns.values()):
                    if turn.stream == stream:
                        turn.partial_kinds |= {one.kind for one in redactions}
            case TurnUnderstood(request_id=ask):
                self._mask_turn(ask, redactions)
            case UnderstandingFailed(request_id=ask):
                self._mask_turn(ask, None)
        for effect in effects:
            self._apply_effect(effect)
        return [
            piece
            for leg in self._buffers
            for piece in self._release(leg, self._release_position(leg))
        ]

    def flush(self) -> list[MaskedAudio]:
        """All remaining audio; turns that were never understood are masked."""
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

    def _apply_effect(self, effect: Effect) -> None:
        match effect:
            case FeedEncoder(stream=stream, leg=leg, start=start, samples=samples):
                turn = self._open_turns.setdefault(stream, _BufferedTurn(stream, leg, start, start))
                turn.end = max(turn.end, start + len(samples))
            case DiscardTurn(stream=stream):
                self._open_turns.pop(stream, None)
            case UnderstandTurn(stream=int() as stream) if stream in self._open_turns:
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
        """Mask a turn by its redactions; all of it when they are None, as it was not understood."""
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
        """The position up to which the audio of a leg may be released."""
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
