"""Counts of the words after which customers' turns end.

    hearken tune endings --data DIR

counts them in what customers wrote and said: MultiDoGO (train), STAR (nine dialogues of ten),
NatCS, HarperValley, and the sentences read in speechocean762 (train). wuw2 is left out on purpose:
its callers were told to end with one of five words. The result is small enough to be read.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from agent.lab.json_lines import read_json_lines
from audio.text_endpointing import ENDINGS_FILE, TurnEndings, is_number_word, words_of
from audio.types import AudioError

MIN_WORD_COUNT = 10  # occurrences of a word in the table
MIN_PAIR_COUNT = 20  # occurrences of a pair of words
SHARE_DECIMALS = 3  # decimals of the shares


@dataclass(frozen=True, slots=True)
class CompletenessShares:
    """How the table judges positions in held-out texts, as shares."""

    ends_incomplete: float  # wrong: the agent waits too long
    goes_on_incomplete: float
    ends_complete: float
    goes_on_complete: float  # wrong: the turn is cut off


def count_endings(data: Path, out: Path, console: Console) -> None:
    """Count, write `out`, and print how the table judges held-out texts."""
    counted_turns, held_out = read_turns(data)
    endings = endings_table(counted_turns)
    write_endings(endings, out)
    shares = completeness_shares(endings, held_out)
    console.print(
        f"{out}: {len(endings.counts)} words and pairs from {len(counted_turns)} turns.\n"
        f"Of {len(held_out)} other turns {100 * shares.ends_incomplete:.1f} % look incomplete at "
        f"their end and {100 * shares.goes_on_incomplete:.1f} % of the places inside do; "
        f"{100 * shares.ends_complete:.1f} % and {100 * shares.goes_on_complete:.1f} % look "
        "complete."
    )


def read_turns(data: Path) -> tuple[list[str], list[str]]:
    """(customers' turns to count, held-out turns to judge the table by)."""
    text = data / "text"
    if not text.is_dir():
        raise AudioError(f"{data}: there is no folder `text` with the public text sets in it")
    star = [
        (row["id"], event["text"])
        for name in ("bank", "other")
        for row in _rows(text / "star" / f"{name}_dialogues.jsonl.gz")
        for event in row["events"]
        if event.get("a") == "User" and event.get("text")
    ]
    counted_turns = [row["text"] for row in _rows(text / "multidogo/turn_train.jsonl.gz")]
    counted_turns += [segment for dialogue, segment in star if dialogue % 10]
    for name in ("banking_test", "finance_test", "insurance_dev"):
        counted_turns += [
            row["utterance"] for row in _rows(text / f"natcs_intents/{name}.jsonl.gz")
        ]
    for row in _rows(text / "harper_valley_8/conversations.jsonl.gz"):
        counted_turns += [
            segment["human"] for segment in row["segments"] if segment["role"] == "caller"
        ]
    read = _rows(data / "speech/speechocean762.jsonl.gz")
    counted_turns += [row["text"] for row in read if row["split_wide"] == "train"]
    held_out = [row["text"] for row in _rows(text / "multidogo/turn_dev.jsonl.gz")]
    held_out += [segment for dialogue, segment in star if not dialogue % 10]
    return counted_turns, held_out


def endings_table(texts: Iterable[str]) -> TurnEndings:
    """The table of endings in these turns."""
    seen, ended, places, turns = Counter[str](), Counter[str](), 0, 0
    for text in texts:
        words = ["^", *words_of(text)]
        turns += len(words) > 1
        places += len(words) - 1
        for index in range(1, len(words)):
            if is_number_word(words[index]):  # in figures: one written word for ten spoken ones
                continue
            for key in (words[index], f"{words[index - 1]} {words[index]}"):
                seen[key] += 1
                ended[key] += index == len(words) - 1
    usual = round(turns / max(1, places), SHARE_DECIMALS)
    min_counts = {key: MIN_PAIR_COUNT if " " in key else MIN_WORD_COUNT for key in seen}
    known = {key: (ended[key], seen[key]) for key in sorted(seen) if seen[key] >= min_counts[key]}
    return _without_redundant_pairs(TurnEndings(known, usual))


def completeness_shares(endings: TurnEndings, texts: Iterable[str]) -> CompletenessShares:
    """How the table judges the ends and all other positions of these texts, as shares."""
    counts = Counter[tuple[bool, str]]()
    for text in texts:
        words = words_of(text)
        for index in range(1, len(words) + 1):
            counts[index == len(words), endings.completeness(" ".join(words[:index]))] += 1

    def share(ends: bool, look: str) -> float:
        return counts[ends, look] / max(1, sum(n for (end, _), n in counts.items() if end == ends))

    return CompletenessShares(
        share(True, "incomplete"),
        share(False, "incomplete"),
        share(True, "complete"),
        share(False, "complete"),
    )


def write_endings(endings: TurnEndings, out: Path = ENDINGS_FILE) -> None:
    """Write one key a line, so that a person can read the file and a diff shows what changed."""
    lines = ",\n".join(
        f"  {json.dumps(key)}: {json.dumps(counts)}" for key, counts in endings.counts.items()
    )
    out.write_text(
        f'{{\n "usual": {endings.base_rate},\n "unlikely": {endings.incomplete_below},\n'
        f' "likely": {endings.complete_above},\n "counts": {{\n{lines}\n }}\n}}\n',
        encoding="utf-8",
    )


def _without_redundant_pairs(known: TurnEndings) -> TurnEndings:
    """The table without the pairs that judge as their last word alone does."""
    words = {key: counts for key, counts in known.counts.items() if " " not in key}
    words_alone = replace(known, counts=words)
    kept = {
        key: counts
        for key, counts in known.counts.items()
        if key in words
        or known.completeness(_key_text(key)) != words_alone.completeness(_key_text(key))
    }
    return replace(known, counts=kept)


def _key_text(key: str) -> str:
    return key.removeprefix("^ ")


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from read_json_lines(path)
    except FileNotFoundError:
        raise AudioError(f"{path}: this text set is missing") from None
