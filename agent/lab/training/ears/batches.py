"""Batches of augmented training recordings for the encoder.

An epoch is a list of batches of equal length in padded seconds. It depends on the seed and the
epoch alone, so every process and every resumed run sees the same list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from agent.lab.training.ears.augmentation import (
    AugmentationSettings,
    augment,
    resample,
    trim_silence,
)
from agent.lab.training.ears.corpus import Corpus, Utterance
from audio.encoder import RECEPTIVE_FIELD
from audio.phones import PhoneAlphabet
from audio.types import FRAME, Samples

LETTERS = ("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz")  # CTC ids; 0 is the blank
PHONE_ALPHABET = PhoneAlphabet()
LENGTH_GRID_FRAMES = 16  # frames: lengths are rounded up to this, so that few shapes occur


@dataclass(frozen=True, slots=True)
class SpeechExample:
    """A recording, or several single words of one speaker in a row."""

    parts: tuple[Utterance, ...]

    @property
    def text(self) -> str:
        return " ".join(part.text for part in self.parts)

    @property
    def seconds(self) -> float:
        # Half of a single word's recording is silence, which joining trims away.
        return sum(p.seconds if len(self.parts) == 1 else min(p.seconds, 0.6) for p in self.parts)


@dataclass(frozen=True, slots=True)
class SpeechBatch:
    samples: Tensor  # (batch, samples)
    lengths: tuple[int, ...]  # samples of each row
    labels: Tensor  # concatenated letter ids
    label_lengths: Tensor
    phones: Tensor  # concatenated phone ids
    phone_lengths: Tensor

    def to(self, device: torch.device) -> SpeechBatch:
        labels = (self.labels, self.label_lengths, self.phones, self.phone_lengths)
        return SpeechBatch(self.samples.to(device), self.lengths, *(t.to(device) for t in labels))


def letter_ids(text: str) -> list[int]:
    return [LETTERS.index("|" if letter == " " else letter) for letter in text]


def word_sequences(
    words: Sequence[Utterance], count: int, random: np.random.Generator
) -> Iterator[SpeechExample]:
    """`count` sequences of 2 to 9 single words of one speaker, as account numbers are said."""
    by_speaker: dict[str, list[Utterance]] = {}
    for word in words:
        by_speaker.setdefault(word.speaker, []).append(word)
    speakers = sorted(name for name, utterances in by_speaker.items() if len(utterances) >= 4)
    if not speakers:
        return
    weights = np.array([len(by_speaker[name]) ** 0.5 for name in speakers])
    for name in random.choice(speakers, count, p=weights / weights.sum()):
        utterances = by_speaker[name]
        picked = random.integers(len(utterances), size=random.integers(2, 10))
        yield SpeechExample(tuple(utterances[i] for i in picked))


def shuffled_batches(
    examples: Sequence[SpeechExample], max_seconds: float, random: np.random.Generator
) -> list[list[SpeechExample]]:
    """Batches in random order: similar lengths, at most `max_seconds` of padded audio."""
    order = sorted(examples, key=lambda e: e.seconds * random.uniform(0.94, 1.06))
    batches: list[list[SpeechExample]] = []
    batch: list[SpeechExample] = []
    for example in order:
        if batch and (len(batch) + 1) * (example.seconds + 0.6) > max_seconds:
            batches.append(batch)
            batch = []
        batch.append(example)
    batches.append(batch)
    return [batches[i] for i in random.permutation(len(batches))]


def collate(
    batch: Sequence[SpeechExample],
    corpora: dict[str, Corpus],
    random: np.random.Generator,
    noises: Sequence[Samples],
    augmentation: AugmentationSettings,
) -> SpeechBatch:
    rows = [augmented_samples(example, corpora, random, noises, augmentation) for example in batch]
    lengths = tuple(len(x) for x in rows)
    step = LENGTH_GRID_FRAMES * FRAME
    width = (max(lengths) - RECEPTIVE_FIELD + step - 1) // step * step + RECEPTIVE_FIELD
    samples = np.zeros((len(rows), width), np.float32)
    for row, x in zip(samples, rows, strict=True):
        row[: len(x)] = x
    labels = [letter_ids(example.text) for example in batch]
    phones = [PHONE_ALPHABET.spell(example.text) for example in batch]
    return SpeechBatch(
        torch.from_numpy(samples),
        lengths,
        torch.tensor([letter for label in labels for letter in label]),
        torch.tensor([len(label) for label in labels]),
        torch.tensor([phone for label in phones for phone in label]),
        torch.tensor([len(label) for label in phones]),
    )


def augmented_samples(
    example: SpeechExample,
    corpora: dict[str, Corpus],
    random: np.random.Generator,
    noises: Sequence[Samples],
    augmentation: AugmentationSettings,
) -> Samples:
    first = example.parts[0]
    if len(example.parts) == 1:
        samples, rate = corpora[first.source].samples(first), first.rate
    else:
        samples, rate = concatenate_words(
            [(corpora[p.source].samples(p), p.rate) for p in example.parts], random
        )
    x = augment(samples, rate, random, noises, augmentation)
    return x if len(x) > 2 * RECEPTIVE_FIELD else np.pad(x, (0, 2 * RECEPTIVE_FIELD))


def concatenate_words(
    pieces: Sequence[tuple[Samples, int]], random: np.random.Generator
) -> tuple[Samples, int]:
    """Trimmed words with natural, mostly short gaps: (samples, the lowest of the rates)."""
    rate = min(rate for _, rate in pieces)
    parts: list[Samples] = []
    for samples, word_rate in pieces:
        word = resample(trim_silence(samples, word_rate), word_rate, rate)
        gap = random.exponential(0.07) + (random.random() < 0.08) * random.uniform(0.2, 0.5)
        parts += [word, np.zeros(int(gap * rate), np.float32)]
    return np.concatenate(parts), rate
