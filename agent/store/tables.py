"""Which tables are there? One description for SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    _text("began_at"),
    _text("channel"),
    _text("customer"),
    _text("today"),
    Column("legs", JSON, nullable=False),
    Column("speak", Boolean, nullable=False),
    _text("pack"),
    Column("settings", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    _text("token"),
    _text("state"),
    Column("recording", Boolean, nullable=False),
    _text("ended_at"),
    _text("last_at"),
    _text("sealed"),
    Column("audio", JSON),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("sessions_state", "state"),
    Index("sessions_customer", "customer"),
)
inputs = Table(
    "inputs",
    metadata,
    Column("session", String, nullable=False),
    Column("n", Integer, nullable=False),
    Column("at", Float, nullable=False),
    _text("input"),
    Column("client", Integer, nullable=False, server_default="0"),
    _text("messages"),
    _text("decisions"),
    _text("digest"),
    _text("redactions"),
    PrimaryKeyConstraint("session", "n"),
)
audio = Table(
    "audio",
    metadata,
    Column("session", String, nullable=False),
    Column("leg", String, nullable=False),
    Column("start", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    _text("sha256"),
    Column("flac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("session", "leg", "start"),
)
handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session", String, nullable=False),
    Column("number", Integer, nullable=False),
    _text("asked_at"),
    _text("rule"),
    _text("urgency"),
    Column("probability", Float, nullable=False),
    _text("summary"),
    _text("evidence"),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("present", Integer, nullable=False, server_default="1"),
    _text("customer"),
    _text("name"),  # who has taken it
    _text("changed_at"),
    _text("outcome"),
    _text("ticket"),
    _text("why"),
    UniqueConstraint("session", "number"),
    CheckConstraint(
        "state in ('queued', 'accepted', 'ended', 'callback')", name="handoffs_state_known"
    ),
)
judgements = Table(
    "judgements",
    metadata,
    Column("session", String, nullable=False),
    Column("turn", Integer, nullable=False),
    _text("kept_at"),
    _text("channel"),
    Column("handed_over", Integer, nullable=False),
    _text("note"),
    PrimaryKeyConstraint("session", "turn"),
    Index("judgements_kept_at", "kept_at"),
)
offers = Table(
    "offers",
    metadata,
    Column("session", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    _text("kept_at"),
    _text("context"),
    _text("scores"),
    _text("chosen"),
    Column("propensity", Float, nullable=False),
    _text("outcome"),
    Column("changes", Text, nullable=False, server_default="[]"),
    PrimaryKeyConstraint("session", "number"),
    CheckConstraint("propensity > 0 and propensity <= 1", name="offers_propensity"),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", String, primary_key=True),
    Column("session", String, nullable=False),
    Column("number", Integer, nullable=False),
    _text("body"),
    _text("next_at"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="due"),
    Index("outbox_next_at", "state", "next_at"),
)
receipts = Table(
    "receipts",
    metadata,
    Column("id", String, primary_key=True),
    _text("at"),
    Column("sessions", JSON, nullable=False),
    Column("rows", JSON, nullable=False),
    Column("overwritten", Boolean, nullable=False, server_default=false()),
)
# What belongs to one session, by the name of its column.
OF_A_SESSION = (inputs, audio, handoffs, judgements, offers, outbox)
