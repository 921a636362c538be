"""How was each turn judged, and what became of offers? Kept for as long as the pack says."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from agent.core.turn_notes import NOTES, LoggedOffer, Note, TurnNote
from agent.store.database import Database
from agent.store.records import Kept
from agent.store.tables import judgements, offers
from dialogs.values import OfferAnswered, OfferMade


class Notes(Database):
    """Judgements of turns and offers."""

    def remember(self, session: str, notes: Sequence[Note], now: str) -> None:
        """Append what turns and offers came to. `now` is ISO 8601 in UTC."""
        if session in self._erased:
            return
        with self._writing() as books:
            for note in notes:
                match note:
                    case TurnNote():
                        self._judged(books, session, note, now)
                    case OfferMade():
                        self._offered(books, session, note, now)
                    case OfferAnswered():
                        _answered(books, session, note)

    def _judged(self, books: Connection, session: str, note: TurnNote, now: str) -> None:
        values = {
            "session": session,
            "turn": note.turn,
            "kept_at": now,
            "channel": note.channel,
            "handed_over": len(note.handed_over),
            "note": NOTES.dump_json(note).decode(),
        }
        books.execute(self._insert(judgements), values)

    def _offered(self, books: Connection, session: str, made: OfferMade, now: str) -> None:
        """Ignored until there is an answer: the customer may leave without one."""
        values = {
            "session": session,
            "number": made.number,
            "turn": made.turn,
            "kept_at": now,
            "context": json.dumps(dict(made.context)),
            "scores": json.dumps(dict(made.scores)),
            "chosen": made.chosen,
            "propensity": made.propensity,
            "outcome": "ignored" if made.chosen else "",
        }
        books.execute(self._insert(offers), values)

    def offers(self) -> list[LoggedOffer]:
        """Every occasion to offer something that is kept, oldest first."""
        order = (offers.c.kept_at, offers.c.session, offers.c.number)
        with self._reading() as books:
            rows = books.execute(select(offers).order_by(*order)).all()
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

    def notes(self, session: str) -> list[TurnNote]:
        """Every turn of a session that was judged, in order; empty for an unknown one."""
        wanted = select(judgements.c.note).where(judgements.c.session == session)
        with self._reading() as books:
            rows = books.execute(wanted.order_by(judgements.c.turn)).all()
        return [NOTES.validate_json(row[0]) for row in rows]

    def kept(self, session: str = "", limit: int = 20) -> list[Kept]:
        """The latest conversations, newest first: all, or those whose id begins with `session`."""
        first = func.min(judgements.c.kept_at)
        wanted = (
            select(
                judgements.c.session,
                first,
                func.min(judgements.c.channel),
                func.count(),
                func.sum(judgements.c.handed_over),
            )
            .where(func.substr(judgements.c.session, 1, len(session)) == session)
            .group_by(judgements.c.session)
            .order_by(first.desc())
            .limit(limit)
        )
        with self._reading() as books:
            return [Kept(*row) for row in books.execute(wanted).all()]


def _answered(books: Connection, session: str, answer: OfferAnswered) -> None:
    of = (offers.c.session == session) & (offers.c.number == answer.number)
    before = books.execute(select(offers.c.changes).where(of)).scalar()
    if before is None:
        return
    values = {"changes": json.dumps([*json.loads(before), answer.outcome])}
    if answer.outcome in ("accepted", "declined", "ignored"):
        values["outcome"] = answer.outcome
    books.execute(update(offers).where(of).values(values))
