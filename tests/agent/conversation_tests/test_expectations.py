"""Each expectation is compared with what it is about, and what differs is said in words."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from agent.conversation_tests.case import ExpectedAction, ExpectedEscalation, StepExpectation
from agent.conversation_tests.expectations import mismatches
from agent.conversation_tests.outcome import StepOutcome, TurnReading
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.values import ActionCall, Escalation, Reply, Understanding

OUTCOME = StepOutcome(
    flow="transfer_money",
    question="confirm",
    slots={"amount": "200.00", "to_account": "savings"},
    owner="queued",
    person="",
    has_ended=False,
    is_verified=True,
    replies=(Reply("I'll move $200.00.", step="transfer.confirm"),),
    calls=(ActionCall("k", "transfer", {"amount": "200.00", "customer": "7"}),),
    escalations=(Escalation("explicit_request", 0.9, 2.2, (), "normal", ()),),
    callbacks=1,
    readings=(TurnReading(Understanding("yes", "affirm", 0.95), "transfer_money/confirm", None),),
)


def expected(**values) -> StepExpectation:
    return StepExpectation(**values)


MET = [
    expected(),
    expected(flow="transfer_money", step="confirm", owner="queued", person=""),
    expected(has_ended=False, has_callback=True, is_verified=True),
    expected(slots={"amount": "200", "to_account": "/sav/", "date": ""}),
    expected(replies=("transfer.confirm",), forbidden_replies=("more",)),
    expected(patterns=(re.compile(r"\$200"),), forbidden_patterns=(re.compile("done"),)),
    expected(actions=(ExpectedAction("transfer", {"amount": "200"}),)),
    expected(forbidden_actions=("pay_bill",)),
    expected(escalation=ExpectedEscalation("explicit_request")),
    expected(escalation=ExpectedEscalation("explicit_request", "normal")),
    expected(intent="affirm", act=""),
]
UNMET = [
    (expected(flow=""), "flow: expected none, came transfer_money"),
    (expected(step="amount"), "step: expected amount, came confirm"),
    (expected(owner="bot"), "owner: expected bot, came queued"),
    (expected(person="Dana"), "person: expected Dana, came none"),
    (expected(has_ended=True), "ended: expected yes, came no"),
    (expected(has_callback=False), "callback: expected no, came yes"),
    (expected(is_verified=False), "verified: expected no, came yes"),
    (expected(slots={"amount": "201"}), "slots.amount: expected 201, came 200.00"),
    (expected(slots={"amount": ""}), "slots.amount: expected none, came 200.00"),
    (expected(slots={"date": "/./"}), "slots.date: expected /./, came none"),
    (expected(replies=("more",)), "reply: expected more, came transfer.confirm"),
    (expected(replies=()), "reply: expected none, came transfer.confirm"),
    (expected(forbidden_replies=("transfer.confirm",)),
     "no_reply: expected no transfer.confirm, came transfer.confirm"),
    (expected(patterns=(re.compile("done"),)), "says: expected /done/, came nothing like it"),
    (expected(forbidden_patterns=(re.compile(r"\$\d+"),)),
     r"never_says: expected no /\$\d+/, came “$200”"),
    (expected(actions=()),
     "actions: expected none, came transfer(amount: 200.00, customer: 7)"),
    (expected(actions=(ExpectedAction("transfer", {"amount": "2"}),)),
     "actions: expected transfer(amount: 2), came transfer(amount: 200.00, customer: 7)"),
    (expected(actions=(ExpectedAction("transfer"), ExpectedAction("balance"))),
     "actions: expected transfer(); balance(), came transfer(amount: 200.00, customer: 7)"),
    (expected(forbidden_actions=("transfer",)),
     "no_actions: expected no transfer, came transfer(amount: 200.00, customer: 7)"),
    (expected(escalation=ExpectedEscalation()),
     "escalation: expected none, came explicit_request (normal)"),
    (expected(escalation=ExpectedEscalation("explicit_request", "high")),
     "escalation: expected explicit_request (high), came explicit_request (normal)"),
    (expected(intent="deny"), "intent: expected deny, came affirm"),
    (expected(act="yes"), "act: expected yes, came none"),
]  # fmt: skip


@pytest.mark.parametrize("one", MET)
def test_what_is_so_is_no_mismatch(one):
    assert mismatches(one, OUTCOME) == []


@pytest.mark.parametrize(("one", "text"), UNMET)
def test_what_is_not_so_is_said_with_both_sides(one, text):
    assert [str(found) for found in mismatches(one, OUTCOME)] == [text]


def test_a_turn_that_cannot_be_played_is_a_mismatch_whatever_is_expected():
    outcome = replace(OUTCOME, problems=("the conversation is over",))
    (found,) = mismatches(expected(), outcome)
    assert str(found) == "cannot be played: the conversation is over"


def test_a_reading_names_act_intent_probabilities_and_slots():
    reading = TurnReading(
        Understanding("no", "deny", 0.8, (("pay_bill", 0.1),)), "pay_bill/confirm",
        DialogueAct("no"),
    )  # fmt: skip
    assert str(reading) == (
        "asked pay_bill/confirm; act no; intent deny 0.80, pay_bill 0.10; slots none"
    )
