"""A yes is one only when the whole turn is; what is left over is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from dialogs.extraction.plain_words import plain_words
from dialogs.extraction.yes_no import MAX_WORDS, read_answer

QUESTION = "I'll move $50.00 from checking to savings today. Is that right? Harper, transfer money"
TOPIC = frozenset(word.text for word in plain_words(QUESTION) if word.text.isalpha())
REPLIES = YAML(typ="safe").load(Path(__file__).with_name("yes_no_replies.yaml").read_text())
GROUPS = [(style, kind) for style, kinds in REPLIES.items() for kind in kinds]
YESES = [text for kinds in REPLIES.values() for text in kinds["yes"]]


@pytest.mark.parametrize(("style", "kind"), GROUPS)
def test_replies_are_read_as_people_mean_them(style, kind):
    read = {text: read_answer(text, (), TOPIC).kind for text in REPLIES[style][kind]}
    assert {text: got for text, got in read.items() if got != kind} == {}


def test_the_corpus_is_large_enough():
    assert sum(len(texts) for kinds in REPLIES.values() for texts in kinds.values()) >= 250


@pytest.mark.parametrize("ending", [" but not all of it", " unless it costs something", " banana",
                                    " if she agrees", ", not", " for my neighbour", ", cancel",
                                    " tomorrow", " maybe", " wait", " or no"])  # fmt: skip
def test_a_yes_with_anything_after_it_is_none(ending):
    assert [yes for yes in YESES if read_answer(yes + ending, (), TOPIC).kind == "yes"] == []


def test_a_yes_that_asks_is_none():
    asked = [yes for yes in YESES if read_answer(f"{yes}?", (), TOPIC).kind == "yes"]
    assert all("please" in yes or "why not" in yes for yes in asked)


@given(st.sampled_from(YESES), st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=9))
def test_a_yes_with_a_word_that_nobody_knows_is_none(yes, word):
    answer = read_answer(f"{yes} {word}", (), TOPIC)
    units = {unit.words: unit.kind for unit in answer.units}
    assert answer.kind != "yes" or units.get(word) != "content"


def test_what_is_left_over_has_its_place():
    text = "Yes please, but only half of it"
    answer = read_answer(text)
    assert answer.kind == "other"
    assert answer.leading == "yes"
    assert text[slice(*answer.leftover)].startswith("but")
    assert text[slice(*answer.span)].startswith("Yes")


def test_values_that_were_read_back_may_be_said_again():
    text = "yes fifty dollars to the holiday fund"
    place = (text.index("fifty"), text.index("to the"))
    assert read_answer(text, (place,)).kind == "other"
    fund = (text.index("holiday"), len(text))
    assert read_answer(text, (place, fund)).kind == "yes"


def test_now_is_no_courtesy_where_another_day_was_named():
    assert read_answer("yes do it now").kind == "yes"
    assert read_answer("yes do it now", (), frozenset(), frozenset({"now"})).kind == "other"


@pytest.mark.parametrize(
    ("text", "is_weak"), [("ok", True), ("right", True), ("yes ok", False), ("go ahead", False)]
)
def test_a_weak_yes_is_known(text, is_weak):
    assert read_answer(text).is_weak is is_weak


@pytest.mark.parametrize(
    ("text", "leans"),
    [("i guess so", True), ("i think so", True), ("probably", True), ("no idea", False),
     ("i guess not", False), ("not sure", False)],
)  # fmt: skip
def test_a_hedged_yes_is_known(text, leans):
    assert read_answer(text).leans_to_yes is leans


@pytest.mark.parametrize(
    ("text", "opening"),
    [("no, fifty not fifteen", "no"), ("yes but make it sixty", "yes"), ("it's 80 dollars", ""),
     ("savings", ""), ("no problem", "no problem")],
)  # fmt: skip
def test_the_word_a_turn_opens_with(text, opening):
    unit = read_answer(text).opening
    assert (text[unit.start : unit.end] if unit else "") == opening


def test_a_long_text_is_no_answer_and_costs_little():
    assert read_answer("yes " * (MAX_WORDS + 1)).kind == "other"
    assert read_answer("yes " * MAX_WORDS).kind == "yes"


@given(st.text(max_size=80))
def test_any_text_can_be_read(text):
    answer = read_answer(text)
    assert answer.kind == "nothing" or answer.units
    assert 0 <= answer.span[0] <= answer.span[1] <= len(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("actually yes do it", "yes"), ("well actually go ahead", "yes"),
     ("sorry, i meant yes", "yes"),
     ("yes after all", "yes"), ("you know what, yes", "yes"), ("ok actually don't", "no"),
     ("yes but actually no", "no"), ("actually, hold on", "wait"), ("no actually yes", "other"),
     ("actually", "other"), ("actually 50 please", "other"), ("yes actually", "other")],
)  # fmt: skip
def test_what_follows_a_correction_of_oneself_counts(text, kind):
    assert read_answer(text).kind == kind
