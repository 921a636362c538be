"""Training of the dialogue breakdown model: whether this customer is, or will be, annoyed.

    hearken train trouble --data DIR     half a minute on one core, weights of 0.3 MB

Every turn of STAR's conversations is a training row with what came before it, labelled with the
wizard's answer about the whole conversation: did this customer become annoyed? A conversation has
the same weight whatever its length. The words, and their first weights, are those of the upset
score (sentiment.py), whose weights must exist. The calibration uses conversations outside the
fitted part. USS trains nothing that is stored. Invariant, held by
tests/agent/understanding/test_dialogue_breakdown.py: the rows trained on have the log-odds that the
stored model gives, turn by turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from scipy.special import expit, log_expit  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, Float32Array, FloatArray, IntArray
from agent.lab.training.understanding.dialogue_breakdown_card import write_card
from agent.lab.training.understanding.rated_dialogues import RatedDialogue, read_star
from agent.understanding.calibration import fit_platt
from agent.understanding.conversation_features import (
    FEATURE_NAMES,
    MAX_RECENT_TURNS,
    conversation_features,
    count_turn,
)
from agent.understanding.dialogue_breakdown import BreakdownModel
from agent.understanding.text_features import TfidfFeatures, WeightsError, plain_text
from agent.understanding.text_models import TextAffectModel

WEIGHTS_FILE = "understanding/context.safetensors"  # below the folder of all weights
# Signs that mean the same in any business. The length of a conversation and of its turns is left
# out: it tells STAR's tasks apart, not its moods. The direction of each weight is fixed, so that a
# reason shown to a person is one: praise counts for calm, every other sign for breakdown.
USED_SIGNS = (
    "says it again", "says the last again", "told the same", "told the last again",
    "times told the same", "told sorry", "not understood", "refused", "times told sorry",
    "times not understood", "times refused", "begins with no", "negations", "praise",
    "pressing words", "negations so far", "praise so far", "pressing words so far", "questions",
    "capitals",
)  # fmt: skip
CALMING_SIGNS = frozenset({"praise", "praise so far"})


@dataclass(frozen=True, slots=True)
class BreakdownSettings:
    """Chosen on folds of STAR, some of which left out whole domains."""

    fade: float = 0.7
    regularisation_c: float = 0.03  # of the logistic regression
    sign_scale: float = 0.3  # of a standardised sign, beside word vectors of length 1
    folds: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class DialogueTurns:
    """All turns of some dialogues, as columns: the signs of a turn's past (n, FEATURE_NAMES),
    its words, label and weight."""

    signs: FloatArray
    texts: list[str]
    dialogue: IntArray  # index of the dialogue
    annoyed: BoolArray
    weight: FloatArray  # 1 for each dialogue, divided by its turns
    fold_key: IntArray  # a stable number of the dialogue, from which folds are made

    @classmethod
    def from_dialogues(cls, dialogues: Sequence[RatedDialogue]) -> DialogueTurns:
        counts = np.array([len(talk.exchanges) for talk in dialogues], dtype=int)
        found = [
            conversation_features([count_turn(*pair) for pair in talk.text_pairs])
            for talk in dialogues
        ]
        texts = [
            plain_text(exchange.customer_text) for talk in dialogues for exchange in talk.exchanges
        ]
        annoyed = np.repeat([bool(talk.annoyed) for talk in dialogues], counts)
        place = np.repeat(np.arange(len(dialogues)), counts)
        fold_key = np.array([talk.fold(2**31, "trouble/") for talk in dialogues])[place]
        return cls(np.concatenate(found), texts, place, annoyed, 1.0 / counts[place], fold_key)

    def fading_words(self, features: TfidfFeatures, fade: float) -> csr_matrix:
        """(n, features): a turn's words plus, fading, those of up to MAX_RECENT_TURNS in all."""
        rows = features(self.texts)
        total = rows.copy()
        for ago in range(1, MAX_RECENT_TURNS):
            same = np.r_[np.zeros(ago, bool), self.dialogue[ago:] == self.dialogue[:-ago]][
                : len(self.dialogue)
            ]
            to = np.flatnonzero(same)
            shift = csr_matrix(
                (np.full(len(to), fade**ago), (to, to - ago)), (len(same), len(same))
            )
            total = total + shift @ rows
        return total.tocsr()


def fit_breakdown_model(
    dialogues: Sequence[RatedDialogue],
    feelings: TextAffectModel,
    settings: BreakdownSettings | None = None,
) -> BreakdownModel:
    """The model, calibrated to the share of annoyed customers among the dialogues."""
    settings, turns = settings or BreakdownSettings(), DialogueTurns.from_dialogues(dialogues)
    words = turns.fading_words(feelings.features, settings.fade)
    return fit_on_turns(turns, words, np.ones(len(turns.texts), dtype=bool), feelings, settings)


def fit_on_turns(
    turns: DialogueTurns,
    words: csr_matrix,
    kept: BoolArray,
    feelings: TextAffectModel,
    settings: BreakdownSettings,
) -> BreakdownModel:
    """The model fitted to the `kept` turns alone; `words` are the `fading_words` of all turns."""
    scores, fold = np.zeros(len(kept)), turns.fold_key % settings.folds
    for at in range(settings.folds):
        left = kept & (fold == at)
        if left.any():
            model = _fit_uncalibrated(turns, words, kept & ~left, feelings, settings)
            scores[left] = log_odds(model, turns, words)[left]
    last = _fit_uncalibrated(turns, words, kept, feelings, settings)
    return _calibrate(last, scores[kept], turns.annoyed[kept], turns.weight[kept])


def log_odds(model: BreakdownModel, turns: DialogueTurns, words: csr_matrix) -> FloatArray:
    """The log-odds (n,) of the model for every turn."""
    shown = (turns.signs - model.usual_features) @ model.feature_weights
    return np.asarray(words @ model.word_weights + shown + model.bias, dtype=float)


def _fit_uncalibrated(
    turns: DialogueTurns,
    words: csr_matrix,
    kept: BoolArray,
    feelings: TextAffectModel,
    settings: BreakdownSettings,
) -> BreakdownModel:
    """The uncalibrated model.

    One column beside the words is their score in the upset model: STAR has too few conversations to
    learn every angry word, so a word's weight here is added to its weight there.
    """
    rows = np.flatnonzero(kept)
    prior = words @ feelings.upset
    spread = float(prior[rows].std()) or 1.0
    usual = np.average(turns.signs[rows], axis=0, weights=turns.weight[rows])
    scale = turns.signs[rows].std(0)
    is_used = np.isin(FEATURE_NAMES, USED_SIGNS) & (scale > 0)
    side = np.where(np.isin(FEATURE_NAMES, sorted(CALMING_SIGNS)), -1.0, 1.0)
    stretch = np.where(is_used, side * settings.sign_scale / np.where(scale > 0, scale, 1.0), 0.0)
    shown = np.column_stack([prior / spread, (turns.signs - usual) * stretch])
    x = hstack([words, csr_matrix(shown)], format="csr")[rows]
    many = words.shape[1]
    weights, bias = _fit_bounded_regression(
        x, turns.annoyed[rows], _balanced_weights(turns, rows), settings.regularisation_c, many
    )
    upset = weights[many] / spread
    return BreakdownModel(
        feelings.features,
        np.asarray(weights[:many] + upset * feelings.upset, dtype=np.float32),
        np.asarray(weights[many + 1 :] * stretch, dtype=np.float32),
        np.asarray(usual, dtype=np.float32),
        bias,
        settings.fade,
    )


def _fit_bounded_regression(
    x: csr_matrix, truth: BoolArray, weight: FloatArray, cost: float, unbounded_count: int
) -> tuple[FloatArray, float]:
    """Logistic regression with L2 penalty; weights from column `unbounded_count` on are >= 0."""
    across = x.T.tocsr()

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        odds = x @ weights[:-1] + weights[-1]
        likely = np.where(truth, log_expit(odds), log_expit(-odds))
        off = weight * (expit(odds) - truth)
        slope = np.r_[across @ off + weights[:-1] / cost, off.sum()]
        return float(weights[:-1] @ weights[:-1]) / (2.0 * cost) - float(weight @ likely), slope

    bounds = (
        [(None, None)] * unbounded_count
        + [(0.0, None)] * (x.shape[1] - unbounded_count)
        + [(None, None)]
    )
    weights = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(weights[:-1]), float(weights[-1])


def _balanced_weights(turns: DialogueTurns, rows: IntArray) -> FloatArray:
    """Weights of mean 1 with which annoyed and calm conversations have equal totals."""
    weights, annoyed = turns.weight[rows], turns.annoyed[rows]
    share = float(np.average(annoyed, weights=weights))
    if not 0.0 < share < 1.0:
        raise WeightsError("training needs both annoyed and calm conversations")
    weights = weights * np.where(annoyed, 0.5 / share, 0.5 / (1.0 - share))
    return np.asarray(weights * len(weights) / weights.sum())


def _calibrate(
    model: BreakdownModel, scores: FloatArray, annoyed: BoolArray, weight: FloatArray
) -> BreakdownModel:
    """The model rescaled to calibrated log-odds, and rounded as it will be stored."""
    slope, shift = fit_platt(scores, annoyed, weight)
    return replace(
        model,
        word_weights=_as_stored(model.word_weights * slope),
        feature_weights=_as_stored(model.feature_weights * slope),
        usual_features=_as_stored(model.usual_features),
        bias=slope * model.bias + shift,
    )


def _as_stored(array: Float32Array) -> Float32Array:
    return np.asarray(array, dtype=np.float16).astype(np.float32)


def train_breakdown_model(data: Path, out: Path) -> Path:
    """Train on all of STAR, write weights and card, and return the path of the weights."""
    path, dialogues = out / WEIGHTS_FILE, read_star(data)
    model = fit_breakdown_model(
        dialogues, TextAffectModel.load(path.with_name("feelings.safetensors"))
    )
    model.save(path)
    write_card(path, model, len(dialogues), sum(bool(talk.annoyed) for talk in dialogues))
    return path
