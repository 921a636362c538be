"""What was done can be undone, once, after a yes of its own; what cannot be is said before."""

from __future__ import annotations

import pytest

from tests.support.scripted_mind import Bot


@pytest.fixture
def moved(pack):
    """A transfer of ten dollars that is done."""
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("yes")
    bot.bank(reference="10001")
    return bot


@pytest.mark.parametrize(
    "text",
    [
        "undo that", "please undo that", "i changed my mind, don't do it", "reverse it",
        "cancel the transfer i just made", "no wait i changed my mind, dont do it", "stop",
        "no that's wrong", "no wait", "take it back", "i want my money back", "send it back",
        "cancel my transfer", "undo the transfer please", "no, don't do that", "never mind",
    ],
)  # fmt: skip
def test_what_was_just_done_is_undone_after_a_yes_to_its_own_read_back(moved, text):
    done = moved.calls[-1]
    said = moved.says(text, intent="goodbye" if "mind" in text else "inform")
    assert "I'll undo the transfer of $10.00 from checking to savings" in said
    assert not moved.last.ends_session
    assert moved.last.action_call is None
    moved.says("yes please")
    call = moved.last.action_call
    assert call.name == "cancel_transfer"
    assert call.arguments == {"reference": "10001", "customer": "100421"}
    assert call.key != done.key
    assert call.consent.read_back == "transfer.undo"
    assert "is undone" in moved.bank()


def test_it_is_undone_once(moved):
    moved.says("undo that")
    moved.says("yes")
    moved.bank()
    assert "undone already" in moved.says("undo that")
    assert moved.last.action_call is None


def test_a_no_leaves_it(moved):
    moved.says("undo that")
    assert "leave it as it is" in moved.says("no")
    assert moved.last.action_call is None
    assert moved.state.tasks == ()


def test_a_no_thanks_is_only_a_goodbye(moved):
    moved.says("no thanks")
    assert moved.last.ends_session


def test_the_one_that_is_named_is_undone(pack, moved):
    moved.says("order checks, two boxes")
    moved.says("yes")
    moved.bank(arrives="2026-12-08", reference="10002")
    assert "transfer of $10.00" in moved.says("cancel the transfer i just made")
    moved.says("no")
    assert "boxes of checks" in moved.says("undo that")


def test_what_cannot_be_undone_is_said_before_and_after(pack):
    bot = Bot(pack)
    bot.says("i lost my debit card")
    said = bot.identifies()
    assert "can't be unblocked" in said
    bot.says("yes")
    bot.bank(last_four="4021")
    said = bot.says("undo that")
    assert "can't undo" in said
    assert bot.last.action_call is None


def test_a_bill_can_be_stopped_until_it_is_sent(pack):
    bot = Bot(pack)
    bot.says("pay ten dollars to city water")
    assert "can't be called back" in bot.identifies()
    assert "can't be called back" not in bot.says("make it friday")
    bot.says("yes")
    bot.bank(reference="10003")
    assert "stop the payment of $10.00 to City Water" in bot.says("undo that")
    bot.says("yes")
    assert bot.last.action_call.name == "cancel_payment"


def test_what_is_being_asked_is_not_what_was_done(moved):
    moved.says("order checks, two boxes")
    assert "stopped your check order" in moved.says("never mind")
    assert moved.state.tasks == ()


def test_an_undo_that_fails_is_told(moved):
    moved.says("undo that")
    moved.says("yes")
    assert "isn't enough money left" in moved.bank(ok=False, reason="no_funds")
    assert moved.last.expectation.kind == "yes_no"


@pytest.mark.parametrize("text", ["don't undo that", "do not reverse it"])
def test_not_undoing_undoes_nothing(moved, text):
    assert "undo the transfer" not in moved.says(text)


@pytest.fixture
def blocked(pack):
    """A card that is blocked, and the question whether another one is wanted."""
    bot = Bot(pack)
    bot.says("i lost my debit card")
    bot.identifies()
    bot.says("yes")
    bot.bank(last_four="4021")
    return bot


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("undo the block", "inform"), ("found it, unblock it", "deny"), ("cancel that", "cancel"),
        ("never mind", "cancel"), ("please lift the block", "inform"), ("reverse it", "inform"),
        ("don't block my card, i found it", "report_lost_card"), ("unfreeze it", "inform"),
    ],
)  # fmt: skip
def test_a_task_past_its_effect_says_what_stands_and_goes_on(blocked, text, intent):
    said = blocked.says(text, intent=intent)
    assert "can't undo your card report" in said
    assert "can't be unblocked" in said
    assert "stopped" not in said
    assert blocked.state.question.name == "wants_replacement"
    assert blocked.last.action_call is None


def test_a_second_cancel_leaves_the_rest_of_the_task(blocked):
    blocked.says("cancel")
    assert "leave it as it is" in blocked.says("cancel")
    assert blocked.state.tasks == ()


def test_a_goodbye_after_the_effect_does_not_say_that_nothing_was_changed(blocked):
    assert "nothing was changed" not in blocked.says("bye")


@pytest.mark.parametrize(
    "text", ["reverse it", "take it back", "i already paid that one, reverse it"]
)
def test_taking_back_is_no_answer_to_a_clarification(pack, text):
    bot = Bot(pack)
    bot.says(
        "something with a charge", 0.3, intent="dispute_charge",
        possible=("dispute_charge", "pay_bill"),
    )  # fmt: skip
    assert bot.state.question.kind == "which"
    said = bot.says(text, intent="dispute_charge")
    assert "nothing to cancel" in said
    assert bot.state.tasks == ()
    assert bot.state.question.kind == "which"


def test_taking_back_ends_a_task_that_has_done_nothing_yet(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    assert "stopped your transfer" in bot.says("take it back", intent="inform")
    assert bot.state.tasks == ()
