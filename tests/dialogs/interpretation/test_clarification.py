"""Two or three things are likely: which one is asked once, and any plain answer counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot

PACK = bank_pack()
PAIR = ("transfer_money", "pay_bill")
ASKABLE = [name for name, intent in PACK.intents.items() if intent.about]


def asked(pack, possible=PAIR, text="something with ten dollars", sure=0.4, channel="chat"):
    bot = Bot(pack, channel)
    bot.says(text, sure, possible=possible)
    assert bot.state.question.kind == "which"
    return bot


def test_the_question_is_closed_and_can_be_clicked(pack):
    bot = asked(pack)
    assert bot.text == "Is it about a transfer between your accounts or paying a bill?"
    assert bot.last.expectation.kind == "choice"
    assert "paying a bill" in bot.last.expectation.choices
    assert bot.last.replies[-1].suggestions == ("Transfer money", "Pay a bill", "Neither")
    three = asked(pack, ("check_balance", *PAIR))
    assert "an account, a transfer between your accounts or paying" in three.text


@pytest.mark.parametrize(
    ("answer", "flow"),
    [
        ("the first one", "transfer_money"),
        ("second", "pay_bill"),
        ("the latter", "pay_bill"),
        ("number two", "pay_bill"),
        ("2", "pay_bill"),
        ("transfer", "transfer_money"),
        ("the bill please", "pay_bill"),
        ("a tranfser", "transfer_money"),
        ("Pay a bill", "pay_bill"),
        ("not the transfer", "pay_bill"),
        ("yes the bill", "pay_bill"),
    ],
)
def test_any_plain_answer_picks(pack, answer, flow):
    bot = asked(pack)
    bot.says(answer, 0.2)
    assert bot.state.tasks[0].flow == flow


def test_what_was_said_first_is_kept(pack):
    bot = asked(pack)
    bot.says("a transfer from checking to savings", 0.9)
    bot.identifies()
    assert "$10.00 from checking to savings" in bot.text
    assert bot.state.customer_requests[0].text == "something with ten dollars"
    assert bot.state.customer_requests[0].turn == 1


def test_neither_shows_what_there_is(pack):
    for answer in ("neither", "no", "none of them"):
        assert "You can choose: " in asked(pack).says(answer)


def test_both_is_one_after_the_other(pack):
    bot = asked(pack, ("branch_hours", "order_checks"))
    assert "your check order" in bot.says("both")
    bot.says("downtown")
    said = bot.bank(opens="09:00", closes="17:00", address="12 Main Street")
    assert "your check order" in said
    assert [task.flow for task in bot.state.tasks] == ["order_checks", "verify"]


def test_a_request_of_its_own_wins(pack):
    bot = asked(pack)
    bot.says("actually i forgot my password for the online thing")
    assert bot.state.tasks[0].flow == "reset_password"


def test_yes_to_two_things_is_asked_once_more_and_then_the_menu(pack):
    bot = asked(pack)
    assert "Which one is it" in bot.says("yes")
    assert "You can choose: " in bot.says("yes")


def test_silence_repeats_the_choice(pack):
    bot = asked(pack, channel="call")
    assert "Which one is it" in bot.nothing()


def test_it_is_not_asked_forever(pack):
    bot = asked(pack)
    bot.says("blub", 0.1, possible=PAIR)
    assert bot.state.question.kind != "which"
    assert bot.state.misses == 1


def test_a_person_may_be_one_of_the_two(pack):
    bot = asked(pack, ("talk_to_person", "reset_password"))
    bot.says("the first")
    assert bot.escalations[0].rule == "explicit_request"
    both = asked(pack, ("reset_password", "talk_to_person"))
    both.says("both")
    assert "Asked for too" in both.escalations[0].summary


def test_a_risk_that_was_picked_is_certain(pack):
    bot = asked(pack, ("dispute_charge", "report_fraud"))
    assert bot.escalations == []
    bot.says("fraud", 0.3)
    assert bot.escalations[0].rule == "risky_intent"


def test_a_question_the_documents_answer_needs_no_choice(pack):
    bot = Bot(pack)
    text = "what is the minimum age for the light green account"
    assert "13" in bot.says(text, 0.2, intent="inform", possible=("question", "check_balance"))
    other = asked(pack, ("question", "check_balance"), text="light green account age")
    assert "13" in other.says("how it works")


@pytest.mark.parametrize(
    "possible",
    [
        (),
        ("transfer_money",),
        ("transfer_money", "greeting", "inform"),
        ("transfer_money", "pay_bill", "order_checks", "check_balance"),
        ("transfer_money", "unknown to the pack"),
    ],
)
def test_one_or_many_are_no_choice(pack, possible):
    bot = Bot(pack)
    said = bot.says("i would transfer some", 0.4, possible=possible)
    assert said.startswith("Do you want to transfer money")


def test_who_is_sure_is_not_asked(pack):
    bot = Bot(pack)
    bot.says("transfer money", 0.9, possible=PAIR)
    assert bot.state.tasks[0].flow == "transfer_money"


def test_in_the_middle_of_a_task_an_odd_answer_is_no_reason_to_leave_it(pack):
    bot = Bot(pack)
    bot.says("balance")
    bot.identifies()
    bot.says("blub", 0.1, possible=PAIR)
    assert bot.state.question.kind == "slot"
    bot.says("perhaps a bill", 0.5, possible=("pay_bill", "order_checks"))
    assert bot.state.question.kind == "which"
    assert "Which account" in bot.says("neither")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(ASKABLE), min_size=2, max_size=3, unique=True),
    st.sampled_from(["first", "second", "last", "both", "neither", "yes", "hm", "the card"]),
    st.sampled_from(["chat", "call"]),
)
def test_every_answer_leads_somewhere(options, answer, channel):
    bot = asked(PACK, tuple(options), channel=channel)
    bot.says(answer, 0.2)
    assert bot.last.replies or bot.last.action_call


def test_outside_only_for_want_of_a_likely_intent_is_asked_about(pack):
    bot = Bot(pack, "chat")
    bot.says("i need help with my account", 0.7, intent="out_of_scope", possible=PAIR)
    assert bot.state.question.kind == "which"
    truly = Bot(pack, "chat")
    truly.says("what is the weather", 0.7, intent="out_of_scope", possible=("out_of_scope", *PAIR))
    assert truly.state.question.kind != "which"


def test_a_likely_task_in_a_doubtful_transcript_is_chosen_from_too(pack):
    bot = Bot(pack, "call")
    bot.says("transfer the bill", 0.8, intent="transfer_money", possible=PAIR, heard=0.45)
    assert bot.state.question.kind == "which"
