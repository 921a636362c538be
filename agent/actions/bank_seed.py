"""What stands in the books of the built-in bank on its first day?

`seed.yaml` of the pack is checked like every other page of it and written into empty tables.
"""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from dialogs.pack.schema import Strict
from dialogs.pack.yaml_source import Page

TABLES = """
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
    what TEXT NOT NULL, cents INTEGER NOT NULL DEFAULT 0, day TEXT NOT NULL DEFAULT '') STRICT;
"""

Text = Annotated[str, BeforeValidator(str)]


class CustomerText(Strict):
    number: Text
    passcode: Text
    name: str
    email: str
    tier: str = "standard"


class AccountText(Strict):
    customer: Text
    kind: str
    balance: Text


class CardText(Strict):
    customer: Text
    kind: str
    last_four: Text


class ChargeText(Strict):
    customer: Text
    card: str
    merchant: str
    amount: Text
    date: date


class PayeeText(Strict):
    customer: Text
    name: str


class OpenText(Strict):
    opens: str
    closes: str


class HoursText(Strict):
    weekdays: OpenText | None = None
    saturday: OpenText | None = None
    sunday: OpenText | None = None


class BranchText(Strict):
    name: str
    address: str
    hours: HoursText = Field(default_factory=HoursText)


class AppointmentText(Strict):
    branch: str
    date: date
    time: str
    topic: str
    name: str


class SeedText(Strict):
    customers: list[CustomerText]
    accounts: list[AccountText] = []
    cards: list[CardText] = []
    charges: list[ChargeText] = []
    payees: list[PayeeText] = []
    branches: list[BranchText] = []
    appointments: list[AppointmentText] = []


def cents(amount: str) -> int:
    return int((Decimal(amount) * 100).to_integral_value())


def hidden(passcode: str, number: str) -> str:
    """A passcode as it is kept: salted by its owner and slow to guess."""
    return hashlib.pbkdf2_hmac("sha256", passcode.encode(), number.encode(), 5_000).hex()


def sow(db: sqlite3.Connection, file: Path) -> None:
    """Make the tables and, when there are no customers yet, fill them."""
    for statement in TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    if db.execute("SELECT 1 FROM customers").fetchone():
        return
    seed = Page(file).checked(SeedText)
    many = db.executemany
    many(
        "INSERT INTO customers VALUES (?, ?, ?, ?, ?)",
        [(c.number, hidden(c.passcode, c.number), c.name, c.email, c.tier) for c in seed.customers],
    )
    many(
        "INSERT INTO accounts VALUES (?, ?, ?)",
        [(a.customer, a.kind, cents(a.balance)) for a in seed.accounts],
    )
    many(
        "INSERT INTO cards (customer, kind, last_four) VALUES (?, ?, ?)",
        [(c.customer, c.kind, c.last_four) for c in seed.cards],
    )
    many(
        "INSERT INTO charges (customer, card, merchant, cents, day) VALUES (?, ?, ?, ?, ?)",
        [
            (c.customer, c.card, c.merchant, cents(c.amount), c.date.isoformat())
            for c in seed.charges
        ],
    )
    many("INSERT INTO payees VALUES (?, ?)", [(p.customer, p.name) for p in seed.payees])
    many("INSERT INTO branches VALUES (?, ?)", [(b.name, b.address) for b in seed.branches])
    many("INSERT INTO hours VALUES (?, ?, ?, ?)", [row for b in seed.branches for row in _hours(b)])
    many(
        "INSERT INTO appointments (branch, day, time, topic, name) VALUES (?, ?, ?, ?, ?)",
        [(a.branch, a.date.isoformat(), a.time, a.topic, a.name) for a in seed.appointments],
    )


def _hours(branch: BranchText) -> list[tuple[str, int, str, str]]:
    days = [(day, branch.hours.weekdays) for day in range(5)]
    days += [(5, branch.hours.saturday), (6, branch.hours.sunday)]
    return [(branch.name, day, hours.opens, hours.closes) for day, hours in days if hours]
