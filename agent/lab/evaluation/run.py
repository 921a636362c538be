"""From a manifest to a report: what is heard, by whom, and what its reader should be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import track

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.audio_source import opened
from agent.lab.evaluation.contenders import Contender, contender, measured, playable
from agent.lab.evaluation.expected_questions import menu, question, sort
from agent.lab.evaluation.manifest import Flaw, Manifest, Recording, read
from agent.lab.evaluation.recording_selection import EVERY, crossing, of_split, spread
from agent.lab.evaluation.speech_report import Report, Setting, scored
from agent.lab.evaluation.streaming import compared
from agent.lab.training.ears.corpus import EMOTION_SETS, SPEECH_SETS
from agent.lab.training.ears.offline_recogniser import telephone_channel, wide_band_channel


def evaluated(
    setting: Setting,
    weights: Path,
    names: Sequence[str | None],
    streaming: bool,
    seed: int,
    console: Console,
) -> Report:
    """`names` of contenders, the first of which the others are compared with; None: embedded."""

    def watch(recordings: Iterable[Recording], what: str, many: int) -> Iterable[Recording]:
        quiet = not console.is_terminal
        return track(recordings, what, many, console=console, transient=True, disable=quiet)

    manifest = read(setting.manifest, setting.language)
    _refuse_empty(setting.manifest, manifest.recordings, manifest.flaws)
    picked, told = of_split(manifest.recordings, setting.split)
    sounds = opened(setting.audio)
    contenders = [replace(contender(name, weights), precision=setting.precision) for name in names]
    there, broken = playable(spread(picked, setting.limit, seed), sounds, watch)
    _refuse_empty(setting.manifest, there, broken)
    choices = menu(manifest.recordings, setting.expect)
    asked = {r.path: question(r, setting.expect, choices) for r in there}
    questions = {r.path: (asked[r.path], sort(r, asked[r.path], choices)) for r in there}
    room = telephone_channel if setting.telephone else wide_band_channel
    results = [measured(c, there, questions, sounds, room, watch) for c in contenders]
    streamed = compared(contenders[0], results[0].turns, sounds, room, watch) if streaming else None
    notes = [*manifest.notes, *_warnings(manifest, setting, there, contenders)]
    if streaming and streamed is None:
        notes.append(
            f"{contenders[0].name} does not stream: it hears a turn once more, whole, when "
            "it has ended, so there is nothing to compare"
        )
    unasked = sum(1 for r in there if r.text and asked[r.path] is None)
    if unasked and setting.expect in ("digits", "yes_no"):
        notes.append(f"{unasked} recordings are no answer to {setting.expect}: only heard open")
    flaws = tuple(sorted([*manifest.flaws, *broken], key=lambda flaw: flaw.line))
    return Report(setting, told, tuple(notes), flaws, scored(results), streamed)


def _refuse_empty(path: Path, usable: Sequence[Recording], flaws: Sequence[Flaw]) -> None:
    if usable:
        return
    why = f"; line {flaws[0].line}: {flaws[0].problem}" if flaws else ""
    raise EvaluationError(f"{path}: no line of it can be evaluated{why}")


def _warnings(
    manifest: Manifest,
    setting: Setting,
    heard: Sequence[Recording],
    contenders: Sequence[Contender],
) -> Iterator[str]:
    if both := crossing(manifest.recordings):
        shown = ", ".join(both[:3]) + (", ..." if len(both) > 3 else "")
        are = "1 speaker is" if len(both) == 1 else f"{len(both)} speakers are"
        yield f"{are} in several splits ({shown}): figures of one split are not about strangers"
    # What the embedded weights were taught with (the model cards), as the shared sets are named.
    source = setting.manifest.name.partition(".")[0]
    words = any(c.words is None for c in contenders)
    if words and source in SPEECH_SETS and any(r.split == "train" for r in heard):
        yield f"the embedded ears were taught with {source}'s train split: their words flatter here"
    feelings = any(c.feelings is None for c in contenders)
    if feelings and source in EMOTION_SETS and any(r.emotion for r in heard):
        yield (
            f"the embedded emotion head was taught with {source}, test speakers too: its emotion "
            "flatters here; its model card has figures for unseen actors"
        )
    if setting.split == EVERY and any(r.split for r in heard):
        yield "train, dev and test are mixed"
