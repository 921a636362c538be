"""`hearken tune turns`: from a folder of recordings to a settings file.

    hearken tune turns --recordings DIR

Analyses the recordings once (recording_analysis.py), tries every policy on the result
(policy_choice.py, sweep.py), prints what less dead air costs, and writes its choice. On test
speakers it measures and chooses nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track as progress

from agent.config import Settings, load_settings
from agent.lab.datasets import Split
from agent.lab.training.turns.labelled_turns import read_labelled_turns
from agent.lab.training.turns.pause_tracks import PauseTrack
from agent.lab.training.turns.policy_choice import (
    QuestionKindReport,
    TurnTuningOptions,
    chosen_settings,
    question_kind_reports,
)
from agent.lab.training.turns.recording_analysis import pause_tracks
from agent.lab.training.turns.report_tables import print_reports
from agent.lab.training.turns.settings_file import write_settings
from audio.text_endpointing import TurnEndings
from audio.types import AudioError
from audio.vad import VoiceActivityDetector

if TYPE_CHECKING:  # imports torch, which only words need
    from audio.speech_analyser import SpeechAnalyser


def tune_turns(
    recordings: Path,
    out: Path,
    split: Split,
    json_out: Path | None,
    options: TurnTuningOptions,
    work_folder: Path,
    console: Console,
) -> list[QuestionKindReport]:
    """Measure and print; except on the test split also write the settings file `out`."""
    settings = load_settings(out if out.exists() else None)
    turns = load_tracks(
        recordings, split, settings if options.use_words else None, work_folder, console
    )
    options = replace(options, may_choose=split != "test")
    reports = question_kind_reports(turns, settings.turns.turn_rules(TurnEndings.load()), options)
    print_reports(reports, options.use_words, console, json_out)
    if split == "test":
        console.print("Measured on test speakers: nothing is chosen or written.")
    elif any(report.is_chosen for report in reports):
        write_settings(out, chosen_settings(reports, options))
        console.print(f"Written: the section `turns` of {out}")
    else:
        console.print("Too few turns pause: nothing is written.")
    return reports


def load_tracks(
    recordings: Path, split: Split, settings: Settings | None, work_folder: Path, console: Console
) -> list[PauseTrack]:
    """The pause tracks of all turns with a voice. Without settings no words are recognised."""
    total, turns = read_labelled_turns(recordings, split)
    all_tracks = pause_tracks(
        turns,
        VoiceActivityDetector.load(),
        _load_analyser(settings),
        TurnEndings.load(),
        work_folder,
    )
    bar = progress(all_tracks, "Listening", total, console=console, transient=True)
    results = list(bar)
    tracks_with_voice = [one for one in results if one is not None]
    if not tracks_with_voice:
        raise AudioError(f"{recordings}: no voice was found in these recordings")
    if len(tracks_with_voice) < len(results):
        console.print(
            f"{len(results) - len(tracks_with_voice)} turns without a voice are left out."
        )
    return tracks_with_voice


def _load_analyser(settings: Settings | None) -> SpeechAnalyser | None:
    if settings is None:
        return None
    import torch

    from audio.speech_analyser import SpeechAnalyser

    torch.set_num_threads(1)
    return SpeechAnalyser.load(
        settings.weights, settings.speech_checkpoint or None, infer_emotion=False
    )
