"""Transcript of a recording: who said what, from when to when.

Times are seconds since the conversation began. A customer's words are those that were understood;
private values in them stay replaced, and their places are marked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from agent.core.decisions import DecisionRecord
from agent.core.event_json import JournalRow
from agent.core.inputs import (
    AudioReceived,
    DigitsReceived,
    Input,
    PersonTextReceived,
    SpeechSent,
    TextReceived,
    TurnUnderstood,
)
from agent.recordings.recording import Recording
from audio.types import RATE, VOICE_HOP

MIN_SHOWN_S = 2.0  # shortest time that a line without audio is shown
LETTERS_PER_S = 15.0  # reading speed that longer lines are shown for


ReplacedSpan = tuple[int, int, str]  # start and end in a text, and the label of the value replaced


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One utterance, from `start` to `end` in seconds. `speaker`: "customer", "agent" (second leg),
    "bot" or "person"; `name` is a person's. `turn` is 0 where it has none."""

    start: float
    end: float
    speaker: str
    text: str
    name: str = ""
    turn: int = 0
    spoken: bool = False
    confidence: float | None = None
    sentiment: float | None = None
    upset: float | None = None
    private_spans: tuple[ReplacedSpan, ...] = ()


@dataclass(slots=True)
class _TranscriptReader:
    recording: Recording
    legs_start_s: float | None = None  # seconds before the legs' first sample
    lines: list[TranscriptLine] = field(default_factory=list)
    spoken_ms: dict[int, int] = field(default_factory=dict)  # by the bot's turn: audio sent
    # number, leg and time
    turn_of_request: dict[int, tuple[int, str, float]] = field(default_factory=dict)
    private_in_typed: dict[int, list[ReplacedSpan]] = field(default_factory=dict)  # by request

    def read(self) -> list[TranscriptLine]:
        for row, event in zip(self.recording.rows, self.recording.inputs(), strict=True):
            self._apply(event, row)
        return sorted((self._with_spoken_end(one) for one in self.lines), key=lambda one: one.start)

    def _apply(self, event: Input, row: JournalRow) -> None:
        row_decisions: list[DecisionRecord] = json.loads(row.decisions)
        match event:
            case AudioReceived(at, _, samples) if self.legs_start_s is None:
                self.legs_start_s = max(0.0, at - len(samples) / RATE)
            case SpeechSent(_, turn, ms):
                self.spoken_ms[turn] = max(ms, self.spoken_ms.get(turn, 0))
            case TurnUnderstood():
                self._add_understood(event, row)
            case PersonTextReceived(at, name, text):
                self.lines.append(_displayed_line(at, "person", text, name))
        for one in row_decisions:
            if one["kind"] == "turn":
                self.turn_of_request[one["ask"]] = (one["turn"], one["leg"], row.at)
                if isinstance(event, TextReceived | DigitsReceived) and one.get(
                    "typed"
                ) == _typed_text(event):
                    self.private_in_typed[one["ask"]] = list(_private_spans(row))
            elif one["kind"] == "reply" and one["text"]:
                self.lines.append(
                    replace(_displayed_line(row.at, "bot", one["text"]), turn=one["turn"])
                )

    def _add_understood(self, event: TurnUnderstood, row: JournalRow) -> None:
        turn, leg, requested_at = self.turn_of_request.get(
            event.request_id, (0, "customer", row.at)
        )
        understanding, transcript = event.understanding, event.transcript
        if not understanding.text:
            return
        line = replace(
            _displayed_line(requested_at, leg, understanding.text),
            turn=turn,
            upset=understanding.upset if leg == "customer" else None,
            sentiment=understanding.sentiment,
            private_spans=(*_private_spans(row), *self.private_in_typed.get(event.request_id, ())),
        )
        if transcript is not None and transcript.words:
            first, last = transcript.words[0].start / RATE, transcript.words[-1].end / RATE
            line = replace(
                line,
                start=(self.legs_start_s or 0.0) + first,
                end=(self.legs_start_s or 0.0) + last,
                spoken=True,
                confidence=transcript.confidence,
            )
        self.lines.append(line)

    def _with_spoken_end(self, line: TranscriptLine) -> TranscriptLine:
        """A spoken reply with the end of its audio."""
        if line.speaker != "bot" or not self.spoken_ms.get(line.turn):
            return line
        return replace(line, end=line.start + self.spoken_ms[line.turn] / 1000, spoken=True)


def transcript_lines(recording: Recording) -> list[TranscriptLine]:
    """All utterances of the recording, in the order of their starts."""
    return _TranscriptReader(recording).read()


def legs_start_s(recording: Recording) -> float:
    """Seconds of the conversation before the first sample of its legs; 0 without audio."""
    for event in recording.inputs():
        if isinstance(event, AudioReceived):
            hops = len(event.samples) // VOICE_HOP * VOICE_HOP
            return max(0.0, event.at - hops / RATE)
    return 0.0


def _typed_text(event: TextReceived | DigitsReceived) -> str:
    return event.text if isinstance(event, TextReceived) else event.digits


def _private_spans(row: JournalRow) -> Iterator[ReplacedSpan]:
    for one in json.loads(row.redactions):
        if one.get("where") == "text":
            yield one.get("start", 0), one.get("end", 0), one.get("label") or one["kind"]


def _displayed_line(at: float, speaker: str, text: str, name: str = "") -> TranscriptLine:
    return TranscriptLine(at, at + max(MIN_SHOWN_S, len(text) / LETTERS_PER_S), speaker, text, name)
