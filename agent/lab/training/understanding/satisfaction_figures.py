"""Figures of the upset score on dissatisfied turns of USS and annoyed users of STAR.

Nothing is trained on these sets here. USS has no licence and may only be measured on; STAR trains
the model of dialogue breakdown (rated_dialogues.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agent.lab.figures import Figure, row_figure
from agent.lab.json_lines import read_json_lines
from agent.lab.metrics import auroc
from agent.lab.statistics import cluster_bootstrap
from agent.lab.training.understanding.rated_dialogues import ANNOYED_QUESTION, USS_SETS
from agent.understanding.text_models import TextAffectModel


def satisfaction_figures(model: TextAffectModel, data: Path) -> list[Figure]:
    """AUROC for dissatisfied turns (mean rating below 2.5) of USS and annoyed users of STAR."""
    results = []
    for name in USS_SETS:
        path = data / "uss" / f"{name}.jsonl.gz"
        turns = [
            (turn["text"], float(np.mean(turn["sat"])) < 2.5, number)
            for number, dialogue in enumerate(read_json_lines(path) if path.exists() else ())
            for turn in dialogue["turns"]
            if turn["s"] == "U" and turn.get("sat")
        ]
        if turns:
            texts, labels, dialogues_of_turns = zip(*turns, strict=True)
            statistic = auroc(labels, model.log_odds(texts))
            estimate = cluster_bootstrap(statistic, dialogues_of_turns, "conversations")
            results.append(Figure(f"USS {name}, dissatisfied turns", "AUROC", estimate))
    dialogues = list(_star_dialogues(data))
    if dialogues:
        annoyed = [was_annoyed for _, was_annoyed in dialogues]
        highest_scores = [float(model.log_odds(texts).max()) for texts, _ in dialogues]
        results.append(
            row_figure("STAR, annoyed users (dialogues)", "AUROC", auroc, annoyed, highest_scores)
        )
    return results


def _star_dialogues(data: Path) -> Iterator[tuple[list[str], bool]]:
    for name in ("bank", "other"):
        path = data / "star" / f"{name}_dialogues.jsonl.gz"
        for dialogue in read_json_lines(path) if path.exists() else ():
            answers = [
                a for q, a in dialogue.get("wizard_q", {}).items() if q.startswith(ANNOYED_QUESTION)
            ]
            texts = [e["text"] for e in dialogue["events"] if e["a"] == "User" and e.get("text")]
            if texts and answers and answers[0] is not None:
                yield texts, bool(answers[0])
