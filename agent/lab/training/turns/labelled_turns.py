"""Labelled recordings of turns: where each turn ends, and which question it answers.

Two layouts. A folder with `turns.jsonl`, one line for each recording: `path` inside the folder,
`expect` {kind, length, choices} (open when missing), `speaker`, and `turns` [[start_s, end_s],
...]; without `turns` the file is one turn, from its first to its last voice. Or the layout of the
public speech sets (speech/<set>.jsonl.gz beside <set>.zip), where each file is one turn and the
silence after it is a telephone line's own noise, never digital zero.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.lab.datasets import Split
from agent.lab.training.ears.augmentation import resample, white_noise
from agent.lab.training.ears.corpus import (
    DIGIT_WORDS,
    Utterance,
    decode_recordings,
    read_manifest,
)
from agent.lab.training.ears.offline_recogniser import NOISE_FLOOR_RMS, telephone_channel
from agent.lab.training.ears.tasks import KEYWORDS
from audio.codecs import from_pcm16
from audio.files import read
from audio.types import RATE, AnswerKind, AudioError, Expectation, Samples

SILENCE_AFTER_S = 3.0  # of silence after every turn: longer than any patience that is tried
SOUND_BEFORE_S = 0.5  # of sound before a labelled turn
TURN_SETS = ("wuw2", "alnum", "speechocean762", "speech_commands_test", "fsdd")


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTurn:
    """One turn and the silence after it, 16 kHz; `end_s`: end of its speech, None: unlabelled."""

    source: str
    speaker: str
    expect: Expectation
    samples: Samples
    end_s: float | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.samples.tobytes()).hexdigest()[:24]


def read_labelled_turns(folder: Path, split: Split) -> tuple[int, Iterator[LabelledTurn]]:
    """(number of turns, the turns) of a folder; AudioError if it has none."""
    if not folder.is_dir():
        raise AudioError(f"{folder}: there is no such folder")
    if (folder / "turns.jsonl").is_file():
        rows = _read_rows(folder / "turns.jsonl")
        return sum(len(row.turns or ()) or 1 for row in rows), _own_turns(folder, rows)
    speech = folder / "speech"
    sets = [
        name
        for name in TURN_SETS
        if (speech / f"{name}.jsonl.gz").is_file() and (speech / f"{name}.zip").is_file()
    ]
    if not sets:
        raise AudioError(
            f"{folder}: neither turns.jsonl nor speech/SET.jsonl.gz with SET.zip is in it; "
            "`hearken tune turns --help` says what recordings must look like"
        )
    try:
        utterances = read_manifest(folder, sets)
    except (ValueError, KeyError, OSError) as problem:
        raise AudioError(f"{speech}: not as the public sets are laid out ({problem!r})") from None
    answers = [
        (utterance, expect)
        for utterance in utterances
        if utterance.split == split and (expect := expectation_for(utterance)) is not None
    ]
    if not answers:
        raise AudioError(f"{folder}: no recording of {', '.join(sets)} is in split {split}")
    return len(answers), _public_set_turns(folder, answers)


# -- the public sets -------------------------------------------------------------------------------


def expectation_for(utterance: Utterance) -> Expectation | None:
    """The expectation of the question that this utterance answers; None: no dialogue asks it."""
    words = utterance.text.split()
    if words and set(words) <= set(
        DIGIT_WORDS
    ):  # a number; alnum's ten-digit phone numbers among them
        return Expectation("digits", length=len(words))
    match utterance.source, utterance.kind:
        case "wuw2", "keyword":
            return Expectation("choice", choices=KEYWORDS)
        case "wuw2", _:
            return Expectation()
        case "alnum", "names":  # spelled, letter by letter
            return Expectation("name")
        case "speechocean762" | "alnum", _:
            return Expectation()
        case "speech_commands_test", _:
            return Expectation("yes_no") if utterance.text in ("yes", "no") else None
        case _:
            return None


def _public_set_turns(
    folder: Path, answers: list[tuple[Utterance, Expectation]]
) -> Iterator[LabelledTurn]:
    sounds = decode_recordings(folder, [utterance for utterance, _ in answers])
    for (utterance, samples), (_, expect) in zip(sounds, answers, strict=True):
        line = from_pcm16(samples)
        line = np.pad(line, (0, int(SILENCE_AFTER_S * utterance.rate)))
        yield LabelledTurn(
            utterance.source, utterance.speaker, expect, telephone_channel(line, utterance.rate)
        )


# -- a user's own folder ---------------------------------------------------------------------------


class _ExpectationRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: AnswerKind = "open"
    length: Annotated[int, Field(ge=0)] = 0
    choices: tuple[str, ...] = ()


class _RecordingRow(BaseModel):
    model_config = ConfigDict(extra="forbid")

    path: str
    expect: _ExpectationRow = _ExpectationRow()
    speaker: str = ""
    turns: list[tuple[float, float]] | None = None


def _read_rows(file: Path) -> list[_RecordingRow]:
    rows = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = _RecordingRow.model_validate_json(line)
        except ValidationError as wrong:
            first = wrong.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise AudioError(f"{file}:{number}: {where}: {first['msg']}") from None
        edges = [edge for turn in row.turns or () for edge in turn]
        if any(a >= b for a, b in pairwise(edges)) or any(edge < 0 for edge in edges):
            raise AudioError(f"{file}:{number}: turns: each must end after it starts, in order")
        rows.append(row)
    if not rows:
        raise AudioError(f"{file}: the file lists no recordings")
    return rows


def _own_turns(folder: Path, rows: list[_RecordingRow]) -> Iterator[LabelledTurn]:
    for row in rows:
        frames, rate = read(folder / row.path)
        samples = resample(np.ascontiguousarray(frames.mean(1)), rate, RATE)
        expected = row.expect
        expect = Expectation(
            expected.kind, expected.length, tuple(choice.lower() for choice in expected.choices)
        )
        speaker = row.speaker or row.path
        if row.turns is None:
            yield LabelledTurn("", speaker, expect, _with_silence_after(samples, len(samples)))
            continue
        following = [start for start, _ in row.turns[1:]]
        for (start, end), until in zip(row.turns, [*following, len(samples) / RATE], strict=True):
            first, last = max(0, int((start - SOUND_BEFORE_S) * RATE)), int(until * RATE)
            piece = samples[first:last]
            yield LabelledTurn(
                "",
                speaker,
                expect,
                _with_silence_after(piece, int(end * RATE) - first),
                end - first / RATE,
            )


def _with_silence_after(samples: Samples, end: int) -> Samples:
    """The samples with line noise appended up to `SILENCE_AFTER_S` after sample `end`."""
    missing = max(0, end + int(SILENCE_AFTER_S * RATE) - len(samples))
    noise = white_noise(missing, np.random.default_rng(len(samples))) * np.float32(NOISE_FLOOR_RMS)
    return np.concatenate([samples, noise.astype(np.float32)])
