"""What does `hearken train ears` do, from recordings to a folder that users open?

Every stage leaves its result in the work folder and is skipped when that is there: kill it at any
time and run it again. `finish` alone exports whatever the encoder has learned so far.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import cast

import torch
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from agent.lab.training.ears.acted_recordings import Voice, voices
from agent.lab.training.ears.calibrate import fit_curves
from agent.lab.training.ears.card import Made, ears_card, emotion_card
from agent.lab.training.ears.corpus import FEELING, MEASURED, SPEECH, load
from agent.lab.training.ears.emotion_figures import figures as recall_figures
from agent.lab.training.ears.emotion_figures import recall, shown
from agent.lab.training.ears.emotion_training import (
    Lesson,
    Verdict,
    by_actors,
    by_sentence,
    export_head,
    fit_temperature,
    held_out,
    teach,
    verdicts,
    write_verdicts,
)
from agent.lab.training.ears.evaluate import figures, repeated, show, streaming_difference
from agent.lab.training.ears.export import export_encoder, trained
from agent.lab.training.ears.language_model import (
    counted,
    irstlm,
    pronunciations,
    remarks,
    requests,
    vocabulary,
    write_lexicon,
    write_model,
)
from agent.lab.training.ears.offline_recogniser import Ear, phone, wide
from agent.lab.training.ears.train import Recipe, corpora_of, train_letters
from audio.emotion import load_head

COMMAND = "hearken train ears --data DIR"


def train_ears(
    data: Path,
    out: Path,
    work: Path = Path(".hearken/ears"),
    console: Console | None = None,
    recipe: Recipe | None = None,
    measure: bool = True,
) -> None:
    """Train, calibrate, export to `out`/ears and `out`/emotion, measure, write the cards."""
    recipe, console = recipe or Recipe(), console or Console()
    irstlm()  # missed now rather than after an hour
    console.rule("letters")
    train_letters(data, work, recipe)
    console.rule("export and calibration")
    finish_ears(data, out, work, recipe, measure, console)
    console.rule("emotion")
    finish_emotion(data, out, work, measure)
    if measure:
        console.print(Markdown((out / "emotion" / "README.md").read_text(encoding="utf-8")))


def finish_ears(
    data: Path, out: Path, work: Path, recipe: Recipe, measure: bool, console: Console
) -> None:
    folder = out / "ears"
    export_encoder(work, folder)
    write_words(data, work, recipe.seed, folder)
    corpus = load(data, SPEECH, work / "speech")
    fit_curves(corpus, folder, recipe.seed)
    if measure:
        found, error = figures(corpus, folder)
        show(found, error, console)
        some = corpus.of("test", "wuw2")[:20]
        difference = streaming_difference(corpus, Ear(folder).encoder, some)
        ears_card(folder, made(work), found, error, difference)


def write_words(data: Path, work: Path, seed: int, folder: Path) -> None:
    corpora = corpora_of(data, work, seed)
    said = {source: [u.text for u in corpus.of("train")] for source, corpus in corpora.items()}
    spoken = [line for lines in said.values() for line in lines]
    wrote, remarked = requests(data), remarks(data)
    known = vocabulary(spoken, wrote) | vocabulary((), remarked, often=8)
    write_model(folder, [*counted(said), *wrote, *remarked], known)
    write_lexicon(folder, known, pronunciations([*spoken, *wrote]))


FIRSTS = range(1, 25, 4)  # of each fold's four RAVDESS actors


def finish_emotion(
    data: Path, out: Path, work: Path, measure: bool, lesson: Lesson | None = None
) -> None:
    lesson, folder = lesson or Lesson(), out / "emotion"
    taught = acted(data, out, work, FEELING)
    head = teach([v for v in taught if v.utterance.split != "dev"], lesson)
    fit_temperature(head, [v for v in taught if v.utterance.split == "dev"])
    export_head(head, folder)
    if measure:
        measure_emotion(data, out, work, lesson)


def measure_emotion(data: Path, out: Path, work: Path, lesson: Lesson) -> None:
    """Six heads that did not know a fold of actors, two that did not know a sentence."""
    folder = out / "emotion"
    temperature = float(load_head(folder).get_buffer("temperature"))
    jobs = [(data, out, work, lesson, first) for first in (*FIRSTS, 0)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = list(track(pool.map(_held_out, jobs), "folds", len(jobs)))
    folds, other = [v for some in found[:-1] for v in some], found[-1]
    write_verdicts(folds, temperature, folder / "held_out.jsonl")
    german = verdicts(load_head(folder), acted(data, out, work, MEASURED))
    rows = recall_figures(folds, temperature)
    rows["RAVDESS, unseen sentence, same actors, 8 kHz"] = shown(
        recall([v for v in other if v.telephone])
    )
    rows["EmoDB, German, 10 unseen speakers, seven classes, 8 kHz"] = shown(
        recall([v for v in german if v.telephone], calm=False)
    )
    emotion_card(folder, rows, temperature)


def _held_out(job: tuple[Path, Path, Path, Lesson, int]) -> list[Verdict]:
    """One fold's verdicts; 0 stands for the sentences. Kept, so that a killed run goes on."""
    torch.set_num_threads(1)
    data, out, work, lesson, first = job
    key = hashlib.sha256(f"{Ear(out / 'ears').sha256} {lesson}".encode()).hexdigest()[:12]
    kept = work / f"fold-{first}-{key}.pickle"
    if not kept.exists():
        some = acted(data, out, work, FEELING)
        splits = [by_actors(some, first)] if first else by_sentence(some)
        found = [verdict for split in splits for verdict in held_out(split, lesson)]
        kept.write_bytes(pickle.dumps(found))
    return cast("list[Verdict]", pickle.loads(kept.read_bytes()))


def acted(data: Path, out: Path, work: Path, sources: Sequence[str]) -> list[Voice]:
    ear = Ear(out / "ears")
    cache = work / ("feeling" if sources == FEELING else "measured")
    corpus = load(data, sources, cache)
    return [
        v
        for source in sources
        for room in (wide, phone)
        for v in voices(ear, corpus, source, room, work)
    ]


def evaluate_ears(data: Path, weights: Path, work: Path, console: Console) -> None:
    """Print the figures of the model card for the weights in `weights`/ears."""
    corpus = load(data, SPEECH, work / "speech")
    found, error = figures(corpus, weights / "ears")
    show(found, error, console)
    ear = Ear(weights / "ears")
    difference = streaming_difference(corpus, ear.encoder, corpus.of("test", "wuw2")[:20])
    console.print(f"largest difference of streamed to offline output: {difference:.1e}")
    for source in ("wuw2", "speechocean762"):
        share = repeated(corpus, source)
        console.print(f"{source}: {share:.1%} of the test sentences are also said in training")


def made(work: Path) -> Made:
    spent, steps = trained(work)
    state = torch.load(work / "letters.pt", weights_only=True)
    return Made(COMMAND, spent / 60, steps, state["before"][1])
