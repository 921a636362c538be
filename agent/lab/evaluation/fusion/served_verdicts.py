"""What do the verdicts that are really served come to, put together at decision level?

The words' log-odds of the feelings model and the emotion head's probabilities for actors whom it
did not know (`held_out.jsonl`), paired as in the experiment; sentences are those that the feelings
model has not learned from. Beside the sum with the weights as served stand a sum whose weights are
learned from the pairs, and one that also sees how words and voice go together. Learned and
calibrated on five sixths of the speakers, measured on the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from agent.lab.evaluation.fusion.metrics import area, area_tally, recall_tally, recalls
from agent.lab.evaluation.speaker_bootstrap import (
    Figure,
    Formula,
    Measure,
    calibration_error,
    calibration_tally,
    figure,
)
from agent.lab.training.fusion.pairs import (
    AGREEMENT_RATES,
    FOLDS,
    MOOD_RATES,
    SentenceVectors,
    expressed_moods,
)
from agent.lab.training.fusion.sentences import MoodClass
from agent.lab.training.fusion.word_vectors import read_goemotions_emotions
from agent.lab.training.understanding import voice_evidence as voices
from agent.lab.training.understanding.sentiment import read_own_sentences
from agent.lab.training.understanding.voice_evidence import HeldOutVoice
from agent.understanding.calibration import fit_platt
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel
from audio.types import EMOTIONS

Floats = NDArray[np.float64]
Moods = Mapping[MoodClass, Sequence[SentenceVectors]]
EACH = 300  # pairs of a speaker
MOOD_OF: Mapping[str, MoodClass] = {
    "angry": "upset",
    "disgusted": "upset",
    "sad": "unhappy",
    "fearful": "unhappy",
    "neutral": "neutral",
    "happy": "pleased",
}


@dataclass(frozen=True, slots=True)
class Served:
    """One way to put the served verdicts together, and how well upset is told by it."""

    name: str
    ua: Figure
    auroc: Figure
    ece: Figure


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """Pairs: `words` (pairs,) log-odds above the usual, `heard` voices, and who is upset."""

    words: Floats
    heard: Sequence[HeldOutVoice]
    upset: NDArray[np.bool_]

    @property
    def speakers(self) -> list[str]:
        return [voice.speaker for voice in self.heard]

    @property
    def voices(self) -> Floats:
        """(pairs, 7) probabilities."""
        return np.array([voice.probabilities for voice in self.heard])


def served(
    data: Path, weights: Path, words: Sequence[SentenceVectors], seed: int = 0
) -> list[Served]:
    """`data` is the folder of the text sets. Nothing where the emotion head left no verdicts."""
    told = weights / "emotion" / "held_out.jsonl"
    if not told.exists():
        return []
    feelings = TextAffectModel.load(weights / "understanding" / "feelings.safetensors")
    pairs = drawn(
        unseen(data, words),
        voices.read_held_out_voices(told),
        feelings,
        np.random.default_rng(seed),
    )
    names = sorted(set(pairs.speakers))
    fold = np.array([names.index(name) * FOLDS // len(names) for name in pairs.speakers])
    both = np.column_stack([pairs.words, pairs.voices])
    ways: dict[str, Callable[[NDArray[np.bool_]], Floats]] = {
        "words alone": lambda known: _learned(both[:, :1], pairs.upset, known),
        "voice alone": lambda known: _learned(both[:, 1:], pairs.upset, known),
        "decision level, weights as served": lambda known: _as_served(
            pairs, known, feelings.base_log_odds
        ),
        "decision level, weights from the pairs": lambda known: _learned(both, pairs.upset, known),
        "the same and how both go together": lambda known: _learned(
            np.hstack([both, both[:, :1] * both[:, 1:]]), pairs.upset, known
        ),
    }
    return [_figures(name, pairs, fold, way) for name, way in ways.items()]


def unseen(data: Path, words: Sequence[SentenceVectors]) -> Moods:
    """Those of the sentences that the feelings model has not learned from."""
    own = {plain_text(one.text) for one in read_own_sentences()}
    later = {plain_text(text) for text, _ in read_goemotions_emotions(data, "dev")}
    found: dict[MoodClass, list[SentenceVectors]] = {}
    for one in words:
        if (one.from_customer and one.text not in own) or (
            not one.from_customer and one.text in later
        ):
            found.setdefault(one.mood, []).append(one)
    return found


def drawn(
    words: Moods, heard: Sequence[HeldOutVoice], feelings: TextAffectModel, rng: np.random.Generator
) -> Verdicts:
    odds = {
        one.text: float(value) - feelings.base_log_odds
        for some in words.values()
        for one, value in zip(some, feelings.log_odds([one.text for one in some]), strict=True)
    }
    speakers: dict[str, dict[MoodClass, list[HeldOutVoice]]] = {}
    for voice in heard:
        if mood := MOOD_OF.get(voice.label):
            speakers.setdefault(voice.speaker, {}).setdefault(mood, []).append(voice)
    rows = [row for some in speakers.values() for row in _pairs(some, words, rng)]
    return Verdicts(
        np.array([odds[one.text] for one, _, _ in rows]),
        [voice for _, voice, _ in rows],
        np.array([upset for _, _, upset in rows]),
    )


def _pairs(
    some: Mapping[MoodClass, Sequence[HeldOutVoice]], words: Moods, rng: np.random.Generator
) -> Iterator[tuple[SentenceVectors, HeldOutVoice, bool]]:
    moods, accords = list(MOOD_RATES), list(AGREEMENT_RATES)
    for _ in range(EACH):
        mood = moods[int(rng.choice(len(moods), p=list(MOOD_RATES.values())))]
        accord = accords[int(rng.choice(len(accords), p=list(AGREEMENT_RATES.values())))]
        said, sounded = expressed_moods(mood, accord)
        sentence = words[said][int(rng.integers(len(words[said])))]
        voice = some[sounded][int(rng.integers(len(some[sounded])))]
        yield sentence, voice, mood == "upset"


def _learned(columns: Floats, upset: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    model = LogisticRegression(C=1.0, max_iter=500).fit(columns[known], upset[known])
    return np.asarray(model.decision_function(columns), dtype=np.float64)


def _as_served(pairs: Verdicts, known: NDArray[np.bool_], usual: float) -> Floats:
    """The voice's weights without the tested speakers; the line calibrates to these pairs' share of
    upset turns and changes no order."""
    told = {voice.speaker for voice, there in zip(pairs.heard, known, strict=True) if there}
    some = {id(voice): voice for voice in pairs.heard if voice.speaker in told}
    weights = voices.fit_voice_weights(list(some.values()), usual)
    emotions = np.array([weights.emotions[name] for name in EMOTIONS])
    scores = usual + pairs.words + pairs.voices @ emotions - weights.shift
    slope, shift = fit_platt(scores[known], pairs.upset[known])
    return np.asarray(slope * scores + shift, dtype=np.float64)


def _figures(
    name: str,
    pairs: Verdicts,
    fold: NDArray[np.int64],
    way: Callable[[NDArray[np.bool_]], Floats],
) -> Served:
    chance = np.zeros(len(fold))
    raised = np.zeros(len(fold), np.int64)
    for number in range(FOLDS):
        known = fold != number
        chance[~known] = expit(way(known))[~known]
        raised[~known] = chance[~known] > pairs.upset[known].mean()
    truth = pairs.upset.astype(np.int64)

    def counted(tally: Floats, formula: Formula) -> Figure:
        everything = np.ones(len(truth), dtype=np.bool_)
        measure = Measure("emotion", name, name, everything, tally, formula)
        return figure(measure, pairs.speakers)

    return Served(
        name,
        counted(recall_tally(truth, raised, 2), recalls),
        counted(area_tally(truth, chance), area),
        counted(calibration_tally(chance, pairs.upset), calibration_error),
    )
