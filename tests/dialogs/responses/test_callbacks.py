"""A call back: offered where nobody can come, promised to those who said where to call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.state import PeopleAvailability
from tests.support.scripted_mind import Bot

WHEN = "tomorrow at 8 AM"
NO = {"sure": 0.95, "intent": "deny"}


def nobody_came(pack, channel: str = "chat", *said: str) -> Bot:
    bot = Bot(pack, channel)
    for words in (*said, "agent"):
        bot.says(words)
    bot.unreached("closed", "", WHEN)
    return bot


def arranged(pack, channel: str = "chat") -> Bot:
    bot = nobody_came(pack, channel)
    for words in ("yes", "415-555-0123"):
        bot.says(words)
    bot.bank()
    bot.says("Ada Lovelace")
    bot.says("yes")
    return bot


def with_nobody_there(pack, opening: str = "") -> Bot:
    bot = Bot(pack)
    people = PeopleAvailability(False, opening)
    bot.last = replace(bot.last, state=bot.dialogue.on_availability(bot.state, people))
    return bot


def test_nothing_is_promised_before_a_contact_was_read_back(pack):
    bot = nobody_came(pack)
    assert bot.state.question.kind == "callback"
    assert "number" in bot.says("yes")
    bot.says("415-555-0123")
    assert bot.last.action_call.name == "check_contact"
    bot.bank()
    said = bot.says("Ada Lovelace")
    assert "call you on 4155550123 when we are back tomorrow at 8 AM" in said
    assert "Ada Lovelace" in said
    assert all("call" not in one.text for one in bot.state.promises)
    bot.says("yes")
    assert bot.calls[-1].name == "arrange_callback"
    assert bot.calls[-1].arguments["contact"] == "4155550123"
    assert "Wants:" in bot.calls[-1].arguments["about"]
    assert "C00007" in bot.bank(ticket="C00007")
    assert bot.state.callback_ticket == "C00007"
    assert bot.state.promises[-1].text.endswith("C00007.")


def test_on_the_phone_the_number_is_read_digit_by_digit(pack):
    bot = nobody_came(pack, "call")
    bot.says("yes four one five five five five oh one two three")
    bot.bank()
    assert "4 1 5 5 5 5 0 1 2 3" in bot.says("my name is ada lovelace")


def test_a_wrong_number_is_corrected_at_the_read_back_and_checked_again(pack):
    bot = nobody_came(pack)
    for words in ("yes", "415-555-0123"):
        bot.says(words)
    bot.bank()
    bot.says("Ada Lovelace")
    bot.says("no, it's 415-555-0199")
    assert bot.last.action_call.name == "check_contact"
    assert "4155550199" in bot.bank()


@pytest.mark.parametrize("said", ["no", "never mind", "i'd rather not say"])
@pytest.mark.parametrize("at", ["the offer", "the contact", "the read-back"])
def test_who_gives_no_contact_is_promised_nothing_and_told_other_ways(pack, said, at):
    bot = nobody_came(pack)
    if at != "the offer":
        bot.says("yes")
    if at == "the offer" and "rather" in said:
        said = "no"
    if at == "the read-back":
        bot.says("415-555-0123")
        bot.bank()
        bot.says("Ada Lovelace")
        said = "never mind"
    assert "800-555-0142" in bot.says(said)
    assert bot.state.has_declined_callback
    assert not bot.state.tasks
    assert "arrange_callback" not in [call.name for call in bot.calls]
    assert all("call" not in one.text for one in bot.state.promises)


def test_who_asks_what_the_number_is_for_is_told(pack):
    bot = nobody_came(pack)
    bot.says("yes")
    assert "reach you" in bot.says("why do you need my number?")
    assert bot.state.question.name == "contact"


def test_a_number_that_nobody_has_is_asked_for_again_and_given_up(pack):
    bot = nobody_came(pack)
    bot.says("yes")
    for _ in range(3):
        bot.says("111-111-1111")
        bot.bank(ok=False, reason="not_reachable")
    assert "800-555-0142" in bot.text
    assert not bot.state.tasks


def test_words_that_are_no_answer_are_asked_about_once(pack):
    bot = nobody_came(pack)
    bot.says("blub", 0.1)
    assert bot.state.question.kind == "callback"
    assert "800-555-0142" in bot.says("blub", 0.1)


def test_a_task_is_gone_back_to_afterwards(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("agent")
    bot.unreached("closed", "", WHEN)
    bot.says("yes, jane@example.com")
    bot.bank()
    assert "write to you at jane@example.com" in bot.text
    assert "Patricia Miller" in bot.text
    bot.says("yes")
    said = bot.bank(ticket="C00007")
    assert "Back to your transfer" in said
    assert "$10.00" in said


def test_declined_in_a_task_the_task_is_asked_about(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.says("agent")
    bot.unreached("closed", "", WHEN)
    assert "go on with your transfer" in bot.says("no")


def test_a_task_that_goes_on_comes_first_and_then_the_call_back(pack):
    bot = Bot(pack)
    bot.says("i was scammed")
    bot.unreached("nobody", "")
    assert bot.state.question.kind == "slot"
    bot.identifies()
    bot.says("they called me")
    bot.bank(reference="12")
    assert bot.state.question.kind == "callback"


def test_who_has_a_ticket_is_reminded_of_it(pack):
    bot = arranged(pack)
    bot.bank(ticket="C00007")
    assert "C00007" in bot.says("agent")
    assert bot.state.question.kind == "more"


def test_a_second_handoff_that_nobody_takes_keeps_the_ticket(pack):
    bot = arranged(pack)
    bot.bank(ticket="C00007")
    bot.says("i was scammed")
    said = bot.unreached("nobody", "")
    assert "C00007" in said
    assert bot.state.question.kind != "callback"


def test_asked_again_the_call_back_is_offered_again(pack):
    bot = nobody_came(pack)
    bot.says("agent")
    assert bot.state.question.kind == "callback"


def test_nobody_is_offered_who_is_not_there(pack):
    bot = with_nobody_there(pack, WHEN)
    for _ in range(5):
        bot.says("no", **NO)
        assert bot.state.question.kind != "person"
    assert bot.state.question.kind == "callback"
    bot = with_nobody_there(pack)
    bot.says("what is the airspeed of a swallow")
    assert bot.state.question.kind != "person"
    bot.says("what are your hours downtown")
    bot.bank(ok=False, reason="unavailable")
    assert bot.state.question.kind == "callback"


def test_nobody_is_said_to_come_who_is_not_there(pack):
    bot = with_nobody_there(pack, WHEN)
    assert "colleague to join" not in bot.says("agent")
    assert bot.escalations
    assert bot.state.promises == ()
    bot.unreached("closed", "", WHEN)
    assert bot.state.question.kind == "callback"


def test_an_offered_call_back_needs_no_handoff_before(pack):
    bot = with_nobody_there(pack, WHEN)
    for _ in range(5):
        bot.says("no", **NO)
    bot.says("yes")
    bot.says("415-555-0123")
    bot.bank()
    assert WHEN in bot.says("Ada Lovelace")
    bot.says("yes")
    bot.bank(ticket="C00007")
    assert bot.escalations == []
    assert "C00007" in bot.says("agent")


def test_a_pack_without_call_backs_offers_none(pack):
    hours = replace(pack.opening_hours, callback_flow="")
    bot = nobody_came(replace(pack, opening_hours=hours))
    assert bot.state.question.kind == "more"
    assert "call" not in bot.text
