"""Recognition figures of a checkpoint on speakers it was not trained on.

    hearken evaluate ears --data DIR

prints the table of the model card: test speakers, telephone band, 95 % intervals by bootstrap over
speakers (a speaker's turns are drawn together).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.lab.training.ears.corpus import Corpus, Split, Utterance
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


@dataclass(frozen=True, slots=True)
class RecognitionFigure:
    """A share with its 95 % interval, and how many turns and speakers it comes from."""

    name: str
    value: float
    low: float
    high: float
    turns: int
    speakers: int

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


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


def speaker_bootstrap_figure(
    name: str, results: Sequence[RecognitionResult], as_word_error_rate: bool, seed: int = 0
) -> RecognitionFigure:
    """Word error rate, or the share of turns that are entirely correct."""
    by_speaker: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for r in results:
        by_speaker[r.speaker].append(
            (r.edits, r.words) if as_word_error_rate else (int(r.is_correct), 1)
        )
    sums = np.array([np.sum(pairs, 0) for pairs in by_speaker.values()])  # (speakers, 2)
    random = np.random.default_rng(seed)
    drawn = sums[random.integers(len(sums), size=(2000, len(sums)))].sum(1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    total = sums.sum(0)
    return RecognitionFigure(name, total[0] / total[1], low, high, len(results), len(sums))


def calibration_error(results: Sequence[RecognitionResult]) -> float:
    return expected_calibration_error(
        [r.confidence for r in results], [r.is_correct for r in results]
    )


def repeated_text_share(corpus: Corpus, source: str) -> float:
    """The share of test sentences whose text also occurs in training, said by other speakers."""
    training_texts = {u.text for u in corpus.select("train", source)}
    tested = [u for u in corpus.select("test", source) if u.kind != "keyword"]
    return sum(u.text in training_texts for u in tested) / max(1, len(tested))


def recognition_figures(
    corpus: Corpus, folder: Path, split: Split = "test"
) -> tuple[list[RecognitionFigure], float]:
    """The figures of all tasks, and the calibration error over all their turns."""
    recogniser, figures_found, all_results = (
        OfflineRecogniser(folder),
        list[RecognitionFigure](),
        list[RecognitionResult](),
    )
    for task in TASKS:
        results = recognition_results(recogniser, corpus, task, split)
        all_results += results
        sentences = task.name.startswith(("telephone", "adults"))
        figures_found.append(
            speaker_bootstrap_figure(
                f"{task.name}: {_measure_name(sentences)}", results, as_word_error_rate=sentences
            )
        )
        if task.name == "keywords, open":
            figures_found.append(
                speaker_bootstrap_figure(
                    "keywords, open: words wrong", results, as_word_error_rate=True
                )
            )
    numbers = recognition_results(
        recogniser, joined_digits_corpus(corpus, split), JOINED_DIGITS_TASK, split
    )
    figures_found.append(
        speaker_bootstrap_figure(
            f"{JOINED_DIGITS_TASK.name}: turns right", numbers, as_word_error_rate=False
        )
    )
    figures_found.append(
        speaker_bootstrap_figure("the same: digits wrong", numbers, as_word_error_rate=True)
    )
    all_results += numbers
    figures_found.append(
        speaker_bootstrap_figure(
            "keyword not on the list: doubted",
            absent_keyword_results(recogniser, corpus, split),
            False,
        )
    )
    return figures_found, calibration_error(all_results)


def _measure_name(is_sentence_task: bool) -> str:
    return "words wrong" if is_sentence_task else "turns right"


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


def print_figures(figures: Sequence[RecognitionFigure], error: float, console: Console) -> None:
    table = Table("task", "figure (95 %)", "turns", "speakers", title="ears, unseen speakers")
    for f in figures:
        table.add_row(f.name, str(f), str(f.turns), str(f.speakers))
    console.print(table)
    console.print(f"expected calibration error over all turns: {error:.3f}")
