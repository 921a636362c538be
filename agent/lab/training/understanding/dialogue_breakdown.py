"""How does `hearken train trouble` learn that a conversation is going wrong?

    hearken train trouble --data DIR     half a minute on one core, weights of 0.3 MB

Every turn of STAR's conversations is judged by what came before it, and learnt with what the wizard
said of the whole: did this customer become annoyed? A conversation weighs the same however long it
is. The words, and their first weights, are those of the upset score (feelings.py), whose weights
must be there. Calibrated on conversations that the fitted part has not seen. USS trains nothing
that is stored. Invariant, held by tests/agent/understanding/test_trouble.py: the rows trained on
have the log-odds that the stored model gives, turn by turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize  # type: ignore[import-untyped]
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from scipy.special import expit, log_expit  # type: ignore[import-untyped]

from agent.lab.training.understanding.dialogue_breakdown_card import write_card
from agent.lab.training.understanding.rated_dialogues import Talk, star
from agent.understanding.calibration import line
from agent.understanding.conversation_features import RECENT, SIGNS, all_signs, facts
from agent.understanding.dialogue_breakdown import TroubleModel
from agent.understanding.text_features import Features, MindError, plain
from agent.understanding.text_models import FeelingModel

Array = NDArray[np.float64]
WEIGHTS = "understanding/context.safetensors"  # below the folder of all weights
# Signs that mean the same in any trade. How long a conversation is and how much is said in it is
# left out: that tells STAR's tasks apart, not its moods. Each may only count for what it means, so
# that a reason shown to a person is one: praise for calm, every other for trouble.
TELLING = (
    "says it again", "says the last again", "told the same", "told the last again",
    "times told the same", "told sorry", "not understood", "refused", "times told sorry",
    "times not understood", "times refused", "begins with no", "negations", "praise",
    "pressing words", "negations so far", "praise so far", "pressing words so far", "questions",
    "capitals",
)  # fmt: skip
CALMING = frozenset({"praise", "praise so far"})


@dataclass(frozen=True, slots=True)
class TroubleSettings:
    """Chosen on STAR's own folds, among them such that left whole domains out."""

    fade: float = 0.7
    cost: float = 0.03  # logistic regression's C
    scale: float = 0.3  # of a sign's standard deviation, beside words of length 1
    folds: int = 5


@dataclass(frozen=True, slots=True, eq=False)
class Turns:
    """Every turn of some talks: its past as signs (n, SIGNS), its words, and where it stands."""

    signs: Array
    said: list[str]
    talk: NDArray[np.int64]  # which of the talks
    annoyed: NDArray[np.bool_]
    weight: Array  # one for each talk, shared by its turns
    chance: NDArray[np.int64]  # a stable number of the talk, to make folds of

    @classmethod
    def of(cls, talks: Sequence[Talk]) -> Turns:
        counts = np.array([len(talk.exchanges) for talk in talks], dtype=int)
        found = [all_signs([facts(*pair) for pair in talk.pairs]) for talk in talks]
        said = [plain(exchange.said) for talk in talks for exchange in talk.exchanges]
        annoyed = np.repeat([bool(talk.annoyed) for talk in talks], counts)
        place = np.repeat(np.arange(len(talks)), counts)
        chance = np.array([talk.fold(2**31, "trouble/") for talk in talks])[place]
        return cls(np.concatenate(found), said, place, annoyed, 1.0 / counts[place], chance)

    def faded(self, features: Features, fade: float) -> csr_matrix:
        """(n, features): each turn's words, and those of the RECENT before it, fading."""
        rows = features(self.said)
        total = rows.copy()
        for ago in range(1, RECENT):
            same = np.r_[np.zeros(ago, bool), self.talk[ago:] == self.talk[:-ago]][: len(self.talk)]
            to = np.flatnonzero(same)
            shift = csr_matrix(
                (np.full(len(to), fade**ago), (to, to - ago)), (len(same), len(same))
            )
            total = total + shift @ rows
        return total.tocsr()


def fitted(
    talks: Sequence[Talk], feelings: FeelingModel, settings: TroubleSettings | None = None
) -> TroubleModel:
    """Calibrated to the share of annoyed customers among `talks`, a talk counting once."""
    settings, turns = settings or TroubleSettings(), Turns.of(talks)
    words = turns.faded(feelings.features, settings.fade)
    return learnt(turns, words, np.ones(len(turns.said), dtype=bool), feelings, settings)


def learnt(
    turns: Turns,
    words: csr_matrix,
    kept: NDArray[np.bool_],
    feelings: FeelingModel,
    settings: TroubleSettings,
) -> TroubleModel:
    """From the `kept` turns alone; `words` are all turns' by `Turns.faded`."""
    scores, fold = np.zeros(len(kept)), turns.chance % settings.folds
    for at in range(settings.folds):
        left = kept & (fold == at)
        if left.any():
            model = _fit(turns, words, kept & ~left, feelings, settings)
            scores[left] = log_odds(model, turns, words)[left]
    last = _fit(turns, words, kept, feelings, settings)
    return _calibrated(last, scores[kept], turns.annoyed[kept], turns.weight[kept])


def log_odds(model: TroubleModel, turns: Turns, words: csr_matrix) -> Array:
    """What the model says of every turn, all at once."""
    shown = (turns.signs - model.usual) @ model.signs
    return np.asarray(words @ model.words + shown + model.bias, dtype=float)


def _fit(
    turns: Turns,
    words: csr_matrix,
    kept: NDArray[np.bool_],
    feelings: FeelingModel,
    settings: TroubleSettings,
) -> TroubleModel:
    """One column beside the words is what they weigh as words of upset people: STAR has too few
    conversations to learn every angry word, and what it says of a word is added to that."""
    rows = np.flatnonzero(kept)
    prior = words @ feelings.upset
    spread = float(prior[rows].std()) or 1.0
    usual = np.average(turns.signs[rows], axis=0, weights=turns.weight[rows])
    scale = turns.signs[rows].std(0)
    telling = np.isin(SIGNS, TELLING) & (scale > 0)
    side = np.where(np.isin(SIGNS, sorted(CALMING)), -1.0, 1.0)
    stretch = np.where(telling, side * settings.scale / np.where(scale > 0, scale, 1.0), 0.0)
    shown = np.column_stack([prior / spread, (turns.signs - usual) * stretch])
    x = hstack([words, csr_matrix(shown)], format="csr")[rows]
    many = words.shape[1]
    found, bias = _regressed(x, turns.annoyed[rows], _balanced(turns, rows), settings.cost, many)
    upset = found[many] / spread
    return TroubleModel(
        feelings.features,
        np.asarray(found[:many] + upset * feelings.upset, dtype=np.float32),
        np.asarray(found[many + 1 :] * stretch, dtype=np.float32),
        np.asarray(usual, dtype=np.float32),
        bias,
        settings.fade,
    )


def _regressed(
    x: csr_matrix, truth: NDArray[np.bool_], weight: Array, cost: float, free: int
) -> tuple[Array, float]:
    """Logistic regression, held near nothing by `cost`; columns from `free` on never below it."""
    across = x.T.tocsr()

    def loss(found: Array) -> tuple[float, Array]:
        odds = x @ found[:-1] + found[-1]
        likely = np.where(truth, log_expit(odds), log_expit(-odds))
        off = weight * (expit(odds) - truth)
        slope = np.r_[across @ off + found[:-1] / cost, off.sum()]
        return float(found[:-1] @ found[:-1]) / (2.0 * cost) - float(weight @ likely), slope

    bounds = [(None, None)] * free + [(0.0, None)] * (x.shape[1] - free) + [(None, None)]
    found = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.asarray(found[:-1]), float(found[-1])


def _balanced(turns: Turns, rows: NDArray[np.int64]) -> Array:
    """Weights, one on average, under which annoyed and calm conversations count alike."""
    weights, annoyed = turns.weight[rows], turns.annoyed[rows]
    share = float(np.average(annoyed, weights=weights))
    if not 0.0 < share < 1.0:
        raise MindError("to learn trouble, annoyed and calm conversations are needed")
    weights = weights * np.where(annoyed, 0.5 / share, 0.5 / (1.0 - share))
    return np.asarray(weights * len(weights) / weights.sum())


def _calibrated(
    model: TroubleModel, scores: Array, annoyed: NDArray[np.bool_], weight: Array
) -> TroubleModel:
    """Weights and bias rescaled, and rounded as they will be stored."""
    slope, shift = line(scores, annoyed, weight)
    return replace(
        model,
        words=_stored(model.words * slope),
        signs=_stored(model.signs * slope),
        usual=_stored(model.usual),
        bias=slope * model.bias + shift,
    )


def _stored(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(array, dtype=np.float16).astype(np.float32)


def train_trouble(data: Path, out: Path) -> Path:
    """Learn from all of STAR, store among all weights, beside the model of feelings it uses."""
    path, talks = out / WEIGHTS, star(data)
    model = fitted(talks, FeelingModel.load(path.with_name("feelings.safetensors")))
    model.save(path)
    write_card(path, model, len(talks), sum(bool(talk.annoyed) for talk in talks))
    return path
