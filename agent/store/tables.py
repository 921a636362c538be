"""The database tables, described once for SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
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


def _text_column(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    _text_column("began_at"),
    _text_column("channel"),
    _text_column("customer"),
    _text_column("today"),
    Column("legs", JSON, nullable=False),
    Column("speak", Boolean, nullable=False),
    _text_column("pack"),
    Column("settings", JSON, nullable=False),
    Column("models", JSON, nullable=False),
    _text_column("token"),
    _text_column("state"),
    Column("recording", Boolean, nullable=False),
    _text_column("ended_at"),
    _text_column("last_at"),
    _text_column("sealed"),
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
    _text_column("input"),
    Column("client", Integer, nullable=False, server_default="0"),
    _text_column("messages"),
    _text_column("decisions"),
    _text_column("digest"),
    _text_column("redactions"),
    PrimaryKeyConstraint("session", "n"),
)
audio = Table(
    "audio",
    metadata,
    Column("session", String, nullable=False),
    Column("leg", String, nullable=False),
    Column("start", BigInteger, nullable=False),  # samples: 32 bits hold 37 hours
    Column("length", Integer, nullable=False),
    _text_column("sha256"),
    Column("flac", LargeBinary, nullable=False),
    PrimaryKeyConstraint("session", "leg", "start"),
)
handoffs = Table(
    "handoffs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("session", String, nullable=False),
    Column("number", Integer, nullable=False),
    _text_column("asked_at"),
    _text_column("rule"),
    _text_column("urgency"),
    Column("probability", Float, nullable=False),
    _text_column("summary"),
    _text_column("evidence"),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("present", Integer, nullable=False, server_default="1"),
    _text_column("customer"),
    _text_column("name"),  # the person who accepted it, or whom a helpdesk promised
    _text_column("changed_at"),
    _text_column("outcome"),
    _text_column("ticket"),
    _text_column("why"),
    _text_column("contact"),  # where to call back, as the customer gave it; empty once done
    _text_column("contact_name"),
    _text_column("due_at"),  # when somebody is back who can call; empty: as soon as possible
    _text_column("call_key"),  # of the action that promised the call back
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
    _text_column("kept_at"),
    _text_column("channel"),
    Column("handed_over", Integer, nullable=False),
    _text_column("note"),
    PrimaryKeyConstraint("session", "turn"),
    Index("judgements_kept_at", "kept_at"),
)
offers = Table(
    "offers",
    metadata,
    Column("session", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("turn", Integer, nullable=False),
    _text_column("kept_at"),
    _text_column("context"),
    _text_column("scores"),
    _text_column("chosen"),
    Column("propensity", Float, nullable=False),
    _text_column("outcome"),
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
    _text_column("body"),
    _text_column("next_at"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("state", Text, nullable=False, server_default="due"),
    Index("outbox_next_at", "state", "next_at"),
)
receipts = Table(
    "receipts",
    metadata,
    Column("id", String, primary_key=True),
    _text_column("at"),
    Column("sessions", JSON, nullable=False),
    Column("rows", JSON, nullable=False),
    Column("overwritten", Boolean, nullable=False, server_default=false()),
)
# What customers have asked of their data. It outlives the data: once done it names nobody.
data_requests = Table(
    "data_requests",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("call_key", String, nullable=False, unique=True),  # of the action that noted it
    _text_column("kind"),
    _text_column("session"),
    _text_column("customer"),
    _text_column("asked_at"),
    _text_column("done_at"),  # empty: open
    _text_column("receipt"),  # of an erasure
)
# The tables with a `session` column: all that is stored of a session except its own row.
SESSION_TABLES = (inputs, audio, handoffs, judgements, offers, outbox)
