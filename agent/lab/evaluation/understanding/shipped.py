"""The weights as shipped: whole turns through `TurnUnderstanding`, and their latency.

The hand-written turns of tests/data stand for callers of the bank; figures on public sets are in
the model card beside the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax  # type: ignore[import-untyped]

from agent.lab.arrays import BoolArray, FloatArray
from agent.lab.json_lines import read_json_lines
from agent.lab.training.understanding import sentiment as feelings
from agent.lab.training.understanding.evaluate import BankTurn, latency_ms, read_bank_turns
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import TextAffectModel
from agent.understanding.turn_understanding import TurnUnderstanding
from audio.types import Expectation
from dialogs.pack.model import Pack
from dialogs.values import Understanding

BANK_TURNS_FILE, SEVERAL_REQUESTS_FILE = "bank_turns.jsonl", "several_requests.jsonl"


@dataclass(frozen=True, slots=True)
class MultiIntentTurn:
    """A hand-written turn and the intents it expresses, in order."""

    text: str
    intents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShippedResults:
    """Understanding of the hand-written turns, and the latency of a turn."""

    turns: tuple[BankTurn, ...]
    understandings: tuple[Understanding, ...]
    multi_intent_turns: tuple[MultiIntentTurn, ...]
    # the intents understood in each of `multi_intent_turns`
    recognised_intents: tuple[tuple[str, ...], ...]
    median_ms: float
    p95_ms: float


def shipped_results(
    pack: Pack, weights: Path, test_data: Path, sentence_checkpoint: str
) -> ShippedResults:
    nlu = TurnUnderstanding.load(pack, weights, sentence_checkpoint)
    turns = tuple(read_bank_turns(test_data / BANK_TURNS_FILE))
    multi_intent_turns = tuple(
        MultiIntentTurn(row["text"], tuple(row["intents"]))
        for row in read_json_lines(test_data / SEVERAL_REQUESTS_FILE)
    )

    def understand(text: str) -> Understanding:
        return nlu.understand(text, None, Expectation(), date(2026, 1, 5), 1, 0.0)

    multi_understandings = [understand(one.text) for one in multi_intent_turns]
    median, p95 = latency_ms(understand, [turn.text for turn in turns] * 3)
    return ShippedResults(
        turns,
        tuple(understand(turn.text) for turn in turns),
        multi_intent_turns,
        tuple((one.intent, *(more.intent for more in one.also)) for one in multi_understandings),
        median,
        p95,
    )


def upset_probabilities(weights: Path, turns: Sequence[BankTurn]) -> tuple[FloatArray, BoolArray]:
    """Probabilities of upset from words alone, and the labels."""
    model = TextAffectModel.load(weights / "understanding" / "feelings.safetensors")
    claimed = expit(model.log_odds([turn.text for turn in turns]).astype(np.float64))
    return np.asarray(claimed), np.array([turn.upset for turn in turns])


def sentiment_confidence(weights: Path, data: Path) -> tuple[FloatArray, BoolArray]:
    """On GoEmotions' test split: confidence in the predicted sentiment, and whether it is right."""
    model = TextAffectModel.load(weights / "understanding" / "feelings.safetensors")
    rows = [
        row for row in feelings.read_goemotions_sentiment(data, "test") if row.sentiment is not None
    ]
    words = model.features([plain_text(row.text) for row in rows])
    chances = softmax(words @ model.valence + model.valence_bias, axis=1)
    right = np.array([(row.sentiment or 0) + 1 for row in rows])
    return np.asarray(chances.max(axis=1)), np.asarray(chances.argmax(axis=1) == right)
