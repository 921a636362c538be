"""Text models over TF-IDF features: intent, sentiment, and probability of being upset.

The intent model is linear with a small hidden layer, about a millisecond a text. Sentiment and
upset are linear alone, so that each word's share of the upset score can be shown exactly.
Invariants, held by tests/agent/understanding/test_text_models.py: intent probabilities sum to one;
the upset terms and the bias add up to the log-odds; any text, also an empty one, gets an answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from scipy.special import softmax  # type: ignore[import-untyped]

from agent.understanding.arrays import Float32Array
from agent.understanding.conformal import ConformalPredictor
from agent.understanding.hidden_layer import HiddenLayer, TextEncoder
from agent.understanding.text_features import (
    NUMBER_TOKEN,
    TfidfFeatures,
    WeightsError,
    load_weights,
    plain_text,
    save_weights,
)
from dialogs.values import OUT_OF_SCOPE

# log-odds or sentiment that a single known word must carry for an estimate
MIN_SINGLE_WORD_SCORE = 0.8


@dataclass(frozen=True, slots=True)
class IntentVerdict:
    """Calibrated probabilities; `out_of_scope` wins when nothing else is likely enough."""

    intent: str
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True, slots=True)
class TextAffect:
    """Affect of the words. `terms` and `bias` add up to the log-odds of being upset.

    `known` grows with the number of known words, 0 (none) to 1; `sentiment` is None at 0.
    """

    sentiment: float | None
    bias: float
    terms: tuple[tuple[str, float], ...] = ()
    known: float = 0.0

    @property
    def log_odds(self) -> float:
        """Log-odds of being upset."""
        return self.bias + sum(weight for _, weight in self.terms)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Intent classifier; `weights` is (features, intents). Scores are divided by `temperature`.

    A turn whose likeliest intent stays below `threshold` is out of scope; the training rejects a
    stated share of in-scope turns that way (see the model card). `sentence_weights` (width,
    intents) are weights of the vectors of `sentence_encoder`, which must be the one it was trained
    with; their scores and those of `hidden_layer` are added to the linear ones.
    """

    features: TfidfFeatures
    weights: Float32Array
    bias: Float32Array
    intents: tuple[str, ...]
    temperature: float = 1.0
    threshold: float = 0.0
    transcript_floor: float = 0.5  # factor on the confidence at a transcript confidence of 0
    conformal: ConformalPredictor = ConformalPredictor()
    sentence_weights: Float32Array | None = None
    sentence_encoder: TextEncoder | None = None
    hidden_layer: HiddenLayer | None = None
    transcript_temperature: float = 0.0  # for words from a transcript; 0: the same

    @classmethod
    def load(cls, path: Path, sentence_encoder: TextEncoder | None = None) -> IntentModel:
        """Read a file; `sentence_encoder` must be the one that it was trained with, if any.
        WeightsError."""
        features, arrays, settings = load_weights(path)
        wanted, given = settings.get("sentences"), sentence_encoder and sentence_encoder.sha256
        if wanted != given:
            trained_with = f"beside the sentence encoder {settings.get('encoder')} ({wanted})"
            raise WeightsError(
                f"{path} was trained {trained_with if wanted else 'without one'}; train again"
            )
        try:
            return cls(
                features,
                arrays["weights"],
                arrays["bias"],
                tuple(_list(settings["intents"])),
                float(str(settings["temperature"])),
                float(str(settings["threshold"])),
                float(str(settings["heard_floor"])),
                ConformalPredictor.from_settings(settings.get("coverage")),
                arrays.get("dense"),
                sentence_encoder,
                HiddenLayer.from_arrays(arrays),
                float(str(settings.get("heard_temperature", 0.0))),
            )
        except KeyError as error:
            raise WeightsError(f"{path} lacks {error}; train again") from error

    def save(self, path: Path) -> None:
        settings: dict[str, object] = {
            "intents": list(self.intents),
            "temperature": self.temperature,
            "heard_temperature": self.transcript_temperature,
            "threshold": self.threshold,
            "heard_floor": self.transcript_floor,
            "coverage": self.conformal.as_settings(),
        }
        arrays: dict[str, NDArray[np.generic]] = {"weights": self.weights, "bias": self.bias}
        arrays |= self.hidden_layer.as_arrays() if self.hidden_layer else {}
        if self.sentence_weights is not None and self.sentence_encoder is not None:
            arrays["dense"] = self.sentence_weights
            settings |= {
                "sentences": self.sentence_encoder.sha256,
                "encoder": self.sentence_encoder.name,
            }
        save_weights(path, self.features, arrays, settings)

    @property
    def for_transcripts(self) -> IntentModel:
        """The model for words from a transcript, with their own temperature."""
        return replace(self, temperature=self.transcript_temperature or self.temperature)

    def scores(self, texts: Sequence[str]) -> Float32Array:
        """Raw log-odds (texts, intents)."""
        words = [plain_text(text) for text in texts]
        rows = self.features(words)
        scores = rows @ self.weights + self.bias
        if self.hidden_layer is not None:
            scores = scores + self.hidden_layer(rows)
        if self.sentence_weights is not None and self.sentence_encoder is not None:
            scores = scores + self.sentence_encoder(words) @ self.sentence_weights
        return np.asarray(scores, dtype=np.float32)

    def probabilities(self, texts: Sequence[str]) -> Float32Array:
        """Calibrated probabilities (texts, intents)."""
        chances = softmax(self.scores(texts).astype(np.float64) / self.temperature, axis=1)
        return np.asarray(chances, dtype=np.float32)

    def __call__(self, text: str) -> IntentVerdict:
        chances = self.probabilities([text])[0]
        return self.verdict(dict(zip(self.intents, chances.tolist(), strict=True)))

    def verdict(self, probabilities: dict[str, float]) -> IntentVerdict:
        """The likeliest intent, or out of scope when no other is likely enough."""
        inside = {name: p for name, p in probabilities.items() if name != OUT_OF_SCOPE}
        best = max(inside, key=inside.__getitem__)
        outside = probabilities.get(OUT_OF_SCOPE, 0.0)
        if inside[best] >= self.threshold and inside[best] >= outside:
            return IntentVerdict(best, inside[best], probabilities)
        return IntentVerdict(OUT_OF_SCOPE, max(outside, 1.0 - inside[best]), probabilities)


@dataclass(frozen=True, slots=True)
class TextAffectModel:
    """Linear models of affect: `valence` is (features, 3) for negative, neutral, positive;
    `upset` is (features,)."""

    features: TfidfFeatures
    valence: Float32Array
    valence_bias: Float32Array
    upset: Float32Array
    upset_bias: float
    base_log_odds: float  # log-odds of an upset turn in the calibration set
    spread: float = 1.8  # standard deviation of the log-odds there

    @classmethod
    def load(cls, path: Path) -> TextAffectModel:
        features, arrays, settings = load_weights(path)
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
            raise WeightsError(f"{path} lacks {error}; train again") from error

    def save(self, path: Path) -> None:
        arrays = {"valence": self.valence, "valence_bias": self.valence_bias, "upset": self.upset}
        settings = {
            "upset_bias": self.upset_bias,
            "usual": self.base_log_odds,
            "spread": self.spread,
        }
        save_weights(path, self.features, arrays, settings)

    def log_odds(self, texts: Sequence[str]) -> Float32Array:
        """Log-odds of being upset, (texts,)."""
        rows = self.features([plain_text(text) for text in texts])
        return np.asarray(rows @ self.upset + np.float32(self.upset_bias), dtype=np.float32)

    def sentiments(self, texts: Sequence[str]) -> Float32Array:
        """Probability of positive minus that of negative, (texts,)."""
        return self._sentiments(self.features([plain_text(text) for text in texts]))

    def _sentiments(self, rows: csr_matrix) -> Float32Array:
        chances = softmax(rows @ self.valence + self.valence_bias, axis=1)
        return np.asarray(chances[:, 2] - chances[:, 0], dtype=np.float32)

    def __call__(self, text: str) -> TextAffect:
        words = plain_text(text)
        row = self.features([words])
        shares = row.data * self.upset[row.indices]
        names = [self.features.names[at] for at in row.indices]
        single = [name for name in names if " " not in name and name != NUMBER_TOKEN]
        balance = float(self._sentiments(row)[0])
        telling = max((abs(float(share)) for share in shares), default=0.0)
        if not single or (len(single) < 2 and max(telling, abs(balance)) < MIN_SINGLE_WORD_SCORE):
            return TextAffect(None, self.base_log_odds)
        terms = sorted(
            ((name, float(share)) for name, share in zip(names, shares, strict=True) if share),
            key=lambda term: (-abs(term[1]), term[0]),
        )
        known = len(single) / (len(single) + 2.0)
        return TextAffect(balance, self.upset_bias, tuple(terms), known)


def _list(value: object) -> list[str]:
    if not isinstance(value, list):
        raise WeightsError("a list of names was expected; train again")
    return [str(item) for item in value]
