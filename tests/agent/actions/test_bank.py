"""The bank does what it is asked once, wholly or not at all."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from agent.actions.bank import BankActions
from agent.actions.idempotency import IdempotencyLedger
from agent.actions.interface import ActionRefused
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import SERVER_ACTIONS
from dialogs.pack.yaml_source import PackError
from dialogs.values import ActionCall, ActionResult
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY, opening_time

PATRICIA, DAVID = "100421", "100538"


@pytest.fixture(scope="module")
def pack() -> Pack:
    return bank_pack()


@pytest.fixture
def bank(pack):
    made = BankActions(":memory:", pack, opening_time)
    yield Asking(made)
    made.close()


class Asking:
    """Asks the bank under a new key each time."""

    def __init__(self, actions: BankActions) -> None:
        self.actions = actions
        self.keys = 0

    def __call__(self, action: str, key: str = "", /, **arguments: str) -> ActionResult:
        self.keys += 1
        return self.actions.perform(ActionCall(key or f"s1:{self.keys}", action, arguments))

    def balance(self, account: str, customer: str = PATRICIA) -> str:
        return self("balance", account=account, customer=customer).values["balance"]

    def transfer(self, amount: str, key: str = "", **more: str) -> ActionResult:
        arguments = {"from_account": "checking", "to_account": "savings", "customer": PATRICIA,
                     "date": "2026-11-24", **more}  # fmt: skip
        return self("transfer", key, amount=amount, **arguments)


def test_every_action_of_the_pack_is_one_of_the_banks(bank, pack):
    asked = {s.name for flow in pack.flows.values() for s in flow.steps if s.kind == "do"}
    assert asked - SERVER_ACTIONS == bank.actions.action_names


def test_money_moves_and_none_is_lost(bank):
    assert bank.transfer("42.17").ok
    assert (bank.balance("checking"), bank.balance("savings")) == ("1800.00", "5242.17")


def test_a_repeated_key_answers_as_the_first_time(bank):
    first = bank.transfer("10.00", key="k")
    assert bank.transfer("10.00", key="k") == first
    assert bank.balance("checking") == "1832.17"


def test_a_repeated_refusal_answers_as_the_first_time(bank):
    assert bank.transfer("9999.00", key="k").reason == "no_funds"
    bank.transfer("5000.00", from_account="savings", to_account="checking")
    assert bank.transfer("9999.00", key="k").reason == "no_funds"


def test_a_key_of_something_else_is_refused(bank):
    bank.transfer("10.00", key="k")
    assert bank.transfer("20.00", key="k").reason == "key_of_something_else"
    assert bank.balance("checking") == "1832.17"


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"amount": "1842.18"}, "no_funds"),
        ({"amount": "0.00"}, "bad_amount"),
        ({"amount": "-5.00"}, "bad_amount"),
        ({"to_account": "checking"}, "same_account"),
        ({"to_account": "money market"}, "no_account"),
        ({"customer": ""}, "not_verified"),
        ({"customer": "999999"}, "no_account"),
    ],
)
def test_refusals_change_nothing(bank, more, reason):
    amount = more.pop("amount", "10.00")
    assert bank.transfer(amount, **more).reason == reason
    assert (bank.balance("checking"), bank.balance("savings")) == ("1842.17", "5200.00")


def test_an_order_for_another_day_moves_nothing_today(bank):
    assert bank.transfer("10.00", date="2026-11-25").ok
    assert bank.balance("checking") == "1842.17"


def test_the_same_key_from_two_threads_takes_effect_once(pack, tmp_path):
    path = tmp_path / "bank.sqlite3"
    banks = [Asking(BankActions(path, pack, opening_time)) for _ in range(2)]
    start = threading.Barrier(8)
    outcomes: list[ActionResult] = []

    def run(bank: Asking) -> None:
        start.wait()
        outcomes.append(bank.transfer("10.00", key="k"))

    threads = [threading.Thread(target=run, args=(banks[i % 2],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8
    assert all(outcome == outcomes[0] and outcome.ok for outcome in outcomes)
    assert banks[0].balance("checking") == "1832.17"
    for bank in banks:
        bank.actions.close()


def test_a_crash_between_the_effect_and_its_entry_leaves_neither(tmp_path):
    ledger = IdempotencyLedger(tmp_path / "books.sqlite3")
    ledger.initialise(lambda db: db.execute("CREATE TABLE things (name TEXT) STRICT"))
    call = ActionCall("k", "add", {})

    def crash(db, arguments):
        db.execute("INSERT INTO things VALUES ('half')")
        raise RuntimeError("power cut")

    def add(db, arguments):
        db.execute("INSERT INTO things VALUES ('whole')")
        return {"n": "1"}

    with pytest.raises(RuntimeError, match="power cut"):
        ledger.execute_once(call, crash)
    assert ledger.db.execute("SELECT count(*) FROM things").fetchone()[0] == 0
    assert (
        ledger.execute_once(call, add)
        == ledger.execute_once(call, crash)
        == ActionResult("k", True, {"n": "1"})
    )
    assert ledger.db.execute("SELECT count(*) FROM things").fetchone()[0] == 1
    ledger.close()


def test_a_refused_effect_is_taken_back(tmp_path):
    ledger = IdempotencyLedger(tmp_path / "books.sqlite3")
    ledger.initialise(lambda db: db.execute("CREATE TABLE things (name TEXT) STRICT"))

    def refuse(db, arguments):
        db.execute("INSERT INTO things VALUES ('half')")
        raise ActionRefused("no")

    assert ledger.execute_once(ActionCall("k", "add", {}), refuse).reason == "no"
    assert ledger.db.execute("SELECT count(*) FROM things").fetchone()[0] == 0
    ledger.close()


def test_books_that_others_hold_are_unavailable(tmp_path):
    path = tmp_path / "books.sqlite3"
    ledger = IdempotencyLedger(path, busy_timeout_s=0.0)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    call = ActionCall("k", "add", {})
    assert ledger.execute_once(call, lambda db, a: {}).reason == "unavailable"
    other.execute("ROLLBACK")
    other.close()
    assert ledger.execute_once(call, lambda db, a: {}).ok
    ledger.close()


def test_the_books_outlive_the_process(pack, tmp_path):
    path = tmp_path / "bank.sqlite3"
    first = Asking(BankActions(path, pack, opening_time))
    done = first.transfer("10.00", key="k")
    first.actions.close()
    second = Asking(BankActions(path, pack, opening_time))
    assert second.transfer("10.00", key="k") == done
    assert second.balance("checking") == "1832.17"
    second.actions.close()


def test_identity_and_what_is_kept_of_it(bank, pack, tmp_path):
    good = bank("verify_customer", customer_number=PATRICIA, passcode="4471")
    assert good.values == {
        "customer": PATRICIA,
        "customer_name": "Patricia Miller",
        "tier": "standard",
    }
    assert bank("verify_customer", customer_number=PATRICIA, passcode="0000").reason == "no_match"
    assert bank("verify_customer", customer_number="000000", passcode="4471").reason == "no_match"
    path = tmp_path / "bank.sqlite3"
    kept = Asking(BankActions(path, pack, opening_time))
    kept("verify_customer", customer_number=PATRICIA, passcode="4471")
    kept.actions.close()
    assert b"4471" not in path.read_bytes()


def test_bills(bank):
    bill = {"account": "checking", "date": "2026-11-24", "customer": PATRICIA}
    assert bank("pay_bill", payee="Valley Power", amount="42.17", **bill).ok
    assert bank.balance("checking") == "1800.00"
    assert bank("pay_bill", payee="Northern Gas", amount="1.00", **bill).reason == "no_payee"
    assert bank("pay_bill", payee="City Water", amount="9000.00", **bill).reason == "no_funds"


def test_cards(bank):
    assert bank("block_card", card="debit", customer=PATRICIA).values == {"last_four": "4021"}
    assert bank("block_card", card="debit", customer=PATRICIA).reason == "no_card"
    assert bank("replace_card", card="debit", customer=PATRICIA).values["arrives"] == "2026-12-03"
    assert bank("replace_card", card="credit", customer=DAVID).reason == "no_card"


def test_other_orders(bank):
    assert bank("reset_password", customer=PATRICIA).values == {"sent_to": "p***@example.com"}
    checks = bank("order_checks", boxes="2", account="checking", customer=PATRICIA)
    assert date.fromisoformat(checks.values["arrives"]) > TODAY
    assert bank("order_checks", boxes="2", account="x", customer=PATRICIA).reason == "no_account"
    assert bank("report_fraud", description="they called", customer=PATRICIA).ok
    assert bank("fly").reason == "unknown_action"


def test_disputes(bank):
    charge = {"card": "debit", "amount": "39.00", "customer": PATRICIA}
    assert bank("dispute", merchant="the pulse gym", **charge).ok
    assert bank("dispute", merchant="pulse", **charge).reason == "already_open"
    assert bank("dispute", merchant="x", **(charge | {"amount": "1.00"})).reason == "not_found"


def test_branches(bank):
    assert bank("branch_hours", branch="Downtown", date="2026-11-28").values["closes"] == "13:00"
    assert bank("branch_hours", branch="Downtown", date="2026-11-29").reason == "closed"
    assert bank("branch_hours", branch="Moon", date="2026-11-29").reason == "no_branch"


@pytest.mark.parametrize(
    ("day", "time", "reason"),
    [
        ("2026-12-01", "10:30", ""),
        ("2026-12-01", "10:00", "taken"),
        ("2026-12-01", "16:45", "outside_hours"),
        ("2026-12-01", "07:00", "outside_hours"),
        ("2026-11-29", "10:00", "closed"),
        ("2026-11-24", "08:29", "past"),
        ("2026-11-23", "10:00", "past"),
        ("2026-11-24", "08:31", ""),
    ],
)
def test_appointments(bank, day, time, reason):
    got = bank("book_appointment", branch="Downtown", date=day, time=time, topic="x", name="y")
    assert (got.ok, got.reason) == (not reason, reason)


@pytest.mark.parametrize(
    ("utc", "day"),
    [("2026-11-24T03:00", "2026-11-23"), ("2026-11-24T15:00", "2026-11-24"),
     ("2026-11-25T04:59", "2026-11-24"), ("2026-11-25T05:00", "2026-11-25")],
)  # fmt: skip
def test_the_banks_day_is_that_of_its_own_time_zone(pack, utc, day):
    """In New York it is still yesterday for five hours of the day in Greenwich."""
    now = datetime.fromisoformat(f"{utc}+00:00")
    late = Asking(BankActions(":memory:", pack, lambda: now))
    assert pack.opening_hours.local_day(now).isoformat() == day
    assert late.transfer("10.00", date=day).ok
    assert late.balance("checking") == "1832.17"  # moved at once: it is today
    tomorrow = date.fromisoformat(day) + timedelta(1)
    assert late.transfer("10.00", date=tomorrow.isoformat()).ok
    assert late.balance("checking") == "1832.17"
    assert late.transfer("10.00", date="2026-11-20").reason == "past"


def test_a_broken_seed_is_named_by_line(pack, tmp_path):
    text = (pack.directory / "seed.yaml").read_text().replace("passcode:", "passcod:", 1)
    (tmp_path / "seed.yaml").write_text(text)

    elsewhere = replace(pack, directory=tmp_path)
    with pytest.raises(PackError, match=r'seed\.yaml:\d+: unknown key "passcod"'):
        BankActions(":memory:", elsewhere)
