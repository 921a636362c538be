"""What would captions of a recorded conversation say? WebVTT, one cue a line.

Who speaks is in the voice tag; a customer who sounded upset is marked by a class, as are replaced
numbers (https://www.w3.org/TR/webvtt1/).
"""

from __future__ import annotations

import re
from html import escape

import webvtt

from agent.recordings.recording import Recording
from agent.recordings.transcript import Line, lines

NAMES = {"customer": "Customer", "agent": "Agent", "bot": "Hearken"}
UPSET = 0.5
_SPACE = re.compile(r"\s+")  # a cue ends at an empty line


def captions(recording: Recording) -> str:
    """The whole file. Cues may overlap, as people do."""
    cues = [
        webvtt.Caption(_time(one.start), _time(max(one.end, one.start + 0.1)), _cue(one))
        for one in lines(recording)
    ]
    return str(webvtt.WebVTT(captions=cues).content)


def _cue(line: Line) -> str:
    text, done = "", 0
    for start, end, label in sorted(line.private):
        text += f"{_plain(line.text[done:start])}<c.private>[{_plain(label)}]</c>"
        done = end
    text += _plain(line.text[done:])
    if line.upset is not None and line.upset >= UPSET:
        text = f"<c.upset>{text}</c>"
    return f"<v {_plain(line.name or NAMES.get(line.who, line.who))}>{text}"


def _plain(text: str) -> str:
    return escape(_SPACE.sub(" ", text), quote=False)


def _time(seconds: float) -> str:
    whole = round(seconds * 1000)
    hours, rest = divmod(whole, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
