"""Random pairs of a sentence and a voice, labelled with the mood that they were drawn for.

No open recordings have both customers' own words and emotional voices. So a mood is drawn, then a
sentence and a voice for it, with the rates of `AGREEMENT_RATES`: both express the mood; the words
are neutral and the voice expresses it; the voice is neutral and the words express it; or the words
say the opposite and the voice is right, as in sarcasm. The rates are chosen, not measured: they
decide how much words and voice together know more than either alone, and every fusion is trained
and tested with the same rates. Invariants, held by tests/agent/lab/evaluation/test_fusion.py: no
speaker and no sentence is in both training and test; the same seed gives the same pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from agent.lab.arrays import Float32Array
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
    """A sentence as word vectors (words, width): as written, and as transcribed."""

    text: str
    mood: MoodClass
    from_customer: bool
    written: Tensor
    misheard: Tensor

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle arrays: sending a tensor to another process takes a hundred times as long."""
        arrays = self.written.numpy(), self.misheard.numpy()
        return _from_arrays, (SentenceVectors, (self.text, self.mood, self.from_customer), arrays)


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFrames:
    """A recording as frames (frames, width): as in the studio, and through a telephone."""

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
    arrays: tuple[Float32Array, Float32Array],
) -> SentenceVectors | VoiceFrames:
    return value_type(*labels, *map(torch.from_numpy, arrays))


@dataclass(frozen=True, slots=True, eq=False)
class FusionTurn:
    """A turn's words and voice, its sentiment (0 negative, 1 neutral, 2 positive) and whether the
    speaker is upset (0 or 1); -1 is unknown. Fusion conditions look the vectors up by name."""

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
    """Sentences and voices from which pairs are drawn."""

    sentences: Sequence[SentenceVectors]
    voices: Sequence[VoiceFrames]

    def fold(self, number: int, folds: int = FOLDS) -> tuple[PairMaterial, PairMaterial]:
        """(training, test) of fold `number`: neither a speaker nor a sentence is in both."""
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
        """(training, held out) within a training fold; no speaker and no sentence is in both."""
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
        """`pairs_per_speaker` random pairs with each speaker's voice."""
        pools = _SentencePools(self.sentences)
        return [
            pair
            for speaker in _voices_by_speaker(self.voices)
            for pair in _draw_speaker_pairs(speaker, pools, pairs_per_speaker, rng)
        ]


def speaker_folds(voices: Sequence[VoiceFrames], folds: int) -> dict[str, int]:
    """The fold in which each speaker is tested: RAVDESS actors 1 to 4, 5 to 8, and so on.

    nEMO's actors speak Polish; they are in no test fold, as in the training of the emotion head.
    """
    names = sorted(
        {sound.speaker for sound in voices if not sound.speaker.startswith(TRAINING_ONLY_PREFIX)}
    )
    return {name: at * folds // len(names) for at, name in enumerate(names)}


VoicesByMood = Mapping[MoodClass, Sequence[VoiceFrames]]


def _voices_by_speaker(voices: Sequence[VoiceFrames]) -> list[VoicesByMood]:
    """The recordings of each speaker by mood; in both sets every speaker has every mood."""
    speakers: dict[str, dict[MoodClass, list[VoiceFrames]]] = {}
    for voice in voices:
        speakers.setdefault(voice.speaker, {}).setdefault(voice.mood, []).append(voice)
    return list(speakers.values())


class _SentencePools:
    """Sentences by mood; draws customers' sentences as often as the others."""

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
    """(mood of the words, mood of the voice) for a drawn mood and agreement."""
    match agreement:
        case "voice alone":
            return "neutral", mood
        case "words alone":
            return mood, "neutral"
        case "against":
            return OPPOSITE_MOOD.get(mood, mood), mood
        case "both":
            return mood, mood
