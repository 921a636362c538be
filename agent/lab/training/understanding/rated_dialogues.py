"""Rated conversations: USS with satisfaction after every turn, STAR with annoyed customers.

In USS (Sun et al. 2021) 3 to 5 raters say after every turn of the customer how satisfied the
customer is, 1 to 5; USS has no licence and may only be measured on. STAR (Mosig et al. 2020, MIT)
asked its wizards afterwards whether the customer had become annoyed. Only the texts are read: no
dialogue acts, no task, no instructions of STAR's customers. Invariants, held by
tests/agent/lab/evaluation/test_escalation.py: a conversation is in one fold as a whole; a turn
knows only of what came before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding.examples import stable_bucket

ANNOYED_QUESTION = "Did the user become aggressive or annoyed"  # STAR's question to its wizards
USS_SETS = ("MWOZ", "SGD", "ReDial", "CCPE")
DISSATISFIED_BELOW = 2.5  # mean rating, as in satisfaction_figures.py
WHOLE_DIALOGUE = "OVERALL"  # the text of the row in which USS rates the whole conversation


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn of the customer, and the agent's text since the customer's last turn (may be "")."""

    agent_text: str
    customer_text: str
    rating: float | None = None

    @property
    def is_dissatisfied(self) -> bool:
        return self.rating is not None and self.rating < DISSATISFIED_BELOW


@dataclass(frozen=True, slots=True)
class RatedDialogue:
    """A conversation; `last_agent_text` follows the last turn; `annoyed` None: nobody was asked."""

    id: str
    source: str
    exchanges: tuple[Exchange, ...]
    last_agent_text: str = ""
    annoyed: bool | None = None
    domain: str = ""

    @property
    def text_pairs(self) -> list[tuple[str, str]]:
        return [(exchange.agent_text, exchange.customer_text) for exchange in self.exchanges]

    def reply(self, at: int) -> str:
        """The agent's reply to the customer's turn number `at`, counting from 0."""
        return (
            self.exchanges[at + 1].agent_text
            if at + 1 < len(self.exchanges)
            else self.last_agent_text
        )

    def fold(self, folds: int, salt: str = "") -> int:
        return stable_bucket(f"{salt}{self.source}/{self.id}", folds)


def read_uss(data: Path, name: str) -> list[RatedDialogue]:
    """The conversations of the USS set `name`, one of `USS_SETS`."""
    return [
        _dialogue(str(row["id"]), name, list(_rated_lines(row["turns"])))
        for row in read_json_lines(data / "uss" / f"{name}.jsonl.gz")
    ]


def read_star(data: Path) -> list[RatedDialogue]:
    """The STAR conversations whose wizard was asked, in the bank domain and all others."""
    return [
        talk
        for name in ("bank", "other")
        for row in read_json_lines(data / "star" / f"{name}_dialogues.jsonl.gz")
        if (talk := _star_dialogue(row, name)).exchanges and talk.annoyed is not None
    ]


DialogueLine = tuple[bool, str, float | None]  # (is customer, text, rating)


def _rated_lines(turns: list[Mapping[str, Any]]) -> Iterator[DialogueLine]:
    for turn in turns:
        if turn["text"] != WHOLE_DIALOGUE:
            ratings = turn.get("sat") if turn["s"] == "U" else None
            yield turn["s"] == "U", turn["text"], float(np.mean(ratings)) if ratings else None


def _star_dialogue(row: Mapping[str, Any], source: str) -> RatedDialogue:
    lines: list[DialogueLine] = [
        (event["a"] == "User", event["text"], None)
        for event in row["events"]
        if event["a"] in ("User", "Wizard") and event.get("text")
    ]
    answers = [
        answer for q, answer in row.get("wizard_q", {}).items() if q.startswith(ANNOYED_QUESTION)
    ]
    annoyed = None if not answers or answers[0] is None else bool(answers[0])
    return _dialogue(str(row["id"]), source, lines, annoyed, "+".join(filter(None, row["domains"])))


def _dialogue(
    dialogue_id: str,
    source: str,
    lines: list[DialogueLine],
    annoyed: bool | None = None,
    domain: str = "",
) -> RatedDialogue:
    exchanges: list[Exchange] = []
    agent_texts: list[str] = []
    for customer, text, rating in lines:
        if customer:
            exchanges.append(Exchange(" ".join(agent_texts), text, rating))
            agent_texts = []
        else:
            agent_texts.append(text)
    return RatedDialogue(
        dialogue_id, source, tuple(exchanges), " ".join(agent_texts), annoyed, domain
    )
