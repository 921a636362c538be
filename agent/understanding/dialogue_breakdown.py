"""Dialogue breakdown detection: whether a conversation is going wrong, by its last turns together.

A linear model over the customer's words of the last turns, with less weight for older ones, and
over conversation features (conversation_features.py) relative to their usual values. Stateless: the
turns are the argument. Linear, so that each word and feature has a contribution that can be shown
with the turn it comes from. Invariants, held by
tests/agent/understanding/test_dialogue_breakdown.py: the terms and the bias add up to the log-odds;
later turns never change the estimate for an earlier one; turns older than MAX_RECENT_TURNS change
nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.understanding.arrays import Float32Array
from agent.understanding.calibration import probability
from agent.understanding.conversation_features import (
    FEATURE_NAMES,
    MAX_RECENT_TURNS,
    count_turn,
    turn_features,
)
from agent.understanding.text_features import (
    TfidfFeatures,
    WeightsError,
    load_weights,
    plain_text,
    save_weights,
)

BASE_RATE = 0.051  # share of annoyed customers to which it is calibrated: that of STAR
BASE_LOG_ODDS = math.log(BASE_RATE / (1.0 - BASE_RATE))
MIN_TERM_LOG_ODDS = 0.02  # log-odds below which a word is not worth a line of its own


@dataclass(frozen=True, slots=True)
class PrecedingTurns:
    """The conversation before a turn: `customer_texts[i]` followed `reply_texts[i]`.

    `reply_texts` is one longer: its last is the reply just before the turn in question, "" when
    there was none. Several replies in a row are one text.
    """

    customer_texts: tuple[str, ...] = ()
    reply_texts: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if len(self.reply_texts) != len(self.customer_texts) + 1:
            raise WeightsError("`reply_texts` needs one before each customer text and this turn")


@dataclass(frozen=True, slots=True)
class Contribution:
    """The share of one word or feature in the log-odds, `turns_ago` before the present turn."""

    term: str
    weight: float
    turns_ago: int = 0


@dataclass(frozen=True, slots=True)
class BreakdownEstimate:
    """An estimate: `bias` and `terms` add up to the log-odds that the customer is, or will be,
    annoyed."""

    bias: float
    terms: tuple[Contribution, ...]

    @property
    def log_odds(self) -> float:
        return self.bias + sum(share.weight for share in self.terms)

    @property
    def probability(self) -> float:
        return probability(self.log_odds)

    @property
    def above_base_rate(self) -> float:
        """The log-odds minus those of the base rate."""
        return self.log_odds - BASE_LOG_ODDS


@dataclass(frozen=True, slots=True)
class BreakdownModel:
    """`word_weights` is (features,); `feature_weights` and `usual_features` are (FEATURE_NAMES,),
    with weight 0 for unused features."""

    features: TfidfFeatures
    word_weights: Float32Array
    feature_weights: Float32Array
    usual_features: Float32Array
    bias: float
    word_decay: float  # factor on the weight of words for each turn since

    @classmethod
    def load(cls, path: Path) -> BreakdownModel:
        """Read a file. WeightsError when it has other features or lacks weights."""
        features, arrays, settings = load_weights(path)
        if settings.get("signs") != list(FEATURE_NAMES):
            raise WeightsError(f"{path} was trained on other signs; run `hearken train trouble`")
        try:
            return cls(
                features,
                arrays["words"],
                arrays["signs"],
                arrays["usual"],
                float(str(settings["bias"])),
                float(str(settings["fade"])),
            )
        except KeyError as error:
            raise WeightsError(f"{path} lacks {error}; run `hearken train trouble`") from error

    def save(self, path: Path) -> None:
        arrays = {
            "words": self.word_weights,
            "signs": self.feature_weights,
            "usual": self.usual_features,
        }
        settings = {"bias": self.bias, "fade": self.word_decay, "signs": list(FEATURE_NAMES)}
        save_weights(path, self.features, arrays, settings)

    def __call__(self, text: str, preceding: PrecedingTurns | None = None) -> BreakdownEstimate:
        preceding = preceding or PrecedingTurns()
        all_said = (*preceding.customer_texts, text)[-MAX_RECENT_TURNS:]
        turns = [
            count_turn(*pair)
            for pair in zip(preceding.reply_texts[-MAX_RECENT_TURNS:], all_said, strict=True)
        ]
        features = np.array(turn_features(turns, len(preceding.customer_texts)))
        terms = [
            Contribution(
                FEATURE_NAMES[at], float(weight * (features[at] - self.usual_features[at]))
            )
            for at, weight in enumerate(self.feature_weights)
            if weight
        ]
        terms += self._word_contributions(all_said)
        return BreakdownEstimate(
            self.bias, tuple(sorted(terms, key=lambda share: -abs(share.weight)))
        )

    def _word_contributions(self, texts: Sequence[str]) -> list[Contribution]:
        """Contributions of words: large ones by word and turn, the rest of all turns as one."""
        rows = self.features([plain_text(text) for text in texts])
        ago = np.repeat(np.arange(len(texts))[::-1], np.diff(rows.indptr))
        weights = rows.data * self.word_weights[rows.indices] * self.word_decay**ago
        named = np.flatnonzero(np.abs(weights) >= MIN_TERM_LOG_ODDS)
        shares = [
            Contribution(
                f"word: {self.features.names[rows.indices[at]]}", float(weights[at]), int(ago[at])
            )
            for at in named
        ]
        rest = float(weights.sum(dtype=float) - weights[named].sum(dtype=float))
        return [*shares, Contribution("words: all others", rest)] if rest else shares
