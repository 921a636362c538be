"""What does `hearken tune turns` do, from a folder of recordings to a settings file?

    hearken tune turns --recordings DIR

Listens once (hear.py), tries every policy on what it heard (report.py, sweep.py), prints what less
dead air costs, and writes what it chose. On test speakers it measures and chooses nothing.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track as progress

from agent.config import Settings, load
from agent.lab.training.ears.corpus import Split
from agent.lab.training.turns.labelled_turns import labelled
from agent.lab.training.turns.pause_tracks import Track
from agent.lab.training.turns.policy_choice import Aim, Report, examined, settings_of
from agent.lab.training.turns.recording_analysis import tracks
from agent.lab.training.turns.report_tables import show
from agent.lab.training.turns.settings_file import write
from audio.text_endpointing import Endings
from audio.types import AudioError
from audio.vad import VoiceActivity

if TYPE_CHECKING:  # it brings torch, and only words need it
    from audio.speech_analyser import Ears


def tune_turns(
    recordings: Path,
    out: Path,
    split: Split,
    json_out: Path | None,
    aim: Aim,
    work: Path,
    console: Console,
) -> list[Report]:
    """Measure, print, and but for the test split write the settings file `out`."""
    settings = load(out if out.exists() else None)
    turns = heard(recordings, split, settings if aim.words else None, work, console)
    aim = replace(aim, choose=split != "test")
    reports = examined(turns, settings.turns.rules(Endings.load()), aim)
    show(reports, aim.words, console, json_out)
    if split == "test":
        console.print("Measured on test speakers: nothing is chosen or written.")
    elif any(report.chosen for report in reports):
        write(out, settings_of(reports, aim))
        console.print(f"Written: the section `turns` of {out}")
    else:
        console.print("Too few turns pause: nothing is written.")
    return reports


def heard(
    recordings: Path, split: Split, settings: Settings | None, work: Path, console: Console
) -> list[Track]:
    """Every turn's pauses. Without settings, without words."""
    total, turns = labelled(recordings, split)
    found = tracks(turns, VoiceActivity.load(), _ears(settings), Endings.load(), work)
    bar = progress(found, "Listening", total, console=console, transient=True)
    every = list(bar)
    kept = [one for one in every if one is not None]
    if not kept:
        raise AudioError(f"{recordings}: no voice was found in these recordings")
    if len(kept) < len(every):
        console.print(f"{len(every) - len(kept)} turns without a voice are left out.")
    return kept


def _ears(settings: Settings | None) -> Ears | None:
    if settings is None:
        return None
    import torch

    from audio.speech_analyser import Ears

    torch.set_num_threads(1)
    return Ears.load(settings.weights, settings.speech_checkpoint or None, emotion=False)
