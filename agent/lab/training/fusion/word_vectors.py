"""How do words get the vectors that say which moods they carry?

A sentence is the mean of its words, a word the mean of its letter groups
(agent/lab/fusion_models/subword_vectors.py), and the table is learned by telling apart the 27
emotions that three quarters of GoEmotions' train split are labelled with; public customer turns
join it as unemotional. Every other sentence is heard through a poor line, so that misheard words
keep their company. These sentences are no part of any pair: folds and seeds share one table. 20 s
on one core.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.lab.fusion_models.subword_vectors import MOST, Vectors
from agent.lab.training.understanding.examples import Example, part
from agent.lab.training.understanding.noise import POOR, spoken
from agent.lab.training.understanding.sentiment import calm_turns
from agent.understanding.text_features import plain

NEUTRAL = "neutral"
CALM_TURNS = 15_000
EPOCHS, BATCH, RATE = 4, 256, 5e-3

Labelled = tuple[str, tuple[str, ...]]  # plain text, emotions


def reddit(data: Path, split: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """GoEmotions' comments and the names of the emotions in each."""
    folder = data / "goemotions"
    names = (folder / "original_labels.txt").read_text(encoding="utf-8").split()
    with gzip.open(folder / f"{split}.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            text, numbers, _ = line.rstrip("\n").split("\t")
            yield text, tuple(names[int(number)] for number in numbers.split(","))


def labelled(data: Path, rows: Sequence[Example]) -> list[Labelled]:
    """What teaches the vectors. `data` is the folder of the text sets, `rows` its examples."""
    found = [(plain(text), emotions) for text, emotions in reddit(data, "train") if teaches(text)]
    calm = calm_turns(rows, "train", CALM_TURNS)
    return found + [(plain(turn.text), (NEUTRAL,)) for turn in calm]


def teaches(text: str) -> bool:
    """Three quarters of the train split; the rest is put together with voices."""
    return part(plain(text), 4) != 0


def learned(some: Sequence[Labelled], seed: int = 0) -> Vectors:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vectors = Vectors()
    nn.init.normal_(vectors.table.weight, std=0.1)
    emotions = sorted({name for _, names in some for name in names})
    judge = nn.Linear(vectors.width, len(emotions))
    optimizer = torch.optim.Adam([*vectors.parameters(), *judge.parameters()], RATE)
    told = torch.tensor([[float(name in names) for name in emotions] for _, names in some])
    for _ in range(EPOCHS):
        words = [_heard(text, rng) for text, _ in some]
        order = rng.permutation(len(some))
        for start in range(0, len(order) - BATCH + 1, BATCH):
            at = order[start : start + BATCH]
            logits = judge(_sentences(vectors, [words[i] for i in at]))
            loss = F.binary_cross_entropy_with_logits(logits, told[torch.from_numpy(at)])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.6
    with torch.no_grad():  # as it is stored
        vectors.table.weight.copy_(vectors.table.weight.half().float())
    return vectors.eval()


def _heard(text: str, rng: np.random.Generator) -> list[str]:
    if rng.random() < 0.5:
        text = spoken(text, POOR, rng)[0]
    return text.split()[-MOST:]


def _sentences(vectors: Vectors, some: Sequence[Sequence[str]]) -> Tensor:
    """Means over words, (sentences, width)."""
    words = vectors([word for sentence in some for word in sentence])
    which = torch.tensor([at for at, sentence in enumerate(some) for _ in sentence])
    sums = torch.zeros(len(some), vectors.width).index_add(0, which, words)
    counts = torch.tensor([max(1, len(sentence)) for sentence in some])
    return sums / counts[:, None]
