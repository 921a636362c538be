"""When is a branch of the built-in bank open, and which appointments can be had there?

Held by tests/agent/test_bank.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import date

from agent.actions.interface import Refused

Arguments = Mapping[str, str]
Values = dict[str, str]
Db = sqlite3.Connection
SLOT_MINUTES = 30  # an appointment must begin this long before closing


def hours(db: Db, arguments: Arguments) -> Values:
    name = arguments["branch"]
    branch = db.execute("SELECT * FROM branches WHERE name = ?", (name,)).fetchone()
    if branch is None:
        raise Refused("no_branch")
    opens, closes = _open(db, name, arguments["date"])
    return {"opens": opens, "closes": closes, "address": branch["address"]}


def _open(db: Db, branch: str, day: str) -> tuple[str, str]:
    row = db.execute(
        "SELECT opens, closes FROM hours WHERE branch = ? AND weekday = ?",
        (branch, date.fromisoformat(day).weekday()),
    ).fetchone()
    if row is None:
        raise Refused("closed")
    return str(row["opens"]), str(row["closes"])


def book(db: Db, arguments: Arguments) -> Values:
    branch, day, time = arguments["branch"], arguments["date"], arguments["time"]
    opens, closes = _open(db, branch, day)
    if not _minutes(opens) <= _minutes(time) <= _minutes(closes) - SLOT_MINUTES:
        raise Refused("closed")
    try:
        made = db.execute(
            "INSERT INTO appointments (branch, day, time, topic, name) VALUES (?, ?, ?, ?, ?)",
            (branch, day, time, arguments["topic"], arguments["name"]),
        )
    except sqlite3.IntegrityError:
        raise Refused("taken") from None
    return {"reference": f"{20_000 + (made.lastrowid or 0)}"}


def _minutes(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
