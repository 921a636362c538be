"""Opening hours and appointments of the built-in bank's branches.

Held by tests/agent/actions/test_bank.py.
"""

from __future__ import annotations

import sqlite3
from datetime import date, datetime
from sqlite3 import Connection

from agent.actions.idempotency import Arguments, Values
from agent.actions.interface import ActionRefused

FIRST_APPOINTMENT_REFERENCE = 20_000  # the reference of an appointment is this and its id
APPOINTMENT_MINUTES = 30  # an appointment must begin this long before closing


def branch_hours(db: Connection, arguments: Arguments) -> Values:
    """Opening times and address of a branch on a day. Refused: "no_branch", "closed"."""
    name = arguments["branch"]
    branch = db.execute("SELECT * FROM branches WHERE name = ?", (name,)).fetchone()
    if branch is None:
        raise ActionRefused("no_branch")
    opens, closes = _opening_times(db, name, arguments["date"])
    return {"opens": opens, "closes": closes, "address": branch["address"]}


def _opening_times(db: Connection, branch: str, day: str) -> tuple[str, str]:
    row = db.execute(
        "SELECT opens, closes FROM hours WHERE branch = ? AND weekday = ?",
        (branch, date.fromisoformat(day).weekday()),
    ).fetchone()
    if row is None:
        raise ActionRefused("closed")
    return str(row["opens"]), str(row["closes"])


def book_appointment(db: Connection, arguments: Arguments, now: datetime) -> Values:
    """Book an appointment; `now` is the time where the bank is. Refused: "past", "closed" on that
    day, "outside_hours" at that time, or "taken" when another has it."""
    branch, day, time = arguments["branch"], arguments["date"], arguments["time"]
    if f"{day} {time}" <= f"{now:%Y-%m-%d %H:%M}":
        raise ActionRefused("past")
    opens, closes = _opening_times(db, branch, day)
    if (
        not _minutes_of_day(opens)
        <= _minutes_of_day(time)
        <= _minutes_of_day(closes) - APPOINTMENT_MINUTES
    ):
        raise ActionRefused("outside_hours")
    try:
        inserted = db.execute(
            "INSERT INTO appointments (branch, day, time, topic, name) VALUES (?, ?, ?, ?, ?)",
            (branch, day, time, arguments["topic"], arguments["name"]),
        )
    except sqlite3.IntegrityError:
        raise ActionRefused("taken") from None
    return {"reference": f"{FIRST_APPOINTMENT_REFERENCE + (inserted.lastrowid or 0)}"}


def _minutes_of_day(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
