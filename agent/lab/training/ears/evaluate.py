"""Recognition figures of a checkpoint on speakers it was not trained on.

    hearken evaluate ears --data DIR

prints the table of the model card: test speakers, telephone band, 95 % intervals by bootstrap over
speakers (a speaker's turns are drawn together).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.lab.datasets import Split
from agent.lab.figures import Figure, percent_text
from agent.lab.metrics import mean, ratio
from agent.lab.statistics import Estimate, Statistic, cluster_bootstrap, interval_note
from agent.lab.training.ears.corpus import Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import OfflineRecogniser, wide_band_channel
from agent.lab.training.ears.tasks import (
    JOINED_DIGITS_TASK,
    KEYWORDS,
    TASKS,
    RecognitionTask,
    expectation_without,
    joined_digits_corpus,
)
from agent.lab.training.ears.word_errors import word_edits
from agent.understanding.calibration import expected_calibration_error
from audio.encoder import ChunkedEncoder
from audio.types import FRAME, Transcript


@dataclass(frozen=True, slots=True)
class RecognitionResult:
    """The recognition of one turn: word edits, reference words, and whether it is all correct."""

    speaker: str
    edits: int
    words: int
    is_correct: bool
    confidence: float


def recognition_results(
    recogniser: OfflineRecogniser, corpus: Corpus, task: RecognitionTask, split: Split
) -> list[RecognitionResult]:
    """Recognise every utterance of a task, with the expectation that a dialogue would have."""
    turns: list[tuple[Utterance, Transcript]] = []
    for encoded in recogniser.encode(corpus, task.utterances(corpus, split), task.channel):
        expectation = task.expectation(encoded.utterance)
        transcript = recogniser.transcriber.decode(
            encoded.letter_scores, 0, expectation, encoded.phone_scores
        )
        turns.append((encoded.utterance, transcript))
    scores = word_edits([u.text.split() for u, _ in turns], [t.text.split() for _, t in turns])
    return [
        RecognitionResult(
            utterance.speaker,
            score["num_edits"],
            score["num_ref_tokens"],
            task.is_correct(utterance.text, transcript.text),
            transcript.confidence,
        )
        for (utterance, transcript), score in zip(turns, scores, strict=True)
    ]


def absent_keyword_results(
    recogniser: OfflineRecogniser, corpus: Corpus, split: Split, threshold: float = 0.5
) -> list[RecognitionResult]:
    """Keywords recognised against a list without them; correct is a low confidence."""
    (task,) = [task for task in TASKS if task.name == "keywords, asked for"]
    results = []
    for encoded in recogniser.encode(corpus, task.utterances(corpus, split), task.channel):
        truth = encoded.utterance.text
        expectation = expectation_without(
            truth, [*KEYWORDS, "check balance", "replace card", "pay bill"], 7
        )
        confidence = recogniser.transcriber.decode(
            encoded.letter_scores, 0, expectation, encoded.phone_scores
        ).confidence
        results.append(
            RecognitionResult(encoded.utterance.speaker, 0, 1, confidence < threshold, confidence)
        )
    return results


def words_wrong(
    name: str, results: Sequence[RecognitionResult], measure: str = "words wrong"
) -> Figure:
    """The word error rate; speakers are drawn for its interval."""
    rate = ratio([r.edits for r in results], [r.words for r in results])
    return Figure(name, measure, _estimate(rate, results))


def turns_right(
    name: str, results: Sequence[RecognitionResult], measure: str = "turns right"
) -> Figure:
    """The share of turns that are entirely correct; speakers are drawn for its interval."""
    return Figure(name, measure, _estimate(mean([r.is_correct for r in results]), results))


def _estimate(statistic: Statistic, results: Sequence[RecognitionResult]) -> Estimate:
    return cluster_bootstrap(statistic, [r.speaker for r in results], "speakers")


def repeated_text_share(corpus: Corpus, source: str) -> float:
    """The share of test sentences whose text also occurs in training, said by other speakers."""
    training_texts = {u.text for u in corpus.select("train", source)}
    tested = [u for u in corpus.select("test", source) if u.kind != "keyword"]
    return sum(u.text in training_texts for u in tested) / max(1, len(tested))


def recognition_figures(
    corpus: Corpus, folder: Path, split: Split = "test"
) -> tuple[list[Figure], float]:
    """The figures of all tasks, and the calibration error over all their turns."""
    recogniser = OfflineRecogniser(folder)
    figures, all_results = list[Figure](), list[RecognitionResult]()
    for task in TASKS:
        results = recognition_results(recogniser, corpus, task, split)
        all_results += results
        is_sentences = task.name.startswith(("telephone", "adults"))
        figures.append((words_wrong if is_sentences else turns_right)(task.name, results))
        if task.name == "keywords, open":
            figures.append(words_wrong(task.name, results))
    numbers = recognition_results(
        recogniser, joined_digits_corpus(corpus, split), JOINED_DIGITS_TASK, split
    )
    figures.append(turns_right(JOINED_DIGITS_TASK.name, numbers))
    figures.append(words_wrong("the same", numbers, "digits wrong"))
    absent = absent_keyword_results(recogniser, corpus, split)
    figures.append(turns_right("keyword not on the list", absent, "doubted"))
    all_results += numbers
    error = expected_calibration_error(
        [r.confidence for r in all_results], [r.is_correct for r in all_results]
    )
    return figures, error


def streaming_difference(
    corpus: Corpus, encoder: ChunkedEncoder, utterances: Sequence[Utterance]
) -> float:
    """The largest absolute difference between outputs of the streaming and the offline encoder."""
    import torch

    from audio.incremental import IncrementalEncoder

    worst, random = 0.0, np.random.default_rng(0)
    steps = IncrementalEncoder(encoder.hubert, encoder.window)
    for utterance in utterances:
        samples = wide_band_channel(corpus.samples(utterance), utterance.rate)
        with torch.inference_mode():
            *_, offline = encoder(torch.from_numpy(samples)[None])
        memory, parts, at = steps.open(), [], 0
        while at < len(samples):
            size = int(random.integers(1, 20 * FRAME))
            parts += steps.advance([(memory, samples[at : at + size])])
            at += size
        parts += steps.finish([memory])
        streamed = torch.cat([part.frames for part in parts])
        worst = max(worst, float((streamed - offline[0]).abs().max()))
    return worst


def print_figures(figures: Sequence[Figure], error: float, console: Console) -> None:
    table = Table(
        "task", "figure (95 %)", "turns", "speakers", title="ears, unseen speakers",
        caption=interval_note("speakers"), caption_justify="left",
    )  # fmt: skip
    for figure in figures:
        table.add_row(*recognition_cells(figure))
    console.print(table)
    console.print(f"expected calibration error over all turns: {error:.3f}")


def recognition_cells(figure: Figure) -> tuple[str, str, str, str]:
    """Task, figure in per cent, turns and speakers, for a table."""
    found = figure.estimate
    name = f"{figure.name}: {figure.measure}"
    return name, percent_text(found), str(found.rows), str(found.clusters)
