"""Where in the conversation is each line of a summary shown to be so?

A summary is what dialogs/escalation/summary.py writes for the person who takes over: one claim a
line, with the turns it was taken from. Held by tests/agent/test_board.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LABELS = (
    "Wants", "In progress", "Asked for too, not begun", "Bank", "Identity", "Upset, 0 to 1",
    "Upset", "Told the customer",
)  # fmt: skip
_HEAD = re.compile(rf"^({'|'.join(map(re.escape, LABELS))}): (.*)$")
_TURN = re.compile(r"\(turn (\d+)\)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a summary. `links` are the turns it comes from, each with its session second."""

    label: str
    text: str
    links: tuple[tuple[int, float], ...] = ()

    def written(self) -> dict[str, object]:
        links = [{"turn": turn, "at": round(at, 3)} for turn, at in self.links]
        return {"label": self.label, "text": self.text, "links": links}


def claims(summary: str, times: Mapping[int, float]) -> tuple[Claim, ...]:
    """The claims of a summary. `times` says when each turn was; others are not linked."""
    found: list[tuple[str, str]] = []
    for line in summary.splitlines():
        if head := _HEAD.match(line):
            found.append((head[1], head[2]))
    return tuple(Claim(label, text, _links(text, times)) for label, text in found)


def _links(text: str, times: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    turns = dict.fromkeys(int(number) for number in _TURN.findall(text))
    return tuple((turn, times[turn]) for turn in turns if turn in times)
