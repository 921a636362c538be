"""What is asked of the bank is asked once, and each answer counts once."""

from __future__ import annotations

import pytest

from tests.support.scripted_mind import Bot


@pytest.fixture
def paying(pack):
    """A transfer that the bank is carrying out."""
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("yes")
    assert bot.last.action_call.name == "transfer"
    return bot


def test_an_answer_that_comes_twice_counts_once(paying):
    key = paying.calls[-1].key
    assert "Done" in paying.bank(reference="1")
    state = paying.state
    assert paying.bank(key=key, reference="1") == ""
    assert paying.state == state
    assert paying.last.action_call is None


def test_an_answer_nobody_waits_for_changes_nothing(pack):
    bot = Bot(pack)
    state = bot.state
    assert bot.bank(key="s1:7") == ""
    assert bot.state == state
    assert bot.last.expectation == state.question.expectation


def test_whatever_is_said_meanwhile_nothing_starts_twice(paying):
    for text in ("yes", "yes", "transfer ten dollars from checking to savings", "do it", "ten"):
        assert "moment" in paying.says(text) or "second" in paying.text
        assert paying.last.action_call is None
    assert "moment" in paying.nothing() or "second" in paying.text
    assert "moment" in paying.misses() or "second" in paying.text
    assert len(paying.calls) == 2
    said = paying.bank(reference="1")
    assert "Done" in said
    assert len(paying.calls) == 2
    assert paying.last.expectation.kind == "open"


def test_a_new_wish_meanwhile_is_met_afterwards(paying):
    paying.says("what's my balance in savings")
    paying.says("what are your hours downtown")
    paying.says("i forgot my password")  # one too many
    said = paying.bank(reference="1")
    assert "Done" in said
    assert paying.calls[-1].name == "balance"
    paying.bank(balance="1.00")
    assert paying.calls[-1].name == "branch_hours"


def test_a_person_asked_for_meanwhile(paying):
    paying.says("agent")
    said = paying.bank(reference="1")
    assert "Done" in said
    assert paying.escalations[0].rule == "explicit_request"


@pytest.mark.parametrize(
    "text", ["cancel", "no wait stop", "no", "wait", "stop", "i meant twenty dollars", "don't"]
)
def test_to_stop_or_correct_what_is_being_done_is_answered_and_then_undoing_is_offered(
    paying, text
):
    assert "being done right now" in paying.says(text)
    said = paying.bank(reference="10001")
    assert "Done" in said
    assert "undo the transfer of $10.00" in said
    assert paying.last.action_call is None
    paying.says("yes")
    call = paying.last.action_call
    assert (call.name, call.arguments["reference"]) == ("cancel_transfer", "10001")
    assert call.key not in {one.key for one in paying.calls[:-1]}


def test_what_failed_is_not_undone(paying):
    paying.says("stop")
    said = paying.bank(ok=False, reason="no_funds")
    assert "isn't enough money" in said
    assert "undo" not in said


def test_a_task_is_stopped_after_a_check(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.says("100421")
    bot.says("4471")
    assert "stop right after" in bot.says("never mind")
    said = bot.bank(customer="100421", customer_name="Patricia Miller", tier="standard")
    assert "stopped your transfer" in said
    assert bot.state.tasks == ()


def test_handed_back_while_the_bank_is_at_work(paying):
    assert paying.returns()
    assert "Done" in paying.bank(reference="1")


def test_an_unknown_end_is_tried_again_under_the_same_key(paying):
    first = paying.calls[-1]
    assert "will not be done twice" in paying.bank(ok=False, reason="unavailable")
    paying.says("no")
    paying.says("transfer ten dollars from checking to savings")
    paying.says("yes")
    again = paying.calls[-1]
    assert again.key == first.key
    assert again.arguments == first.arguments


def test_something_else_gets_another_key(paying):
    first = paying.calls[-1]
    paying.bank(ok=False, reason="unavailable")
    paying.says("no")
    paying.says("transfer twenty dollars from checking to savings")
    paying.says("yes")
    assert paying.calls[-1].key != first.key


def test_a_refusal_gets_another_key(paying):
    first = paying.calls[-1]
    paying.bank(ok=False, reason="no_funds")
    paying.says("ten")
    paying.says("yes")
    assert paying.calls[-1].key != first.key
    assert len({call.key for call in paying.calls}) == len(paying.calls)


def test_refusal_after_refusal_offers_a_person(paying):
    for amount in ("ten", "nine"):
        paying.bank(ok=False, reason="no_funds")
        paying.says(amount)
        paying.says("yes")
    assert "colleague" in paying.bank(ok=False, reason="no_funds")
    assert paying.last.expectation.kind == "yes_no"
    paying.says("yes")
    assert paying.escalations[0].evidence[-1].term == "accepted_offer"


def test_a_reason_nobody_thought_of(paying):
    assert "can't reach our systems" in paying.bank(ok=False, reason="flood")
    assert paying.state.tasks == ()


def test_identity_that_cannot_be_checked_ends_the_task_too(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.says("100421")
    bot.says("4471")
    bot.bank(ok=False, reason="unavailable")
    assert bot.state.tasks == ()
    assert bot.state.failed_verifications == 0


def test_identity_holds_for_the_rest_of_the_conversation(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.identifies()
    bot.bank(balance="1.00")
    bot.says("balance of checking")
    assert bot.calls[-1].name == "balance"
    assert bot.calls[-1].arguments == {"account": "checking", "customer": "100421"}


def test_it_is_never_told_which_part_was_wrong(pack):
    said = []
    for number, code in (("999999", "4471"), ("100421", "0000")):
        bot = Bot(pack)
        bot.says("balance of savings")
        bot.says(number)
        bot.says(code)
        said.append(bot.bank(ok=False, reason="no_match"))
        assert bot.last.expectation.length == 6, "both are asked again"
    assert said[0] == said[1]
