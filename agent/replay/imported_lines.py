"""Lines of conversations from elsewhere: chat logs, transcripts, and their turns.

A chat log names its speakers and may give times; a transcript of a sound file is WebVTT, SubRip, a
chat log, or one plain line for each turn of the customer (tests/agent/replay/test_importing.py).
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import webvtt

from agent.recordings.recording import RecordingError

CUSTOMER_NAMES = frozenset({"customer", "user", "caller", "client", "visitor", "guest", "me"})
MAX_LINE_OFFSET_S = 0.4  # a reference line may lie so far outside of the turn it belongs to
_LINE_PATTERN = re.compile(
    r"^\s*(?:\[?(?:(?P<hours>\d{1,2}):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{2}(?:[.,]\d+)?)\]?\s+)?"
    r"(?P<who>[^:\d][^:]{0,40}):\s*(?P<text>\S.*)$"
)


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """One line of a chat log or transcript. `start` and `end` are seconds; None where not given."""

    speaker: str
    text: str
    start: float | None = None
    end: float | None = None

    @property
    def is_customer(self) -> bool:
        return not self.speaker or self.speaker.casefold() in CUSTOMER_NAMES


def read_chat_log(source: Path) -> list[ImportedLine]:
    """The lines of a chat log, such as "Customer: my card is gone" or "00:12 Customer: ...".

    A line without a name continues the one before it. RecordingError for other formats.
    """
    lines: list[ImportedLine] = []
    for number, line in enumerate(_read_text(source).splitlines(), 1):
        if not line.strip():
            continue
        if (match := _LINE_PATTERN.match(line)) is not None:
            lines.append(
                ImportedLine(match["who"].strip(), match["text"].strip(), _line_seconds(match))
            )
        elif lines:
            last = lines[-1]
            lines[-1] = ImportedLine(last.speaker, f"{last.text} {line.strip()}", last.start)
        else:
            raise RecordingError(
                f'{source}:{number}: a line of a chat begins with the speaker, such as "Customer: '
                'my card is gone"'
            )
    if not any(one.is_customer for one in lines):
        names = ", ".join(sorted({one.speaker for one in lines})) or "nobody"
        raise RecordingError(
            f"{source}: no line is a customer's ({names} speak); a customer is called "
            f"{', '.join(sorted(CUSTOMER_NAMES))}"
        )
    return lines


def read_transcript(file: Path) -> tuple[ImportedLine, ...]:
    """The lines of a transcript: WebVTT, SubRip, as a chat log, or one plain line for each turn."""
    text = _read_text(file)
    if file.suffix.lower() in (".vtt", ".srt"):
        captions = webvtt.from_buffer(io.StringIO(text), format=file.suffix[1:].lower())
        return tuple(
            ImportedLine(
                cue.voice or "",
                " ".join(cue.text.split()),
                float(cue.start_in_seconds),
                float(cue.end_in_seconds),
            )
            for cue in captions.captions
            if cue.text.strip()
        )
    text_lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(_LINE_PATTERN.match(line) for line in text_lines):
        return tuple(read_chat_log(file))
    return tuple(ImportedLine("", line) for line in text_lines)


def _read_text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise RecordingError(f"{file}: cannot be read as UTF-8 text ({wrong})") from None


def _line_seconds(match: re.Match[str]) -> float | None:
    if match["minutes"] is None:
        return None
    seconds = float(match["seconds"].replace(",", "."))
    return 3600 * int(match["hours"] or 0) + 60 * int(match["minutes"]) + seconds


class ReferenceLines:
    """Reference lines of the customer, taken turn by turn."""

    def __init__(self, lines: Sequence[ImportedLine]) -> None:
        self._remaining = list(lines)
        self._has_times = all(one.start is not None and one.end is not None for one in lines)

    def take_between(self, start: float, end: float) -> str | None:
        """Take the text of the turn from `start` to `end` in seconds; None when it has none.

        Lines without times are taken one for each turn.
        """
        if not self._remaining:
            return None
        if not self._has_times:
            return self._remaining.pop(0).text
        inside = [
            one
            for one in self._remaining
            if start - MAX_LINE_OFFSET_S
            <= ((one.start or 0.0) + (one.end or 0.0)) / 2
            <= end + MAX_LINE_OFFSET_S
        ]
        self._remaining = [one for one in self._remaining if one not in inside]
        return " ".join(one.text for one in inside) or None

    def require_all_used(self) -> None:
        """RecordingError when a line is left."""
        if self._remaining:
            text = self._remaining[0].text
            raise RecordingError(
                f"{len(self._remaining)} lines of the transcript belong to no turn that was heard; "
                f"the first is “{text}”: give it times (WebVTT), or one line for each turn"
            )
