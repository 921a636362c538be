"""Training, tuning and test sentences with the pack's intents.

Read from the public sets of a data folder and the pack's own examples. Original splits stay; where
a set has none, whole folds, domains or speakers are held out. Nothing is written. Invariants, held
by tests/agent/lab/training/test_understanding.py: no sentence of a test split is trained on; the
same folder gives the same examples in the same order.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.lab.datasets import Split, read_goemotions_texts
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding.mapping import (
    NLUPP_RULES,
    NLUPP_SINGLE_LABELS,
    SGD_ACTS,
    pack_intent,
)
from agent.understanding.text_features import plain_text
from dialogs.pack.model import Pack
from dialogs.values import OUT_OF_SCOPE

MAX_PER_INTENT = (
    700  # sentences of one intent from one set, so that large sets do not outweigh our own
)
MAX_FOR_INTENT = {"question": 4000, "out_of_scope": 6000}
_HOW_ARE_YOU = re.compile(
    r"\bhow (is|are|have|has|was|do)\b|\bhows\b|whats (up|new)|you doing|going"
)
_CLOSING_WORDS = re.compile(r"\b(all|else|nothing|done|bye|thanks?|good|nice|great)\b")
_ANSWER_WORDS = re.compile(r"^(yes|yeah|yep|sure|ok|okay|no|nope|thanks?)\b")


@dataclass(frozen=True, slots=True)
class IntentExample:
    """A sentence with its intent, its source and its split."""

    text: str
    intent: str
    source: str
    split: Split
    original_text: str = field(default="", compare=False)  # before it was normalised
    transcripts: tuple[str, ...] = ()  # by our recogniser (synthetic_transcripts.py)


def load_examples(
    data: Path, pack: Pack, own_rows: Sequence[IntentExample] = ()
) -> list[IntentExample]:
    """All examples whose intent the pack knows, each plain sentence once.

    `own_rows` are sentences written for this project beside the pack; their labels and the pack's
    override the public sets'. Of the rest, a sentence that is also in a test split is not trained
    on, except phrases of up to three words ("yes please"): those train and are not measured.
    """
    known = set(pack.intents)
    own_final = own_examples(pack, own_rows)
    by_text: dict[str, Counter[IntentExample]] = {}
    for row in _all_examples(data):
        words = plain_text(row.text)
        if words and row.intent in known:
            same = IntentExample(words, row.intent, row.source, row.split, row.text)
            by_text.setdefault(words, Counter())[same] += 1
    own_texts = {plain_text(row.text) for row in own_final}
    kept = [_representative(rows) for words, rows in by_text.items() if words not in own_texts]
    return cap_per_intent(own_final + kept)


def _representative(rows: Counter[IntentExample]) -> IntentExample:
    """The row that represents equal sentences: the most frequent one of the preferred split."""
    short = len(next(iter(rows)).text.split()) <= 3
    order = ("train", "dev", "test") if short else ("test", "dev", "train")
    split = next(split for split in order if any(row.split == split for row in rows))
    return max((row for row in rows if row.split == split), key=rows.__getitem__)


def own_examples(pack: Pack, own_rows: Sequence[IntentExample] = ()) -> list[IntentExample]:
    """The pack's examples and `own_rows`, each plain sentence once."""
    rows = [
        IntentExample(text, name, "own", "train")
        for name, intent in pack.intents.items()
        for text in intent.examples
    ]
    rows += [row for row in own_rows if row.intent in pack.intents]
    return list({plain_text(row.text): row for row in reversed(rows)}.values())[::-1]


def cap_per_intent(rows: Iterable[IntentExample]) -> list[IntentExample]:
    """At most `MAX_PER_INTENT` training rows of an intent from one set, chosen by a text hash."""
    chosen: list[IntentExample] = []
    groups: dict[tuple[str, str], list[IntentExample]] = {}
    for row in rows:
        if row.split == "train":
            groups.setdefault((row.source, row.intent), []).append(row)
        else:
            chosen.append(row)
    for (_, intent), group in groups.items():
        group.sort(key=lambda row: stable_bucket(row.text, 2**31))
        chosen += group[: MAX_FOR_INTENT.get(intent, MAX_PER_INTENT)]
    return chosen


def stable_bucket(text: str, buckets: int) -> int:
    """A stable number below `buckets` for a text or a name."""
    return zlib.crc32(text.encode()) % buckets


def _all_examples(data: Path) -> Iterator[IntentExample]:
    readers = (_banking77, _clinc150, _natcs, _multidogo, _nlupp, _sgd, _evi, _spoken_numbers)
    for reader in (*readers, _questions):
        yield from reader(data)


def _mapped_example(text: str, intent: str, source: str, split: Split) -> Iterator[IntentExample]:
    target = pack_intent(source, intent)
    if target is not None:
        yield IntentExample(text, target, source, split)


def _greeting_example(text: str, intent: str, source: str, split: Split) -> Iterator[IntentExample]:
    """The example, as `how_are_you` where a public greeting asks how we are."""
    if pack_intent(source, intent) == "greeting" and _HOW_ARE_YOU.search(plain_text(text)):
        yield IntentExample(text, "how_are_you", source, split)
    else:
        yield from _mapped_example(text, intent, source, split)


def _banking77(data: Path) -> Iterator[IntentExample]:
    for split in ("train", "test"):
        for row in read_json_lines(data / "banking77" / f"{split}.jsonl.gz"):
            held: Split = (
                "dev" if split == "train" and stable_bucket(row["text"], 10) == 0 else split
            )
            yield from _mapped_example(row["text"], row["intent"], "banking77", held)


def _clinc150(data: Path) -> Iterator[IntentExample]:
    files: tuple[tuple[str, Split], ...] = (
        ("train", "train"), ("oos_train", "train"), ("val", "dev"),
        ("oos_val", "dev"), ("test", "test"), ("oos_test", "test"),
    )  # fmt: skip
    for name, split in files:
        for row in read_json_lines(data / "clinc150" / f"{name}.jsonl.gz"):
            intent, text = row["intent"], row["text"]
            if name.startswith("oos"):
                yield IntentExample(text, OUT_OF_SCOPE, "clinc150_oos", split)
            else:
                yield from _greeting_example(text, intent, "clinc150", split)


def _natcs(data: Path) -> Iterator[IntentExample]:
    """Spoken-style requests. The whole banking domain is held out as a test."""
    for name in ("banking_test", "finance_test", "insurance_dev"):
        for row in read_json_lines(data / "natcs_intents" / f"{name}.jsonl.gz"):
            text = row["utterance"]
            split: Split = "dev" if stable_bucket(text, 8) == 0 else "train"
            split = "test" if name.startswith("banking") else split
            yield from _mapped_example(text, row["intent"], "natcs", split)


def _multidogo(data: Path) -> Iterator[IntentExample]:
    splits: tuple[Split, ...] = ("train", "dev", "test")
    for split in splits:
        for row in read_json_lines(data / "multidogo" / f"sentence_{split}.jsonl.gz"):
            if row["turn"] > 0 or row["intent"] == "openinggreeting":
                source = "multidogo_finance" if row["domain"] == "finance" else "multidogo"
                if _is_clean(row["text"], row["intent"]):
                    yield from _greeting_example(row["text"], row["intent"], source, split)


def _is_clean(text: str, intent: str) -> bool:
    """Whether a sentence clearly shows its label; MultiDoGO labels whole turns."""
    words = plain_text(text)
    count = len(words.split())
    match intent:
        case "" | "outofdomain":
            return False
        case "openinggreeting" | "thankyou" | "closinggreeting":
            return count <= 6
        case "rejection":
            return (
                count <= 5
                and words.startswith(("no", "not", "nah"))
                and not _CLOSING_WORDS.search(words)
            )
        case "confirmation":
            return count <= 5 and not _CLOSING_WORDS.search(words)
        case "contentonly":
            return not _ANSWER_WORDS.search(words)
        case _:
            return count >= 4 and "<div>" not in intent


def _nlupp(data: Path) -> Iterator[IntentExample]:
    for row in read_json_lines(data / "nlupp" / "banking.jsonl.gz"):
        fold, labels = row["fold"], frozenset(row.get("intents", ()))
        split: Split = "test" if fold >= 18 else "dev" if fold >= 16 else "train"
        intent = next((target for needed, target in NLUPP_RULES if needed <= labels), None)
        if len(labels) == 1:
            intent = NLUPP_SINGLE_LABELS.get(next(iter(labels)), intent)
        if intent is not None:
            yield IntentExample(row["text"], intent, "nlupp", split)


def _sgd(data: Path) -> Iterator[IntentExample]:
    splits: tuple[Split, ...] = ("train", "dev", "test")
    for split in splits:
        for dialogue in read_json_lines(data / "sgd_bank" / f"{split}.jsonl.gz"):
            for turn in dialogue["turns"]:
                if turn["s"] != "U":
                    continue
                acts = {act[1] for act in turn["acts"]}
                opened = [a[3][0] for a in turn["acts"] if a[1] == "INFORM_INTENT" and a[3]]
                if opened and "NEGATE_INTENT" not in acts:
                    yield from _mapped_example(turn["text"], opened[0], "sgd", split)
                elif acts == {"INFORM"} and len(turn["text"].split()) > 3:
                    continue  # most of these repeat the request
                elif len(acts) == 1 and (intent := SGD_ACTS.get(next(iter(acts)))):
                    yield IntentExample(turn["text"], intent, "sgd", split)


def _evi(data: Path) -> Iterator[IntentExample]:
    """Transcripts of callers who said names, postcodes and dates of birth."""
    for row in read_json_lines(data / "evi" / "dialogues_en.jsonl.gz"):
        if row.get("transcription"):
            held = stable_bucket(row["speaker_id"], 10)
            split: Split = "test" if held == 0 else "dev" if held == 1 else "train"
            yield IntentExample(row["transcription"], "inform", "evi", split)


def _spoken_numbers(data: Path) -> Iterator[IntentExample]:
    wanted = {"cardinal", "date", "money", "telephone", "time", "ordinal"}
    for row in read_json_lines(data / "itn_en" / "pairs.jsonl.gz"):
        if row["cls"] in wanted:
            yield IntentExample(row["spoken"], "inform", "itn_en", "train")


def _questions(data: Path) -> Iterator[IntentExample]:
    """General-knowledge questions, some with a self-repair: questions that no bank gets."""
    splits: tuple[Split, ...] = ("train", "dev")
    for split in splits:
        for row in read_json_lines(data / "disfl_qa" / f"{split}.jsonl.gz"):
            kept = stable_bucket(row["original"], 8)
            if kept < 2:
                text = row["original"] if kept else row["disfluent"]
                yield IntentExample(text, OUT_OF_SCOPE, "disfl_qa", split)


def out_of_scope_examples(data: Path, max_comments: int = 6_000) -> list[IntentExample]:
    """Out-of-scope sentences for packs of any business, plain: general-knowledge questions, and
    Reddit comments (GoEmotions)."""
    texts = [row["original"] for row in read_json_lines(data / "disfl_qa" / "train.jsonl.gz")]
    comments = sorted(
        read_goemotions_texts(data, "train"), key=lambda text: stable_bucket(text, 2**31)
    )
    texts += comments[:max_comments]
    return [
        IntentExample(plain_text(text), OUT_OF_SCOPE, "anything", "train", text) for text in texts
    ]
