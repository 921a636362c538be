"""Inverse actions of the built-in bank: what was ordered or booked is cancelled, once.

An order is found by its reference and its customer, so nobody cancels another's; money that moved
is moved back. Held by tests/agent/actions/test_bank_undo.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from sqlite3 import Connection, Row

from agent.actions.bank_branches import FIRST_APPOINTMENT_REFERENCE
from agent.actions.bank_seed import FIRST_ORDER_REFERENCE
from agent.actions.idempotency import ActionEffect, Arguments, Values
from agent.actions.interface import ActionRefused


def inverse_actions(current_day: Callable[[], date]) -> dict[str, ActionEffect]:
    """The inverse actions by name; `current_day` decides what is still to be sent."""

    def is_due(order: Row) -> bool:
        return not order["day"] or date.fromisoformat(order["day"]) <= current_day()

    def cancel_transfer(db: Connection, arguments: Arguments) -> Values:
        order = _open_order(db, arguments, ("transfer",))
        if is_due(order):
            source, target = order["what"].split(" to ")
            _move(db, order["customer"], target, source, order["cents"])
        return _close(db, order)

    def cancel_payment(db: Connection, arguments: Arguments) -> Values:
        order = _open_order(db, arguments, ("bill",))
        if is_due(order):
            raise ActionRefused("already_sent")
        return _close(db, order)

    def find_payment(db: Connection, arguments: Arguments) -> Values:
        order = db.execute(
            "SELECT * FROM orders WHERE customer = ? AND kind = 'bill' AND what = ?"
            " AND state = 'open' AND day > ? ORDER BY day, id",
            (_customer(arguments), arguments["payee"], current_day().isoformat()),
        ).fetchone()
        if order is None:
            raise ActionRefused("not_found")
        return {
            "reference": f"{FIRST_ORDER_REFERENCE + order['id']}",
            "payment_amount": f"{order['cents'] / 100:.2f}",
            "payment_day": order["day"],
        }

    return {
        "cancel_transfer": cancel_transfer,
        "cancel_payment": cancel_payment,
        "find_payment": find_payment,
        "cancel_order": _cancel_order,
        "withdraw_dispute": _withdraw_dispute,
        "find_appointment": _find_appointment,
        "cancel_appointment": _cancel_appointment,
    }


def _customer(arguments: Arguments) -> str:
    customer = arguments.get("customer", "")
    if not customer:
        raise ActionRefused("not_verified")
    return customer


def _open_order(db: Connection, arguments: Arguments, kinds: tuple[str, ...]) -> Row:
    """The customer's order under this reference. Refused: "not_found", "already_cancelled"."""
    number = int(arguments["reference"]) - FIRST_ORDER_REFERENCE
    order: Row | None = db.execute(
        "SELECT * FROM orders WHERE id = ? AND customer = ?", (number, _customer(arguments))
    ).fetchone()
    if order is None or order["kind"] not in kinds:
        raise ActionRefused("not_found")
    if order["state"] != "open":
        raise ActionRefused("already_cancelled")
    return order


def _close(db: Connection, order: Row) -> Values:
    db.execute("UPDATE orders SET state = 'cancelled' WHERE id = ?", (order["id"],))
    return {}


def _move(db: Connection, customer: str, source: str, target: str, cents: int) -> None:
    taken = db.execute(
        "UPDATE accounts SET cents = cents - ? WHERE customer = ? AND kind = ? AND cents >= ?",
        (cents, customer, source, cents),
    )
    if not taken.rowcount:
        raise ActionRefused("no_funds")
    db.execute(
        "UPDATE accounts SET cents = cents + ? WHERE customer = ? AND kind = ?",
        (cents, customer, target),
    )


def _cancel_order(db: Connection, arguments: Arguments) -> Values:
    return _close(db, _open_order(db, arguments, ("card", "checks")))


def _withdraw_dispute(db: Connection, arguments: Arguments) -> Values:
    order = _open_order(db, arguments, ("dispute",))
    merchant, _, day = order["what"].rpartition(", ")
    db.execute(
        "UPDATE charges SET disputed = 0 WHERE customer = ? AND merchant = ? AND day = ?",
        (order["customer"], merchant, day),
    )
    return _close(db, order)


def _find_appointment(db: Connection, arguments: Arguments) -> Values:
    """The customer's appointment on a day. Refused: "not_found"."""
    row = db.execute(
        "SELECT appointments.* FROM appointments JOIN customers USING (name)"
        " WHERE customers.number = ? AND day = ? ORDER BY time",
        (_customer(arguments), arguments["date"]),
    ).fetchone()
    if row is None:
        raise ActionRefused("not_found")
    return {
        "reference": f"{FIRST_APPOINTMENT_REFERENCE + row['id']}",
        "appointment_branch": row["branch"],
        "appointment_time": row["time"],
    }


def _cancel_appointment(db: Connection, arguments: Arguments) -> Values:
    """Only who booked it knows the reference, and only they are told it again."""
    number = int(arguments["reference"]) - FIRST_APPOINTMENT_REFERENCE
    if not db.execute("DELETE FROM appointments WHERE id = ?", (number,)).rowcount:
        raise ActionRefused("not_found")
    return {}
