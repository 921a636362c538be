"""Schema and first contents of the built-in bank's database.

The pack's `seed.yaml` is checked like every other file of the pack and written into empty tables.
"""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from dialogs.pack.schema import StrictYaml
from dialogs.pack.yaml_source import YamlFile

TABLES_SQL = """
CREATE TABLE IF NOT EXISTS customers (
    number TEXT PRIMARY KEY, passcode TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL,
    tier TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS accounts (
    customer TEXT NOT NULL REFERENCES customers, kind TEXT NOT NULL,
    cents INTEGER NOT NULL, PRIMARY KEY (customer, kind)) STRICT;
CREATE TABLE IF NOT EXISTS cards (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, kind TEXT NOT NULL,
    last_four TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'active') STRICT;
CREATE TABLE IF NOT EXISTS charges (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, card TEXT NOT NULL,
    merchant TEXT NOT NULL, cents INTEGER NOT NULL, day TEXT NOT NULL,
    disputed INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE IF NOT EXISTS payees (
    customer TEXT NOT NULL REFERENCES customers, name TEXT NOT NULL,
    PRIMARY KEY (customer, name)) STRICT;
CREATE TABLE IF NOT EXISTS branches (name TEXT PRIMARY KEY, address TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS hours (
    branch TEXT NOT NULL REFERENCES branches, weekday INTEGER NOT NULL,
    opens TEXT NOT NULL, closes TEXT NOT NULL, PRIMARY KEY (branch, weekday)) STRICT;
CREATE TABLE IF NOT EXISTS appointments (
    id INTEGER PRIMARY KEY, branch TEXT NOT NULL, day TEXT NOT NULL, time TEXT NOT NULL,
    topic TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (branch, day, time)) STRICT;
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL REFERENCES customers, kind TEXT NOT NULL,
    what TEXT NOT NULL, cents INTEGER NOT NULL DEFAULT 0, day TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open') STRICT;
"""
FIRST_ORDER_REFERENCE = 10_000  # the reference of an order is this and its id

ScalarText = Annotated[str, BeforeValidator(str)]


class CustomerYaml(StrictYaml):
    number: ScalarText
    passcode: ScalarText
    name: str
    email: str
    tier: str = "standard"


class AccountYaml(StrictYaml):
    customer: ScalarText
    kind: str
    balance: ScalarText


class CardYaml(StrictYaml):
    customer: ScalarText
    kind: str
    last_four: ScalarText


class ChargeYaml(StrictYaml):
    customer: ScalarText
    card: str
    merchant: str
    amount: ScalarText
    date: date


class PayeeYaml(StrictYaml):
    customer: ScalarText
    name: str


class OpeningTimesYaml(StrictYaml):
    opens: str
    closes: str


class BranchHoursYaml(StrictYaml):
    weekdays: OpeningTimesYaml | None = None
    saturday: OpeningTimesYaml | None = None
    sunday: OpeningTimesYaml | None = None


class BranchYaml(StrictYaml):
    name: str
    address: str
    hours: BranchHoursYaml = Field(default_factory=BranchHoursYaml)


class AppointmentYaml(StrictYaml):
    branch: str
    date: date
    time: str
    topic: str
    name: str


class BankSeedYaml(StrictYaml):
    customers: list[CustomerYaml]
    accounts: list[AccountYaml] = []
    cards: list[CardYaml] = []
    charges: list[ChargeYaml] = []
    payees: list[PayeeYaml] = []
    branches: list[BranchYaml] = []
    appointments: list[AppointmentYaml] = []


def to_cents(amount: str) -> int:
    """A decimal amount in cents."""
    return int((Decimal(amount) * 100).to_integral_value())


def passcode_hash(passcode: str, number: str) -> str:
    """PBKDF2 of a passcode, salted with its owner's number, as hexadecimal digits."""
    return hashlib.pbkdf2_hmac("sha256", passcode.encode(), number.encode(), 5_000).hex()


def seed(db: sqlite3.Connection, file: Path) -> None:
    """Create the tables and, when there are no customers yet, fill them from `file`."""
    for statement in TABLES_SQL.split(";"):
        if statement.strip():
            db.execute(statement)
    columns = {row["name"] for row in db.execute("PRAGMA table_info(orders)")}
    if "state" not in columns:  # a database from before orders could be cancelled
        db.execute("ALTER TABLE orders ADD COLUMN state TEXT NOT NULL DEFAULT 'open'")
    if db.execute("SELECT 1 FROM customers").fetchone():
        return
    contents = YamlFile(file).read_as(BankSeedYaml)
    insert_many = db.executemany
    insert_many(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?)",
        [
            (c.number, passcode_hash(c.passcode, c.number), c.name, c.email, c.tier)
            for c in contents.customers
        ],
    )
    insert_many(
        "INSERT INTO accounts VALUES (?, ?, ?)",
        [(a.customer, a.kind, to_cents(a.balance)) for a in contents.accounts],
    )
    insert_many(
        "INSERT INTO cards (customer, kind, last_four) VALUES (?, ?, ?)",
        [(c.customer, c.kind, c.last_four) for c in contents.cards],
    )
    insert_many(
        "INSERT INTO charges (customer, card, merchant, cents, day) VALUES (?, ?, ?, ?, ?)",
        [
            (c.customer, c.card, c.merchant, to_cents(c.amount), c.date.isoformat())
            for c in contents.charges
        ],
    )
    insert_many("INSERT INTO payees VALUES (?, ?)", [(p.customer, p.name) for p in contents.payees])
    insert_many(
        "INSERT INTO branches VALUES (?, ?)", [(b.name, b.address) for b in contents.branches]
    )
    insert_many(
        "INSERT INTO hours VALUES (?, ?, ?, ?)",
        [row for b in contents.branches for row in _hours_rows(b)],
    )
    insert_many(
        "INSERT INTO appointments (branch, day, time, topic, name) VALUES (?, ?, ?, ?, ?)",
        [(a.branch, a.date.isoformat(), a.time, a.topic, a.name) for a in contents.appointments],
    )


def _hours_rows(branch: BranchYaml) -> list[tuple[str, int, str, str]]:
    days = [(day, branch.hours.weekdays) for day in range(5)]
    days += [(5, branch.hours.saturday), (6, branch.hours.sunday)]
    return [(branch.name, day, hours.opens, hours.closes) for day, hours in days if hours]
