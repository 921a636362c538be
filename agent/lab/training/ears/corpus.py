"""Speech corpora for training, tuning and testing, decoded once into a cache of samples.

The data folder holds speech/SET.zip with sound files and, beside each, speech/SET.jsonl.gz with one
line for each file: path, duration_s, sample_rate, speaker, split (train, dev or test), and text,
emotion or label; optional kind, age, intensity, doubtful. Its folder text/ holds the sets that
language_model.py and phrases.py name.

No speaker is in two splits: `read_manifest` refuses data in which one is
(tests/agent/lab/training/test_ears.py::test_no_speaker_in_two_splits).
Sets whose licence forbids shipping never reach the encoder: `SPEECH_SETS` lists those that may.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.lab.datasets import Split
from agent.lab.json_lines import read_json_lines
from audio.codecs import Pcm16, from_pcm16
from audio.types import Samples

SPEECH_SETS = (
    "speechocean762",
    "wuw2",
    "kathleen",
    "vctk_p239",
    "speech_commands_test",
    "fsdd",
    "alnum",
)
EMOTION_SETS = ("ravdess", "nemo")  # non-commercial: the emotion head alone
EVALUATION_ONLY_SETS = ("emodb",)  # never trains anything that is shipped
DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording. `start` and `length` locate its samples in the cache, at its own `rate`.

    The fields are the keys of the cache's index.
    """

    source: str
    path: str
    speaker: str
    split: Split
    text: str
    rate: int
    seconds: float
    kind: str = ""
    emotion: str = ""
    strong: bool = False
    adult: bool = True
    start: int = 0
    length: int = 0


@dataclass(frozen=True)
class Corpus:
    """Utterances, and the 16-bit samples of all of them in one array."""

    utterances: tuple[Utterance, ...]
    pcm: Pcm16

    def samples(self, utterance: Utterance) -> Samples:
        piece = self.pcm[utterance.start : utterance.start + utterance.length]
        return from_pcm16(np.asarray(piece))  # not a memory map

    def select(self, split: Split, *sources: str) -> list[Utterance]:
        return [
            u for u in self.utterances if u.split == split and (not sources or u.source in sources)
        ]


def normalise_text(text: str) -> str:
    """Text in the transcriber's alphabet: a to z, apostrophe, single spaces."""
    return re.sub(r"[^a-z']+", " ", text.lower()).strip()


class DataError(ValueError):
    """Data or tools are unfit for training; the text says why."""


def read_manifest(data: Path, sources: Sequence[str]) -> list[Utterance]:
    """The usable utterances of these sets, in their order; DataError if splits share a speaker."""
    utterances = _read_utterances(data, sources)
    splits: dict[str, set[str]] = {}
    for utterance in utterances:
        if utterance.speaker:  # noise has none
            splits.setdefault(utterance.speaker, set()).add(utterance.split)
    if mixed := sorted(speaker for speaker, where in splits.items() if len(where) > 1):
        raise DataError(f"these speakers are in more than one split: {', '.join(mixed)}")
    return utterances


def _read_utterances(data: Path, sources: Sequence[str]) -> list[Utterance]:
    return [
        u
        for source in sources
        for row in read_json_lines(data / "speech" / f"{source}.jsonl.gz")
        if (u := _utterance(source, row))
    ]


def _utterance(source: str, row: dict[str, Any]) -> Utterance | None:
    if row.get("doubtful"):  # wuw2: its transcribers did not trust the transcript
        return None
    emotion = str(row.get("emotion", ""))
    text = normalise_text(str(row.get("text") or row.get("text_guess") or ""))
    if not (text or emotion or row.get("label")) or row["duration_s"] > 21:
        return None
    return Utterance(
        source=source,
        path=row["path"],
        speaker=row["speaker"] or "",
        split=row.get("split_wide") or row["split"],
        text=text,
        rate=row["sample_rate"],
        seconds=row["duration_s"],
        kind=str(row.get("kind", "")),
        emotion=emotion,
        strong=row.get("intensity") == "strong",
        adult=row.get("age", 18) >= 16,
    )


def load_corpus(data: Path, sources: Sequence[str], cache: Path) -> Corpus:
    """The corpus of these sets; the first call decodes it into a flat file and an index."""
    return cached_corpus(cache, lambda: decode_recordings(data, read_manifest(data, sources)))


def decode_recordings(
    data: Path, utterances: Sequence[Utterance]
) -> Iterator[tuple[Utterance, Pcm16]]:
    """Each utterance with its decoded samples and their true rate."""
    sources = {u.source for u in utterances}
    zips = {source: zipfile.ZipFile(data / "speech" / f"{source}.zip") for source in sources}
    for utterance in utterances:
        raw = zips[utterance.source].read(utterance.path)
        samples, rate = soundfile.read(io.BytesIO(raw), dtype="int16")
        yield replace(utterance, rate=rate), samples


def cached_corpus(cache: Path, decode: Callable[[], Iterable[tuple[Utterance, Pcm16]]]) -> Corpus:
    """The corpus in the cache, which `decode` fills when it is missing."""
    index, flat = cache.with_suffix(".jsonl"), cache.with_suffix(".i16")
    if not index.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        lines, start = [], 0
        with flat.open("wb") as out:
            for utterance, samples in decode():
                samples.tofile(out)
                placed = replace(utterance, start=start, length=len(samples))
                lines.append(json.dumps(asdict(placed)))
                start += len(samples)
        # The index comes last: while it is missing, an interrupted decoding starts again.
        index.write_text("\n".join(lines))
    utterances = tuple(Utterance(**row) for row in read_json_lines(index))
    return Corpus(utterances, np.memmap(flat, np.int16, "r"))
