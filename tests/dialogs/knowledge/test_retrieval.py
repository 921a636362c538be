"""Answers are quotations, or there is none."""

from __future__ import annotations

import gzip
import json

import pytest

from dialogs.knowledge.documents import markdown_sections, replace_bank_name
from dialogs.knowledge.retrieval import Knowledge, content_words
from tests.bench.knowledge import own
from tests.support.scripted_mind import Bot

PAGE = """## Fees
- The monthly fee is $3.
- The yearly fee is [value not available].

| Item | Limit |
|---|---|
| Cash | $200 |

| Kind | Daily | Monthly |
|---|---|---|
| Person | $10 | $70 |

**Notes**
Ask us. Rho-Bank is glad to help. See rhobank.com/help.
"""


def test_pages_become_headings_and_sentences():
    found = markdown_sections(PAGE)
    assert found[0] == (
        "Fees",
        ["The monthly fee is $3.", "Cash: $200.", "Person: Daily $10, Monthly $70."],
    )
    assert found[1][0] == "Notes"
    assert len(found[1][1]) == 3


def test_long_sections_are_cut():
    found = markdown_sections("# A\n" + "one two three four five six seven eight nine ten.\n" * 30)
    assert len(found) > 2
    assert {heading for heading, _ in found} == {"A"}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("Rho-Bank is here", "Harper is here"),
        ("Rho\u2011Bank's app", "Harper's app"),
        ("a Rho Bank card", "a Harper card"),
        ("Rho-Bank+ members", "Harper Plus members"),
        ("non-Rho ATMs", "other-bank ATMs"),
        ("Visit rhobank.com/disputes today", "Visit our website today"),
        ("in Rhodes", "in Rhodes"),
    ],
)
def test_the_bank_in_the_pages_is_renamed(theirs, ours):
    assert replace_bank_name(theirs, "Rho-Bank", "Harper") == ours


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    file = tmp_path_factory.mktemp("documents") / "pages.jsonl.gz"
    pages = [
        {"id": "a", "subject": "Blue Account", "title": "Blue Account fees", "text": PAGE},
        {"id": "b", "subject": "Dark Blue Account", "title": "Moving in",
         "text": "The monthly fee is $9. Moving takes two days. Bring your papers."},
    ]  # fmt: skip
    with gzip.open(file, "wt", encoding="utf-8") as out:
        out.write("\n".join(map(json.dumps, pages)))
    return Knowledge.read(file, min_coverage=0.5)


def test_an_answer_names_its_page(small):
    answer = small.find_answer("what is the monthly fee of the blue account")
    assert answer is not None
    assert answer.text == "The monthly fee is $3."
    assert (answer.source.id, answer.source.title) == ("a", "Blue Account fees")
    assert small.find_answer("monthly fee of the dark blue account").source.title == (
        "Dark Blue Account: Moving in"
    )


def test_no_answer_is_better_than_a_wrong_one(small):
    assert small.find_answer("who won the game") is None
    assert small.find_answer("the of and") is None
    assert Knowledge.empty().find_answer("monthly fee") is None


def test_a_page_that_is_about_the_question_is_read_from_its_beginning(small):
    assert small.find_answer("moving in").text == (
        "The monthly fee is $9. Moving takes two days. Bring your papers."
    )


def test_words_lose_their_endings():
    assert content_words("What are the fees and charges?") == content_words("fee charge")
    assert content_words("policies") == content_words("policy")


def test_every_answer_is_a_quotation(pack):
    everything = {s for p in pack.knowledge.passages for s in p.sentences}
    for question in ("daily atm limit of the light green account", "do points expire"):
        answer = pack.knowledge.find_answer(question)
        if answer:
            kept = [s for s in everything if s.rstrip(".") in answer.text]
            rest = answer.text
            for sentence in sorted(kept, key=len, reverse=True):
                rest = rest.replace(sentence.rstrip("."), "")
            assert not rest.strip(" ."), rest


def test_our_questions_are_answered_and_others_are_not(pack):
    figures = own(pack.knowledge, talk=False)
    assert figures["product in first five"] >= 0.95
    assert figures["answer has the fact"] >= 0.8
    assert figures["outside, wrongly answered"] == 0.0


def test_in_a_conversation(pack):
    bot = Bot(pack)
    said = bot.says("what is the minimum age for the light green account")
    assert "13" in said
    assert bot.last.replies[0].source.title == "Who can open a Light Green Account?"
    assert "Rho" not in said
    assert "documents" in bot.says("what is the airspeed of a swallow fee")
    assert "differently" in bot.says("what is the airspeed", 0.2) or bot.state.misses == 1


def test_a_question_no_model_placed_may_still_be_answered(pack):
    bot = Bot(pack)
    bot.says("how old must one be for the light green account", 0.1)
    assert bot.last.replies[0].source is not None
    assert bot.state.misses == 0
