"""The worst turns of an evaluation, for a person to listen to.

Held by tests/agent/lab/evaluation/test_command.py.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agent.lab.evaluation.contenders import AnalysedTurn
from agent.lab.evaluation.expected_questions import is_right_answer
from agent.lab.evaluation.speech_metrics import edit_counts, emotion_verdict


def worst_words(turns: Sequence[AnalysedTurn], limit: int = 10) -> list[AnalysedTurn]:
    """Wrong turns by letter error rate, highest first; among equals, by confidence."""
    said = [t for t in turns if t.recording.text]
    counts = edit_counts([list(t.recording.text) for t in said], [list(used_text(t)) for t in said])
    wrong = counts[:, :3].sum(1) / np.maximum(counts[:, 3], 1)
    ranked = sorted(zip(wrong, said, strict=True), key=lambda p: (-p[0], -_confidence(p[1])))
    return [turn for error, turn in ranked if error > 0 and not _is_right(turn)][:limit]


def worst_emotions(turns: Sequence[AnalysedTurn], limit: int = 10) -> list[AnalysedTurn]:
    """Wrong verdicts, by how much their probability exceeds that of the true emotion."""

    def excess(turn: AnalysedTurn) -> float:
        chances = turn.emotion or {}
        truth = turn.recording.emotion
        return max(chances.values()) - (chances.get(truth, 0.0) if truth else 0.0)

    wrong = [
        t
        for t in turns
        if t.recording.emotion and emotion_verdict(t) not in (None, t.recording.emotion)
    ]
    return sorted(wrong, key=excess, reverse=True)[:limit]


def used_text(turn: AnalysedTurn) -> str:
    """The text that a dialogue would have used."""
    return (turn.answer_transcript or turn.open_transcript).text


def _confidence(turn: AnalysedTurn) -> float:
    return (turn.answer_transcript or turn.open_transcript).confidence


def _is_right(turn: AnalysedTurn) -> bool:
    heard = used_text(turn)
    return bool(heard) and is_right_answer(turn.answer_kind, turn.recording.text, heard)


def print_worst_turns(turns: Sequence[AnalysedTurn], console: Console) -> None:
    if words := worst_words(turns):
        table = Table(title="Worst words", title_justify="left", title_style="bold")
        for heading in ("line", "recording", "said", "recognised", "confidence"):
            table.add_column(heading, overflow="fold")
        for turn in words:
            r, sure = turn.recording, (turn.answer_transcript or turn.open_transcript).confidence
            heard = escape(used_text(turn)) or "[dim]nothing[/]"
            how = " [dim](asked)[/]" if turn.answer_transcript else ""
            table.add_row(str(r.line), escape(r.path), r.text, heard + how, f"{sure:.2f}")
        console.print(table)
    if emotions := worst_emotions(turns):
        table = Table(title="Worst emotions", title_justify="left", title_style="bold")
        for heading in ("line", "recording", "acted", "recognised", "probability"):
            table.add_column(heading, overflow="fold")
        for turn in emotions:
            r, heard_as = turn.recording, emotion_verdict(turn)
            chance = max((turn.emotion or {}).values())
            table.add_row(str(r.line), escape(r.path), r.emotion, heard_as, f"{chance:.2f}")
        console.print(table)
