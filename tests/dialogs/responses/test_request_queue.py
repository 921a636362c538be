"""Several things asked for at once: each is met, once, in the order said, or its end is told."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.responses.request_queue import MAX_DEFERRED_REQUESTS
from dialogs.values import FurtherRequest
from tests.support.packs import bank_pack
from tests.support.scripted_mind import Bot, understood

PACK = bank_pack()
WHO = {"customer": "100421", "customer_name": "Patricia Miller", "tier": "standard"}
GIVEN = {**WHO, "balance": "5.00", "arrives": "2026-12-01", "last_four": "4021",
         "reference": "7", "sent_to": "p", "opens": "09:00", "closes": "17:00",
         "address": "Main"}  # fmt: skip


def request(text: str, sure: float = 0.9) -> FurtherRequest:
    what = understood(PACK, text)
    return FurtherRequest(text, what.intent, sure, what.slots)


def asks(bot: Bot, *parts: str, sure: float = 0.9) -> str:
    """Everything in one breath: the first part as the mind understands it, the others beside."""
    first = request(parts[0])
    also = tuple(request(part, sure) for part in parts[1:])
    text = " and ".join(parts)
    return bot.says(text, intent=first.intent, slots=first.slots, also=also)


def test_the_second_is_taken_up_when_the_first_is_done(pack):
    bot = Bot(pack)
    said = asks(bot, "i lost my debit card", "what's my balance in savings")
    assert said.startswith("One after the other: your balance comes right after this.")
    bot.identifies()
    bot.says("yes")
    assert "blocked" in bot.bank(last_four="4021")
    said = bot.says("no thanks")
    assert "your balance:" in said
    assert "anything else" not in said
    assert bot.calls[-1].name == "balance"
    assert bot.calls[-1].arguments["account"] == "savings"
    assert "anything else" in bot.bank(balance="5200.00") or "help you with" in bot.text


def test_a_question_beside_a_task_is_answered(pack):
    bot = Bot(pack)
    asks(bot, "i forgot my password", "what is the minimum age for the light green account")
    bot.identifies()
    bot.says("yes")
    said = bot.bank(sent_to="p***@example.com")
    assert "question:" in said
    assert "13" in said


def test_a_task_after_a_question_begins_in_the_same_turn(pack):
    bot = Bot(pack)
    said = asks(bot, "what is the minimum age for the light green account", "balance of savings")
    assert "13" in said
    assert "your balance: First I need" in said
    assert "right after" not in said


def test_a_greeting_first_keeps_nobody_waiting(pack):
    bot = Bot(pack)
    said = asks(bot, "hello", "balance of savings")
    assert "customer number" in said


def test_two_of_the_same_with_different_values_are_two(pack):
    bot = Bot(pack)
    asks(bot, "balance of savings", "balance of checking")
    bot.identifies()
    assert "your balance" in bot.bank(balance="1.00")
    assert [call.arguments.get("account") for call in bot.calls[1:]] == ["savings", "checking"]


def test_the_same_said_twice_is_one(pack):
    bot = Bot(pack)
    asks(bot, "check my balance", "balance of savings")
    assert bot.state.further_requests == ()
    bot.identifies()
    assert bot.calls[-1].arguments["account"] == "savings"


def test_asked_for_again_it_is_begun_once_with_what_was_said_before(pack):
    bot = Bot(pack)
    asks(bot, "i forgot my password", "balance of savings")
    bot.identifies()
    bot.says("what's my balance please")
    assert bot.calls[-1].arguments["account"] == "savings"
    assert bot.state.further_requests == ()


def test_declined_is_not_the_end_of_the_other(pack):
    bot = Bot(pack)
    asks(bot, "i forgot my password", "balance of savings")
    bot.identifies()
    assert "stopped your password reset" in bot.says("no")
    assert bot.calls[-1].name == "balance"


def test_cancel_drops_the_rest_and_says_so(pack):
    bot = Bot(pack)
    asks(bot, "i forgot my password", "balance of savings")
    said = bot.says("cancel")
    assert "stopped your password reset" in said
    assert "let go of your balance" in said
    assert bot.state.further_requests == ()


def test_goodbye_says_what_was_not_done(pack):
    bot = Bot(pack)
    asks(bot, "i forgot my password", "balance of savings")
    said = bot.says("bye")
    assert "didn't get to your balance" in said
    assert "haven't finished your password reset" in said


def test_taken_back_in_the_same_breath(pack):
    bot = Bot(pack)
    asks(bot, "balance of savings", "never mind", "what are your hours downtown")
    assert bot.calls[-1].name == "branch_hours"
    assert bot.state.tasks[-1].flow == "branch_hours"


def test_a_person_asked_for_beside_something_else_comes_at_once(pack):
    bot = Bot(pack)
    said = asks(bot, "move fifty dollars to savings", "order checks", "get me an agent")
    assert "colleague" in said
    (escalation,) = bot.escalations
    assert escalation.rule == "explicit_request"
    assert [e.term for e in escalation.evidence] == ["baseline", "asked_for_person"]
    assert 'Asked for too, not begun: "order checks" (turn 1)' in escalation.summary
    assert "In progress: transfer" in escalation.summary


def test_who_waits_for_a_person_is_not_kept_busy_and_is_asked_afterwards(pack):
    bot = Bot(pack)
    asks(bot, "get me an agent", "order checks")
    assert len(bot.escalations) == 1
    assert bot.state.tasks == ()
    said = bot.returns()
    assert "Do you want to order checks?" in said
    assert bot.says("no")
    assert bot.state.further_requests == ()


def test_fraud_beside_something_else_is_not_left_for_later(pack):
    bot = Bot(pack)
    asks(bot, "what are your hours downtown", "i was scammed")
    (escalation,) = bot.escalations
    assert (escalation.rule, escalation.urgency) == ("risky_intent", "high")
    assert "right after" not in bot.text, "promised, and then left to the person"
    bot.bank(opens="09:00", closes="17:00", address="12 Main Street")
    assert bot.state.tasks[0].flow == "report_fraud"
    assert len(bot.escalations) == 1


def test_what_was_hardly_understood_is_asked_about_or_left_out(pack):
    bot = Bot(pack)
    asks(bot, "balance of savings", "order checks", sure=0.45)
    bot.identifies()
    assert "Do you want to order checks?" in bot.bank(balance="1.00")
    other = Bot(pack)
    asks(other, "balance of savings", "order checks", sure=0.2)
    assert other.state.further_requests == ()


def test_more_about_the_task_in_hand_belongs_to_it(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars")
    bot.identifies()
    asks(bot, "from checking", "transfer it to savings")
    assert bot.state.further_requests == ()
    assert "from checking to savings" in bot.text


def test_an_answer_and_a_request(pack):
    bot = Bot(pack)
    bot.says("what's my balance")
    bot.identifies()
    asks(bot, "savings", "what are your hours downtown")
    assert bot.calls[-1].name == "balance"
    bot.bank(balance="1.00")
    assert bot.calls[-1].name == "branch_hours"


def test_what_happened_is_told_in_as_many_sentences_as_it_needs(pack):
    bot = Bot(pack)
    bot.says("i was scammed")
    bot.identifies()
    asks(bot, "they asked for my password", "then they wanted a transfer")
    assert bot.calls[-1].name == "report_fraud"
    assert bot.state.further_requests == ()


def test_words_that_mean_nothing_before_a_request_do_not_hide_it(pack):
    bot = Bot(pack)
    also = (request("balance of savings"),)
    bot.says("so anyway like balance of savings", 0.1, also=also)
    assert "customer number" in bot.text


def test_said_while_the_bank_is_at_work(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.says("100421")
    bot.says("4471")
    asks(bot, "thank you", "what are your hours downtown", "order checks")
    bot.bank(**WHO)
    bot.bank(balance="1.00")
    assert bot.calls[-1].name == "branch_hours"
    assert "your check order" in bot.bank(opens="09:00", closes="17:00", address="Main")


def test_too_many_are_not_promised(pack):
    bot = Bot(pack)
    said = asks(bot, "balance of savings", "order checks", "i forgot my password",
                "what are your hours downtown", "an appointment", "pay a bill")  # fmt: skip
    assert len(bot.state.further_requests) == MAX_DEFERRED_REQUESTS
    assert "ask again for your bill payment" in said


def test_no_secret_is_told_with_what_waits(pack):
    bot = Bot(pack)
    asks(bot, "get me an agent", "order checks, my passcode is 4471")
    assert "4471" not in bot.escalations[0].summary


def test_goodbye_with_one_more_thing_is_no_goodbye(pack):
    bot = Bot(pack)
    said = asks(bot, "bye", "what are your hours downtown")
    assert not bot.last.ends_session
    assert "your branch hours" in said
    assert bot.calls[-1].name == "branch_hours"


def test_goodbye_at_the_end_waits_for_what_was_asked_before_it(pack):
    bot = Bot(pack)
    asks(bot, "what are your hours downtown", "bye")
    assert not bot.last.ends_session
    bot.bank(opens="09:00", closes="17:00", address="12 Main Street")
    assert bot.last.ends_session


def test_what_the_pack_does_not_know_is_left_out(pack):
    bot = Bot(pack)
    also = (FurtherRequest("sing me a song", "sing", 0.99), FurtherRequest("hi", "greeting", 0.99))
    bot.says("balance of savings", also=also)
    assert bot.state.further_requests == ()


def test_one_sentence_the_pack_knows_is_one_request(pack):
    bot = Bot(pack)
    bot.says("in the app, password reset", also=(request("password reset"),))
    whole = next(e for e in pack.intents["check_balance"].examples if "paycheck" in e)
    bot = Bot(pack)
    bot.says(whole, also=(request("order checks"),))
    assert bot.state.further_requests == ()


TASKS = ["balance of savings", "order checks", "i forgot my password", "pay my water bill",
         "what are your hours downtown", "i need an appointment",
         "i want to dispute a charge"]  # fmt: skip
ANSWERS = ["yes", "no", "100421", "4471", "checking", "debit", "two boxes", "tomorrow", "ten",
           "downtown", "blub", "ada lovelace", "pulse gym", "a loan"]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(TASKS), min_size=2, max_size=5, unique=True),
    st.lists(st.sampled_from(ANSWERS), max_size=30),
)
def test_nothing_wanted_is_lost_and_each_is_begun_once(parts, answers):
    bot = Bot(PACK)
    begun: list[str] = []

    def look() -> None:
        flows = [task.flow for task in bot.state.tasks if task.flow != PACK.verification_flow]
        if flows and (not begun or flows[-1] not in begun):
            begun.append(flows[-1])

    asks(bot, *parts)
    look()
    for answer in answers:
        if bot.last.action_call is not None:
            bot.bank(**GIVEN)
            look()
        if bot.state.is_over or bot.state.waiting_for_person:
            return
        bot.says(answer, 0.1 if answer == "blub" else 0.95)
        look()
        waiting = [PACK.intents[w.understanding.intent].flow for w in bot.state.further_requests]
        assert len(waiting) <= MAX_DEFERRED_REQUESTS
        assert not set(waiting) & set(begun), "begun, and still waiting"
    wanted = [PACK.intents[request(part).intent].flow for part in parts]
    done = {task.flow for task in bot.state.tasks}
    waiting = [PACK.intents[w.understanding.intent].flow for w in bot.state.further_requests]
    assert sorted(begun) == sorted(set(begun))
    if not bot.state.is_over:
        assert set(wanted) == set(begun) | set(waiting) | (done & set(wanted))


@pytest.mark.parametrize("channel", ["voice", "call"])
def test_aloud_there_is_no_colon_to_trip_over(pack, channel):
    bot = Bot(pack, channel)
    said = asks(bot, "what is the minimum age for the light green account", "balance of savings")
    assert "your balance. First I need" in said
