"""A reply is read with what the question named: its values in their roles, and its words."""

from __future__ import annotations

import pytest

from dialogs.interpretation.yes_no_reply import asks_back, read_reply
from tests.support.scripted_mind import Bot, understood


@pytest.fixture
def asked(pack):
    """A transfer of ten dollars, from checking to savings, read back for today."""
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    return bot


def kind(bot: Bot, text: str) -> str:
    what = understood(bot.pack, text, bot.last.expectation)
    return read_reply(bot.pack, bot.state, what).kind


@pytest.mark.parametrize(
    "text",
    ["yes, ten dollars to savings", "yes from checking to savings", "yes 10", "yes move it now",
     "yes please harper", "yes, checking to savings today", "yes transfer the money"],
)  # fmt: skip
def test_what_was_read_back_may_be_said_again(asked, text):
    assert kind(asked, text) == "yes"


@pytest.mark.parametrize(
    "text",
    ["yes, eleven dollars", "yes from savings", "yes to checking", "yes ten dollars to my brother",
     "yes 10 and 5 more", "yes tomorrow", "yes to money market"],
)  # fmt: skip
def test_another_value_is_no_yes(asked, text):
    assert kind(asked, text) != "yes"


def test_now_is_no_yes_where_another_day_was_read_back(asked):
    asked.says("make it friday")
    assert kind(asked, "yes on friday") == "yes"
    assert kind(asked, "yes do it now") != "yes"


@pytest.mark.parametrize(
    ("text", "is_back"),
    [("is that right?", True), ("yes?", True), ("sorry, what?", True), ("what is the fee?", False)],
)
def test_a_question_that_only_asks_back(asked, text, is_back):
    what = understood(asked.pack, text, asked.last.expectation)
    assert asks_back(read_reply(asked.pack, asked.state, what)) is is_back
