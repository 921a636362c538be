"""Claims of a handoff summary, each with links to the turns it rests on.

dialogs/escalation/summary.py writes the summary for the person who takes over: one claim a line,
with the numbers of the turns it was taken from. Held by
tests/agent/console/test_transcript_view.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

CLAIM_LABELS = (
    "Wants", "In progress", "Asked for too, not begun", "Bank", "Identity", "Upset, 0 to 1",
    "Upset", "Told the customer",
)  # fmt: skip
_CLAIM_PATTERN = re.compile(rf"^({'|'.join(map(re.escape, CLAIM_LABELS))}): (.*)$")
_TURN_PATTERN = re.compile(r"\(turn (\d+)\)")


@dataclass(frozen=True, slots=True)
class Claim:
    """One line of a summary. `links` holds (turn, session second) for each turn it rests on."""

    label: str
    text: str
    links: tuple[tuple[int, float], ...] = ()

    def as_dict(self) -> dict[str, object]:
        links = [{"turn": turn, "at": round(at, 3)} for turn, at in self.links]
        return {"label": self.label, "text": self.text, "links": links}


def parse_claims(summary: str, turn_times: Mapping[int, float]) -> tuple[Claim, ...]:
    """The claims of a summary, in its order; lines without a known label are left out.

    `turn_times` maps a turn to its session second; a turn that it lacks gets no link.
    """
    labelled_texts: list[tuple[str, str]] = []
    for line in summary.splitlines():
        if head := _CLAIM_PATTERN.match(line):
            labelled_texts.append((head[1], head[2]))
    return tuple(
        Claim(label, text, _turn_links(text, turn_times)) for label, text in labelled_texts
    )


def _turn_links(text: str, turn_times: Mapping[int, float]) -> tuple[tuple[int, float], ...]:
    turns = dict.fromkeys(int(number) for number in _TURN_PATTERN.findall(text))
    return tuple((turn, turn_times[turn]) for turn in turns if turn in turn_times)
