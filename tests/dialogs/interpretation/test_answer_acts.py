"""What answers a yes/no question: nothing happens on less than a whole-turn yes."""

from __future__ import annotations

import pytest

from audio.types import AcousticCues, Prosody
from tests.support.scripted_mind import Bot

CUES = AcousticCues({}, None, 0.2, Prosody(None, None, None, None, 0.1, 1.0), 1.0, 0.5)


@pytest.fixture
def asked(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    return bot


@pytest.mark.parametrize("text", ["oki doki loki", "fo shizzle", "my cousin agrees", "blue"])
def test_a_model_alone_moves_nothing(asked, text):
    said = asked.says(text, 0.99, intent="affirm")
    assert asked.last.action_call is None
    assert "$10.00" in said
    asked.says("yes")
    assert asked.last.action_call.name == "transfer"


def test_a_spoken_right_may_be_a_question(asked):
    assert "was that a yes" in asked.says("right", cues=CUES)
    assert asked.last.action_call is None
    asked.says("right")
    assert asked.last.action_call is not None, "typed it is none"


def test_a_moment_is_given_and_an_ok_after_it_is_no_yes(asked):
    said = asked.says("hang on, somebody is at the door")
    assert "$10.00" not in said
    assert asked.state.question.kind == "confirm"
    assert "$10.00" in asked.says("ok")
    assert asked.last.action_call is None
    asked.says("ok")
    assert asked.last.action_call is not None


def test_after_a_moment_an_answer_goes_on(asked):
    asked.says("one second")
    asked.says("yes please")
    assert asked.last.action_call.name == "transfer"


def test_after_a_moment_silence_asks_again_and_ends_later(pack):
    bot = Bot(pack, "call")
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("give me a minute")
    for _ in range(3):
        assert "10 dollars" in bot.nothing()
        assert not bot.last.ends_session


def test_a_moment_at_another_question_leaves_it_open(pack):
    bot = Bot(pack)
    bot.says("transfer money")
    assert bot.says("let me get my glasses")
    assert bot.last.expectation.kind == "digits"
    assert bot.state.tasks


@pytest.mark.parametrize("text", ["later", "not now", "yes, but not today", "maybe another time"])
def test_what_is_put_off_is_not_done_and_hangs_nothing_up(asked, text):
    said = asked.says(text, 0.95, intent="goodbye")
    assert "not now" in said
    assert not asked.last.ends_session
    assert asked.last.expectation.kind == "date"


def test_without_a_day_to_ask_for_it_is_left(pack):
    bot = Bot(pack)
    bot.says("order checks, two boxes")
    bot.identifies()
    bot.says("not now")
    assert bot.state.tasks == ()
    assert not bot.last.ends_session


@pytest.mark.parametrize("text", ["maybe", "i guess", "whatever"])
def test_hesitation_is_met_with_the_read_back(asked, text):
    assert "$10.00" in asked.says(text)
    assert asked.last.action_call is None


def test_a_picture_is_an_answer(asked):
    asked.says("\U0001f44d\U0001f3fd", intent="nothing_heard", heard=0.0)
    assert asked.last.action_call.consent.words == "\U0001f44d\U0001f3fd"


def test_a_yes_to_a_yes_no_slot_is_the_consent_to_what_depends_on_it(pack):
    bot = Bot(pack)
    bot.says("i lost my debit card")
    bot.identifies()
    bot.says("yes")
    bot.bank(last_four="4021")
    bot.says("maybe")
    assert bot.last.action_call is None
    bot.says("yes please")
    consent = bot.last.action_call.consent
    assert (bot.last.action_call.name, consent.words) == ("replace_card", "yes please")
    assert consent.read_back == "ask.wants_replacement"


def test_a_new_value_needs_a_new_yes(asked):
    asked.says("yes but make it sixty dollars")
    assert asked.last.action_call is None
    asked.says("yes")
    assert asked.last.action_call.arguments["amount"] == "60.00"
