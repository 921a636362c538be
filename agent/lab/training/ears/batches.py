"""In which order, and how worn, does the encoder hear its training recordings?

An epoch is a list of batches of equal length in padded seconds, the same for every process and
every resume: it depends on the seed and the epoch alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from agent.lab.training.ears.augmentation import Wear, resampled, trimmed, worn
from agent.lab.training.ears.corpus import Corpus, Utterance
from audio.encoder import SIGHT
from audio.phones import PhoneAlphabet
from audio.types import FRAME, Samples

LETTERS = ("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz")  # CTC ids; 0 is the blank
PHONES = PhoneAlphabet()
GRID = 16  # frames: lengths are rounded up to this, so that few shapes occur


@dataclass(frozen=True, slots=True)
class Example:
    """One thing to say: a recording, or several single words of one speaker said in a row."""

    parts: tuple[Utterance, ...]

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.parts)

    @property
    def seconds(self) -> float:
        # a single word's second is half silence, which joining trims away
        return sum(p.seconds if len(self.parts) == 1 else min(p.seconds, 0.6) for p in self.parts)


@dataclass(frozen=True, slots=True)
class Batch:
    samples: Tensor  # (batch, samples)
    lengths: tuple[int, ...]  # samples of each row
    labels: Tensor  # concatenated letter ids
    label_lengths: Tensor
    phones: Tensor  # concatenated phone ids
    phone_lengths: Tensor

    def to(self, device: torch.device) -> Batch:
        labels = (self.labels, self.label_lengths, self.phones, self.phone_lengths)
        return Batch(self.samples.to(device), self.lengths, *(t.to(device) for t in labels))


def spelled(text: str) -> list[int]:
    return [LETTERS.index("|" if letter == " " else letter) for letter in text]


def strings(
    words: Sequence[Utterance], count: int, random: np.random.Generator
) -> Iterator[Example]:
    """Single words of one speaker in a row, as account numbers are said: mostly digits."""
    by_speaker: dict[str, list[Utterance]] = {}
    for word in words:
        by_speaker.setdefault(word.speaker, []).append(word)
    speakers = sorted(name for name, said in by_speaker.items() if len(said) >= 4)
    if not speakers:
        return
    weights = np.array([len(by_speaker[name]) ** 0.5 for name in speakers])
    for name in random.choice(speakers, count, p=weights / weights.sum()):
        said = by_speaker[name]
        picked = random.integers(len(said), size=random.integers(2, 10))
        yield Example(tuple(said[i] for i in picked))


def epoch(
    examples: Sequence[Example], seconds: float, random: np.random.Generator
) -> list[list[Example]]:
    """Examples of like length together, at most `seconds` of padded audio a batch, shuffled."""
    order = sorted(examples, key=lambda e: e.seconds * random.uniform(0.94, 1.06))
    batches: list[list[Example]] = []
    batch: list[Example] = []
    for example in order:
        if batch and (len(batch) + 1) * (example.seconds + 0.6) > seconds:
            batches.append(batch)
            batch = []
        batch.append(example)
    batches.append(batch)
    return [batches[i] for i in random.permutation(len(batches))]


def collated(
    batch: Sequence[Example],
    corpora: dict[str, Corpus],
    random: np.random.Generator,
    noises: Sequence[Samples],
    wear: Wear,
) -> Batch:
    heard = [spoken(example, corpora, random, noises, wear) for example in batch]
    lengths = tuple(len(x) for x in heard)
    step = GRID * FRAME
    width = (max(lengths) - SIGHT + step - 1) // step * step + SIGHT
    samples = np.zeros((len(heard), width), np.float32)
    for row, x in zip(samples, heard, strict=True):
        row[: len(x)] = x
    labels = [spelled(example.text) for example in batch]
    phones = [PHONES.spell(example.text) for example in batch]
    return Batch(
        torch.from_numpy(samples),
        lengths,
        torch.tensor([letter for label in labels for letter in label]),
        torch.tensor([len(label) for label in labels]),
        torch.tensor([phone for label in phones for phone in label]),
        torch.tensor([len(label) for label in phones]),
    )


def spoken(
    example: Example,
    corpora: dict[str, Corpus],
    random: np.random.Generator,
    noises: Sequence[Samples],
    wear: Wear,
) -> Samples:
    first = example.parts[0]
    if len(example.parts) == 1:
        samples, rate = corpora[first.source].samples(first), first.rate
    else:
        samples, rate = joined(
            [(corpora[p.source].samples(p), p.rate) for p in example.parts], random
        )
    x = worn(samples, rate, random, noises, wear)
    return x if len(x) > 2 * SIGHT else np.pad(x, (0, 2 * SIGHT))


def joined(
    pieces: Sequence[tuple[Samples, int]], random: np.random.Generator
) -> tuple[Samples, int]:
    """Trimmed words with a natural gap, mostly short: `(samples, rate)`."""
    rate = min(rate for _, rate in pieces)
    said: list[Samples] = []
    for samples, own in pieces:
        word = resampled(trimmed(samples, own), own, rate)
        gap = random.exponential(0.07) + (random.random() < 0.08) * random.uniform(0.2, 0.5)
        said += [word, np.zeros(int(gap * rate), np.float32)]
    return np.concatenate(said), rate
