"""What does the built-in bank do when it is asked to?

A small real bank on SQLite, sown from the pack's `seed.yaml`. Every action is one transaction
with its ledger entry; money is counted in whole cents. Held by tests/agent/test_bank.py.
"""

from __future__ import annotations

import hmac
import sqlite3
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from agent.actions import bank_branches as branches
from agent.actions.bank_seed import cents, hidden, sow
from agent.actions.idempotency import Effect, Ledger
from agent.actions.interface import UNKNOWN_ACTION, Refused
from dialogs.pack.model import Pack
from dialogs.values import ActionCall, Outcome

Arguments = Mapping[str, str]
Values = dict[str, str]
Db = sqlite3.Connection


class BankActions:
    """Implements `agent.actions.interface.Actions` on the database at `path` (":memory:" for none).

    Deliveries are counted from `today`, or from the day of the call.
    """

    def __init__(self, path: Path | str, pack: Pack, today: date | None = None) -> None:
        self._today = today
        self._ledger = Ledger(path)
        self._ledger.setup(lambda db: sow(db, pack.directory / "seed.yaml"))
        self._actions: dict[str, Effect] = {
            "verify_customer": _verify,
            "balance": _balance,
            "transfer": self._transfer,
            "pay_bill": self._pay_bill,
            "replace_card": self._replace_card,
            "block_card": _block_card,
            "reset_password": _reset_password,
            "order_checks": self._order_checks,
            "branch_hours": branches.hours,
            "book_appointment": branches.book,
            "dispute": _dispute,
            "report_fraud": _report_fraud,
        }

    def perform(self, call: ActionCall) -> Outcome:
        effect = self._actions.get(call.name)
        if effect is None:
            return Outcome(call.key, False, reason=UNKNOWN_ACTION)
        return self._ledger.once(call, effect)

    @property
    def actions(self) -> frozenset[str]:
        """The names of everything this bank can do."""
        return frozenset(self._actions)

    def close(self) -> None:
        self._ledger.close()

    def _replace_card(self, db: Db, arguments: Arguments) -> Values:
        customer, kind = _customer(arguments), arguments["card"]
        if not db.execute(
            "SELECT 1 FROM cards WHERE customer = ? AND kind = ?", (customer, kind)
        ).fetchone():
            raise Refused("no_card")
        _order(db, customer, "card", kind)
        return {"arrives": self._business_days(7)}

    def _order_checks(self, db: Db, arguments: Arguments) -> Values:
        customer, account = _customer(arguments), arguments["account"]
        _cents_in(db, customer, account)
        _order(db, customer, "checks", f"{arguments['boxes']} for {account}")
        return {"arrives": self._business_days(10)}

    def _transfer(self, db: Db, arguments: Arguments) -> Values:
        customer, amount = _customer(arguments), _amount(arguments)
        source, target = arguments["from_account"], arguments["to_account"]
        if source == target:
            raise Refused("same_account")
        held = _cents_in(db, customer, source)
        _cents_in(db, customer, target)
        if not self._later(arguments):
            if held < amount:
                raise Refused("no_funds")
            _move(db, customer, source, -amount)
            _move(db, customer, target, amount)
        what = f"{source} to {target}"
        return {"reference": _order(db, customer, "transfer", what, amount, arguments["date"])}

    def _pay_bill(self, db: Db, arguments: Arguments) -> Values:
        customer, amount = _customer(arguments), _amount(arguments)
        payee, account = arguments["payee"], arguments["account"]
        known = db.execute(
            "SELECT 1 FROM payees WHERE customer = ? AND name = ?", (customer, payee)
        )
        if known.fetchone() is None:
            raise Refused("no_payee")
        held = _cents_in(db, customer, account)
        if not self._later(arguments):
            if held < amount:
                raise Refused("no_funds")
            _move(db, customer, account, -amount)
        return {"reference": _order(db, customer, "bill", payee, amount, arguments["date"])}

    def _later(self, arguments: Arguments) -> bool:
        """An order for a day to come is only noted: the money moves on its day."""
        return date.fromisoformat(arguments["date"]) > self._now()

    def _now(self) -> date:
        return self._today or date.today()

    def _business_days(self, count: int) -> str:
        day = self._now()
        while count:
            day += timedelta(days=1)
            count -= day.weekday() < 5
        return day.isoformat()


def _customer(arguments: Arguments) -> str:
    customer = arguments.get("customer", "")
    if not customer:
        raise Refused("not_verified")
    return customer


def _verify(db: Db, arguments: Arguments) -> Values:
    number = arguments["customer_number"]
    row = db.execute("SELECT * FROM customers WHERE number = ?", (number,)).fetchone()
    kept = row["passcode"] if row else ""
    # The same work and the same answer, whichever of the two is wrong.
    if not hmac.compare_digest(hidden(arguments["passcode"], number), kept) or row is None:
        raise Refused("no_match")
    return {"customer": number, "customer_name": row["name"], "tier": row["tier"]}


def _cents_in(db: Db, customer: str, kind: str) -> int:
    row = db.execute(
        "SELECT cents FROM accounts WHERE customer = ? AND kind = ?", (customer, kind)
    ).fetchone()
    if row is None:
        raise Refused("no_account")
    return int(row["cents"])


def _balance(db: Db, arguments: Arguments) -> Values:
    held = _cents_in(db, _customer(arguments), arguments["account"])
    return {"balance": f"{held / 100:.2f}"}


def _move(db: Db, customer: str, kind: str, amount: int) -> None:
    db.execute(
        "UPDATE accounts SET cents = cents + ? WHERE customer = ? AND kind = ?",
        (amount, customer, kind),
    )


def _amount(arguments: Arguments) -> int:
    amount = cents(arguments["amount"])
    if amount <= 0:
        raise Refused("bad_amount")
    return amount


def _order(db: Db, customer: str, kind: str, what: str, amount: int = 0, day: str = "") -> str:
    made = db.execute(
        "INSERT INTO orders (customer, kind, what, cents, day) VALUES (?, ?, ?, ?, ?)",
        (customer, kind, what, amount, day),
    )
    return f"{10_000 + (made.lastrowid or 0)}"


def _block_card(db: Db, arguments: Arguments) -> Values:
    card = db.execute(
        "SELECT id, last_four FROM cards WHERE customer = ? AND kind = ? AND state = 'active'",
        (_customer(arguments), arguments["card"]),
    ).fetchone()
    if card is None:
        raise Refused("no_card")
    db.execute("UPDATE cards SET state = 'blocked' WHERE id = ?", (card["id"],))
    return {"last_four": card["last_four"]}


def _reset_password(db: Db, arguments: Arguments) -> Values:
    customer = _customer(arguments)
    row = db.execute("SELECT email FROM customers WHERE number = ?", (customer,)).fetchone()
    _order(db, customer, "password", "reset link")
    name, _, place = row["email"].partition("@")
    return {"sent_to": f"{name[0]}***@{place}"}


def _dispute(db: Db, arguments: Arguments) -> Values:
    """Found by card and amount; of several, the one from that merchant."""
    customer, merchant = _customer(arguments), arguments["merchant"].lower()
    rows = db.execute(
        "SELECT * FROM charges WHERE customer = ? AND card = ? AND cents = ?",
        (customer, arguments["card"], _amount(arguments)),
    ).fetchall()
    if not rows:
        raise Refused("not_found")
    near = [row for row in rows if set(row["merchant"].lower().split()) & set(merchant.split())]
    charge = (near or rows)[0]
    if charge["disputed"]:
        raise Refused("already_open")
    db.execute("UPDATE charges SET disputed = 1 WHERE id = ?", (charge["id"],))
    what = f"{charge['merchant']}, {charge['day']}"
    return {"reference": _order(db, customer, "dispute", what, charge["cents"])}


def _report_fraud(db: Db, arguments: Arguments) -> Values:
    customer = _customer(arguments)
    return {"reference": _order(db, customer, "fraud", arguments["description"])}
