"""What a person who took over is proposed to say, with the real pack."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.agent_assist import MAX_SUGGESTIONS, suggest_replies
from dialogs.pack.model import Pack
from dialogs.values import FurtherRequest, Turn
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY, WORDS, Bot, understood

PACK = bank_pack()
TRANSFER = "transfer 50 dollars from checking to savings"
FEE = "what is the monthly fee of the checking account"


def told_a_person(bot: Bot, text: str, **more: object):
    """What is proposed when the customer says this to a person, to whom the bot listens only."""
    bot.turn += 1
    heard = understood(bot.pack, text, bot.last.expectation, **more)
    turn = Turn(bot.turn, "customer", float(bot.turn), heard)
    bot.talk = replace(bot.talk, turns=(*bot.talk.turns, turn))
    return suggest_replies(bot.pack, bot.state, bot.talk, TODAY)


def with_a_person(pack: Pack, *said: str) -> Bot:
    bot = Bot(pack)
    for text in said:
        bot.says(text)
    bot.says("agent")
    return bot


def test_what_the_documents_say_to_a_question(pack):
    found = told_a_person(with_a_person(pack), FEE)
    assert found
    answer = pack.knowledge.find_answer(FEE)
    assert found[0].text == answer.text
    assert answer.source.title in found[0].why


def test_both_questions_of_a_turn_are_answered(pack):
    other = "how do i order a replacement card"
    also = (FurtherRequest(other, "question", 0.9),)
    found = told_a_person(with_a_person(pack), FEE, also=also)
    assert [one.text for one in found[:2]] == [
        pack.knowledge.find_answer(FEE).text,
        pack.knowledge.find_answer(other).text,
    ]


def test_what_would_be_asked_next_for_what_is_in_progress(pack):
    bot = with_a_person(pack, "transfer money from checking to savings")
    (next,) = suggest_replies(pack, bot.state, bot.talk, TODAY)
    assert "how much" in next.text.lower()
    assert "transfer" in next.why


def test_what_the_customer_tells_the_person_is_taken_into_account(pack):
    bot = with_a_person(pack, "transfer money from checking to savings")
    before = bot.state
    (next,) = told_a_person(bot, "50 dollars")
    assert "$50.00" in next.text
    assert bot.state == before


def test_a_question_fills_nothing_in(pack):
    bot = with_a_person(pack, TRANSFER)
    said = [one.text for one in told_a_person(bot, FEE) if "transfer" in one.why]
    assert said == [one.text for one in suggest_replies(pack, bot.state, bot.talk, TODAY)][-1:]
    assert "$50.00" in said[0]


def test_what_is_asked_for_while_a_person_is_there_is_begun_in_the_proposal(pack):
    bot = with_a_person(pack)
    found = told_a_person(bot, "i want to transfer money to savings")
    assert any("account" in one.text.lower() for one in found)
    assert not bot.state.tasks


@pytest.mark.parametrize("text", ["thank you", "hello", "flurble", "i want a person"])
def test_nothing_is_proposed_when_nothing_fits(pack, text):
    assert told_a_person(with_a_person(pack), text) == ()


def test_nobody_is_proposed_to_ask_for_a_secret(pack):
    for said in (TRANSFER, "what is my balance", "reset my password", "replace my card"):
        bot = with_a_person(pack, said)
        for one in suggest_replies(pack, bot.state, bot.talk, TODAY):
            assert "passcode" not in one.text.lower()
            assert "pin" not in one.text.lower().split()


def test_while_the_bank_is_at_work_there_is_nothing_to_ask(pack):
    bot = Bot(pack)
    bot.says(TRANSFER)
    bot.says("100421")
    bot.says("4471")
    assert bot.state.pending_action
    assert suggest_replies(pack, bot.state, bot.talk, TODAY) == ()


words = st.sampled_from([word for _, all in WORDS for word in all] + ["50", "savings", "yes", "no"])


@given(st.lists(st.lists(words, max_size=5).map(" ".join), max_size=4))
def test_any_conversation_has_at_most_a_few_each_once_and_changes_nothing(said):
    bot = Bot(PACK)
    for text in said:
        if not bot.state.is_over:
            bot.says(text)
    before = bot.state
    found = suggest_replies(PACK, bot.state, bot.talk, TODAY)
    assert bot.state == before
    assert len(found) == len(set(found)) <= MAX_SUGGESTIONS
    assert all(one.text and one.why for one in found)
