"""A request is begun only where its words ask for it, not where they stand under something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.interpretation.polarity import request_scope, topic_of
from dialogs.interpretation.undo_requests import names_undoing
from dialogs.values import FurtherRequest
from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot

PACK = bank_pack()
CASES = {
    "negated": [
        ("report_lost_card", "don't you dare block my card"),
        ("talk_to_person", "i would rather not speak with a representative"),
        ("talk_to_person", "do not under any circumstances transfer me to a human"),
        ("talk_to_person", "i do not want to talk to an agent"),
        ("talk_to_person", "don't transfer me to an agent"),
        ("talk_to_person", "no agent please"),
        ("talk_to_person", "i don't need a person for this"),
        ("talk_to_person", "please not another agent"),
        ("talk_to_person", "i'd like to do this without an agent"),
        ("report_lost_card", "don't block my card, i found it again"),
        ("report_lost_card", "my card is not lost"),
        ("report_lost_card", "my card was not stolen i was wrong"),
        ("report_lost_card", "i did not lose my card"),
        ("report_lost_card", "please do not freeze my debit card"),
        ("report_lost_card", "nothing was stolen"),
        ("report_lost_card", "no need to block the card"),
        ("report_fraud", "this is not fraud, it was me"),
        ("report_fraud", "i don't think it's fraud"),
        ("report_fraud", "there is no fraud"),
        ("report_fraud", "i have not been hacked"),
        ("report_fraud", "it wasn't a scam after all"),
        ("transfer_money", "i don't want to transfer anything"),
        ("transfer_money", "do not transfer the money"),
        ("pay_bill", "i do not want to pay this bill"),
        ("pay_bill", "don't pay the electric bill yet"),
        ("schedule_appointment", "don't cancel my appointment"),
    ],
    "reported": [
        ("transfer_money", "my wife said transfer two hundred to savings"),
        ("report_lost_card", "the letter says my card is blocked"),
        ("pay_bill", "she told me to pay the electric bill"),
        ("report_fraud", 'he said "there is fraud on your account"'),
    ],
    "conditional": [
        ("report_lost_card", "if i block my card, what happens"),
        ("report_lost_card", "what happens if my card gets stolen"),
        ("transfer_money", "if i transfer money to savings do i pay a fee"),
        ("report_fraud", "i don't know if this is fraud"),
    ],
    "asserted": [
        ("talk_to_person", "if you can't help me i want an agent"),
        ("talk_to_person", "i don't want to talk to a machine"),
        ("talk_to_person", "i do not want to talk to a robot give me an agent"),
        ("talk_to_person", "i don't want to wait any longer, get me a human"),
        ("talk_to_person", "no, i want an agent"),
        ("talk_to_person", "no i want to speak to a representative"),
        ("talk_to_person", "you are not helping me i want a person"),
        ("talk_to_person", "isn't there an agent i can speak to"),
        ("talk_to_person", "why don't you connect me with an agent"),
        ("talk_to_person", "nobody helps me give me an agent"),
        ("report_lost_card", "i can't find my credit card anywhere"),
        ("report_lost_card", "i don't have my card, it was stolen"),
        ("report_lost_card", "my card was stolen and i didn't notice"),
        ("report_lost_card", "cancel my stolen card"),
        ("report_lost_card", "please stop my card it's been stolen"),
        ("report_lost_card", "don't let anyone use my card, block it"),
        ("report_lost_card", "i lost my card and i don't know what to do"),
        ("report_lost_card", "can you block my card if possible"),
        ("report_lost_card", "don't you see, my card was stolen"),
        ("report_fraud", "there are transactions i never made"),
        ("report_fraud", "i didn't authorize this, i think it's fraud"),
        ("report_fraud", "there is money leaving my account and it isn't me, fraud"),
        ("report_fraud", "i was scammed, don't ask me how"),
        ("dispute_charge", "i don't recognise this charge"),
        ("dispute_charge", "i did not make this charge"),
        ("dispute_charge", "i never authorised this charge"),
        ("dispute_charge", "this charge is not mine"),
        ("dispute_charge", "reverse a charge please"),
        ("dispute_charge", "i cancelled my subscription but they charged me"),
        ("transfer_money", "move 500 from savings to checking"),
        ("transfer_money", "transfer 50 to savings if you can"),
        ("transfer_money", "don't pay the bill, transfer 50 to savings instead"),
        ("pay_bill", "pay city water 40 not 50"),
        ("pay_bill", "do not forget to pay my water bill"),
        ("pay_bill", "i can't pay my bill online, please pay it"),
        ("schedule_appointment", "i need an appointment, i can't come on monday"),
        ("schedule_appointment", "make an appointment for friday"),
        ("order_checks", "i have no more checks, order some"),
        ("reset_password", "the app won't take my password"),
        ("reset_password", "i don't remember my password"),
        ("replace_card", "my card does not work anymore i need a replacement"),
    ],
    "cancelled": [
        ("report_lost_card", "please unblock my card"),
        ("schedule_appointment", "my appointment at downtown, i have to cancel it"),
        ("schedule_appointment", "cancel my appointment tomorrow"),
        ("schedule_appointment", "i need to cancel the appointment i have on friday"),
        ("schedule_appointment", "i can't make my appointment tomorrow"),
        ("pay_bill", "please stop the payment to city water"),
        ("pay_bill", "stop the bill payment"),
        ("transfer_money", "cancel the transfer i just made"),
        ("transfer_money", "i want to cancel my transfer"),
        ("dispute_charge", "i want to withdraw my dispute"),
        ("order_checks", "cancel my check order"),
        ("replace_card", "cancel the replacement card"),
    ],
    "changed": [
        ("schedule_appointment", "move my appointment to friday"),
        ("schedule_appointment", "can i reschedule my appointment"),
        ("transfer_money", "change my transfer to tomorrow"),
    ],
}
DEVICES_THAT_SAY = {"the shop says my card is broken how do i get a fresh one"}


@pytest.mark.parametrize("scope", CASES)
def test_the_scope_of_a_request(scope):
    read = {text: request_scope(PACK, text, intent) for intent, text in CASES[scope]}
    assert {text: got for text, got in read.items() if got != scope} == {}


def test_what_the_pack_has_as_examples_is_asked_for():
    tasks = [intent for intent in PACK.intents.values() if intent.kind == "task"]
    read = {e: request_scope(PACK, e, one.name) for one in tasks for e in one.examples}
    assert {e for e, scope in read.items() if scope != "asserted"} <= DEVICES_THAT_SAY


@pytest.mark.parametrize(
    ("text", "is_undo"),
    [
        ("undo that", True),
        ("can that still be undone", True), ("please reverse the transfer", True),
        ("send it back", True),
        ("cancel the payment i just made", True), ("stop it", False), ("don't undo that", False),
        ("how do i reverse a charge", False), ("cancel my appointment", False),
    ],
)  # fmt: skip
def test_undoing_is_asked_for_by_name(text, is_undo):
    assert names_undoing(text) is is_undo


def test_what_a_text_is_about():
    assert topic_of(PACK, "the transfer from yesterday") == {"transfer_money"}
    assert topic_of(PACK, "hello") == frozenset()


@given(st.text(max_size=80), st.sampled_from(sorted(PACK.intents)))
def test_any_text_has_a_scope(text, intent):
    assert request_scope(PACK, text, intent)


@pytest.mark.parametrize(
    "text",
    [
        "i do not want to talk to an agent", "this is not fraud, it was me",
        "my wife said there is fraud on the account", "if it is fraud what do you do",
    ],
)  # fmt: skip
def test_nobody_is_called_for_what_is_not_asked_for(text):
    bot = Bot(PACK)
    bot.says(text, 0.99)
    assert bot.escalations == []
    assert bot.state.tasks == ()


def test_what_exists_is_cancelled_and_no_other_is_made():
    bot = Bot(PACK)
    bot.says("please cancel my appointment tomorrow")
    bot.identifies()
    assert bot.calls[-1].name == "find_appointment"
    said = bot.bank(reference="20002", appointment_branch="Downtown", appointment_time="10:00")
    assert "an appointment at Downtown tomorrow at 10:00 AM. Shall I cancel it?" in said
    bot.says("yes")
    assert bot.last.action_call.name == "cancel_appointment"


def test_a_payment_is_stopped_and_none_is_begun():
    bot = Bot(PACK)
    bot.says("please stop the payment to city water")
    bot.identifies()
    assert (bot.calls[-1].name, bot.calls[-1].arguments["payee"]) == ("find_payment", "City Water")
    said = bot.bank(ok=False, reason="not_found")
    assert "don't see a payment to City Water" in said
    assert bot.last.expectation.kind == "yes_no"


def test_what_cannot_be_changed_is_said_and_a_person_is_offered():
    bot = Bot(PACK)
    said = bot.says("move my appointment to friday", intent="schedule_appointment")
    assert "can't change" in said
    assert bot.state.tasks == ()
    assert bot.state.question.kind == "person"


@pytest.mark.parametrize(
    "text", ["don't block my card, i found it again", "please do not freeze my debit card"]
)
def test_a_task_that_is_taken_back_ends(text):
    bot = Bot(PACK)
    bot.says("i lost my debit card")
    bot.identifies()
    said = bot.says(text, intent="report_lost_card")
    assert "stopped your card report" in said
    assert bot.state.tasks == ()


def test_a_report_of_fraud_is_taken_back_at_the_open_question():
    bot = Bot(PACK)
    bot.says("i was scammed")
    bot.identifies()
    assert "stopped your fraud report" in bot.says("this is not fraud, it was me")
    assert bot.calls[-1].name == "verify_customer"


@pytest.mark.parametrize(
    "text",
    [
        "don't you dare put me through to an agent", "never again connect me to a person please",
        "no more agents please", "stop sending me to a representative",
        "i'm fed up with being passed to agents", "anything but another human agent",
        "the last thing i want is an agent", "under no circumstances hand me to a person",
        "quit transferring me to your people", "i refuse to speak to a manager",
        "don't make me talk to a person", "sick and tired of talking to people",
    ],
)  # fmt: skip
def test_a_person_who_is_turned_away_is_not_called_and_the_request_beside_is_begun(text):
    bot = Bot(PACK)
    bot.says(f"{text}, what's my savings balance", 0.99, intent="talk_to_person")
    assert bot.escalations == []
    assert bot.state.tasks[0].flow == "check_balance"


def test_a_person_who_is_turned_away_beside_a_request_is_not_called():
    also = (FurtherRequest("no more agents", "talk_to_person", 0.99),)
    bot = Bot(PACK)
    bot.says("tell me my savings balance, no more agents", intent="check_balance", also=also)
    assert bot.escalations == []
    assert [task.flow for task in bot.state.tasks][:1] == ["check_balance"]


@pytest.mark.parametrize(
    "text",
    [
        "enough of this, get me a person", "i'm tired of this bot, give me a human",
        "don't you dare hang up, get me an agent", "anything but this bot, connect me to a person",
        "i am sick of waiting for a person", "you never let me talk to a person",
        "no more robot talk, agent", "stop wasting my time and put me through to an agent",
        "i'm fed up with asking for a representative", "you refuse to connect me to an agent",
    ],
)  # fmt: skip
def test_a_person_who_is_wanted_in_anger_is_called(text):
    assert request_scope(PACK, text, "talk_to_person") == "asserted"


@pytest.mark.parametrize(
    ("text", "flow"),
    [
        ("i dont want to wait any longer, pay city water 30 dollars", "pay_bill"),
        ("no time for chat, what's my balance", "check_balance"),
        ("i don't have my card here, what's my balance", "check_balance"),
        ("not happy with you, but move 50 from savings to checking", "transfer_money"),
        ("no rush, book me an appointment on friday", "schedule_appointment"),
        ("no card needed, reset my password", "reset_password"),
    ],
)
def test_a_refusal_reaches_only_its_own_clause(text, flow):
    bot = Bot(PACK)
    bot.says(text, intent="deny")
    assert bot.state.tasks[0].flow == flow


@pytest.mark.parametrize(
    "text",
    [
        "no thanks", "no, i don't need anything", "no thanks, i will pay the bill myself",
        "no that's all, my balance is fine", "no i do not want to transfer anything",
        "nothing about my balance", "no bill to pay today",
    ],
)  # fmt: skip
def test_a_refusal_without_a_request_begins_nothing(text):
    bot = Bot(PACK)
    bot.says(text, intent="deny")
    assert bot.state.tasks == ()
