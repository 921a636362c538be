"""Values find the slot they belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.interpretation.slot_filling import assign_to_task, validation_error
from dialogs.state import SlotValue, Task
from dialogs.values import Slot
from tests.support.scripted_mind import TODAY


def said(name: str, value: str) -> Slot:
    return Slot(name, value, value)


def task(flow: str, **slots: str) -> Task:
    made = Task(flow)
    for name, value in slots.items():
        made = made.with_slot(name, SlotValue(value))
    return made


@pytest.mark.parametrize(
    ("made", "slot", "asked", "found"),
    [
        (task("transfer_money"), said("account", "savings"), "", ("from_account", "savings")),
        (task("transfer_money"), said("account", "savings"), "to_account",
         ("to_account", "savings")),
        (task("transfer_money", from_account="checking"), said("account", "savings"), "",
         ("to_account", "savings")),
        (task("transfer_money", from_account="checking", to_account="money market"),
         said("account", "savings"), "", ("to_account", "savings")),
        (task("transfer_money"), said("to_account", "savings"), "from_account",
         ("to_account", "savings")),
        (task("check_balance"), said("to_account", "savings"), "", ("account", "savings")),
        (task("transfer_money"), said("number", "50"), "", ("amount", "50.00")),
        (task("transfer_money", amount="20.00"), said("number", "50"), "", ("amount", "50.00")),
        (task("transfer_money", amount="20.00"), said("number", "1500"), "", ("amount", "1500.00")),
        (task("transfer_money", amount="20.00"), said("digits", "4471"), "", None),
        (task("transfer_money", amount="20.00"), said("count", "2"), "", None),
        (task("transfer_money"), said("count", "2"), "amount", None),
        (task("order_checks"), said("count", "2"), "boxes", ("boxes", "2")),
        (task("schedule_appointment"), said("number", "3"), "time", ("time", "15:00")),
        (task("schedule_appointment"), said("number", "10.30"), "time", ("time", "10:30")),
        (task("schedule_appointment"), said("number", "1030"), "time", ("time", "10:30")),
        (task("schedule_appointment"), said("number", "99"), "time", None),
        (task("transfer_money"), said("number", "80"), "amount", ("amount", "80.00")),
        (task("order_checks"), said("number", "2"), "boxes", ("boxes", "2")),
        (task("verify"), said("number", "123"), "passcode", ("passcode", "123")),
        (task("verify"), said("digits", "123"), "customer_number", ("customer_number", "123")),
        (task("verify"), said("passcode", "1234"), "customer_number", ("passcode", "1234")),
        (task("transfer_money"), said("passcode", "1234"), "amount", None),
        (task("dispute_charge"), said("amount", "39.00"), "", ("charge_amount", "39.00")),
        (task("report_lost_card"), said("yes_no", "yes"), "wants_replacement",
         ("wants_replacement", "yes")),
        (task("report_lost_card"), said("yes_no", "yes"), "card", None),
        (task("transfer_money"), said("branch", "Downtown"), "", None),
        (task("transfer_money"), said("no such slot", "x"), "", None),
    ],
)  # fmt: skip
def test_where_a_value_goes(pack, made, slot, asked, found):
    got = assign_to_task(pack, made, [slot], asked)
    assert [(name, s.value) for name, s in got] == ([found] if found else [])


@pytest.mark.parametrize(
    ("name", "value", "reply"),
    [
        ("passcode", "123", "wrong.length"),
        ("passcode", "1234", ""),
        ("amount", "0.00", "wrong.zero"),
        ("amount", "10000.01", "wrong.too_much"),
        ("amount", "10000.00", ""),
        ("amount", "a lot", "unclear"),
        ("date", "2026-11-23", "wrong.past"),
        ("date", "2026-11-24", ""),
        ("branch", "Downtown", ""),
    ],
)
def test_what_cannot_be(pack, name, value, reply):
    assert validation_error(pack.slots[name], value, TODAY) == reply


def test_a_day_that_must_lie_behind_us(pack):
    past = replace(pack.slots["date"], must_be_past=True)
    assert validation_error(past, "2026-11-25", TODAY) == "wrong.future"
    assert validation_error(past, "2026-11-20", TODAY) == ""
