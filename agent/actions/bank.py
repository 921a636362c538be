"""The built-in demo bank: actions on a SQLite database, seeded from the pack's `seed.yaml`.

Every action and its ledger entry are one transaction; money is counted in whole cents. Held by
tests/agent/actions/test_bank.py.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection

from agent.actions import bank_branches as branches
from agent.actions.bank_seed import FIRST_ORDER_REFERENCE, passcode_hash, seed, to_cents
from agent.actions.bank_undo import inverse_actions
from agent.actions.idempotency import ActionEffect, Arguments, IdempotencyLedger, Values
from agent.actions.interface import UNKNOWN_ACTION, ActionRefused
from dialogs.pack.model import Pack
from dialogs.values import ActionCall, ActionResult

# An order for "today" may be confirmed after midnight.
MIDNIGHT_TOLERANCE = timedelta(days=1)
IDENTITY_ARGUMENTS = frozenset({"customer_number", "passcode"})  # of `verify_customer`


class BankActions:
    """Implements `Actions` (agent/actions/interface.py) on the database at `path`, or ":memory:".

    `wall_now` is the current time with its zone. Days and hours are those of the pack's own zone,
    as they are for the dialogue and for the people who take over.
    """

    def __init__(
        self,
        path: Path | str,
        pack: Pack,
        wall_now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._wall_now = wall_now
        self._zone = pack.opening_hours.zone
        self._ledger = IdempotencyLedger(path, IDENTITY_ARGUMENTS)
        self._ledger.initialise(lambda db: seed(db, pack.directory / "seed.yaml"))
        self._effects: dict[str, ActionEffect] = {
            "verify_customer": _verify_customer,
            "balance": _balance,
            "transfer": self._transfer,
            "pay_bill": self._pay_bill,
            "replace_card": self._replace_card,
            "block_card": _block_card,
            "reset_password": _reset_password,
            "order_checks": self._order_checks,
            "branch_hours": branches.branch_hours,
            "book_appointment": self._book_appointment,
            "dispute": _dispute,
            "report_fraud": _report_fraud,
            **inverse_actions(lambda: self._now().date()),
        }

    def perform(self, call: ActionCall) -> ActionResult:
        effect = self._effects.get(call.name)
        if effect is None:
            return ActionResult(call.key, False, reason=UNKNOWN_ACTION)
        return self._ledger.execute_once(call, effect)

    @property
    def action_names(self) -> frozenset[str]:
        """The names of all actions of this bank."""
        return frozenset(self._effects)

    def close(self) -> None:
        self._ledger.close()

    def _replace_card(self, db: Connection, arguments: Arguments) -> Values:
        customer, kind = _verified_customer(arguments), arguments["card"]
        if not db.execute(
            "SELECT 1 FROM cards WHERE customer = ? AND kind = ?", (customer, kind)
        ).fetchone():
            raise ActionRefused("no_card")
        reference = _add_order(db, customer, "card", kind)
        return {"arrives": self._business_days(7), "reference": reference}

    def _order_checks(self, db: Connection, arguments: Arguments) -> Values:
        customer, account = _verified_customer(arguments), arguments["account"]
        _balance_in_cents(db, customer, account)
        reference = _add_order(db, customer, "checks", f"{arguments['boxes']} for {account}")
        return {"arrives": self._business_days(10), "reference": reference}

    def _book_appointment(self, db: Connection, arguments: Arguments) -> Values:
        return branches.book_appointment(db, arguments, self._now())

    def _transfer(self, db: Connection, arguments: Arguments) -> Values:
        customer, amount = _verified_customer(arguments), _amount_in_cents(arguments)
        source, target = arguments["from_account"], arguments["to_account"]
        if source == target:
            raise ActionRefused("same_account")
        balance = _balance_in_cents(db, customer, source)
        _balance_in_cents(db, customer, target)
        if not self._is_in_future(arguments):
            if balance < amount:
                raise ActionRefused("no_funds")
            _add_to_balance(db, customer, source, -amount)
            _add_to_balance(db, customer, target, amount)
        description = f"{source} to {target}"
        return {
            "reference": _add_order(
                db, customer, "transfer", description, amount, arguments["date"]
            )
        }

    def _pay_bill(self, db: Connection, arguments: Arguments) -> Values:
        customer, amount = _verified_customer(arguments), _amount_in_cents(arguments)
        payee, account = arguments["payee"], arguments["account"]
        payee_row = db.execute(
            "SELECT 1 FROM payees WHERE customer = ? AND name = ?", (customer, payee)
        )
        if payee_row.fetchone() is None:
            raise ActionRefused("no_payee")
        balance = _balance_in_cents(db, customer, account)
        if not self._is_in_future(arguments):
            if balance < amount:
                raise ActionRefused("no_funds")
            _add_to_balance(db, customer, account, -amount)
        return {"reference": _add_order(db, customer, "bill", payee, amount, arguments["date"])}

    def _is_in_future(self, arguments: Arguments) -> bool:
        """Whether the order is for a future day; then it is only stored, and no money moves now.
        Refused: "past"."""
        day, today = date.fromisoformat(arguments["date"]), self._now().date()
        if day < today - MIDNIGHT_TOLERANCE:
            raise ActionRefused("past")
        return day > today

    def _now(self) -> datetime:
        """The current time where the bank is."""
        return self._wall_now().astimezone(self._zone)

    def _business_days(self, count: int) -> str:
        day = self._now().date()
        while count:
            day += timedelta(days=1)
            count -= day.weekday() < 5
        return day.isoformat()


def _verified_customer(arguments: Arguments) -> str:
    customer = arguments.get("customer", "")
    if not customer:
        raise ActionRefused("not_verified")
    return customer


def _verify_customer(db: Connection, arguments: Arguments) -> Values:
    number = arguments["customer_number"]
    row = db.execute("SELECT * FROM customers WHERE number = ?", (number,)).fetchone()
    stored_hash = row["passcode"] if row else ""
    # The same work and the same answer, whether the number or the passcode is wrong.
    if (
        not hmac.compare_digest(passcode_hash(arguments["passcode"], number), stored_hash)
        or row is None
    ):
        raise ActionRefused("no_match")
    return {"customer": number, "customer_name": row["name"], "tier": row["tier"]}


def _balance_in_cents(db: Connection, customer: str, kind: str) -> int:
    row = db.execute(
        "SELECT cents FROM accounts WHERE customer = ? AND kind = ?", (customer, kind)
    ).fetchone()
    if row is None:
        raise ActionRefused("no_account")
    return int(row["cents"])


def _balance(db: Connection, arguments: Arguments) -> Values:
    cents = _balance_in_cents(db, _verified_customer(arguments), arguments["account"])
    return {"balance": f"{cents / 100:.2f}"}


def _add_to_balance(db: Connection, customer: str, kind: str, amount: int) -> None:
    db.execute(
        "UPDATE accounts SET cents = cents + ? WHERE customer = ? AND kind = ?",
        (amount, customer, kind),
    )


def _amount_in_cents(arguments: Arguments) -> int:
    amount = to_cents(arguments["amount"])
    if amount <= 0:
        raise ActionRefused("bad_amount")
    return amount


def _add_order(
    db: Connection, customer: str, kind: str, description: str, amount: int = 0, day: str = ""
) -> str:
    inserted = db.execute(
        "INSERT INTO orders (customer, kind, what, cents, day) VALUES (?, ?, ?, ?, ?)",
        (customer, kind, description, amount, day),
    )
    return f"{FIRST_ORDER_REFERENCE + (inserted.lastrowid or 0)}"


def _block_card(db: Connection, arguments: Arguments) -> Values:
    card = db.execute(
        "SELECT id, last_four FROM cards WHERE customer = ? AND kind = ? AND state = 'active'",
        (_verified_customer(arguments), arguments["card"]),
    ).fetchone()
    if card is None:
        raise ActionRefused("no_card")
    db.execute("UPDATE cards SET state = 'blocked' WHERE id = ?", (card["id"],))
    return {"last_four": card["last_four"]}


def _reset_password(db: Connection, arguments: Arguments) -> Values:
    customer = _verified_customer(arguments)
    row = db.execute("SELECT email FROM customers WHERE number = ?", (customer,)).fetchone()
    _add_order(db, customer, "password", "reset link")
    name, _, place = row["email"].partition("@")
    return {"sent_to": f"{name[0]}***@{place}"}


def _dispute(db: Connection, arguments: Arguments) -> Values:
    """Dispute the charge with that card and amount; of several, one whose merchant matches."""
    customer, merchant = _verified_customer(arguments), arguments["merchant"].lower()
    rows = db.execute(
        "SELECT * FROM charges WHERE customer = ? AND card = ? AND cents = ?",
        (customer, arguments["card"], _amount_in_cents(arguments)),
    ).fetchall()
    if not rows:
        raise ActionRefused("not_found")
    from_merchant = [
        row for row in rows if set(row["merchant"].lower().split()) & set(merchant.split())
    ]
    charge = (from_merchant or rows)[0]
    if charge["disputed"]:
        raise ActionRefused("already_open")
    db.execute("UPDATE charges SET disputed = 1 WHERE id = ?", (charge["id"],))
    description = f"{charge['merchant']}, {charge['day']}"
    return {"reference": _add_order(db, customer, "dispute", description, charge["cents"])}


def _report_fraud(db: Connection, arguments: Arguments) -> Values:
    customer = _verified_customer(arguments)
    return {"reference": _add_order(db, customer, "fraud", arguments["description"])}
