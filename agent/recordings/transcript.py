"""Who said what, from when to when, in a recorded conversation?

Times are seconds since the conversation began. Words of a customer are as they were understood;
what was private in them stays replaced and is marked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from agent.core import events as e
from agent.core.decisions import DecisionRecord
from agent.core.event_json import JournalRow
from agent.recordings.recording import Recording
from audio.types import RATE, VOICE_HOP

MIN_SHOWN_S = 2.0  # that a line without sound is shown at least
LETTERS_PER_S = 15.0  # letters read in a second


ReplacedSpan = tuple[int, int, str]  # a place in a text, and what was there


@dataclass(frozen=True, slots=True)
class TranscriptLine:
    """One thing said. `who`: "customer", "agent" (on the second leg), "bot", or a person's name
    when `who` is "person"."""

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
    legs_start_s: float | None = None  # seconds at which the legs' first sample was heard
    lines: list[TranscriptLine] = field(default_factory=list)
    spoken_ms: dict[int, int] = field(default_factory=dict)  # of the bot's turns, as far as sent
    turn_of_request: dict[int, tuple[int, str, float]] = field(default_factory=dict)  # by question
    private_in_typed: dict[int, list[ReplacedSpan]] = field(
        default_factory=dict
    )  # in what was typed, likewise

    def read(self) -> list[TranscriptLine]:
        for row, event in zip(self.recording.rows, self.recording.inputs(), strict=True):
            self._apply(event, row)
        return sorted((self._with_spoken_end(one) for one in self.lines), key=lambda one: one.start)

    def _apply(self, event: e.Input, row: JournalRow) -> None:
        row_decisions: list[DecisionRecord] = json.loads(row.decisions)
        match event:
            case e.AudioReceived(at, _, samples) if self.legs_start_s is None:
                self.legs_start_s = max(0.0, at - len(samples) / RATE)
            case e.SpeechSent(_, turn, ms):
                self.spoken_ms[turn] = max(ms, self.spoken_ms.get(turn, 0))
            case e.TurnUnderstood():
                self._add_understood(event, row)
            case e.PersonTextReceived(at, name, text):
                self.lines.append(_displayed_line(at, "person", text, name))
        for one in row_decisions:
            if one["kind"] == "turn":
                self.turn_of_request[one["ask"]] = (one["turn"], one["leg"], row.at)
                if isinstance(event, e.TextReceived | e.DigitsReceived) and one.get(
                    "typed"
                ) == _typed_text(event):
                    self.private_in_typed[one["ask"]] = list(_private_spans(row))
            elif one["kind"] == "reply" and one["text"]:
                self.lines.append(
                    replace(_displayed_line(row.at, "bot", one["text"]), turn=one["turn"])
                )

    def _add_understood(self, event: e.TurnUnderstood, row: JournalRow) -> None:
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
        """A reply that was heard lasted as long as it sounded."""
        if line.speaker != "bot" or not self.spoken_ms.get(line.turn):
            return line
        return replace(line, end=line.start + self.spoken_ms[line.turn] / 1000, spoken=True)


def transcript_lines(recording: Recording) -> list[TranscriptLine]:
    """Everything said, in the order it began."""
    return _TranscriptReader(recording).read()


def legs_start_s(recording: Recording) -> float:
    """Seconds of the conversation before the first sample of its legs."""
    for event in recording.inputs():
        if isinstance(event, e.AudioReceived):
            hops = len(event.samples) // VOICE_HOP * VOICE_HOP
            return max(0.0, event.at - hops / RATE)
    return 0.0


def _typed_text(event: e.TextReceived | e.DigitsReceived) -> str:
    return event.text if isinstance(event, e.TextReceived) else event.digits


def _private_spans(row: JournalRow) -> Iterator[ReplacedSpan]:
    for one in json.loads(row.redactions):
        if one.get("where") == "text":
            yield one.get("start", 0), one.get("end", 0), one.get("label") or one["kind"]


def _displayed_line(at: float, speaker: str, text: str, name: str = "") -> TranscriptLine:
    return TranscriptLine(at, at + max(MIN_SHOWN_S, len(text) / LETTERS_PER_S), speaker, text, name)
