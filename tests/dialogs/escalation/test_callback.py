"""Nobody comes, or somebody does: what the customer hears, and how the conversation goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.values import FurtherRequest
from tests.support.scripted_mind import Bot, understood

WHEN = "tomorrow at 8 AM"


def request(bot: Bot, text: str) -> FurtherRequest:
    """Something asked for beside something else."""
    what = understood(bot.pack, text)
    return FurtherRequest(text, what.intent, 0.9, what.slots)


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("closed", "We're back tomorrow at 8 AM."),
        ("nobody", "can't reach a colleague"),
        ("too_long", "still busy"),
    ],
)
def test_why_nobody_comes_and_the_number_of_the_call_back(pack, why, says):
    bot = Bot(pack)
    bot.says("agent")
    said = bot.unreached(why, "C-17", WHEN)
    assert says in said
    assert "We will call you back. Your number for that is C-17." in said
    assert bot.last.replies[-1].step == "more"
    assert not bot.state.waiting_for_person
    assert bot.state.promises[-1].text.endswith("C-17.")


def test_nothing_is_said_of_a_number_or_a_time_that_is_not_known(pack):
    bot = Bot(pack)
    bot.says("agent")
    said = bot.unreached("closed", "", "")
    assert "number" not in said
    assert "nobody is here to help right now." in said


def test_on_the_phone_a_number_is_read_sign_by_sign(pack):
    bot = Bot(pack, "call")
    bot.says("agent")
    assert "Your number for that is C 1 7." in bot.unreached("nobody", "C-17")


def test_what_was_begun_is_offered_to_be_gone_on_with(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("agent")
    assert "go on with your transfer" in bot.unreached()
    assert bot.last.expectation.kind == "yes_no"
    bot.says("yes")
    bot.says("yes")
    assert bot.calls[-1].name == "transfer"


def test_what_went_on_meanwhile_goes_on(pack):
    bot = Bot(pack)
    bot.says("i was scammed")
    said = bot.unreached("nobody")
    assert "customer number" in said
    assert bot.last.expectation.kind == "digits"
    assert "passcode" in bot.says("100421")


def test_a_doubtful_request_is_asked_about_again(pack):
    bot = Bot(pack)
    bot.says("agent")
    assert "Do you want to pay a bill?" in bot.says("hm pay something", 0.4)
    assert bot.unreached().endswith("Do you want to pay a bill?")
    bot.says("yes")
    assert bot.state.task.flow in {"pay_bill", pack.verification_flow}


def test_what_was_asked_for_beside_it_is_met_then(pack):
    bot = Bot(pack)
    bot.says("get me an agent and", also=(request(bot, "what are your hours downtown"),))
    assert bot.calls == []
    bot.unreached()
    assert bot.calls[-1].name == "branch_hours"


def test_while_the_bank_is_at_work_that_goes_on(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.says("what are your hours downtown")
    assert "still working" in bot.unreached() or "still on it" in bot.text
    assert "open" in bot.bank(branch="Downtown", opens="09:00", closes="17:00", address="1 A St")
    assert bot.last.replies[-1].step == "more"


def test_asking_again_is_answered_with_the_number_and_not_asked_in_a_loop(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    said = bot.says("agent")
    assert "C-17" in said
    assert bot.last.replies[-1].step in {"more", "open"}
    bot.says("agent please")
    assert len(bot.escalations) == 1
    assert not bot.state.waiting_for_person


def test_without_a_number_asking_again_is_answered_all_the_same(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached("closed", "", WHEN)
    assert WHEN in bot.says("agent")
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached("nobody", "")
    assert "ask again a little later" in bot.says("agent")


def test_in_the_middle_of_a_task_asking_again_keeps_it(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    said = bot.says("agent")
    assert "C-17" in said
    assert "$10.00 from checking to savings" in said
    assert bot.last.expectation.kind == "yes_no"


def test_beside_a_request_it_is_told_and_the_request_is_met(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    also = (request(bot, "get me an agent"),)
    said = bot.says("transfer ten dollars from checking to savings", also=also)
    assert said.startswith("Nobody can join right now")
    assert said.endswith("six-digit customer number?")


def test_after_a_while_a_person_is_asked_for_again(pack):
    patient = replace(pack, opening_hours=replace(pack.opening_hours, ask_again_after_s=3.0))
    bot = Bot(patient)
    bot.says("agent")
    bot.unreached()
    bot.says("agent")
    assert len(bot.escalations) == 1
    bot.says("hello")
    bot.says("agent")
    assert [e.rule for e in bot.escalations] == ["explicit_request"] * 2
    assert bot.state.waiting_for_person


def test_something_more_urgent_asks_at_once(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    bot.says("i was scammed")
    assert [e.urgency for e in bot.escalations] == ["normal", "high"]
    assert bot.state.waiting_for_person


def test_a_report_that_ends_with_a_person_ends_with_the_number(pack):
    bot = Bot(pack)
    bot.says("i was scammed")
    bot.unreached("nobody")
    bot.identifies()
    bot.says("they called me")
    said = bot.bank(reference="12")
    assert "filed your report under number 12" in said
    assert "C-17" in said
    assert bot.last.replies[-1].step == "more"
    assert len(bot.escalations) == 1


def test_nobody_is_offered_who_cannot_come(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    for _ in range(4):
        bot.says("blub", 0.1)
        assert "colleague" not in bot.text
        assert bot.state.question.kind != "person"
    assert "colleague" not in bot.says("what is the airspeed of a swallow")
    bot.says("what are your hours downtown")
    assert "colleague" not in bot.bank(ok=False, reason="unavailable")
    assert len(bot.escalations) == 1


def test_identity_that_cannot_be_confirmed_leads_to_the_number(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    bot.says("balance of savings")
    for _ in range(3):
        bot.says("100421")
        bot.says("1111")
        bot.bank(ok=False, reason="no_match")
    assert "C-17" in bot.text
    assert "couldn't confirm who you are" in bot.text
    assert len(bot.escalations) == 1
    assert bot.last.replies[-1].step == "more"


def test_after_a_person_was_here_the_number_is_forgotten(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.unreached()
    bot.returns()
    bot.says("agent")
    assert len(bot.escalations) == 2


def test_the_customer_hears_who_joins(pack):
    bot = Bot(pack, "call")
    bot.says("agent")

    def joins(name: str, role: str) -> str:
        decision = bot.dialogue.on_person_joined(bot.state, name, role, 2.0, 2)
        (reply,) = decision.replies
        assert decision.state.waiting_for_person
        return reply.text

    assert joins("Dana", "person") == "You are now talking to Dana."
    assert joins("Dana", "supervisor") == "You are now talking to Dana, a supervisor."
    assert joins(" ", "person") == "You are now talking to a colleague."


def test_a_person_who_is_cut_off_is_waited_for_again(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.says("agent")
    assert "connection to Dana" in bot.loses()
    assert bot.state.waiting_for_person
    assert "colleague" in bot.says("agent")
    assert len(bot.escalations) == 1
    assert "go on with your transfer" in bot.unreached("nobody")


def test_when_it_is_over_nothing_is_said(pack):
    bot = Bot(pack)
    bot.says("bye")
    assert bot.unreached() == ""
    assert bot.loses() == ""
    assert bot.dialogue.on_person_joined(bot.state, "Dana", "person", 2.0, 2).replies == ()
