"""Which of a user's recordings can fusion be compared on, and what is felt in each?

The manifest is that of `hearken evaluate ears`, with a `sentiment` or `upset` column beside or
instead of the emotion. What cannot be used is counted, never dropped in silence.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import Sounds, beside, opened
from agent.lab.evaluation.manifest import Recording, read
from agent.lab.fusion_models.subword_vectors import SubwordVectors
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import OfflineRecogniser
from agent.lab.training.fusion.pairs import UNKNOWN, FusionTurn
from agent.lab.training.fusion.user_recordings import TurnLabel, fusion_turns, label_from_columns
from audio.types import AudioError

OWN = ("sentiment", "upset")  # columns that the ears' evaluation does not know


def brought(
    manifest: Path, audio: Path | None, weights: Path, console: Console
) -> tuple[list[FusionTurn], list[str]]:
    """Turns ready to be learned from, and sentences that belong below the table."""
    found = read(manifest)
    labels = labelled(manifest, found.recordings)
    kept = [one for one in found.recordings if labels[one.line] != TurnLabel()]
    if not kept:
        raise EvaluationError(f"{manifest}: no line has an emotion, sentiment or upset to go by")
    console.print(f"hearing {len(kept)} recordings twice", highlight=False)
    corpus, broken = loaded(kept, opened(audio or beside(manifest)))
    usable = {one.path for one in corpus.utterances}
    told = [labels[one.line] for one in kept if one.path in usable]
    turns = fusion_turns(
        OfflineRecogniser(weights / "ears"), corpus, told, SubwordVectors.load(weights / "fusion")
    )
    about = [
        f"{manifest.name}: {len(turns)} of {found.lines} lines; words and voice are of the same "
        "turn. Transcribed: as the embedded ears heard the recording through a telephone.",
        *(note for note in found.notes if not any(f"{name!r}" in note for name in OWN)),
        *(f"line {flaw.line} left out: {flaw.problem}" for flaw in found.flaws[:5]),
        *(f"left out: {why}" for why in broken[:5]),
    ]
    unlabelled = len(found.recordings) - len(kept)
    if unlabelled:
        about.append(f"{unlabelled} lines without a label left out")
    if any(turn.sentiment == UNKNOWN or turn.upset == UNKNOWN for turn in turns):
        about.append("What a label leaves open (is somebody surprised pleased?) is not counted.")
    return turns, about


def labelled(manifest: Path, recordings: Sequence[Recording]) -> dict[int, TurnLabel]:
    """By line number."""
    raw = manifest.read_bytes()
    lines = (gzip.decompress(raw) if manifest.suffix == ".gz" else raw).splitlines()
    rows = {one.line: json.loads(lines[one.line - 1]) for one in recordings}
    return {
        number: label_from_columns(row.get("emotion"), row.get("sentiment"), row.get("upset"))
        for number, row in rows.items()
    }


def loaded(recordings: Sequence[Recording], sounds: Sounds) -> tuple[Corpus, list[str]]:
    """Everything that can be read, as 16-bit samples in one piece; and why the rest cannot."""
    utterances, pieces, broken, start = list[Utterance](), [np.zeros(0, np.int16)], list[str](), 0
    for one in recordings:
        try:
            samples, rate = sounds.read(one.path)
        except AudioError as problem:
            broken.append(str(problem))
            continue
        length = len(samples)
        utterance = Utterance("", one.path, one.speaker, "test", one.text, rate, length / rate)
        utterances.append(replace(utterance, start=start, length=length))
        pieces.append((samples * 32767).astype(np.int16))
        start += length
    if not utterances:
        raise EvaluationError(f"no recording can be read; {broken[0]}")
    return Corpus(tuple(utterances), np.concatenate(pieces)), broken
