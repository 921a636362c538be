"""What do the words alone say: which intent, which sentiment, and are they those of someone upset?

Models over TF-IDF features. Intents are told by a linear machine and a small hidden layer, in about
a millisecond; feelings by linear models alone, so that every word's share of the upset score can be
shown to a person, exact and not estimated.
Invariants, held by tests/agent/understanding/test_text.py: intent probabilities sum to one; the
upset terms and the bias add up to the log-odds; any text, also an empty one, gets an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.understanding.conformal import Coverage
from agent.understanding.hidden_layer import Layer, Sentences
from agent.understanding.text_features import NUMBER, Features, MindError, load, plain, save
from dialogs.values import OUT_OF_SCOPE

Array = NDArray[np.float32]
ALONE = 0.8  # log-odds or sentiment a single known word must carry to be judged on its own


@dataclass(frozen=True, slots=True)
class IntentVerdict:
    """Calibrated probabilities; `out_of_scope` wins when nothing else is likely enough."""

    intent: str
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class Feeling:
    """What the words say about mood. `terms` and `bias` add up to the log-odds of being upset.

    `known` is how much there was to judge, 0 (nothing) to 1; `sentiment` is None at 0.
    """

    sentiment: float | None
    bias: float
    terms: tuple[tuple[str, float], ...] = ()
    known: float = 0.0

    @property
    def log_odds(self) -> float:
        return self.bias + sum(weight for _, weight in self.terms)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """`weights` is (features, intents). Scores are divided by `temperature`.

    A turn whose likeliest intent stays below `threshold` is out of scope; the training rejects a
    stated share of in-scope turns that way (see the model card). `dense` (width, intents) are the
    weights of a sentence encoder's vectors beside the features, for the one it was trained with;
    the scores of `layer` are added to the linear ones.
    """

    features: Features
    weights: Array
    bias: Array
    intents: tuple[str, ...]
    temperature: float = 1.0
    threshold: float = 0.0
    heard_floor: float = 0.5  # share of a confidence that survives a transcript of confidence 0
    coverage: Coverage = Coverage()
    dense: Array | None = None
    sentences: Sentences | None = None
    layer: Layer | None = None
    heard_temperature: float = 0.0  # of words that were heard; 0: the same

    @classmethod
    def load(cls, path: Path, sentences: Sentences | None = None) -> IntentModel:
        """`sentences` must be the encoder that the file was trained with, if it was with one."""
        features, arrays, settings = load(path)
        wanted, given = settings.get("sentences"), sentences and sentences.sha256
        if wanted != given:
            told = f"beside the sentence encoder {settings.get('encoder')} ({wanted})"
            raise MindError(f"{path} was trained {told if wanted else 'without one'}; train again")
        try:
            return cls(
                features,
                arrays["weights"],
                arrays["bias"],
                tuple(_list(settings["intents"])),
                float(str(settings["temperature"])),
                float(str(settings["threshold"])),
                float(str(settings["heard_floor"])),
                Coverage.read(settings.get("coverage")),
                arrays.get("dense"),
                sentences,
                Layer.read(arrays),
                float(str(settings.get("heard_temperature", 0.0))),
            )
        except KeyError as error:
            raise MindError(f"{path} lacks {error}; train again") from error

    def save(self, path: Path) -> None:
        settings: dict[str, object] = {
            "intents": list(self.intents),
            "temperature": self.temperature,
            "heard_temperature": self.heard_temperature,
            "threshold": self.threshold,
            "heard_floor": self.heard_floor,
            "coverage": self.coverage.stored(),
        }
        arrays: dict[str, NDArray[np.generic]] = {"weights": self.weights, "bias": self.bias}
        arrays |= self.layer.stored() if self.layer else {}
        if self.dense is not None and self.sentences is not None:
            arrays["dense"] = self.dense
            settings |= {"sentences": self.sentences.sha256, "encoder": self.sentences.name}
        save(path, self.features, arrays, settings)

    @property
    def hearing(self) -> IntentModel:
        """The same for words that were heard, which it is less sure of."""
        return replace(self, temperature=self.heard_temperature or self.temperature)

    def scores(self, texts: Sequence[str]) -> Array:
        """Raw log-odds (texts, intents)."""
        words = [plain(text) for text in texts]
        rows = self.features(words)
        scores = rows @ self.weights + self.bias
        if self.layer is not None:
            scores = scores + self.layer(rows)
        if self.dense is not None and self.sentences is not None:
            scores = scores + self.sentences(words) @ self.dense
        return np.asarray(scores, dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> Array:
        chances = softmax(self.scores(texts).astype(np.float64) / self.temperature, axis=1)
        return np.asarray(chances, dtype=np.float32)

    def __call__(self, text: str) -> IntentVerdict:
        chances = self.probabilities([text])[0]
        return self.decide(dict(zip(self.intents, chances.tolist(), strict=True)))

    def decide(self, probabilities: dict[str, float]) -> IntentVerdict:
        """The likeliest intent, or out of scope when no other is likely enough."""
        inside = {name: p for name, p in probabilities.items() if name != OUT_OF_SCOPE}
        best = max(inside, key=inside.__getitem__)
        outside = probabilities.get(OUT_OF_SCOPE, 0.0)
        if inside[best] >= self.threshold and inside[best] >= outside:
            return IntentVerdict(best, inside[best], probabilities)
        return IntentVerdict(OUT_OF_SCOPE, max(outside, 1.0 - inside[best]), probabilities)


@dataclass(frozen=True, slots=True)
class FeelingModel:
    """`valence` is (features, 3) for negative, neutral, positive; `upset` is (features,)."""

    features: Features
    valence: Array
    valence_bias: Array
    upset: Array
    upset_bias: float
    usual: float  # log-odds of an upset turn among the turns it was calibrated on
    spread: float = 1.8  # standard deviation of the log-odds there

    @classmethod
    def load(cls, path: Path) -> FeelingModel:
        features, arrays, settings = load(path)
        try:
            return cls(
                features,
                arrays["valence"],
                arrays["valence_bias"],
                arrays["upset"],
                float(str(settings["upset_bias"])),
                float(str(settings["usual"])),
                float(str(settings["spread"])),
            )
        except KeyError as error:
            raise MindError(f"{path} lacks {error}; train again") from error

    def save(self, path: Path) -> None:
        arrays = {"valence": self.valence, "valence_bias": self.valence_bias, "upset": self.upset}
        settings = {
            "upset_bias": self.upset_bias,
            "usual": self.usual,
            "spread": self.spread,
        }
        save(path, self.features, arrays, settings)

    def log_odds(self, texts: Sequence[str]) -> Array:
        rows = self.features([plain(text) for text in texts])
        return np.asarray(rows @ self.upset + np.float32(self.upset_bias), dtype=np.float32)

    def sentiments(self, texts: Sequence[str]) -> Array:
        """Probability of positive minus that of negative, (texts,)."""
        return self._balance(self.features([plain(text) for text in texts]))

    def _balance(self, rows: csr_matrix) -> Array:
        chances = softmax(rows @ self.valence + self.valence_bias, axis=1)
        return np.asarray(chances[:, 2] - chances[:, 0], dtype=np.float32)

    def __call__(self, text: str) -> Feeling:
        words = plain(text)
        row = self.features([words])
        shares = row.data * self.upset[row.indices]
        names = [self.features.names[at] for at in row.indices]
        single = [name for name in names if " " not in name and name != NUMBER]
        balance = float(self._balance(row)[0])
        telling = max((abs(float(share)) for share in shares), default=0.0)
        if not single or (len(single) < 2 and max(telling, abs(balance)) < ALONE):
            return Feeling(None, self.usual)
        terms = sorted(
            ((name, float(share)) for name, share in zip(names, shares, strict=True) if share),
            key=lambda term: (-abs(term[1]), term[0]),
        )
        known = len(single) / (len(single) + 2.0)
        return Feeling(balance, self.upset_bias, tuple(terms), known)


def _list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise MindError("a list of names was expected; train again")
    return [str(item) for item in value]
