"""Labelled turns for the fusion comparison from a user's manifest.

The manifest is that of `hearken evaluate ears`, with a `sentiment` or `upset` column in addition to
or instead of the emotion. Unusable lines are counted, never dropped in silence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import AudioSource, default_audio_path, open_audio_source
from agent.lab.evaluation.manifest import LabelledRecording, read_manifest
from agent.lab.fusion_models.subword_vectors import SubwordVectors
from agent.lab.json_lines import read_bytes
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import OfflineRecogniser
from agent.lab.training.fusion.pairs import UNKNOWN, FusionTurn
from agent.lab.training.fusion.user_recordings import TurnLabel, fusion_turns, label_from_columns
from audio.codecs import to_pcm16
from audio.types import AudioError

LABEL_COLUMNS = ("sentiment", "upset")  # columns that `read_manifest` does not know


def manifest_turns(
    manifest: Path, audio: Path | None, weights: Path, console: Console
) -> tuple[list[FusionTurn], list[str]]:
    """Turns with features and labels, and footnotes for the table.

    EvaluationError when no line has a label or no recording can be read.
    """
    contents = read_manifest(manifest)
    labels = line_labels(manifest, contents.recordings)
    labelled_recordings = [
        recording for recording in contents.recordings if labels[recording.line] != TurnLabel()
    ]
    if not labelled_recordings:
        raise EvaluationError(f"{manifest}: no line has an emotion, sentiment or upset to go by")
    console.print(f"analysing {len(labelled_recordings)} recordings twice", highlight=False)
    corpus, unreadable = load_corpus(
        labelled_recordings, open_audio_source(audio or default_audio_path(manifest))
    )
    usable = {recording.path for recording in corpus.utterances}
    turn_labels = [
        labels[recording.line] for recording in labelled_recordings if recording.path in usable
    ]
    turns = fusion_turns(
        OfflineRecogniser(weights / "ears"),
        corpus,
        turn_labels,
        SubwordVectors.load(weights / "fusion"),
    )
    footnotes = [
        f"{manifest.name}: {len(turns)} of {contents.line_count} lines; words and voice are of the "
        "same turn. Transcribed: by the embedded recogniser, from the recording over a telephone.",
        *(
            note
            for note in contents.notes
            if not any(f"{name!r}" in note for name in LABEL_COLUMNS)
        ),
        *(f"line {flaw.line} left out: {flaw.problem}" for flaw in contents.bad_lines[:5]),
        *(f"left out: {why}" for why in unreadable[:5]),
    ]
    unlabelled = len(contents.recordings) - len(labelled_recordings)
    if unlabelled:
        footnotes.append(f"{unlabelled} lines without a label left out")
    if any(turn.sentiment == UNKNOWN or turn.upset == UNKNOWN for turn in turns):
        footnotes.append(
            "What a label leaves open (is somebody surprised pleased?) is not counted."
        )
    return turns, footnotes


def line_labels(manifest: Path, recordings: Sequence[LabelledRecording]) -> dict[int, TurnLabel]:
    """The label of each recording, by line number."""
    lines = read_bytes(manifest).splitlines()
    rows = {one.line: json.loads(lines[one.line - 1]) for one in recordings}
    return {
        number: label_from_columns(row.get("emotion"), row.get("sentiment"), row.get("upset"))
        for number, row in rows.items()
    }


def load_corpus(
    recordings: Sequence[LabelledRecording], audio: AudioSource
) -> tuple[Corpus, list[str]]:
    """A corpus of the readable recordings, as 16-bit samples; and why the others are not in it."""
    utterances, pieces, unreadable, start = (
        list[Utterance](),
        [np.zeros(0, np.int16)],
        list[str](),
        0,
    )
    for recording in recordings:
        try:
            samples, rate = audio.read(recording.path)
        except AudioError as problem:
            unreadable.append(str(problem))
            continue
        length = len(samples)
        utterance = Utterance(
            "", recording.path, recording.speaker, "test", recording.text, rate, length / rate
        )
        utterances.append(replace(utterance, start=start, length=length))
        pieces.append(to_pcm16(samples))
        start += length
    if not utterances:
        raise EvaluationError(f"no recording can be read; {unreadable[0]}")
    return Corpus(tuple(utterances), np.concatenate(pieces)), unreadable
