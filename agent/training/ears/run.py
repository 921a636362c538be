"""What does `hearken train ears` do, from recordings to a folder that users open?

Every stage leaves its result in the work folder and is skipped when that is there: kill it at any
time and run it again. `finish` alone exports whatever the encoder has learned so far.
"""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console
from rich.markdown import Markdown

from agent.training.ears.calibrate import fit_curves
from agent.training.ears.card import Made, ears_card, emotion_card
from agent.training.ears.evaluate import figures, show, streaming_difference
from agent.training.ears.export import export_encoder
from agent.training.ears.feel import (
    Lesson,
    Voice,
    export_head,
    fit_temperature,
    folds,
    interval,
    judged,
    sentences,
    teach,
    voices,
    write_verdicts,
)
from agent.training.ears.hearing import Ear, phone, wide
from agent.training.ears.prepare import FEELING, MEASURED, SPEECH, load
from agent.training.ears.train import Recipe, corpora_of, train_letters
from agent.training.ears.words import requests, vocabulary, write_model
from audio.emotion import EmotionHead

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
    said = [u.text for corpus in corpora.values() for u in corpus.of("train")]
    wrote = requests(data)
    write_model(folder, said + wrote, vocabulary(said, wrote))


def finish_emotion(
    data: Path, out: Path, work: Path, measure: bool, lesson: Lesson | None = None
) -> None:
    lesson, folder = lesson or Lesson(), out / "emotion"
    ear = Ear(out / "ears")
    heard = {source: acted(data, work, ear, source) for source in (*FEELING, *MEASURED)}
    taught = [voice for source in FEELING for voice in heard[source]]
    head = teach([v for v in taught if v.utterance.split != "dev"], lesson)
    fit_temperature(head, [v for v in taught if v.utterance.split == "dev"])
    export_head(head, folder)
    if measure:
        verdicts = folds(heard["ravdess"], heard["nemo"], lesson)
        temperature = float(head.get_buffer("temperature"))
        write_verdicts(verdicts, temperature, folder / "held_out.jsonl")
        guesses = [verdict.guess for verdict in verdicts]
        write_emotion_card(folder, work, head, lesson, heard, guesses)


def acted(data: Path, work: Path, ear: Ear, source: str) -> list[Voice]:
    taught = source in FEELING
    corpus = load(
        data, FEELING if taught else MEASURED, work / ("feeling" if taught else "measured")
    )
    return [v for room in (wide, phone) for v in voices(ear, corpus, source, room, work)]


def write_emotion_card(
    folder: Path,
    work: Path,
    head: EmotionHead,
    lesson: Lesson,
    heard: dict[str, list[Voice]],
    guesses: list[tuple[Voice, int]],
) -> None:
    german = [v for v in heard["emodb"] if not v.telephone]
    logits, _ = judged(head, german)
    emotion_card(
        folder,
        made(work),
        interval([g for g in guesses if not g[0].telephone]),
        interval([g for g in guesses if g[0].telephone]),
        interval(sentences(heard["ravdess"], lesson)),
        interval(list(zip(german, logits.argmax(1).tolist(), strict=True))),
        float(head.get_buffer("temperature")),
    )


def evaluate_ears(data: Path, weights: Path, work: Path, console: Console) -> None:
    """Print the figures of the model card for the weights in `weights`/ears."""
    corpus = load(data, SPEECH, work / "speech")
    found, error = figures(corpus, weights / "ears")
    show(found, error, console)
    ear = Ear(weights / "ears")
    difference = streaming_difference(corpus, ear.encoder, corpus.of("test", "wuw2")[:20])
    console.print(f"largest difference of streamed to offline output: {difference:.1e}")


def made(work: Path) -> Made:
    spent, step, epoch = torch.load(work / "letters.pt", weights_only=True)["counters"]
    return Made(COMMAND, spent / 60, step, epoch)
