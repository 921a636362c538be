"""Who said what, from when to when, in a recorded conversation?

Times are seconds since the conversation began. Words of a customer are as they were understood;
what was private in them stays replaced and is marked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from agent.core import events as e
from agent.core.decisions import Decision
from agent.core.event_json import Row
from agent.recordings.recording import Recording
from audio.types import RATE, VOICE_HOP

READ_S = 2.0  # that a line without sound is shown at least
LETTERS_S = 15.0  # letters read in a second


Private = tuple[int, int, str]  # a place in a text, and what was there


@dataclass(frozen=True, slots=True)
class Line:
    """One thing said. `who`: "customer", "agent" (on the second leg), "bot", or a person's name
    when `who` is "person"."""

    start: float
    end: float
    who: str
    text: str
    name: str = ""
    turn: int = 0
    spoken: bool = False
    confidence: float | None = None
    sentiment: float | None = None
    upset: float | None = None
    private: tuple[Private, ...] = ()


@dataclass(slots=True)
class _Reading:
    recording: Recording
    offset: float | None = None  # seconds at which the legs' first sample was heard
    lines: list[Line] = field(default_factory=list)
    spoke_ms: dict[int, int] = field(default_factory=dict)  # of the bot's turns, as far as sent
    turns: dict[int, tuple[int, str, float]] = field(default_factory=dict)  # by question
    typed: dict[int, list[Private]] = field(default_factory=dict)  # in what was typed, likewise

    def run(self) -> list[Line]:
        for row, event in zip(self.recording.rows, self.recording.inputs(), strict=True):
            self._take(event, row)
        return sorted((self._spoken(one) for one in self.lines), key=lambda one: one.start)

    def _take(self, event: e.Input, row: Row) -> None:
        decided: list[Decision] = json.loads(row.decisions)
        match event:
            case e.Heard(at, _, samples) if self.offset is None:
                self.offset = max(0.0, at - len(samples) / RATE)
            case e.Speaking(_, turn, ms):
                self.spoke_ms[turn] = max(ms, self.spoke_ms.get(turn, 0))
            case e.Understood():
                self._understood(event, row)
            case e.Said(at, name, text):
                self.lines.append(_shown(at, "person", text, name))
        for one in decided:
            if one["kind"] == "turn":
                self.turns[one["ask"]] = (one["turn"], one["leg"], row.at)
                if isinstance(event, e.Typed | e.Digits) and one.get("typed") == _words(event):
                    self.typed[one["ask"]] = list(_private(row))
            elif one["kind"] == "reply" and one["text"]:
                self.lines.append(replace(_shown(row.at, "bot", one["text"]), turn=one["turn"]))

    def _understood(self, event: e.Understood, row: Row) -> None:
        turn, leg, asked = self.turns.get(event.ask, (0, "customer", row.at))
        heard, words = event.result, event.transcript
        if not heard.text:
            return
        line = replace(
            _shown(asked, leg, heard.text),
            turn=turn,
            upset=heard.upset if leg == "customer" else None,
            sentiment=heard.sentiment,
            private=(*_private(row), *self.typed.get(event.ask, ())),
        )
        if words is not None and words.words:
            first, last = words.words[0].start / RATE, words.words[-1].end / RATE
            line = replace(
                line,
                start=(self.offset or 0.0) + first,
                end=(self.offset or 0.0) + last,
                spoken=True,
                confidence=words.confidence,
            )
        self.lines.append(line)

    def _spoken(self, line: Line) -> Line:
        """A reply that was heard lasted as long as it sounded."""
        if line.who != "bot" or not self.spoke_ms.get(line.turn):
            return line
        return replace(line, end=line.start + self.spoke_ms[line.turn] / 1000, spoken=True)


def lines(recording: Recording) -> list[Line]:
    """Everything said, in the order it began."""
    return _Reading(recording).run()


def offset(recording: Recording) -> float:
    """Seconds of the conversation before the first sample of its legs."""
    for event in recording.inputs():
        if isinstance(event, e.Heard):
            hops = len(event.samples) // VOICE_HOP * VOICE_HOP
            return max(0.0, event.at - hops / RATE)
    return 0.0


def _words(event: e.Typed | e.Digits) -> str:
    return event.text if isinstance(event, e.Typed) else event.digits


def _private(row: Row) -> Iterator[Private]:
    for one in json.loads(row.redactions):
        if one.get("where") == "text":
            yield one.get("start", 0), one.get("end", 0), one.get("label") or one["kind"]


def _shown(at: float, who: str, text: str, name: str = "") -> Line:
    return Line(at, at + max(READ_S, len(text) / LETTERS_S), who, text, name)
