"""Which words meet which voice, and what is then felt?

No open recordings have both meaningful customers' words and felt voices. So a mood is drawn, then
words and a voice for it, as often as `RATES` says: both show it; the words are flat and the voice
shows it; the voice is flat and the words show it; or the words say the contrary and the voice is
right, as in sarcasm. The rates are chosen, not counted anywhere: they decide how much two know more
than one, and every fusion meets the same. Invariants, held by
tests/agent/evaluation/test_fusion.py: no speaker and no sentence is both taught and tested; the
same seed gives the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agent.lab.training.fusion.sentences import SENTIMENT, Mood
from agent.lab.training.understanding.examples import part

Accord = Literal["both", "voice alone", "words alone", "against"]
RATES: Mapping[Accord, float] = {
    "both": 0.55,
    "voice alone": 0.15,
    "words alone": 0.20,
    "against": 0.10,
}
OFTEN: Mapping[Mood, float] = {"upset": 0.30, "unhappy": 0.15, "neutral": 0.35, "pleased": 0.20}
CONTRARY: Mapping[Mood, Mood] = {"upset": "pleased", "unhappy": "pleased", "pleased": "upset"}
FOLDS = 6
FOREIGN = "nemo"
UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """A sentence as vectors (words, width): as written, and as a transcriber heard it."""

    text: str
    mood: Mood
    customer: bool
    written: Tensor
    misheard: Tensor

    def __reduce__(self) -> tuple[object, ...]:
        """Arrays: a tensor is sent to another process a hundred times slower."""
        arrays = self.written.numpy(), self.misheard.numpy()
        return _tensors, (Words, (self.text, self.mood, self.customer), arrays)


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """A recording as frames (frames, width): of the studio, and of a telephone line."""

    speaker: str
    mood: Mood
    studio: Tensor
    telephone: Tensor

    def __reduce__(self) -> tuple[object, ...]:
        arrays = self.studio.numpy(), self.telephone.numpy()
        return _tensors, (Sound, (self.speaker, self.mood), arrays)


def _tensors(
    of: type[Words] | type[Sound],
    said: tuple[Any, ...],
    arrays: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> Words | Sound:
    return of(*said, *map(torch.from_numpy, arrays))


@dataclass(frozen=True, slots=True, eq=False)
class Felt:
    """A turn with what is felt in it: 0 negative, 1 neutral, 2 positive; 1 upset; -1 not known."""

    speaker: str
    text: str
    written: Tensor
    misheard: Tensor
    studio: Tensor
    telephone: Tensor
    sentiment: int
    upset: int


@dataclass(frozen=True, slots=True)
class Material:
    """Words and voices that pairs are drawn from."""

    words: Sequence[Words]
    sounds: Sequence[Sound]

    def fold(self, number: int, folds: int = FOLDS) -> tuple[Material, Material]:
        """(taught, tested): neither a speaker nor a sentence is in both."""
        tested = {name for name, at in speaker_folds(self.sounds, folds).items() if at == number}
        return (
            Material(
                [one for one in self.words if part(one.text, folds) != number],
                [one for one in self.sounds if one.speaker not in tested],
            ),
            Material(
                [one for one in self.words if part(one.text, folds) == number],
                [one for one in self.sounds if one.speaker in tested],
            ),
        )

    def apart(self, seed: int, folds: int) -> tuple[Material, Material]:
        """(learned from, kept back): as a fold, of the speakers that are left."""
        names = sorted(speaker_folds(self.sounds, 1))
        kept = set(names[seed % folds :: folds])
        number = seed % folds
        return (
            Material(
                [one for one in self.words if part(f"kept {one.text}", folds) != number],
                [one for one in self.sounds if one.speaker not in kept],
            ),
            Material(
                [one for one in self.words if part(f"kept {one.text}", folds) == number],
                [one for one in self.sounds if one.speaker in kept],
            ),
        )

    def drawn(self, each: int, rng: np.random.Generator) -> list[Felt]:
        """So many pairs of each speaker."""
        words = _Words(self.words)
        return [pair for speaker in _voices(self.sounds) for pair in _of(speaker, words, each, rng)]


def speaker_folds(sounds: Sequence[Sound], folds: int) -> dict[str, int]:
    """RAVDESS's actors 1 to 4, 5 to 8, ... are tested in turn; nEMO's, who speak Polish, only
    teach, as they do the emotion head."""
    names = sorted({sound.speaker for sound in sounds if not sound.speaker.startswith(FOREIGN)})
    return {name: at * folds // len(names) for at, name in enumerate(names)}


Voices = Mapping[Mood, Sequence[Sound]]


def _voices(sounds: Sequence[Sound]) -> list[Voices]:
    """By speaker; a speaker lacks no mood in either set."""
    speakers: dict[str, dict[Mood, list[Sound]]] = {}
    for sound in sounds:
        speakers.setdefault(sound.speaker, {}).setdefault(sound.mood, []).append(sound)
    return list(speakers.values())


class _Words:
    """Sentences of a mood: those of customers as often as the others."""

    def __init__(self, words: Sequence[Words]) -> None:
        self.pools: dict[Mood, dict[bool, list[Words]]] = {}
        for one in words:
            self.pools.setdefault(one.mood, {}).setdefault(one.customer, []).append(one)

    def draw(self, mood: Mood, rng: np.random.Generator) -> Words:
        pools = list(self.pools[mood].values())
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))]


def _of(voices: Voices, words: _Words, each: int, rng: np.random.Generator) -> Iterator[Felt]:
    moods, often = list(OFTEN), list(OFTEN.values())
    accords, rates = list(RATES), list(RATES.values())
    for _ in range(each):
        mood = moods[int(rng.choice(len(moods), p=often))]
        accord = accords[int(rng.choice(len(accords), p=rates))]
        said, sounded = shown(mood, accord)
        sentence = words.draw(said, rng)
        sound = voices[sounded][int(rng.integers(len(voices[sounded])))]
        yield Felt(
            sound.speaker,
            sentence.text,
            sentence.written,
            sentence.misheard,
            sound.studio,
            sound.telephone,
            SENTIMENT[mood],
            int(mood == "upset"),
        )


def shown(mood: Mood, accord: Accord) -> tuple[Mood, Mood]:
    """What the words and the voice show of a mood. There is nothing to hide in a neutral one."""
    match accord:
        case "voice alone":
            return "neutral", mood
        case "words alone":
            return mood, "neutral"
        case "against":
            return CONTRARY.get(mood, mood), mood
        case "both":
            return mood, mood
