"""`hearken train ears`: the pipeline from recordings to a checkpoint folder that users open.

Every stage leaves its result in the work folder and is skipped when the result is there, so a run
can be killed at any time and started again. `finish_ears` alone exports what the encoder has
learned so far.
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

from agent.lab.figures import percent_text
from agent.lab.file_cache import load_or_compute
from agent.lab.training.ears.acted_recordings import ActedRecording, load_acted_recordings
from agent.lab.training.ears.calibrate import fit_confidence_curves
from agent.lab.training.ears.card import TrainingRecord, write_ears_card, write_emotion_card
from agent.lab.training.ears.corpus import (
    EMOTION_SETS,
    EVALUATION_ONLY_SETS,
    SPEECH_SETS,
    load_corpus,
)
from agent.lab.training.ears.emotion_figures import emotion_figures as recall_figures
from agent.lab.training.ears.emotion_figures import recall_estimate
from agent.lab.training.ears.emotion_training import (
    EmotionPrediction,
    EmotionTrainingSettings,
    emotion_predictions,
    export_head,
    fit_temperature,
    held_out_predictions,
    split_by_actors,
    splits_by_sentence,
    train_head,
    write_predictions,
)
from agent.lab.training.ears.evaluate import (
    print_figures,
    recognition_figures,
    repeated_text_share,
    streaming_difference,
)
from agent.lab.training.ears.export import export_encoder, training_totals
from agent.lab.training.ears.language_model import (
    customer_texts,
    everyday_texts,
    irstlm_folder,
    pronunciations_in,
    repeated_transcripts,
    vocabulary,
    write_arpa,
    write_lexicon,
)
from agent.lab.training.ears.offline_recogniser import (
    OfflineRecogniser,
    telephone_channel,
    wide_band_channel,
)
from agent.lab.training.ears.train import Recipe, load_corpora, train_ctc
from audio.emotion import load_head

COMMAND = "hearken train ears --data DIR"


def train_ears(
    data: Path,
    out: Path,
    work: Path = Path(".hearken/ears"),
    console: Console | None = None,
    recipe: Recipe | None = None,
    with_figures: bool = True,
) -> None:
    """Train, calibrate, export to `out`/ears and `out`/emotion, measure, write the cards."""
    recipe, console = recipe or Recipe(), console or Console()
    irstlm_folder()  # fails now, not after an hour of training
    console.rule("letters")
    train_ctc(data, work, recipe)
    console.rule("export and calibration")
    finish_ears(data, out, work, recipe, with_figures, console)
    console.rule("emotion")
    train_emotion(data, out, work, with_figures)
    if with_figures:
        console.print(Markdown((out / "emotion" / "README.md").read_text(encoding="utf-8")))


def finish_ears(
    data: Path, out: Path, work: Path, recipe: Recipe, with_figures: bool, console: Console
) -> None:
    """Export the encoder and language model, calibrate, measure, and write the model card."""
    folder = out / "ears"
    export_encoder(work, folder)
    write_language_model(data, work, recipe.seed, folder)
    corpus = load_corpus(data, SPEECH_SETS, work / "speech")
    fit_confidence_curves(corpus, folder, recipe.seed)
    if with_figures:
        figures_found, error = recognition_figures(corpus, folder)
        print_figures(figures_found, error, console)
        test_utterances = corpus.select("test", "wuw2")[:20]
        difference = streaming_difference(
            corpus, OfflineRecogniser(folder).encoder, test_utterances
        )
        write_ears_card(folder, training_record(work), figures_found, error, difference)


def write_language_model(data: Path, work: Path, seed: int, folder: Path) -> None:
    """Write the language model and the pronunciation lexicon into `folder`."""
    corpora = load_corpora(data, work, seed)
    transcripts = {
        source: [u.text for u in corpus.select("train")] for source, corpus in corpora.items()
    }
    transcript_lines = [line for lines in transcripts.values() for line in lines]
    customer_lines, everyday_lines = customer_texts(data), everyday_texts(data)
    known_words = vocabulary(transcript_lines, customer_lines) | vocabulary(
        (), everyday_lines, min_count=8
    )
    write_arpa(
        folder, [*repeated_transcripts(transcripts), *customer_lines, *everyday_lines], known_words
    )
    write_lexicon(folder, known_words, pronunciations_in([*transcript_lines, *customer_lines]))


FIRST_ACTORS = range(1, 25, 4)  # of each fold: four RAVDESS actors from this number on


def train_emotion(
    data: Path,
    out: Path,
    work: Path,
    with_figures: bool,
    settings: EmotionTrainingSettings | None = None,
) -> None:
    """Train, calibrate and export the emotion head; measure it and write its card."""
    settings, folder = settings or EmotionTrainingSettings(), out / "emotion"
    recordings = load_acted(data, out, work, EMOTION_SETS)
    head = train_head([v for v in recordings if v.utterance.split != "dev"], settings)
    fit_temperature(head, [v for v in recordings if v.utterance.split == "dev"])
    export_head(head, folder)
    if with_figures:
        measure_emotion(data, out, work, settings)


def measure_emotion(data: Path, out: Path, work: Path, settings: EmotionTrainingSettings) -> None:
    """Measure six heads, each without one fold of actors, and two, each without one sentence."""
    folder = out / "emotion"
    temperature = float(load_head(folder).get_buffer("temperature"))
    jobs = [(data, out, work, settings, first) for first in (*FIRST_ACTORS, 0)]
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        found = list(track(pool.map(_fold_predictions, jobs), "folds", len(jobs)))
    folds, other_sentence = [v for some in found[:-1] for v in some], found[-1]
    write_predictions(folds, temperature, folder / "held_out.jsonl")
    german = emotion_predictions(
        load_head(folder), load_acted(data, out, work, EVALUATION_ONLY_SETS)
    )
    rows = recall_figures(folds, temperature)
    rows["RAVDESS, unseen sentence, same actors, 8 kHz"] = percent_text(
        recall_estimate([v for v in other_sentence if v.telephone])
    )
    rows["EmoDB, German, 10 unseen speakers, seven classes, 8 kHz"] = percent_text(
        recall_estimate([v for v in german if v.telephone], separate_calm=False)
    )
    write_emotion_card(folder, rows, temperature)


def _fold_predictions(
    job: tuple[Path, Path, Path, EmotionTrainingSettings, int],
) -> list[EmotionPrediction]:
    """The predictions of one fold; 0 stands for the two sentence splits.

    Cached in the work folder, so that a killed run continues. The key includes the settings' repr.
    """
    torch.set_num_threads(1)
    data, out, work, settings, first = job
    key = hashlib.sha256(
        f"{OfflineRecogniser(out / 'ears').sha256} {settings}".encode()
    ).hexdigest()[:12]

    def predictions() -> list[EmotionPrediction]:
        recordings = load_acted(data, out, work, EMOTION_SETS)
        splits = [split_by_actors(recordings, first)] if first else splits_by_sentence(recordings)
        return [verdict for split in splits for verdict in held_out_predictions(split, settings)]

    return load_or_compute(
        work / f"fold-{first}-{key}.pickle",
        predictions,
        lambda found, path: path.write_bytes(pickle.dumps(found)),
        lambda path: cast("list[EmotionPrediction]", pickle.loads(path.read_bytes())),
    )


def load_acted(data: Path, out: Path, work: Path, sources: Sequence[str]) -> list[ActedRecording]:
    """The acted recordings of all sources, through both channels."""
    recogniser = OfflineRecogniser(out / "ears")
    cache = work / ("feeling" if sources == EMOTION_SETS else "measured")
    corpus = load_corpus(data, sources, cache)
    return [
        v
        for source in sources
        for channel in (wide_band_channel, telephone_channel)
        for v in load_acted_recordings(recogniser, corpus, source, channel, work)
    ]


def evaluate_ears(data: Path, weights: Path, work: Path, console: Console) -> None:
    """Print the figures of the model card for the weights in `weights`/ears."""
    corpus = load_corpus(data, SPEECH_SETS, work / "speech")
    figures_found, error = recognition_figures(corpus, weights / "ears")
    print_figures(figures_found, error, console)
    recogniser = OfflineRecogniser(weights / "ears")
    difference = streaming_difference(
        corpus, recogniser.encoder, corpus.select("test", "wuw2")[:20]
    )
    console.print(f"largest difference of streamed to offline output: {difference:.1e}")
    for source in ("wuw2", "speechocean762"):
        share = repeated_text_share(corpus, source)
        console.print(f"{source}: {share:.1%} of the test sentences are also said in training")


def training_record(work: Path) -> TrainingRecord:
    """What the model card says about the training run in `work`."""
    spent_s, steps = training_totals(work)
    state = torch.load(work / "letters.pt", weights_only=True)
    return TrainingRecord(COMMAND, spent_s / 60, steps, state["before"][1])
