"""Which words do callers use, and which follows which?

A trigram model with improved Kneser-Ney smoothing (Chen & Goodman 1998), counted and pruned by
IRSTLM (Federico et al. 2008; Debian package irstlm) on the training transcripts, on what customers
write to banks and on everyday remarks, and the pronunciations that the beam search wants beside it.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agent.lab.training.ears.corpus import DataError, written
from audio.phones import one, pronounced

UNKNOWN = "<unk>"
IRSTLM = Path("/usr/lib/irstlm")  # where Debian installs it; IRSTLM says otherwise
WRITTEN = (
    ("banking77/train.jsonl.gz", "text"),
    ("natcs_intents/banking_test.jsonl.gz", "utterance"),
    ("natcs_intents/finance_test.jsonl.gz", "utterance"),
    ("natcs_intents/insurance_dev.jsonl.gz", "utterance"),
    ("multidogo/turn_train.jsonl.gz", "text"),
    ("clinc150/train.jsonl.gz", "text"),
    ("nlupp/banking.jsonl.gz", "text"),
)
# How often each transcript is counted: callers' own words matter most, and there are few of them.
# Single words said over and over say nothing about order.
COUNTED: Mapping[str, int] = {
    "wuw2": 10,
    "speechocean762": 10,
    "kathleen": 5,
    "vctk_p239": 5,
    "alnum": 3,
    "espeak": 1,
}


def requests(data: Path) -> list[str]:
    """What customers of banks and the like write and say, a turn a line."""
    text = data / "text"
    lines = [row[key] for name, key in WRITTEN for row in _rows(text / name)]
    for dialogue in _rows(text / "sgd_bank/train.jsonl.gz"):
        lines += [turn["text"] for turn in dialogue["turns"] if turn["s"] == "U"]
    for call in _rows(text / "harper_valley_8/conversations.jsonl.gz"):
        said = (part["human"] for part in call["segments"] if part["role"] == "caller")
        lines += [line.replace("<unk>", " ").replace("[noise]", " ") for line in said]
    return [line for line in map(written, lines) if line]


def remarks(data: Path) -> list[str]:
    """Everyday English: what people comment (GoEmotions)."""
    with gzip.open(data / "text/goemotions/train.tsv.gz", "rt") as rows:
        lines = [written(row.split("\t")[0]) for row in rows]
    return [line for line in lines if line]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt") as rows:
        yield from map(json.loads, rows)


def vocabulary(said: Iterable[str], wrote: Iterable[str], often: int = 4) -> set[str]:
    """Every word somebody said in training, and what others write at least `often` times."""
    words = {word for line in said for word in line.split()}
    counts = Counter(word for line in wrote for word in line.split())
    return words | {word for word, n in counts.items() if n >= often and len(word) > 1}


def counted(said: Mapping[str, Sequence[str]]) -> list[str]:
    """Transcripts by source, each as often as it is to be counted."""
    return [
        line
        for source, lines in said.items()
        for line in lines
        for _ in range(COUNTED.get(source, 0))
    ]


Spelled = Callable[[str], Iterable[str]]


def pronunciations(lines: Sequence[str], least: float = 0.1) -> Spelled:
    """How each word is said alone, and how it is said in these lines at least so often."""
    heard: dict[str, Counter[str]] = defaultdict(Counter)
    for line in set(lines):
        for word, phones in zip(line.split(), pronounced(line), strict=True):
            heard[word][" ".join(phones)] += 1

    def spelled(word: str) -> list[str]:
        ways = heard[word]
        usual = [way for way, n in ways.items() if n >= least * ways.total()]
        return sorted({way for way in (" ".join(one(word)), *usual) if way})

    return spelled


def write_lexicon(folder: Path, known: Iterable[str], spelled: Spelled) -> None:
    (folder / "words.lexicon").write_text(
        "".join(f"{word}\t{said} |\n" for word in sorted(known) for said in spelled(word))
    )


def irstlm() -> Path:
    """Where IRSTLM's programs are, or DataError that says how to get them."""
    home = Path(os.environ.get("IRSTLM", IRSTLM))
    if not (home / "bin" / "build-lm.sh").exists() or not shutil.which("gzip"):
        raise DataError("training counts words with IRSTLM; install it: apt-get install irstlm")
    return home


def write_model(folder: Path, lines: Sequence[str], known: set[str], least: float = 1e-6) -> None:
    """`folder`/words.arpa. `least`: an n-gram that changes the model's chances less is left out."""
    home = irstlm()
    with TemporaryDirectory() as name:
        work = Path(name)
        with (work / "text").open("w") as text:
            for line in lines:
                words = (word if word in known else UNKNOWN for word in line.split())
                text.write(f"<s> {' '.join(words)} </s>\n")

        def run(program: str, *arguments: str) -> None:
            command = [str(home / "bin" / program), *arguments]
            environment = {**os.environ, "IRSTLM": str(home)}
            subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True)

        smoothing = ("-n", "3", "-s", "improved-kneser-ney", "-p", "-k", "2")
        run("build-lm.sh", "-i", "text", "-o", "counts.gz", "-t", str(work / "parts"), *smoothing)
        run("compile-lm", "--text=yes", "counts.gz", "all.arpa")
        run("prune-lm", f"--threshold={least},{least}", "all.arpa", "pruned.arpa")
        shutil.copy(work / "pruned.arpa", folder / "words.arpa")
