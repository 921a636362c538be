"""Which sentences, with which of our intents, are trained on, tuned on and measured on?

Reads the public sets from a data folder and the pack's own examples. Original splits are kept;
where a set has none, whole folds, domains or speakers are held out. Nothing is written. Invariants,
held by tests/agent/training/test_understanding.py: no sentence of a test split is trained on; the
same folder gives the same examples in the same order.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agent.lab.training.understanding.mapping import NLUPP, NLUPP_ALONE, SGD_ACTS, ours
from agent.understanding.text_features import plain
from dialogs.pack.model import Pack
from dialogs.values import OUT_OF_SCOPE

Split = Literal["train", "dev", "test"]
MOST = 700  # sentences of one intent from one set: the large sets must not drown our own examples
MOST_FOR = {"question": 4000, "out_of_scope": 6000}
_HOW_ARE_YOU = re.compile(
    r"\bhow (is|are|have|has|was|do)\b|\bhows\b|whats (up|new)|you doing|going"
)
_ENDS = re.compile(r"\b(all|else|nothing|done|bye|thanks?|good|nice|great)\b")
_ANSWERS = re.compile(r"^(yes|yeah|yep|sure|ok|okay|no|nope|thanks?)\b")


@dataclass(frozen=True, slots=True)
class Example:
    text: str
    intent: str
    source: str
    split: Split
    written: str = field(default="", compare=False)  # before it was made plain
    heard: tuple[str, ...] = ()  # what our transcriber made of it (heard.py)


def examples(data: Path, pack: Pack, own: Sequence[Example] = ()) -> list[Example]:
    """All examples whose intent the pack knows, each plain sentence once.

    `own` are sentences written for this project beside the pack; what they and the pack say is
    final. Of the rest, a test sentence is never trained on, but for phrases of up to three words
    ("yes please"): everybody says those, so what the training has seen is no longer measured.
    """
    known = set(pack.intents)
    final = own_examples(pack, own)
    said: dict[str, Counter[Example]] = {}
    for row in _all(data):
        words = plain(row.text)
        if words and row.intent in known:
            same = Example(words, row.intent, row.source, row.split, row.text)
            said.setdefault(words, Counter())[same] += 1
    taken = {plain(row.text) for row in final}
    kept = [_one(rows) for words, rows in said.items() if words not in taken]
    return capped(final + kept)


def _one(rows: Counter[Example]) -> Example:
    """The row to keep of those that say the same: the most frequent one of the first split."""
    short = len(next(iter(rows)).text.split()) <= 3
    order = ("train", "dev", "test") if short else ("test", "dev", "train")
    split = next(split for split in order if any(row.split == split for row in rows))
    return max((row for row in rows if row.split == split), key=rows.__getitem__)


def own_examples(pack: Pack, own: Sequence[Example] = ()) -> list[Example]:
    """The pack's examples and `own`, each plain sentence once."""
    rows = [
        Example(text, name, "own", "train")
        for name, intent in pack.intents.items()
        for text in intent.examples
    ]
    rows += [row for row in own if row.intent in pack.intents]
    return list({plain(row.text): row for row in reversed(rows)}.values())[::-1]


def capped(rows: Iterable[Example]) -> list[Example]:
    """At most MOST training rows of an intent from one set, chosen by a hash of the text."""
    chosen: list[Example] = []
    groups: dict[tuple[str, str], list[Example]] = {}
    for row in rows:
        if row.split == "train":
            groups.setdefault((row.source, row.intent), []).append(row)
        else:
            chosen.append(row)
    for (_, intent), group in groups.items():
        group.sort(key=lambda row: part(row.text, 2**31))
        chosen += group[: MOST_FOR.get(intent, MOST)]
    return chosen


def part(text: str, parts: int) -> int:
    """A stable number below `parts` for a text or a name."""
    return zlib.crc32(text.encode()) % parts


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _all(data: Path) -> Iterator[Example]:
    readers = (_banking77, _clinc150, _natcs, _multidogo, _nlupp, _sgd, _evi, _spoken_numbers)
    for reader in (*readers, _questions):
        yield from reader(data)


def _mapped(text: str, intent: str, source: str, split: Split) -> Iterator[Example]:
    target = ours(source, intent)
    if target is not None:
        yield Example(text, target, source, split)


def _greeted(text: str, intent: str, source: str, split: Split) -> Iterator[Example]:
    """Public greetings hold many that ask how we are: an intent of its own with us."""
    if ours(source, intent) == "greeting" and _HOW_ARE_YOU.search(plain(text)):
        yield Example(text, "how_are_you", source, split)
    else:
        yield from _mapped(text, intent, source, split)


def _banking77(data: Path) -> Iterator[Example]:
    for split in ("train", "test"):
        for row in rows_of(data / "banking77" / f"{split}.jsonl.gz"):
            held: Split = "dev" if split == "train" and part(row["text"], 10) == 0 else split
            yield from _mapped(row["text"], row["intent"], "banking77", held)


def _clinc150(data: Path) -> Iterator[Example]:
    files: tuple[tuple[str, Split], ...] = (
        ("train", "train"), ("oos_train", "train"), ("val", "dev"),
        ("oos_val", "dev"), ("test", "test"), ("oos_test", "test"),
    )  # fmt: skip
    for name, split in files:
        for row in rows_of(data / "clinc150" / f"{name}.jsonl.gz"):
            intent, text = row["intent"], row["text"]
            if name.startswith("oos"):
                yield Example(text, OUT_OF_SCOPE, "clinc150_oos", split)
            else:
                yield from _greeted(text, intent, "clinc150", split)


def _natcs(data: Path) -> Iterator[Example]:
    """Spoken-style requests. The whole banking domain is held out as a test."""
    for name in ("banking_test", "finance_test", "insurance_dev"):
        for row in rows_of(data / "natcs_intents" / f"{name}.jsonl.gz"):
            text = row["utterance"]
            split: Split = "dev" if part(text, 8) == 0 else "train"
            split = "test" if name.startswith("banking") else split
            yield from _mapped(text, row["intent"], "natcs", split)


def _multidogo(data: Path) -> Iterator[Example]:
    splits: tuple[Split, ...] = ("train", "dev", "test")
    for split in splits:
        for row in rows_of(data / "multidogo" / f"sentence_{split}.jsonl.gz"):
            if row["turn"] > 0 or row["intent"] == "openinggreeting":
                source = "multidogo_finance" if row["domain"] == "finance" else "multidogo"
                if _clean(row["text"], row["intent"]):
                    yield from _greeted(row["text"], row["intent"], source, split)


def _clean(text: str, intent: str) -> bool:
    """Labels are of whole turns: a sentence may lack what it is labelled for. Keep the plain."""
    words = plain(text)
    count = len(words.split())
    match intent:
        case "" | "outofdomain":
            return False
        case "openinggreeting" | "thankyou" | "closinggreeting":
            return count <= 6
        case "rejection":
            return count <= 5 and words.startswith(("no", "not", "nah")) and not _ENDS.search(words)
        case "confirmation":
            return count <= 5 and not _ENDS.search(words)
        case "contentonly":
            return not _ANSWERS.search(words)
        case _:
            return count >= 4 and "<div>" not in intent


def _nlupp(data: Path) -> Iterator[Example]:
    for row in rows_of(data / "nlupp" / "banking.jsonl.gz"):
        fold, labels = row["fold"], frozenset(row.get("intents", ()))
        split: Split = "test" if fold >= 18 else "dev" if fold >= 16 else "train"
        intent = next((target for needed, target in NLUPP if needed <= labels), None)
        if len(labels) == 1:
            intent = NLUPP_ALONE.get(next(iter(labels)), intent)
        if intent is not None:
            yield Example(row["text"], intent, "nlupp", split)


def _sgd(data: Path) -> Iterator[Example]:
    splits: tuple[Split, ...] = ("train", "dev", "test")
    for split in splits:
        for talk in rows_of(data / "sgd_bank" / f"{split}.jsonl.gz"):
            for turn in talk["turns"]:
                if turn["s"] != "U":
                    continue
                acts = {act[1] for act in turn["acts"]}
                opened = [a[3][0] for a in turn["acts"] if a[1] == "INFORM_INTENT" and a[3]]
                if opened and "NEGATE_INTENT" not in acts:
                    yield from _mapped(turn["text"], opened[0], "sgd", split)
                elif acts == {"INFORM"} and len(turn["text"].split()) > 3:
                    continue  # most of them say again what they want done
                elif len(acts) == 1 and (intent := SGD_ACTS.get(next(iter(acts)))):
                    yield Example(turn["text"], intent, "sgd", split)


def _evi(data: Path) -> Iterator[Example]:
    """What a recogniser wrote when callers said names, postcodes and dates of birth."""
    for row in rows_of(data / "evi" / "dialogues_en.jsonl.gz"):
        if row.get("transcription"):
            held = part(row["speaker_id"], 10)
            split: Split = "test" if held == 0 else "dev" if held == 1 else "train"
            yield Example(row["transcription"], "inform", "evi", split)


def _spoken_numbers(data: Path) -> Iterator[Example]:
    wanted = {"cardinal", "date", "money", "telephone", "time", "ordinal"}
    for row in rows_of(data / "itn_en" / "pairs.jsonl.gz"):
        if row["cls"] in wanted:
            yield Example(row["spoken"], "inform", "itn_en", "train")


def _questions(data: Path) -> Iterator[Example]:
    """Questions about everything on earth, and the same with a slip of the tongue mended: what no
    bank is asked, though it sounds like a question."""
    splits: tuple[Split, ...] = ("train", "dev")
    for split in splits:
        for row in rows_of(data / "disfl_qa" / f"{split}.jsonl.gz"):
            kept = part(row["original"], 8)
            if kept < 2:
                text = row["original"] if kept else row["disfluent"]
                yield Example(text, OUT_OF_SCOPE, "disfl_qa", split)


def anything(data: Path, remarks: int = 6_000) -> list[Example]:
    """What no business is asked, plain, for packs of any trade: questions about everything on earth
    and what people comment (GoEmotions)."""
    texts = [row["original"] for row in rows_of(data / "disfl_qa" / "train.jsonl.gz")]
    with gzip.open(data / "goemotions" / "train.tsv.gz", "rt", encoding="utf-8") as lines:
        comments = [line.split("\t")[0] for line in lines]
    comments.sort(key=lambda text: part(text, 2**31))
    texts += comments[:remarks]
    return [Example(plain(text), OUT_OF_SCOPE, "anything", "train", text) for text in texts]
