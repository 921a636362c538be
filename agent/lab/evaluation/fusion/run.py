"""Sequence of `hearken evaluate fusion`: from recordings and texts to results and footnotes."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console

from agent.lab.evaluation.contenders import single_torch_thread
from agent.lab.evaluation.fusion.experiment import (
    FoldSource,
    FusionResults,
    RecordedTurns,
    SyntheticPairs,
    run_experiment,
)
from agent.lab.evaluation.fusion.served_verdicts import ServedFusionScores, served_fusion_scores
from agent.lab.training.fusion.material import BuiltInMaterial, load_material
from agent.lab.training.fusion.pairs import AGREEMENT_RATES, MOOD_RATES


def fusion_of_public_sets(
    data: Path, weights: Path, work: Path, seeds: int, console: Console
) -> tuple[FusionResults, list[str], list[ServedFusionScores]]:
    """Run the built-in experiment on the public sets; `data` holds `speech` and `text`."""
    with single_torch_thread():
        gathered_material = load_material(data, weights, work, console)
        results = _run_with_status(SyntheticPairs(gathered_material.material), seeds, console)
        verdicts = served_fusion_scores(
            data / "text", weights, gathered_material.material.sentences
        )
    return results, public_set_footnotes(gathered_material), verdicts


def public_set_footnotes(gathered_material: BuiltInMaterial) -> list[str]:
    """Limitations of the built-in experiment, as footnotes of its figures."""
    material = gathered_material.material
    moods = ", ".join(f"{mood} {share:.0%}" for mood, share in MOOD_RATES.items())
    rates = {name: f"{rate:.0%}" for name, rate in AGREEMENT_RATES.items()}
    speakers = len({sound.speaker for sound in material.voices})
    return [
        "Words and voice were NOT said by the same person: acted recordings are paired with real "
        "sentences, because no freely usable recordings have both meaningful words and real "
        "emotion.",
        f"Voices: {len(material.voices)} recordings of {speakers} actors, who exaggerate; tested "
        "are RAVDESS's; nEMO's, who speak Polish, only train. Words: half customers (public "
        "turns, this project's own sentences), half Reddit comments (GoEmotions); unhappy ones "
        "Reddit alone.",
        f"Moods: {moods}. Words and voice agree in {rates['both']}; the voice alone shows it in "
        f"{rates['voice alone']}, the words alone in {rates['words alone']}; in "
        f"{rates['against']} the words say the contrary and the voice is right. These rates are "
        "chosen: they bound what fusion can add, and are the same for every contender.",
        f"Transcribed: {gathered_material.transcribed_count} of {len(material.sentences)} "
        "sentences as the embedded recogniser hears a synthetic voice say them, the others with "
        "simulated errors.",
    ]


def fusion_of_manifest(
    manifest: Path, audio: Path | None, weights: Path, seeds: int, console: Console
) -> tuple[FusionResults, list[str]]:
    """Run the comparison on a user's recordings, whose words and voice belong together."""
    from agent.lab.evaluation.fusion.manifest_turns import manifest_turns

    with single_torch_thread():
        turns, footnotes = manifest_turns(manifest, audio, weights, console)
        return _run_with_status(RecordedTurns(turns), seeds, console), footnotes


def _run_with_status(source: FoldSource, seeds: int, console: Console) -> FusionResults:
    processes = min(2, os.cpu_count() or 1)
    with console.status("training") as status:
        return run_experiment(source, seeds, report_progress=status.update, processes=processes)
