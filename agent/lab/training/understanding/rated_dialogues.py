"""Which conversations have people judged: was this customer dissatisfied, or annoyed?

USS (Sun et al. 2021) has 3 to 5 raters say after every turn of the customer how satisfied they
are, 1 to 5; it has no licence and may only be measured on. STAR (Mosig et al. 2020, MIT) asked its
wizards afterwards whether the customer had become annoyed. Only what was said is read: no acts, no
task, none of the instructions that STAR's customers were given. Invariants, held by
tests/agent/evaluation/test_escalation.py: a conversation lies in one fold whole; a turn knows of
what came before it only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.lab.training.understanding.evaluate import ANNOYED
from agent.lab.training.understanding.examples import part, rows_of

USS = ("MWOZ", "SGD", "ReDial", "CCPE")
DISSATISFIED = 2.5  # the mean rating below which a turn counts, as evaluate.satisfaction counts
WHOLE = "OVERALL"  # USS rates the whole conversation under this name; nobody said it


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn of the customer, and what they had been told since their last one ("": nothing)."""

    told: str
    said: str
    rating: float | None = None

    @property
    def low(self) -> bool:
        return self.rating is not None and self.rating < DISSATISFIED


@dataclass(frozen=True, slots=True)
class Talk:
    """`last` is what the customer was told after their last turn; `annoyed` None: not asked."""

    id: str
    source: str
    exchanges: tuple[Exchange, ...]
    last: str = ""
    annoyed: bool | None = None
    domain: str = ""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(exchange.told, exchange.said) for exchange in self.exchanges]

    def reply(self, at: int) -> str:
        """What was answered to the customer's turn number `at`, counting from 0."""
        return self.exchanges[at + 1].told if at + 1 < len(self.exchanges) else self.last

    def fold(self, folds: int, salt: str = "") -> int:
        return part(f"{salt}{self.source}/{self.id}", folds)


def uss(data: Path, name: str) -> list[Talk]:
    return [
        _talk(str(row["id"]), name, list(_rated(row["turns"])))
        for row in rows_of(data / "uss" / f"{name}.jsonl.gz")
    ]


def star(data: Path) -> list[Talk]:
    """Those whose wizard was asked, the bank's and all others."""
    return [
        talk
        for name in ("bank", "other")
        for row in rows_of(data / "star" / f"{name}_dialogues.jsonl.gz")
        if (talk := _star(row, name)).exchanges and talk.annoyed is not None
    ]


Line = tuple[bool, str, float | None]  # by the customer, text, rating


def _rated(turns: list[Mapping[str, Any]]) -> Iterator[Line]:
    for turn in turns:
        if turn["text"] != WHOLE:
            ratings = turn.get("sat") if turn["s"] == "U" else None
            yield turn["s"] == "U", turn["text"], float(np.mean(ratings)) if ratings else None


def _star(row: Mapping[str, Any], source: str) -> Talk:
    lines: list[Line] = [
        (event["a"] == "User", event["text"], None)
        for event in row["events"]
        if event["a"] in ("User", "Wizard") and event.get("text")
    ]
    asked = [answer for q, answer in row.get("wizard_q", {}).items() if q.startswith(ANNOYED)]
    annoyed = None if not asked or asked[0] is None else bool(asked[0])
    return _talk(str(row["id"]), source, lines, annoyed, "+".join(filter(None, row["domains"])))


def _talk(
    name: str, source: str, lines: list[Line], annoyed: bool | None = None, domain: str = ""
) -> Talk:
    exchanges: list[Exchange] = []
    told: list[str] = []
    for customer, text, rating in lines:
        if customer:
            exchanges.append(Exchange(" ".join(told), text, rating))
            told = []
        else:
            told.append(text)
    return Talk(name, source, tuple(exchanges), " ".join(told), annoyed, domain)
