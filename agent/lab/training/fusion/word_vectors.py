"""Training of the word vectors that carry the emotion of words.

A sentence is the mean of its words, a word the mean of its letter groups
(agent/lab/fusion_models/subword_vectors.py). The table learns to tell apart the 27 emotions that
label three quarters of GoEmotions' train split; public customer turns join them as neutral. Every
other sentence gets the recognition errors of a poor line, so that misheard words get similar
vectors. These sentences are in no pair, so all folds and seeds share one table. 20 s on one core.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from agent.lab.datasets import read_goemotions
from agent.lab.fusion_models.subword_vectors import MAX_WORDS, SubwordVectors
from agent.lab.training.understanding.examples import IntentExample, stable_bucket
from agent.lab.training.understanding.noise import POOR_LINE, noisy_transcript
from agent.lab.training.understanding.sentiment import calm_turns
from agent.understanding.text_features import plain_text

NEUTRAL = "neutral"
MAX_CALM_TURNS = 15_000
EPOCHS, BATCH_SIZE, LEARNING_RATE = 4, 256, 5e-3

EmotionText = tuple[str, tuple[str, ...]]  # plain text, emotions


def vector_training_texts(data: Path, rows: Sequence[IntentExample]) -> list[EmotionText]:
    """The training texts. `data` is the folder of the text sets, `rows` are its examples."""
    texts = [
        (plain_text(text), emotions)
        for text, emotions in read_goemotions(data, "train")
        if is_vector_training_text(text)
    ]
    calm = calm_turns(rows, "train", MAX_CALM_TURNS)
    return texts + [(plain_text(turn.text), (NEUTRAL,)) for turn in calm]


def is_vector_training_text(text: str) -> bool:
    """Whether a text of the train split trains the vectors (three quarters) or goes into pairs."""
    return stable_bucket(plain_text(text), 4) != 0


def train_vectors(texts: Sequence[EmotionText], seed: int = 0) -> SubwordVectors:
    """Vectors trained with a linear classifier of emotions, rounded as they will be stored."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    vectors = SubwordVectors()
    nn.init.normal_(vectors.table.weight, std=0.1)
    emotions = sorted({name for _, names in texts for name in names})
    classifier = nn.Linear(vectors.width, len(emotions))
    optimizer = torch.optim.Adam([*vectors.parameters(), *classifier.parameters()], LEARNING_RATE)
    targets = torch.tensor([[float(name in names) for name in emotions] for _, names in texts])
    for _ in range(EPOCHS):
        words = [_noisy_words(text, rng) for text, _ in texts]
        order = rng.permutation(len(texts))
        for start in range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE):
            at = order[start : start + BATCH_SIZE]
            logits = classifier(_sentence_vectors(vectors, [words[i] for i in at]))
            loss = F.binary_cross_entropy_with_logits(logits, targets[torch.from_numpy(at)])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        for group in optimizer.param_groups:
            group["lr"] *= 0.6
    with torch.no_grad():  # rounded as in the file
        vectors.table.weight.copy_(vectors.table.weight.half().float())
    return vectors.eval()


def _noisy_words(text: str, rng: np.random.Generator) -> list[str]:
    if rng.random() < 0.5:
        text = noisy_transcript(text, POOR_LINE, rng)[0]
    return text.split()[-MAX_WORDS:]


def _sentence_vectors(vectors: SubwordVectors, sentences: Sequence[Sequence[str]]) -> Tensor:
    """Means over words, (sentences, width)."""
    words = vectors([word for sentence in sentences for word in sentence])
    which = torch.tensor([at for at, sentence in enumerate(sentences) for _ in sentence])
    sums = torch.zeros(len(sentences), vectors.width).index_add(0, which, words)
    counts = torch.tensor([max(1, len(sentence)) for sentence in sentences])
    return sums / counts[:, None]
