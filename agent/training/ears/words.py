"""Which words do callers use, and which follows which?

A bigram model in ARPA format with Witten-Bell smoothing (Chen & Goodman 1998, section 2.5), counted
on the training transcripts and on what customers write to banks, and the spelling list that
flashlight-text wants beside it.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from math import log10
from pathlib import Path

from agent.training.ears.prepare import written

START, END, UNKNOWN = "<s>", "</s>", "<unk>"
REQUESTS = (
    ("banking77/train.jsonl.gz", "text"),
    ("natcs_intents/banking_test.jsonl.gz", "utterance"),
    ("natcs_intents/finance_test.jsonl.gz", "utterance"),
    ("natcs_intents/insurance_dev.jsonl.gz", "utterance"),
    ("multidogo/turn_train.jsonl.gz", "text"),
)


def requests(data: Path) -> list[str]:
    lines: list[str] = []
    for name, key in REQUESTS:
        with gzip.open(data / "text" / name, "rt") as rows:
            lines += [written(json.loads(row)[key]) for row in rows]
    return [line for line in lines if line]


def vocabulary(said: Iterable[str], wrote: Iterable[str], often: int = 4) -> set[str]:
    """Every word somebody said in training, and what customers write at least `often` times."""
    words = {word for line in said for word in line.split()}
    counts = Counter(word for line in wrote for word in line.split())
    alone = {"a", "i", "o"}
    return {
        word
        for word in words | {w for w, n in counts.items() if n >= often}
        if len(word) > 1 or word in alone or word in words
    }


def write_model(folder: Path, lines: Sequence[str], known: set[str], pairs: int = 2) -> None:
    """`pairs`: how often two words must follow each other to be listed as a pair."""
    singles: Counter[str] = Counter()
    couples: Counter[tuple[str, str]] = Counter()
    for line in lines:
        words = [START, *(w if w in known else UNKNOWN for w in line.split()), END]
        singles.update(words[1:])
        couples.update(zip(words, words[1:], strict=False))
    total, kinds = sum(singles.values()), len(known)
    alone = {w: (singles[w] + 0.5) / (total + 0.5 * kinds) for w in (*known, END, UNKNOWN)}
    context: Counter[str] = Counter()
    followers: Counter[str] = Counter()
    for (first, _), count in couples.items():
        context[first] += count
        followers[first] += 1
    back = {w: followers[w] / (context[w] + followers[w]) for w in context}
    kept = {pair: n for pair, n in couples.items() if n >= pairs and UNKNOWN not in pair}
    chances = {
        (first, second): n / (context[first] + followers[first]) + back[first] * alone[second]
        for (first, second), n in kept.items()
    }
    _write_arpa(folder / "words.arpa", alone, back, chances)
    spelling = [f"{word}\t{' '.join(word)} |" for word in sorted(known)]
    (folder / "words.lexicon").write_text("\n".join(spelling) + "\n")


def _write_arpa(
    path: Path,
    alone: dict[str, float],
    back: dict[str, float],
    chances: dict[tuple[str, str], float],
) -> None:
    lines = ["\\data\\", f"ngram 1={len(alone) + 1}", f"ngram 2={len(chances)}", "", "\\1-grams:"]
    lines.append(f"-99\t{START}\t{log10(back[START]):.4f}")
    for word, chance in sorted(alone.items()):
        tail = f"\t{log10(back[word]):.4f}" if word in back else ""
        lines.append(f"{log10(chance):.4f}\t{word}{tail}")
    lines += ["", "\\2-grams:"]
    for (first, second), chance in sorted(chances.items()):
        lines.append(f"{log10(chance):.4f}\t{first} {second}")
    path.write_text("\n".join([*lines, "", "\\end\\", ""]))
