"""Another language is recognised, and no English turn is taken for one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.understanding.language_identification import LanguageIdentifier
from agent.understanding.text_features import load_weights, plain_text
from tests.support.care_evaluation import read_turns
from tests.support.packs import bank_pack

PACK = bank_pack()
WEIGHTS = Path("agent/weights/understanding/feelings.safetensors")
ROWS = [
    json.loads(line)
    for line in Path(__file__).with_name("languages.jsonl").read_text("utf-8").splitlines()
]
pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def identify() -> LanguageIdentifier:
    examples = [one for intent in PACK.intents.values() for one in intent.examples]
    words = {word for one in examples for word in plain_text(one).split()}
    names = {name for name in load_weights(WEIGHTS)[0].names if name.isalpha()}
    return LanguageIdentifier("en", words | names)


def test_languages_are_recognised(identify):
    others = [row for row in ROWS if row["language"]]
    missed = [row for row in others if not identify(row["text"])]
    wrong = [row for row in others if identify(row["text"]) not in ("", row["language"])]
    print(f"{len(others)} turns in other languages: {len(missed)} missed, {len(wrong)} misnamed")
    assert len(missed) <= 0.05 * len(others), missed
    assert len(wrong) <= 0.05 * len(others), wrong


def test_english_turns_are_no_other_language(identify):
    examples = [one for intent in PACK.intents.values() for one in intent.examples]
    english = [row["text"] for row in ROWS if not row["language"]]
    texts = [*english, *examples, *(turn.text for turn in read_turns())]
    alarms = [text for text in texts if identify(text)]
    print(f"{len(texts)} English turns: {len(alarms)} false alarms: {alarms}")
    assert len(alarms) <= 0.005 * len(texts), alarms


@pytest.mark.parametrize("text", ["", "  ", "42", "si", "ja", "oui", "da", "?!", "\U0001f44d"])
def test_a_single_word_is_no_language(identify, text):
    assert identify(text) == ""


def test_one_word_in_other_letters_is_enough(identify):
    assert identify("\u043f\u043e\u043c\u043e\u0433\u0438\u0442\u0435") in {"ru", "bg", "sr"}
