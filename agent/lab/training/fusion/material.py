"""Where do the words and voices of the built-in experiment come from, ready to be put together?

Texts as vectors, as written and as a transcriber would have heard them: its own hypothesis where
one lies in the work folder (agent/lab/training/understanding/synthetic_transcripts.py), else
`noise.spoken`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from agent.lab.fusion_models.subword_vectors import Vectors
from agent.lab.training.fusion.pairs import Material, Words
from agent.lab.training.fusion.sentences import Sentence, sentences
from agent.lab.training.fusion.voice_frames import sounds
from agent.lab.training.fusion.word_vectors import labelled, learned
from agent.lab.training.understanding.examples import examples, part
from agent.lab.training.understanding.noise import PHONE, POOR, spoken
from agent.understanding.text_features import plain
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class Gathered:
    """`misheard` of the sentences have the transcriber's own hypothesis."""

    material: Material
    vectors: Vectors
    misheard: int


def gathered(data: Path, weights: Path, work: Path, console: Console, seed: int = 0) -> Gathered:
    """`data` holds `speech` and `text`; `work` what was encoded and transcribed before."""
    console.print("texts and their vectors, about a minute", highlight=False)
    rows = examples(data / "text", Pack.load())
    teaching = labelled(data / "text", rows)
    vectors = learned(teaching, seed)
    some = sentences(data / "text", rows, {text for text, _ in teaching})
    told = hypotheses(work / "understanding")
    console.print("voices, as the encoder gives them", highlight=False)
    heard = sounds(data, weights / "ears", work / "ears")
    known = sum(one.text in told for one in some)
    return Gathered(Material(worded(some, vectors, told), heard), vectors, known)


def hypotheses(folder: Path) -> dict[str, str]:
    """What the transcriber made of sentences, by plain text; of several, the last."""
    found = {}
    for path in sorted(folder.glob("heard-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found[plain(row["text"])] = plain(row["heard"])
    return found


@torch.inference_mode()
def worded(some: Sequence[Sentence], vectors: Vectors, told: Mapping[str, str]) -> list[Words]:
    found = []
    for one in some:
        # Seeded by the sentence: the same mistakes whatever else there is.
        rng = np.random.default_rng(part(one.text, 2**31))
        heard = told.get(one.text)
        if heard is None:
            heard = spoken(one.text, (PHONE, POOR)[int(rng.integers(2))], rng)[0]
        written, misheard = vectors.of(one.text), vectors.of(heard)
        found.append(Words(one.text, one.mood, one.customer, written, misheard))
    return found
