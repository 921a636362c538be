"""Evaluation of contenders on a manifest: selection, runs, scores and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import open_audio_source
from agent.lab.evaluation.contenders import Contender, find_contender, run_contender, split_readable
from agent.lab.evaluation.expected_questions import answer_kind, find_expectation, keyword_choices
from agent.lab.evaluation.manifest import BadLine, LabelledRecording, Manifest, read_manifest
from agent.lab.evaluation.recording_selection import (
    ALL_SPLITS,
    limit_recordings,
    select_split,
    speakers_in_several_splits,
)
from agent.lab.evaluation.speech_report import EvaluationSettings, SpeechReport, score_contenders
from agent.lab.evaluation.streaming import compare_streaming
from agent.lab.training.ears.corpus import EMOTION_SETS, SPEECH_SETS
from agent.lab.training.ears.offline_recogniser import telephone_channel, wide_band_channel


def speech_report(
    settings: EvaluationSettings,
    weights: Path,
    contender_names: Sequence[str | None],
    streaming: bool,
    seed: int,
    console: Console,
) -> SpeechReport:
    """The report. The first of `contender_names` is the baseline; None: the embedded models.

    EvaluationError when no line or no recording can be used.
    """

    def track_recordings(
        recordings: Iterable[LabelledRecording], what: str, many: int
    ) -> Iterable[LabelledRecording]:
        is_hidden = not console.is_terminal
        return track(recordings, what, many, console=console, transient=True, disable=is_hidden)

    manifest = read_manifest(settings.manifest, settings.language)
    _require_usable(settings.manifest, manifest.recordings, manifest.bad_lines)
    selected, selection = select_split(manifest.recordings, settings.split)
    audio = open_audio_source(settings.audio)
    contenders = [
        replace(find_contender(name, weights), precision=settings.precision)
        for name in contender_names
    ]
    readable, unreadable = split_readable(
        limit_recordings(selected, settings.limit, seed), audio, track_recordings
    )
    _require_usable(settings.manifest, readable, unreadable)
    choices = keyword_choices(manifest.recordings, settings.expect)
    expectations = {r.path: find_expectation(r, settings.expect, choices) for r in readable}
    expected = {
        r.path: (expectations[r.path], answer_kind(r, expectations[r.path], choices))
        for r in readable
    }
    channel = telephone_channel if settings.telephone else wide_band_channel
    results = [
        run_contender(c, readable, expected, audio, channel, track_recordings) for c in contenders
    ]
    streaming_comparison = (
        compare_streaming(contenders[0], results[0].turns, audio, channel, track_recordings)
        if streaming
        else None
    )
    notes = [*manifest.notes, *_warnings(manifest, settings, readable, contenders)]
    if streaming and streaming_comparison is None:
        notes.append(
            f"{contenders[0].name} does not stream: it encodes a turn once more, whole, when "
            "it has ended, so there is nothing to compare"
        )
    unasked = sum(1 for r in readable if r.text and expectations[r.path] is None)
    if unasked and settings.expect in ("digits", "yes_no"):
        notes.append(f"{unasked} recordings are no answer to {settings.expect}: open decoding only")
    bad_lines = tuple(sorted([*manifest.bad_lines, *unreadable], key=lambda flaw: flaw.line))
    return SpeechReport(
        settings,
        selection,
        tuple(notes),
        bad_lines,
        score_contenders(results),
        streaming_comparison,
    )


def _require_usable(
    path: Path, usable: Sequence[LabelledRecording], bad_lines: Sequence[BadLine]
) -> None:
    if usable:
        return
    why = f"; line {bad_lines[0].line}: {bad_lines[0].problem}" if bad_lines else ""
    raise EvaluationError(f"{path}: no line of it can be evaluated{why}")


def _warnings(
    manifest: Manifest,
    settings: EvaluationSettings,
    recordings: Sequence[LabelledRecording],
    contenders: Sequence[Contender],
) -> Iterator[str]:
    if both := speakers_in_several_splits(manifest.recordings):
        shown = ", ".join(both[:3]) + (", ..." if len(both) > 3 else "")
        are = "1 speaker is" if len(both) == 1 else f"{len(both)} speakers are"
        yield f"{are} in several splits ({shown}): figures of one split are not about strangers"
    # The training sets of the embedded weights (see the model cards), as the shared sets are named.
    source = settings.manifest.name.partition(".")[0]
    words = any(c.speech_checkpoint is None for c in contenders)
    if words and source in SPEECH_SETS and any(r.split == "train" for r in recordings):
        yield f"the embedded encoder was trained on {source}'s train split: its words flatter here"
    feelings = any(c.emotion_checkpoint is None for c in contenders)
    if feelings and source in EMOTION_SETS and any(r.emotion for r in recordings):
        yield (
            f"the embedded emotion head was trained on {source}, test speakers too: its emotion "
            "flatters here; its model card has figures for unseen actors"
        )
    if settings.split == ALL_SPLITS and any(r.split for r in recordings):
        yield "train, dev and test are mixed"
