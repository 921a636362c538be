"""Language model and pronunciations for the beam search over callers' words.

A trigram model with improved Kneser-Ney smoothing (Chen & Goodman 1998), counted and pruned by
IRSTLM (Federico et al. 2008; Debian package irstlm) on the training transcripts, on texts of bank
customers and on everyday comments; and a pronunciation lexicon.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.lab.datasets import read_goemotions_texts
from agent.lab.json_lines import read_json_lines
from agent.lab.training.ears.corpus import DataError, normalise_text
from audio.phones import pronunciation, word_phones

UNKNOWN_WORD = "<unk>"
DEFAULT_IRSTLM_FOLDER = Path(
    "/usr/lib/irstlm"
)  # Debian's; the environment variable IRSTLM overrides it
CUSTOMER_TEXT_SETS = (
    ("banking77/train.jsonl.gz", "text"),
    ("natcs_intents/banking_test.jsonl.gz", "utterance"),
    ("natcs_intents/finance_test.jsonl.gz", "utterance"),
    ("natcs_intents/insurance_dev.jsonl.gz", "utterance"),
    ("multidogo/turn_train.jsonl.gz", "text"),
    ("clinc150/train.jsonl.gz", "text"),
    ("nlupp/banking.jsonl.gz", "text"),
)
# How often each transcript is counted: callers' own words matter most, and there are few of them.
# Sources that are missing here hold single words, which have no word order to learn.
TRANSCRIPT_REPEATS: Mapping[str, int] = {
    "wuw2": 10,
    "speechocean762": 10,
    "kathleen": 5,
    "vctk_p239": 5,
    "alnum": 3,
    "espeak": 1,
}


def customer_texts(data: Path) -> list[str]:
    """Turns that customers of banks and similar businesses wrote or said."""
    text = data / "text"
    lines = [row[key] for name, key in CUSTOMER_TEXT_SETS for row in read_json_lines(text / name)]
    for dialogue in read_json_lines(text / "sgd_bank/train.jsonl.gz"):
        lines += [turn["text"] for turn in dialogue["turns"] if turn["s"] == "U"]
    for call in read_json_lines(text / "harper_valley_8/conversations.jsonl.gz"):
        utterances = (part["human"] for part in call["segments"] if part["role"] == "caller")
        lines += [line.replace("<unk>", " ").replace("[noise]", " ") for line in utterances]
    return [line for line in map(normalise_text, lines) if line]


def everyday_texts(data: Path) -> list[str]:
    """Everyday English: Reddit comments (GoEmotions)."""
    lines = map(normalise_text, read_goemotions_texts(data / "text", "train"))
    return [line for line in lines if line]


def vocabulary(transcripts: Iterable[str], texts: Iterable[str], min_count: int = 4) -> set[str]:
    """Every word of the transcripts, and words that occur `min_count` times in texts."""
    words = {word for line in transcripts for word in line.split()}
    counts = Counter(word for line in texts for word in line.split())
    return words | {word for word, n in counts.items() if n >= min_count and len(word) > 1}


def repeated_transcripts(transcripts: Mapping[str, Sequence[str]]) -> list[str]:
    """The transcripts, each repeated as often as `TRANSCRIPT_REPEATS` says for its source."""
    return [
        line
        for source, lines in transcripts.items()
        for line in lines
        for _ in range(TRANSCRIPT_REPEATS.get(source, 0))
    ]


PronunciationFunction = Callable[[str], Iterable[str]]


def pronunciations_in(lines: Sequence[str], min_share: float = 0.1) -> PronunciationFunction:
    """A function from a word to its pronunciations.

    They are the one of the word alone, and those that make up `min_share` of its occurrences here.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for line in set(lines):
        for word, phones in zip(line.split(), pronunciation(line), strict=True):
            counts[word][" ".join(phones)] += 1

    def find_pronunciations(word: str) -> list[str]:
        ways = counts[word]
        usual = [way for way, n in ways.items() if n >= min_share * ways.total()]
        return sorted({way for way in (" ".join(word_phones(word)), *usual) if way})

    return find_pronunciations


def write_lexicon(
    folder: Path, known_words: Iterable[str], pronounce: PronunciationFunction
) -> None:
    """Write `folder`/words.lexicon: a line for each pronunciation of each word."""
    (folder / "words.lexicon").write_text(
        "".join(f"{word}\t{said} |\n" for word in sorted(known_words) for said in pronounce(word))
    )


def irstlm_folder() -> Path:
    """The folder of IRSTLM's programs; DataError with installation advice if it is missing."""
    home = Path(os.environ.get("IRSTLM", DEFAULT_IRSTLM_FOLDER))
    if not (home / "bin" / "build-lm.sh").exists() or not shutil.which("gzip"):
        raise DataError("training counts words with IRSTLM; install it: apt-get install irstlm")
    return home


def write_arpa(
    folder: Path, lines: Sequence[str], known_words: set[str], prune_threshold: float = 1e-6
) -> None:
    """Write `folder`/words.arpa. N-grams that change the model less than `prune_threshold` go."""
    home = irstlm_folder()
    with TemporaryDirectory() as name:
        work = Path(name)
        with (work / "text").open("w") as text:
            for line in lines:
                words = (word if word in known_words else UNKNOWN_WORD for word in line.split())
                text.write(f"<s> {' '.join(words)} </s>\n")

        def run(program: str, *arguments: str) -> None:
            command = [str(home / "bin" / program), *arguments]
            environment = {**os.environ, "IRSTLM": str(home)}
            subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True)

        smoothing = ("-n", "3", "-s", "improved-kneser-ney", "-p", "-k", "2")
        run("build-lm.sh", "-i", "text", "-o", "counts.gz", "-t", str(work / "parts"), *smoothing)
        run("compile-lm", "--text=yes", "counts.gz", "all.arpa")
        run(
            "prune-lm",
            f"--threshold={prune_threshold},{prune_threshold}",
            "all.arpa",
            "pruned.arpa",
        )
        shutil.copy(work / "pruned.arpa", folder / "words.arpa")
