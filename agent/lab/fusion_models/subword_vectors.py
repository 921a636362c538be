"""Subword vectors of words for mood, also of unseen and misrecognised words.

A word's vector is the mean of those of its character n-grams, three to five letters and the whole
word (Bojanowski et al. 2017, "Enriching word vectors with subword information"), each found by its
checksum in a table of fixed size: the weights contain no vocabulary, and "ridiculus" lies near
"ridiculous". Invariants, held by tests/agent/lab/fusion_models/test_classifiers.py: every word has
a vector; a word's vector does not depend on the words around it.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from agent.understanding.text_features import WeightsError, plain_text

VECTORS_FILE = "vectors.safetensors"
MIN_NGRAM, MAX_NGRAM = 3, 5  # characters of an n-gram, word-end marks included
MAX_WORDS = 24  # last words of a turn that are used


class SubwordVectors(nn.Module):
    """Words -> vectors of `width`."""

    def __init__(self, buckets: int = 8192, width: int = 40) -> None:
        super().__init__()
        self.buckets, self.width = buckets, width
        self.table = nn.EmbeddingBag(buckets, width, mode="mean")

    def forward(self, words: Sequence[str]) -> Tensor:
        """(words, width)."""
        groups = [_ngram_buckets(word, self.buckets) for word in words]
        if not groups:
            return torch.zeros(0, self.width)
        starts = [0]
        for group in groups[:-1]:
            starts.append(starts[-1] + len(group))
        vectors: Tensor = self.table(
            torch.tensor([at for group in groups for at in group]), torch.tensor(starts)
        )
        return vectors

    @classmethod
    def load(cls, folder: Path) -> SubwordVectors:
        """The vectors of a folder that `hearken train fusion` wrote. WeightsError."""
        try:
            table = load_file(folder / VECTORS_FILE)["table"].float()
        except (OSError, SafetensorError, KeyError) as error:
            raise WeightsError(
                f"cannot read {folder / VECTORS_FILE}: {error}; run `hearken train fusion`"
            ) from error
        vectors = cls(*table.shape)
        with torch.no_grad():
            vectors.table.weight.copy_(table)
        return vectors.eval()

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"table": self.table.weight.detach().half().contiguous()}, folder / VECTORS_FILE)
        (folder / VECTORS_FILE).chmod(0o644)  # readable by the user that runs the server

    def text_vectors(self, text: str) -> Tensor:
        """The vectors of a text's last words, (words, width); no rows for no words."""
        vectors: Tensor = self(plain_text(text).split()[-MAX_WORDS:])
        return vectors


@lru_cache(maxsize=50_000)
def _ngram_buckets(word: str, buckets: int) -> tuple[int, ...]:
    marked = f"<{word}>"
    groups = [marked] + [
        marked[at : at + size]
        for size in range(MIN_NGRAM, MAX_NGRAM + 1)
        for at in range(len(marked) - size + 1)
        if size < len(marked)
    ]
    return tuple(zlib.crc32(group.encode()) % buckets for group in groups)
