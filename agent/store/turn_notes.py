"""The tables of turn notes and offers: how each turn was scored, and what became of offers.

They are deleted after as many days as the pack says (agent/store/retention.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from agent.core.turn_notes import TURN_NOTE_JSON, LoggedOffer, Note, TurnNote
from agent.store.database import Database
from agent.store.records import NotedConversation
from agent.store.tables import judgements, offers
from dialogs.values import OfferAnswered, OfferMade


class TurnNotes(Database):
    """Notes on turns and offers."""

    def add_notes(self, session: str, notes: Sequence[Note], now: str) -> None:
        """Append notes, unless the session was erased. `now` is ISO 8601 in UTC."""
        if session in self._erased_sessions:
            return
        with self._transaction() as connection:
            for note in notes:
                match note:
                    case TurnNote():
                        self._add_turn_note(connection, session, note, now)
                    case OfferMade():
                        self._add_offer(connection, session, note, now)
                    case OfferAnswered():
                        _record_offer_outcome(connection, session, note)

    def _add_turn_note(
        self, connection: Connection, session: str, note: TurnNote, now: str
    ) -> None:
        values = {
            "session": session,
            "turn": note.turn,
            "kept_at": now,
            "channel": note.channel,
            "handed_over": len(note.handoff_rules),
            "note": TURN_NOTE_JSON.dump_json(note).decode(),
        }
        connection.execute(self._insert(judgements), values)

    def _add_offer(self, connection: Connection, session: str, offer: OfferMade, now: str) -> None:
        """The outcome is "ignored" until there is an answer: the customer may leave without one."""
        values = {
            "session": session,
            "number": offer.number,
            "turn": offer.turn,
            "kept_at": now,
            "context": json.dumps(dict(offer.context)),
            "scores": json.dumps(dict(offer.scores)),
            "chosen": offer.chosen,
            "propensity": offer.propensity,
            "outcome": "ignored" if offer.chosen else "",
        }
        connection.execute(self._insert(offers), values)

    def read_offers(self) -> list[LoggedOffer]:
        """All stored occasions to make an offer, oldest first."""
        order = (offers.c.kept_at, offers.c.session, offers.c.number)
        with self._read_connection() as connection:
            rows = connection.execute(select(offers).order_by(*order)).all()
        return [
            LoggedOffer(
                session=row.session,
                chosen=row.chosen,
                propensity=row.propensity,
                scores=json.loads(row.scores),
                context=json.loads(row.context),
                outcome=row.outcome,
                changes=tuple(json.loads(row.changes)),
            )
            for row in rows
        ]

    def read_turn_notes(self, session: str) -> list[TurnNote]:
        """The turn notes of a session, in order; empty for an unknown session."""
        query = select(judgements.c.note).where(judgements.c.session == session)
        with self._read_connection() as connection:
            rows = connection.execute(query.order_by(judgements.c.turn)).all()
        return [TURN_NOTE_JSON.validate_json(row[0]) for row in rows]

    def noted_conversations(
        self, session_prefix: str = "", limit: int = 20
    ) -> list[NotedConversation]:
        """Conversations with turn notes whose id begins with `session_prefix`, newest first."""
        began_at = func.min(judgements.c.kept_at)
        query = (
            select(
                judgements.c.session,
                began_at,
                func.min(judgements.c.channel),
                func.count(),
                func.sum(judgements.c.handed_over),
            )
            .where(func.substr(judgements.c.session, 1, len(session_prefix)) == session_prefix)
            .group_by(judgements.c.session)
            .order_by(began_at.desc())
            .limit(limit)
        )
        with self._read_connection() as connection:
            return [NotedConversation(*row) for row in connection.execute(query).all()]


def _record_offer_outcome(connection: Connection, session: str, answer: OfferAnswered) -> None:
    condition = (offers.c.session == session) & (offers.c.number == answer.number)
    changes = connection.execute(select(offers.c.changes).where(condition)).scalar()
    if changes is None:
        return
    values = {"changes": json.dumps([*json.loads(changes), answer.outcome])}
    if answer.outcome in ("accepted", "declined", "ignored"):
        values["outcome"] = answer.outcome
    connection.execute(update(offers).where(condition).values(values))
