"""Is this conversation going wrong, judged by its last turns together and not by one alone?

A linear model over the customer's words of the last turns, fading with age, and over the signs of
how things are said (signs.py), relative to what is usual. Stateless: the turns are the argument.
Linear, so that every word and sign has a share that can be shown, and late in a conversation the
reasons still name the turn they come from. Invariants, held by
tests/agent/understanding/test_trouble.py: the terms and the bias add up to the log-odds; what comes
later never changes the verdict on an earlier turn; turns older than RECENT change nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.understanding.calibration import probability
from agent.understanding.conversation_features import RECENT, SIGNS, facts, signs
from agent.understanding.text_features import Features, MindError, load, plain, save

Array = NDArray[np.float32]
USUAL = 0.051  # share of annoyed customers it was calibrated to: those of STAR
USUAL_ODDS = math.log(USUAL / (1.0 - USUAL))
LEAST = 0.02  # log-odds below which a word is not worth a line of its own


@dataclass(frozen=True, slots=True)
class Before:
    """The conversation before a turn: `said[i]` followed `told[i]`.

    `told` is one longer: its last is what the customer was told just before the turn in question,
    "" when nothing. Several replies in a row are one text.
    """

    said: tuple[str, ...] = ()
    told: tuple[str, ...] = ("",)

    def __post_init__(self) -> None:
        if len(self.told) != len(self.said) + 1:
            raise MindError("`told` holds a text before each of `said`, and one before this turn")


@dataclass(frozen=True, slots=True)
class Share:
    """What one word or sign adds to the log-odds; `ago` is how many turns back it was said."""

    term: str
    weight: float
    ago: int = 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """`bias` and `terms` add up to the log-odds that this customer is, or will be, annoyed."""

    bias: float
    terms: tuple[Share, ...]

    @property
    def log_odds(self) -> float:
        return self.bias + sum(share.weight for share in self.terms)

    @property
    def probability(self) -> float:
        return probability(self.log_odds)

    @property
    def above_usual(self) -> float:
        """The log-odds over those of a customer nothing is known of."""
        return self.log_odds - USUAL_ODDS


@dataclass(frozen=True, slots=True)
class TroubleModel:
    """`words` is (features,); `signs` and `usual` are (SIGNS,), unused signs weigh nothing."""

    features: Features
    words: Array
    signs: Array
    usual: Array
    bias: float
    fade: float  # what is left of a turn's words one turn later

    @classmethod
    def load(cls, path: Path) -> TroubleModel:
        features, arrays, settings = load(path)
        if settings.get("signs") != list(SIGNS):
            raise MindError(f"{path} was trained on other signs; run `hearken train trouble`")
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
            raise MindError(f"{path} lacks {error}; run `hearken train trouble`") from error

    def save(self, path: Path) -> None:
        arrays = {"words": self.words, "signs": self.signs, "usual": self.usual}
        settings = {"bias": self.bias, "fade": self.fade, "signs": list(SIGNS)}
        save(path, self.features, arrays, settings)

    def __call__(self, said: str, before: Before | None = None) -> Trouble:
        before = before or Before()
        all_said = (*before.said, said)[-RECENT:]
        turns = [facts(*pair) for pair in zip(before.told[-RECENT:], all_said, strict=True)]
        found = np.array(signs(turns, len(before.said)))
        terms = [
            Share(SIGNS[at], float(weight * (found[at] - self.usual[at])))
            for at, weight in enumerate(self.signs)
            if weight
        ]
        terms += self._words(all_said)
        return Trouble(self.bias, tuple(sorted(terms, key=lambda share: -abs(share.weight))))

    def _words(self, said: Sequence[str]) -> list[Share]:
        """Each word that weighs something by name and turn, the rest of all turns as one."""
        rows = self.features([plain(text) for text in said])
        ago = np.repeat(np.arange(len(said))[::-1], np.diff(rows.indptr))
        weights = rows.data * self.words[rows.indices] * self.fade**ago
        named = np.flatnonzero(np.abs(weights) >= LEAST)
        shares = [
            Share(
                f"word: {self.features.names[rows.indices[at]]}", float(weights[at]), int(ago[at])
            )
            for at in named
        ]
        rest = float(weights.sum(dtype=float) - weights[named].sum(dtype=float))
        return [*shares, Share("words: all others", rest)] if rest else shares
