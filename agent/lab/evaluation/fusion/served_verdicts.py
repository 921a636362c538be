"""Decision-level fusion of the verdicts of the shipped models.

Pairs the word model's log-odds, for sentences it was not trained on, with the emotion head's
probabilities, for actors it was not trained on (`held_out.jsonl`), as in the experiment. Compares
the sum with the weights as served, a sum with weights fitted to the pairs, and one with additional
interaction terms. Fitted and calibrated on all speakers but one fold, tested on that fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import expit  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray, IntArray
from agent.lab.datasets import read_goemotions
from agent.lab.evaluation.fusion.metrics import (
    area_tally,
    area_under_curve,
    mean_class_recall,
    recall_tally,
)
from agent.lab.metrics import SumFormula, of_sums
from agent.lab.statistics import Estimate, cluster_bootstrap
from agent.lab.training.fusion.pairs import (
    AGREEMENT_RATES,
    FOLDS,
    MOOD_RATES,
    SentenceVectors,
    expressed_moods,
)
from agent.lab.training.fusion.sentences import MoodClass
from agent.lab.training.understanding import voice_evidence as voices
from agent.lab.training.understanding.sentiment import read_own_sentences
from agent.lab.training.understanding.voice_evidence import HeldOutVoice
from agent.understanding.calibration import calibration_tally, error_of_tally, fit_platt
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel
from audio.types import EMOTIONS

SentencesByMood = Mapping[MoodClass, Sequence[SentenceVectors]]
PAIRS_PER_SPEAKER = 300  # pairs drawn per speaker
MOOD_BY_EMOTION: Mapping[str, MoodClass] = {
    "angry": "upset",
    "disgusted": "upset",
    "sad": "unhappy",
    "fearful": "unhappy",
    "neutral": "neutral",
    "happy": "pleased",
}


@dataclass(frozen=True, slots=True)
class ServedFusionScores:
    """Scores of one fusion method for detecting upset from the served verdicts."""

    name: str
    ua: Estimate
    auroc: Estimate
    ece: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class VerdictPairs:
    """Pairs of a sentence (its log-odds above the base rate) and a voice, and the label upset."""

    word_log_odds: FloatArray
    voice_verdicts: Sequence[HeldOutVoice]
    upset: BoolArray

    @property
    def speakers(self) -> list[str]:
        return [voice.speaker for voice in self.voice_verdicts]

    @property
    def voice_probabilities(self) -> FloatArray:
        """(pairs, 7): probabilities of the emotions."""
        return np.array([voice.probabilities for voice in self.voice_verdicts])


def served_fusion_scores(
    data: Path, weights: Path, words: Sequence[SentenceVectors], seed: int = 0
) -> list[ServedFusionScores]:
    """Scores of all methods; `data` is the folder of the text sets. Empty where the weights have
    no verdicts of the emotion head for held-out actors."""
    verdicts_file = weights / "emotion" / "held_out.jsonl"
    if not verdicts_file.exists():
        return []
    feelings = TextAffectModel.load(weights / "understanding" / "feelings.safetensors")
    pairs = draw_pairs(
        unseen_sentences(data, words),
        voices.read_held_out_voices(verdicts_file),
        feelings,
        np.random.default_rng(seed),
    )
    names = sorted(set(pairs.speakers))
    fold = np.array([names.index(name) * FOLDS // len(names) for name in pairs.speakers])
    both = np.column_stack([pairs.word_log_odds, pairs.voice_probabilities])
    methods: dict[str, Callable[[BoolArray], FloatArray]] = {
        "words alone": lambda known: _fitted_scores(both[:, :1], pairs.upset, known),
        "voice alone": lambda known: _fitted_scores(both[:, 1:], pairs.upset, known),
        "decision level, weights as served": lambda known: _served_scores(
            pairs, known, feelings.base_log_odds
        ),
        "decision level, weights from the pairs": lambda known: _fitted_scores(
            both, pairs.upset, known
        ),
        "the same and how both go together": lambda known: _fitted_scores(
            np.hstack([both, both[:, :1] * both[:, 1:]]), pairs.upset, known
        ),
    }
    return [_score_method(name, pairs, fold, way) for name, way in methods.items()]


def unseen_sentences(data: Path, words: Sequence[SentenceVectors]) -> SentencesByMood:
    """The sentences that the word model was not trained on, by mood."""
    own = {plain_text(one.text) for one in read_own_sentences()}
    later = {plain_text(text) for text, _ in read_goemotions(data, "dev")}
    found: dict[MoodClass, list[SentenceVectors]] = {}
    for one in words:
        if (one.from_customer and one.text not in own) or (
            not one.from_customer and one.text in later
        ):
            found.setdefault(one.mood, []).append(one)
    return found


def draw_pairs(
    words: SentencesByMood,
    voice_verdicts: Sequence[HeldOutVoice],
    feelings: TextAffectModel,
    rng: np.random.Generator,
) -> VerdictPairs:
    odds = {
        one.text: float(value) - feelings.base_log_odds
        for some in words.values()
        for one, value in zip(some, feelings.log_odds([one.text for one in some]), strict=True)
    }
    speakers: dict[str, dict[MoodClass, list[HeldOutVoice]]] = {}
    for voice in voice_verdicts:
        if mood := MOOD_BY_EMOTION.get(voice.label):
            speakers.setdefault(voice.speaker, {}).setdefault(mood, []).append(voice)
    rows = [row for some in speakers.values() for row in _draw_speaker_pairs(some, words, rng)]
    return VerdictPairs(
        np.array([odds[one.text] for one, _, _ in rows]),
        [voice for _, voice, _ in rows],
        np.array([upset for _, _, upset in rows]),
    )


def _draw_speaker_pairs(
    some: Mapping[MoodClass, Sequence[HeldOutVoice]],
    words: SentencesByMood,
    rng: np.random.Generator,
) -> Iterator[tuple[SentenceVectors, HeldOutVoice, bool]]:
    moods, accords = list(MOOD_RATES), list(AGREEMENT_RATES)
    for _ in range(PAIRS_PER_SPEAKER):
        mood = moods[int(rng.choice(len(moods), p=list(MOOD_RATES.values())))]
        accord = accords[int(rng.choice(len(accords), p=list(AGREEMENT_RATES.values())))]
        said, sounded = expressed_moods(mood, accord)
        sentence = words[said][int(rng.integers(len(words[said])))]
        voice = some[sounded][int(rng.integers(len(some[sounded])))]
        yield sentence, voice, mood == "upset"


def _fitted_scores(columns: FloatArray, upset: BoolArray, training: BoolArray) -> FloatArray:
    model = LogisticRegression(C=1.0, max_iter=500).fit(columns[training], upset[training])
    return np.asarray(model.decision_function(columns), dtype=np.float64)


def _served_scores(pairs: VerdictPairs, training: BoolArray, usual: float) -> FloatArray:
    """Log-odds with the served method, its voice weights fitted without the test speakers. The
    final calibration adapts to these pairs' share of upset turns and keeps the order."""
    training_speakers = {
        voice.speaker for voice, there in zip(pairs.voice_verdicts, training, strict=True) if there
    }
    training_voices = {
        id(voice): voice for voice in pairs.voice_verdicts if voice.speaker in training_speakers
    }
    weights = voices.fit_voice_weights(list(training_voices.values()), usual)
    emotions = np.array([weights.emotions[name] for name in EMOTIONS])
    scores = usual + pairs.word_log_odds + pairs.voice_probabilities @ emotions - weights.shift
    slope, shift = fit_platt(scores[training], pairs.upset[training])
    return np.asarray(slope * scores + shift, dtype=np.float64)


def _score_method(
    name: str,
    pairs: VerdictPairs,
    fold: IntArray,
    method: Callable[[BoolArray], FloatArray],
) -> ServedFusionScores:
    chance = np.zeros(len(fold))
    raised = np.zeros(len(fold), np.int64)
    for number in range(FOLDS):
        known = fold != number
        chance[~known] = expit(method(known))[~known]
        raised[~known] = chance[~known] > pairs.upset[known].mean()
    truth = pairs.upset.astype(np.int64)

    def estimate(tally: FloatArray, formula: SumFormula) -> Estimate:
        return cluster_bootstrap(of_sums(tally, formula), pairs.speakers, "speakers")

    return ServedFusionScores(
        name,
        estimate(recall_tally(truth, raised, 2), mean_class_recall),
        estimate(area_tally(truth, chance), area_under_curve),
        estimate(calibration_tally(chance, pairs.upset), error_of_tally),
    )
