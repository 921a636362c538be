"""Everyday wordings of amounts, days, times and numbers, each with its value or "ask"."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from audio.types import AnswerKind, Expectation
from dialogs.extraction.number_items import read_items
from dialogs.extraction.slots import extract
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY

CORPUS = YAML(typ="safe").load(Path(__file__).with_name("expressions.yaml"))
QUESTIONS: dict[str, AnswerKind] = {
    "amount": "open", "amount asked": "amount", "date": "open", "date asked": "date",
    "time asked": "date",
}  # fmt: skip


def read_value(kind: str, text: str) -> str:
    """The value of the one slot of that kind; "ask" for several or for a problem."""
    name = kind.removesuffix(" asked")
    slots = extract(text, bank_pack(), Expectation(QUESTIONS[kind]), TODAY)
    values = list(dict.fromkeys(slot.value or "ask" for slot in slots if slot.name == name))
    return values[0] if len(values) == 1 else "ask" if values else "none"


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind in QUESTIONS for text in CORPUS[kind]]
)
def test_an_expression_is_read_whole_or_asked_about(kind, text):
    assert read_value(kind, text) == CORPUS[kind][text]


@pytest.mark.parametrize("text", CORPUS["number"])
def test_a_number_is_one_item(text):
    numbers = [item for item in read_items(text) if item.kind == "number"]
    assert [f"{item.value:f}" for item in numbers] == [CORPUS["number"][text]]


def test_the_corpus_is_large_enough_to_compare_libraries_on():
    assert sum(len(cases) for cases in CORPUS.values()) >= 400
