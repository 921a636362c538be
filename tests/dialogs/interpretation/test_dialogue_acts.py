"""What a turn means depends on what was asked."""

from __future__ import annotations

import pytest

from dialogs.interpretation.dialogue_acts import interpret
from tests.support.scripted_mind import Bot, understood

TRANSFER = ["transfer ten dollars from checking to savings", "100421", "4471"]


@pytest.fixture
def asked(pack):
    """A conversation that waits for the transfer to be confirmed."""
    bot = Bot(pack)
    bot.says(TRANSFER[0])
    bot.identifies()
    assert bot.last.expectation.kind == "yes_no"
    return bot


def meant(bot: Bot, text: str, sure: float = 0.9, **more: object):
    return interpret(
        bot.pack, bot.state, understood(bot.pack, text, bot.last.expectation, sure, **more)
    )


@pytest.mark.parametrize(
    ("text", "more", "kind"),
    [
        ("", {}, "nothing"),
        ("mumble", {"heard": 0.1}, "unheard"),
        ("transfer money", {"heard": 0.4}, "maybe"),
        ("i would transfer some", {"sure": 0.4}, "maybe"),
        ("i would transfer some", {"sure": 0.1}, "unclear"),
        ("what is the fee of the blue account", {}, "question"),
        ("get me an agent now", {}, "person"),
        ("get me an agent now", {"sure": 0.4}, "maybe"),
        ("hello bot", {}, "talk"),
        ("bake me a pizza", {}, "out_of_scope"),
        ("yes", {}, "yes"),
        ("no", {}, "no"),
        ("back", {}, "go_back"),
        ("blue", {"intent": "unknown to the pack"}, "unclear"),
        ("umm", {"intent": "nothing_heard"}, "nothing"),
    ],
)
def test_with_nothing_asked(pack, text, more, kind):
    assert meant(Bot(pack), text, **more).kind == kind


@pytest.mark.parametrize(
    ("text", "more", "kind"),
    [
        ("yes", {}, "yes"),
        ("yes", {"heard": 0.4}, "unsure_yes"),
        ("that's right", {"intent": "out_of_scope"}, "yes"),
        ("mkay", {"intent": "affirm", "sure": 0.7}, "yes"),
        ("mochte gern", {"intent": "affirm", "sure": 0.99}, "unsure_yes"),
        ("mm", {"intent": "affirm", "sure": 0.9}, "unclear"),
        ("no", {}, "no"),
        ("no, fifty dollars", {}, "answer"),
        ("savings", {}, "answer"),
        ("what's my balance in savings", {}, "task"),
        ("what's my balance in savings", {"sure": 0.65}, "answer"),
        ("transfer", {}, "answer"),
        ("cancel", {}, "cancel"),
        ("please cancel all this", {"sure": 0.65}, "cancel"),
        ("bye now", {"sure": 0.65}, "unclear"),
        ("start over", {}, "start_over"),
    ],
)
def test_with_a_confirmation_asked(asked, text, more, kind):
    assert meant(asked, text, **more).kind == kind


def test_a_story_is_taken_as_it_is(pack):
    bot = Bot(pack)
    bot.says("i was scammed")
    bot.identifies()
    meaning = meant(bot, "they took my card and made a transfer of 300 dollars")
    assert meaning.kind == "answer"
    assert (
        meaning.assignments[0].slot.value == "they took my card and made a transfer of 300 dollars"
    )
    assert meant(bot, "cancel").kind == "cancel"
    assert meant(bot, "how do i get a fee back?").kind == "question"


def test_a_bare_answer_is_one_whatever_a_model_takes_it_for(pack):
    bot = Bot(pack)
    bot.says("i need an appointment")
    bot.says("downtown")
    assert meant(bot, "a loan", 0.95, intent="question").kind == "answer"
    assert meant(bot, "how do i apply for a loan", 0.95, intent="question").kind == "question"


def test_the_intent_asked_about_said_again_is_a_yes(pack):
    bot = Bot(pack)
    bot.says("hm transfer", 0.4)
    assert bot.state.question.kind == "intent"
    assert meant(bot, "yes transfer", 0.95).kind == "yes"
    assert bot.state.flow_and_step == ("", "transfer_money")


def test_what_to_change_must_be_one_of_the_parts(asked):
    asked.says("no")
    assert meant(asked, "the amount please").intent == "amount"
    assert meant(asked, "zzz qqq", 0.1).kind == "unclear"
    assert asked.state.flow_and_step == ("transfer_money", "change")


def test_a_phrase_of_the_menu_is_enough_although_misheard(pack):
    bot = Bot(pack, "call")
    bot.says("blah", 0.1)
    bot.says("blah", 0.1)
    assert bot.last.expectation.kind == "choice"
    assert "transfer money" in bot.last.expectation.choices
    meaning = meant(bot, "transfur monny", 0.1)
    assert (meaning.kind, meaning.intent) == ("task", "transfer_money")
    assert meant(bot, "talk to person", 0.1).kind == "person"
