"""Reader of manifests: JSON lines (.jsonl or .jsonl.gz) that describe recordings.

Only `path` is required. A line that cannot be used becomes a `BadLine` with its number, never
dropped in silence. Held by tests/agent/lab/evaluation/test_manifest.py.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.lab.evaluation import EvaluationError
from agent.lab.json_lines import read_bytes
from agent.lab.training.ears.acted_recordings import EMOTION_OF_SOURCE_LABEL
from audio.emotion import emotion_for_label
from audio.types import EMOTIONS, Emotion, Expectation

# Fields of the shared sets that no metric uses.
IGNORED_FIELDS = {
    "duration_s",
    "sample_rate",
    "peak",
    "rms",
    "sentence",
    "sentence_split",
    "prompt",
} | {
    "target",
    "label",
    "intensity",
}
EMOTION_BY_LABEL: Mapping[str, Emotion] = {
    **{label: known for label in EMOTION_OF_SOURCE_LABEL if (known := emotion_for_label(label))},
    **{emotion: emotion for emotion in EMOTIONS},
}
ADULT_AGE = 16  # years, as in training (agent/lab/training/ears/corpus.py)


class ManifestQuestion(BaseModel):
    """The field `expect`: what the dialogue had asked for, as an `audio.types.Expectation`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    kind: Literal["open", "yes_no", "digits", "amount", "date", "name", "choice"] = "open"
    length: int = Field(0, ge=0)
    choices: tuple[str, ...] = ()

    def expectation(self) -> Expectation:
        return Expectation(self.kind, self.length, tuple(map(normalised_text, self.choices)))


class ManifestLine(BaseModel):
    """One line of a manifest as written. Unknown fields are allowed; a note names them."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    path: str = Field(min_length=1)
    text: str | None = None
    text_guess: str | None = None  # inferred from a prompt, not checked by ear
    emotion: str | None = None
    speaker: str | int | None = None
    split: str | None = None
    split_wide: str | None = None  # speechocean762: the split used in training
    gender: str | None = None
    phone: str | None = None
    dialect: str | None = None
    native: bool | None = None
    native_language: str | None = None
    age: float | str | None = None  # years; text such as "twenties" is ignored
    kind: str | None = None
    language: str | None = None
    doubtful: bool | None = None
    expect: ManifestQuestion | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """The number of an unusable line, and the reason."""

    line: int
    problem: str


@dataclass(frozen=True, slots=True)
class LabelledRecording:
    """A recording and its reference text, emotion and speaker."""

    line: int
    path: str
    speaker: str  # where it is not known: the path, so that every recording is its own
    text: str = ""  # in `plain` form; "" is not known
    emotion: Emotion | None = None
    split: str = ""
    kind: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)  # "sex" -> "female"
    expectation: Expectation | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every usable line; `notes` are warnings for the reader of the results."""

    recordings: tuple[LabelledRecording, ...]
    bad_lines: tuple[BadLine, ...]
    notes: tuple[str, ...]
    line_count: int


def read_manifest(path: Path, language: str = "en") -> Manifest:
    """Read a manifest. Text in another language than `language` is not scored; emotion is.

    EvaluationError when the file cannot be read or has no lines.
    """
    lines, bad_lines = list[tuple[int, ManifestLine]](), list[BadLine]()
    first_line_of: dict[str, int] = {}
    count = 0
    for number, raw in enumerate(_lines(path), 1):
        if not raw.strip():
            continue
        count += 1
        try:
            line = ManifestLine.model_validate_json(raw)
        except ValidationError as wrong:
            bad_lines.append(BadLine(number, _validation_message(wrong)))
            continue
        if line.path in first_line_of:
            bad_lines.append(
                BadLine(number, f"{line.path}: the same path as line {first_line_of[line.path]}")
            )
            continue
        first_line_of[line.path] = number
        lines.append((number, line))
    if not count:
        raise EvaluationError(f"{path}: the manifest has no lines")
    recordings = list[LabelledRecording]()
    for number, line in lines:
        if line.doubtful:
            continue
        if not (line.text or line.text_guess or line.emotion):
            bad_lines.append(
                BadLine(number, f"{line.path}: neither text nor emotion to compare with")
            )
        elif recording := _recording(number, line, language):
            recordings.append(recording)
    bad_lines.sort(key=lambda flaw: flaw.line)
    return Manifest(
        tuple(recordings), tuple(bad_lines), tuple(_reader_notes(lines, language)), count
    )


def _lines(path: Path) -> Iterator[bytes]:
    try:
        yield from read_bytes(path).splitlines()
    except (OSError, EOFError, zlib.error) as problem:
        raise EvaluationError(f"{path}: no manifest that can be read ({problem})") from problem


def _validation_message(failure: ValidationError) -> str:
    return "; ".join(
        ": ".join([*map(str, error["loc"][:1]), error["msg"]]) for error in failure.errors()
    )


def _recording(number: int, line: ManifestLine, language: str) -> LabelledRecording | None:
    text = (
        normalised_text(line.text or line.text_guess or "")
        if _is_in_language(line, language)
        else ""
    )
    emotion = EMOTION_BY_LABEL.get((line.emotion or "").lower())
    if not text and emotion is None:
        return None  # in another language or with an unknown label: `_reader_notes` counts it
    return LabelledRecording(
        line=number,
        path=line.path,
        speaker=line.path if line.speaker in (None, "") else str(line.speaker),
        text=text,
        emotion=emotion,
        split=line.split_wide or line.split or "",
        kind=line.kind or "",
        groups={name: value for name, value in _groups(line) if value},
        expectation=line.expect.expectation() if line.expect else None,
    )


def _is_in_language(line: ManifestLine, language: str) -> bool:
    return line.language is None or re.split("[-_]", line.language.lower())[0] == language


def _groups(line: ManifestLine) -> Iterator[tuple[str, str]]:
    yield "sex", {"m": "male", "f": "female"}.get((line.gender or "").lower()[:1], "")
    yield "phone", line.phone or ""
    yield "first language", _nativeness(line)
    if isinstance(line.age, float):
        yield "age", "adult" if line.age >= ADULT_AGE else "child"
    yield "kind", line.kind or ""


def _nativeness(line: ManifestLine) -> str:
    native = line.native
    if native is None and line.native_language:
        native = line.native_language.lower().startswith("en")
    if native is None and line.dialect:
        native = {"native": True, "nonnative": False}.get(
            re.sub("[^a-z]", "", line.dialect.lower())
        )
    return "" if native is None else "native" if native else "non-native"


def normalised_text(text: str) -> str:
    """Text for comparison: lower case, no punctuation, apostrophes only inside words."""
    words = re.sub(r"[^\w']+|_", " ", text.lower().replace("\u2019", "'")).split()
    return " ".join(word.strip("'") for word in words if word.strip("'"))


def _reader_notes(lines: Sequence[tuple[int, ManifestLine]], language: str) -> Iterator[str]:
    if doubtful := [number for number, line in lines if line.doubtful]:
        yield f"{_line_count_text(doubtful)} marked doubtful left out"
    used = [(number, line) for number, line in lines if not line.doubtful]
    if foreign := [n for n, line in used if line.text and not _is_in_language(line, language)]:
        yield f"{_line_count_text(foreign)} not in {language!r}: their words are not compared"
    labels = [(n, line.emotion) for n, line in used if line.emotion]
    for label, many in Counter(e for _, e in labels if e.lower() not in EMOTION_BY_LABEL).items():
        at = next(n for n, e in labels if e == label)
        yield (
            f"emotion {label!r} ({many}, first on line {at}) is none of {', '.join(EMOTIONS)}: "
            "not scored"
        )
    if guessed := [n for n, line in used if line.text_guess and not line.text]:
        yield f"{_line_count_text(guessed)} compared with text_guess, which nobody checked by ear"
    if figures := [n for n, line in used if re.search(r"\d", line.text or "")]:
        yield (
            f"{_line_count_text(figures)} whose text has figures; the recogniser writes numbers as "
            "words"
        )
    if loners := [n for n, line in used if line.speaker in (None, "")]:
        yield (
            f"{_line_count_text(loners)} without a speaker: each counts as a speaker of its own, "
            "which makes intervals too narrow"
        )
    unknown: dict[str, int] = {}
    for number, line in lines:
        for name in line.model_extra or ():
            if name not in IGNORED_FIELDS:
                unknown.setdefault(name, number)
    for name, number in unknown.items():
        near = get_close_matches(name, ManifestLine.model_fields, 1)
        yield f"line {number}: unknown field {name!r}" + (f"; {near[0]!r}?" if near else "")


def _line_count_text(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"1 line ({numbers[0]})"
    return f"{len(numbers)} lines (first: {numbers[0]})"
