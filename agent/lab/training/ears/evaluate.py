"""How well do the shipped ears hear people they were not trained on?

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
from agent.lab.training.ears.offline_recogniser import Ear, wide
from agent.lab.training.ears.tasks import JOINED, KEYWORDS, TASKS, Task, absent, joined_digits
from agent.lab.training.ears.word_errors import edits
from agent.understanding.calibration import expected_error
from audio.encoder import Encoder
from audio.types import FRAME, Transcript


@dataclass(frozen=True, slots=True)
class Result:
    """One turn: how many words were wrong of how many, and whether the whole was right."""

    speaker: str
    edits: int
    words: int
    right: bool
    confidence: float


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    low: float
    high: float
    turns: int
    speakers: int

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} % ({100 * self.low:.1f} to {100 * self.high:.1f})"


def answers(ear: Ear, corpus: Corpus, task: Task, split: Split) -> list[Result]:
    turns: list[tuple[Utterance, Transcript]] = []
    for heard in ear.hear(corpus, task.of(corpus, split), task.room):
        expect = task.expect(heard.utterance)
        transcript = ear.transcriber.decide(heard.likely, 0, expect, heard.phones)
        turns.append((heard.utterance, transcript))
    scores = edits([u.text.split() for u, _ in turns], [t.text.split() for _, t in turns])
    return [
        Result(
            utterance.speaker,
            score["num_edits"],
            score["num_ref_tokens"],
            task.right(utterance.text, transcript.text),
            transcript.confidence,
        )
        for (utterance, transcript), score in zip(turns, scores, strict=True)
    ]


def refusals(ear: Ear, corpus: Corpus, split: Split, least: float = 0.5) -> list[Result]:
    """Keywords asked about with a list that lacks them: right is to doubt every guess."""
    (task,) = [task for task in TASKS if task.name == "keywords, asked for"]
    results = []
    for heard in ear.hear(corpus, task.of(corpus, split), task.room):
        truth = heard.utterance.text
        expect = absent(truth, [*KEYWORDS, "check balance", "replace card", "pay bill"], 7)
        sure = ear.transcriber.decide(heard.likely, 0, expect, heard.phones).confidence
        results.append(Result(heard.utterance.speaker, 0, 1, sure < least, sure))
    return results


def figure(name: str, results: Sequence[Result], errors: bool, seed: int = 0) -> Figure:
    """Word error rate, or the share of turns that were wholly right."""
    by_speaker: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for r in results:
        by_speaker[r.speaker].append((r.edits, r.words) if errors else (int(r.right), 1))
    sums = np.array([np.sum(pairs, 0) for pairs in by_speaker.values()])  # (speakers, 2)
    random = np.random.default_rng(seed)
    drawn = sums[random.integers(len(sums), size=(2000, len(sums)))].sum(1)
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    total = sums.sum(0)
    return Figure(name, total[0] / total[1], low, high, len(results), len(sums))


def calibration_error(results: Sequence[Result]) -> float:
    return expected_error([r.confidence for r in results], [r.right for r in results])


def repeated(corpus: Corpus, source: str) -> float:
    """The share of test sentences whose words somebody else said in training."""
    known = {u.text for u in corpus.of("train", source)}
    tested = [u for u in corpus.of("test", source) if u.kind != "keyword"]
    return sum(u.text in known for u in tested) / max(1, len(tested))


def figures(corpus: Corpus, folder: Path, split: Split = "test") -> tuple[list[Figure], float]:
    ear, found, every = Ear(folder), list[Figure](), list[Result]()
    for task in TASKS:
        results = answers(ear, corpus, task, split)
        every += results
        sentences = task.name.startswith(("telephone", "adults"))
        found.append(figure(f"{task.name}: {_unit(sentences)}", results, errors=sentences))
        if task.name == "keywords, open":
            found.append(figure("keywords, open: words wrong", results, errors=True))
    numbers = answers(ear, joined_digits(corpus, split), JOINED, split)
    found.append(figure(f"{JOINED.name}: turns right", numbers, errors=False))
    found.append(figure("the same: digits wrong", numbers, errors=True))
    every += numbers
    found.append(figure("keyword not on the list: doubted", refusals(ear, corpus, split), False))
    return found, calibration_error(every)


def _unit(sentences: bool) -> str:
    return "words wrong" if sentences else "turns right"


def streaming_difference(corpus: Corpus, encoder: Encoder, said: Sequence[Utterance]) -> float:
    """The largest difference of any output of the streamed encoder to the offline one."""
    import torch

    from audio.incremental import Incremental

    worst, random = 0.0, np.random.default_rng(0)
    steps = Incremental(encoder.hubert, encoder.reach)
    for utterance in said:
        samples = wide(corpus.samples(utterance), utterance.rate)
        with torch.inference_mode():
            *_, offline = encoder(torch.from_numpy(samples)[None])
        memory, parts, at = steps.open(), [], 0
        while at < len(samples):
            size = int(random.integers(1, 20 * FRAME))
            parts += steps.advance([(memory, samples[at : at + size])])
            at += size
        parts += steps.finish([memory])
        streamed = torch.cat([part.last for part in parts])
        worst = max(worst, float((streamed - offline[0]).abs().max()))
    return worst


def show(found: Sequence[Figure], error: float, console: Console) -> None:
    table = Table("task", "figure (95 %)", "turns", "speakers", title="ears, unseen speakers")
    for f in found:
        table.add_row(f.name, str(f), str(f.turns), str(f.speakers))
    console.print(table)
    console.print(f"expected calibration error over all turns: {error:.3f}")
