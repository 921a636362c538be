"""What the bank did is undone once, for its own customer, and money comes back to the cent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.actions.bank import BankActions
from dialogs.values import ActionCall
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY

PATRICIA = "100421"


def opening_time() -> datetime:
    return datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


TOMORROW = "2026-11-25"


class Asking:
    def __init__(self) -> None:
        self.actions = BankActions(":memory:", bank_pack(), opening_time)
        self.count = 0

    def __call__(self, action: str, /, key: str = "", **arguments: str):
        self.count += 1
        call = ActionCall(key or f"k{self.count}", action, {"customer": PATRICIA} | arguments)
        return self.actions.perform(call)

    def balance(self, account: str) -> str:
        return self("balance", account=account).values["balance"]


@pytest.fixture
def bank():
    asking = Asking()
    yield asking
    asking.actions.close()


def transfer(bank: Asking, day: str = TODAY.isoformat()) -> str:
    values = bank("transfer", from_account="checking", to_account="savings", amount="10.00",
                  date=day).values  # fmt: skip
    return values["reference"]


def test_a_transfer_comes_back(bank):
    before = bank.balance("checking"), bank.balance("savings")
    reference = transfer(bank)
    assert bank("cancel_transfer", reference=reference, key="x").ok
    assert (bank.balance("checking"), bank.balance("savings")) == before
    assert bank("cancel_transfer", reference=reference, key="x").ok, "the same key, once"
    assert bank("cancel_transfer", reference=reference).reason == "already_cancelled"
    assert (bank.balance("checking"), bank.balance("savings")) == before


def test_a_scheduled_transfer_never_moves(bank):
    before = bank.balance("checking")
    assert bank("cancel_transfer", reference=transfer(bank, TOMORROW)).ok
    assert bank.balance("checking") == before


def test_money_that_is_gone_cannot_come_back(bank):
    reference = transfer(bank)
    rest = bank.balance("savings")
    bank("transfer", from_account="savings", to_account="checking", amount=rest,
         date=TODAY.isoformat())  # fmt: skip
    assert bank("cancel_transfer", reference=reference).reason == "no_funds"


def test_a_payment_is_stopped_before_its_day_only(bank):
    def pay(day: str) -> str:
        return bank("pay_bill", payee="City Water", amount="5.00", account="checking",
                    date=day).values["reference"]  # fmt: skip

    assert bank("cancel_payment", reference=pay(TODAY.isoformat())).reason == "already_sent"
    assert bank("find_payment", payee="City Water").reason == "not_found"
    reference = pay(TOMORROW)
    found = bank("find_payment", payee="City Water").values
    assert found == {"reference": reference, "payment_amount": "5.00", "payment_day": TOMORROW}
    assert bank("cancel_payment", reference=reference).ok
    assert bank("find_payment", payee="City Water").reason == "not_found"


def test_orders_and_disputes_are_withdrawn(bank):
    checks = bank("order_checks", boxes="2", account="checking").values["reference"]
    card = bank("replace_card", card="debit").values["reference"]
    assert bank("cancel_order", reference=checks).ok
    assert bank("cancel_order", reference=card).ok
    charge = {"merchant": "pulse gym", "amount": "39.00", "card": "debit"}
    reference = bank("dispute", **charge).values["reference"]
    assert bank("dispute", **charge).reason == "already_open"
    assert bank("withdraw_dispute", reference=reference).ok
    assert bank("dispute", **charge).ok


def test_an_appointment_is_found_by_its_customer_and_its_time_is_free_again(bank):
    booking = {"branch": "Downtown", "topic": "a loan", "date": TOMORROW, "time": "10:00",
               "name": "Patricia Miller"}  # fmt: skip
    reference = bank("book_appointment", **booking).values["reference"]
    assert bank("find_appointment", date=TOMORROW).values["reference"] == reference
    assert bank("find_appointment", date=TOMORROW, customer="100538").reason == "not_found"
    assert bank("cancel_appointment", reference=reference).ok
    assert bank("cancel_appointment", reference=reference).reason == "not_found"
    assert bank("book_appointment", **booking).ok


def test_nobody_cancels_what_another_ordered(bank):
    reference = transfer(bank)
    assert bank("cancel_transfer", reference=reference, customer="100538").reason == "not_found"
    assert bank("cancel_order", reference=reference).reason == "not_found"
    assert bank("cancel_transfer", reference=reference, customer="").reason == "not_verified"


def test_a_bank_of_before_can_cancel_too(tmp_path):
    first = BankActions(tmp_path / "bank.db", bank_pack(), opening_time)
    first._ledger.db.execute("ALTER TABLE orders DROP COLUMN state")
    first.close()
    again = BankActions(tmp_path / "bank.db", bank_pack(), opening_time)
    call = ActionCall("k", "order_checks", {"customer": PATRICIA, "boxes": "1",
                                            "account": "checking"})  # fmt: skip
    reference = again.perform(call).values["reference"]
    cancel = ActionCall("l", "cancel_order", {"customer": PATRICIA, "reference": reference})
    assert again.perform(cancel).ok
    again.close()
