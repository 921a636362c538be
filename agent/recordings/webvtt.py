"""WebVTT captions of a recording, one cue for each utterance.

The voice tag names the speaker; the class "upset" marks an upset customer, the class "private" a
replaced value (https://www.w3.org/TR/webvtt1/).
"""

from __future__ import annotations

import re
from html import escape

import webvtt

from agent.recordings.recording import Recording
from agent.recordings.transcript import TranscriptLine, transcript_lines

SPEAKER_NAMES = {"customer": "Customer", "agent": "Agent", "bot": "Hearken"}
UPSET_THRESHOLD = 0.5
_SPACE = re.compile(r"\s+")  # an empty line would end the cue


def webvtt_text(recording: Recording) -> str:
    """The text of the file. Cues overlap where people speak at the same time."""
    cues = [
        webvtt.Caption(
            _timestamp(one.start), _timestamp(max(one.end, one.start + 0.1)), _cue_text(one)
        )
        for one in transcript_lines(recording)
    ]
    return str(webvtt.WebVTT(captions=cues).content)


def _cue_text(line: TranscriptLine) -> str:
    text, position = "", 0
    for start, end, label in sorted(line.private_spans):
        text += f"{_escaped_text(line.text[position:start])}<c.private>[{_escaped_text(label)}]</c>"
        position = end
    text += _escaped_text(line.text[position:])
    if line.upset is not None and line.upset >= UPSET_THRESHOLD:
        text = f"<c.upset>{text}</c>"
    return f"<v {_escaped_text(line.name or SPEAKER_NAMES.get(line.speaker, line.speaker))}>{text}"


def _escaped_text(text: str) -> str:
    return escape(_SPACE.sub(" ", text), quote=False)


def _timestamp(seconds: float) -> str:
    total_ms = round(seconds * 1000)
    hours, rest = divmod(total_ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
