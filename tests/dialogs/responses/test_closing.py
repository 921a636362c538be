"""When a conversation ends, and when it must not."""

from __future__ import annotations

import pytest

from tests.support.scripted_mind import Bot


def asked_for_more(pack) -> Bot:
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.identifies()
    bot.bank(balance="1.00")
    assert bot.state.question.kind == "more"
    return bot


@pytest.mark.parametrize("said", ["humna pls", "mbye street", "whatever", "goodness", "later"])
def test_what_only_a_model_takes_for_a_goodbye_ends_nothing(pack, said):
    bot = Bot(pack)
    assert bot.says(said, 0.99, intent="goodbye")
    assert not bot.last.ends_session
    assert bot.state.misses == 1


@pytest.mark.parametrize("intent", ["goodbye", "inform", "out_of_scope", "thanks"])
def test_a_goodbye_ends_it_whatever_the_model_says(pack, intent):
    bot = Bot(pack)
    assert "oodbye" in bot.says("thank you, bye", 0.5, intent=intent) or "day" in bot.text
    assert bot.last.ends_session


def test_a_goodbye_in_a_task_names_what_is_unfinished(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    assert "haven't finished your transfer" in bot.says("gotta go, bye", 0.4)
    assert bot.last.ends_session


@pytest.mark.parametrize("said", ["that's all", "i'm done", "nothing else"])
def test_the_end_of_a_list_is_no_goodbye_in_a_task(pack, said):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.says(said, 0.95, intent="goodbye")
    assert not bot.last.ends_session
    assert bot.state.tasks


@pytest.mark.parametrize("said", ["no", "no thanks", "nope that's all", "nah, I'm good"])
def test_a_plain_no_to_anything_else_ends_it(pack, said):
    bot = asked_for_more(pack)
    bot.says(said, 0.9, intent="deny")
    assert bot.last.ends_session


@pytest.mark.parametrize(
    "said", ["no wait i changed my mind", "no, my card is gone", "no i meant checking", "not what"]
)
def test_a_no_that_goes_on_ends_nothing(pack, said):
    bot = asked_for_more(pack)
    assert bot.says(said, 0.9, intent="deny")
    assert not bot.last.ends_session


@pytest.mark.parametrize("said", ["that's all thanks", "nothing else", "i'm good thank you"])
def test_nothing_more_ends_it_however_it_is_labelled(pack, said):
    bot = asked_for_more(pack)
    bot.says(said, 0.9, intent="thanks")
    assert bot.last.ends_session


@pytest.mark.parametrize("channel", ["chat", "call"])
def test_no_to_any_other_question_ends_nothing(pack, channel):
    bot = Bot(pack, channel)
    for _ in range(12):
        bot.says("no", 0.95, intent="deny")
        assert not bot.last.ends_session


def test_a_goodbye_among_other_words_is_asked_about(pack):
    bot = Bot(pack)
    bot.says("well i guess that solves it so bye then", 0.95)
    assert bot.state.question.kind == "more"
    bot.says("no")
    assert bot.last.ends_session


def test_the_name_of_the_agent_is_no_other_word(pack):
    bot = Bot(pack)
    bot.says(f"goodbye {pack.agent_name}")
    assert bot.last.ends_session
