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

from agent.lab.training.fusion.sentences import SENTIMENT_OF_MOOD, MoodClass
from agent.lab.training.understanding.examples import stable_bucket

Agreement = Literal["both", "voice alone", "words alone", "against"]
AGREEMENT_RATES: Mapping[Agreement, float] = {
    "both": 0.55,
    "voice alone": 0.15,
    "words alone": 0.20,
    "against": 0.10,
}
MOOD_RATES: Mapping[MoodClass, float] = {
    "upset": 0.30,
    "unhappy": 0.15,
    "neutral": 0.35,
    "pleased": 0.20,
}
OPPOSITE_MOOD: Mapping[MoodClass, MoodClass] = {
    "upset": "pleased",
    "unhappy": "pleased",
    "pleased": "upset",
}
FOLDS = 6
TRAINING_ONLY_PREFIX = "nemo"
UNKNOWN = -1


@dataclass(frozen=True, slots=True, eq=False)
class SentenceVectors:
    """A sentence as vectors (words, width): as written, and as a transcriber heard it."""

    text: str
    mood: MoodClass
    from_customer: bool
    written: Tensor
    misheard: Tensor

    def __reduce__(self) -> tuple[object, ...]:
        """Arrays: a tensor is sent to another process a hundred times slower."""
        arrays = self.written.numpy(), self.misheard.numpy()
        return _from_arrays, (SentenceVectors, (self.text, self.mood, self.from_customer), arrays)


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFrames:
    """A recording as frames (frames, width): of the studio, and of a telephone line."""

    speaker: str
    mood: MoodClass
    studio: Tensor
    telephone: Tensor

    def __reduce__(self) -> tuple[object, ...]:
        arrays = self.studio.numpy(), self.telephone.numpy()
        return _from_arrays, (VoiceFrames, (self.speaker, self.mood), arrays)


def _from_arrays(
    value_type: type[SentenceVectors] | type[VoiceFrames],
    labels: tuple[Any, ...],
    arrays: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> SentenceVectors | VoiceFrames:
    return value_type(*labels, *map(torch.from_numpy, arrays))


@dataclass(frozen=True, slots=True, eq=False)
class FusionTurn:
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
class PairMaterial:
    """Words and voices that pairs are drawn from."""

    sentences: Sequence[SentenceVectors]
    voices: Sequence[VoiceFrames]

    def fold(self, number: int, folds: int = FOLDS) -> tuple[PairMaterial, PairMaterial]:
        """(taught, tested): neither a speaker nor a sentence is in both."""
        tested = {name for name, at in speaker_folds(self.voices, folds).items() if at == number}
        return (
            PairMaterial(
                [one for one in self.sentences if stable_bucket(one.text, folds) != number],
                [one for one in self.voices if one.speaker not in tested],
            ),
            PairMaterial(
                [one for one in self.sentences if stable_bucket(one.text, folds) == number],
                [one for one in self.voices if one.speaker in tested],
            ),
        )

    def split_held_out(self, seed: int, folds: int) -> tuple[PairMaterial, PairMaterial]:
        """(learned from, kept back): as a fold, of the speakers that are left."""
        names = sorted(speaker_folds(self.voices, 1))
        held_out_speakers = set(names[seed % folds :: folds])
        number = seed % folds
        return (
            PairMaterial(
                [
                    one
                    for one in self.sentences
                    if stable_bucket(f"kept {one.text}", folds) != number
                ],
                [one for one in self.voices if one.speaker not in held_out_speakers],
            ),
            PairMaterial(
                [
                    one
                    for one in self.sentences
                    if stable_bucket(f"kept {one.text}", folds) == number
                ],
                [one for one in self.voices if one.speaker in held_out_speakers],
            ),
        )

    def draw_pairs(self, pairs_per_speaker: int, rng: np.random.Generator) -> list[FusionTurn]:
        """So many pairs of each speaker."""
        pools = _SentencePools(self.sentences)
        return [
            pair
            for speaker in _voices_by_speaker(self.voices)
            for pair in _draw_speaker_pairs(speaker, pools, pairs_per_speaker, rng)
        ]


def speaker_folds(voices: Sequence[VoiceFrames], folds: int) -> dict[str, int]:
    """RAVDESS's actors 1 to 4, 5 to 8, ... are tested in turn; nEMO's, who speak Polish, only
    teach, as they do the emotion head."""
    names = sorted(
        {sound.speaker for sound in voices if not sound.speaker.startswith(TRAINING_ONLY_PREFIX)}
    )
    return {name: at * folds // len(names) for at, name in enumerate(names)}


VoicesByMood = Mapping[MoodClass, Sequence[VoiceFrames]]


def _voices_by_speaker(voices: Sequence[VoiceFrames]) -> list[VoicesByMood]:
    """By speaker; a speaker lacks no mood in either set."""
    speakers: dict[str, dict[MoodClass, list[VoiceFrames]]] = {}
    for voice in voices:
        speakers.setdefault(voice.speaker, {}).setdefault(voice.mood, []).append(voice)
    return list(speakers.values())


class _SentencePools:
    """Sentences of a mood: those of customers as often as the others."""

    def __init__(self, sentences: Sequence[SentenceVectors]) -> None:
        self.pools: dict[MoodClass, dict[bool, list[SentenceVectors]]] = {}
        for sentence in sentences:
            self.pools.setdefault(sentence.mood, {}).setdefault(sentence.from_customer, []).append(
                sentence
            )

    def draw(self, mood: MoodClass, rng: np.random.Generator) -> SentenceVectors:
        pools = list(self.pools[mood].values())
        pool = pools[int(rng.integers(len(pools)))]
        return pool[int(rng.integers(len(pool)))]


def _draw_speaker_pairs(
    voices: VoicesByMood, pools: _SentencePools, count: int, rng: np.random.Generator
) -> Iterator[FusionTurn]:
    moods, mood_rates = list(MOOD_RATES), list(MOOD_RATES.values())
    agreements, agreement_rates = list(AGREEMENT_RATES), list(AGREEMENT_RATES.values())
    for _ in range(count):
        mood = moods[int(rng.choice(len(moods), p=mood_rates))]
        agreement = agreements[int(rng.choice(len(agreements), p=agreement_rates))]
        words_mood, voice_mood = expressed_moods(mood, agreement)
        sentence = pools.draw(words_mood, rng)
        voice = voices[voice_mood][int(rng.integers(len(voices[voice_mood])))]
        yield FusionTurn(
            voice.speaker,
            sentence.text,
            sentence.written,
            sentence.misheard,
            voice.studio,
            voice.telephone,
            SENTIMENT_OF_MOOD[mood],
            int(mood == "upset"),
        )


def expressed_moods(mood: MoodClass, agreement: Agreement) -> tuple[MoodClass, MoodClass]:
    """What the words and the voice show of a mood. There is nothing to hide in a neutral one."""
    match agreement:
        case "voice alone":
            return "neutral", mood
        case "words alone":
            return mood, "neutral"
        case "against":
            return OPPOSITE_MOOD.get(mood, mood), mood
        case "both":
            return mood, mood
