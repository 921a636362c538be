"""Recall and false alarms of care, by kind, on turns with what they should be recognised as.

    python -m tests.support.care_evaluation [FILE.jsonl] [--pack FOLDER]

Each line of a file is {"text": ..., "kind": NAME}; the kind is empty for a harmless turn. A turn
counts as recognised when any kind is; `as named` says in how many it is the named one.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dialogs.pack.care_rules import CareRules
from dialogs.pack.loader import BANK_PACK, load_pack

TURNS = Path(__file__).parents[1] / "dialogs" / "care" / "turns.jsonl"
# Kept back while the patterns were written, by the same hand: kinder than other people's words are.
HELD_OUT_TURNS = TURNS.with_name("held_out_turns.jsonl")


@dataclass(frozen=True)
class LabelledTurn:
    """A turn and the kind of care.yaml that it is; empty for a harmless one."""

    text: str
    kind: str


@dataclass(frozen=True)
class CareEvaluation:
    """Turns with the kinds that were recognised in each."""

    results: tuple[tuple[LabelledTurn, tuple[str, ...]], ...]

    def missed(self, kind: str = "") -> list[str]:
        """The texts of turns in which nothing was recognised and something should have been."""
        return [
            turn.text
            for turn, found in self.results
            if turn.kind and kind in ("", turn.kind) and not found
        ]

    @property
    def false_alarms(self) -> list[tuple[str, tuple[str, ...]]]:
        """The harmless turns in which something was recognised."""
        return [(turn.text, found) for turn, found in self.results if found and not turn.kind]

    @property
    def recall(self) -> float:
        """Share of the turns with a kind in which something was recognised."""
        count = sum(bool(turn.kind) for turn, _ in self.results)
        return 1 - len(self.missed()) / count if count else 1.0

    @property
    def false_alarm_rate(self) -> float:
        """Share of the harmless turns in which something was recognised."""
        count = sum(not turn.kind for turn, _ in self.results)
        return len(self.false_alarms) / count if count else 0.0

    def lines(self) -> Iterable[str]:
        """The figures by kind, then each turn that went wrong."""
        yield f"{'kind':14} {'turns':>5} {'recognised':>10} {'as named':>8} {'false alarms':>12}"
        for kind in sorted({turn.kind for turn, _ in self.results if turn.kind}):
            mine = [found for turn, found in self.results if turn.kind == kind]
            alarms = sum(kind in found for _, found in self.false_alarms)
            yield (
                f"{kind:14} {len(mine):5} {sum(map(bool, mine)):10} "
                f"{sum(kind in found for found in mine):8} {alarms:12}"
            )
        yield f"recall {self.recall:.1%}, false alarms {self.false_alarm_rate:.1%}"
        yield from (f"missed: {text}" for text in self.missed())
        yield from (
            f"false alarm: {text} ({', '.join(found)})" for text, found in self.false_alarms
        )


def read_turns(file: Path = TURNS) -> list[LabelledTurn]:
    """The turns of a file."""
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
    return [LabelledTurn(row["text"], row.get("kind") or "") for row in rows]


def evaluate_care(care: CareRules, turns: Iterable[LabelledTurn]) -> CareEvaluation:
    """What these rules recognise in the turns."""
    return CareEvaluation(
        tuple((turn, tuple(one.kind for one in care.find(turn.text)[0])) for turn in turns)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=TURNS)
    parser.add_argument("--pack", type=Path, default=BANK_PACK)
    arguments = parser.parse_args()
    pack = load_pack(arguments.pack)
    assert pack.care is not None, "the pack has no care.yaml"
    print("\n".join(evaluate_care(pack.care, read_turns(arguments.file)).lines()))


if __name__ == "__main__":
    main()
