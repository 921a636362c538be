"""Requests of customers about their data: noted with a number, carried out, and then nameless.

An erasure that was asked for in a conversation is carried out once that has ended, by the process
that ran it or by the next run of the retention (tests/agent/store/test_data_requests.py).
"""

from __future__ import annotations

from sqlalchemy import Row, select, update

from agent.store.erasure import Erasure
from agent.store.records import DataRequest
from agent.store.tables import data_requests, sessions

ERASURE = "erasure"


class DataRequests(Erasure):
    """Notes, lists and finishes requests about data, and erases what was asked to be erased."""

    def note_data_request(
        self, call_key: str, kind: str, session: str, customer: str, now: str
    ) -> DataRequest:
        """Note a request, once for each key; returns it with its number."""
        values = {"call_key": call_key, "kind": kind, "session": session}
        with self._transaction() as connection:
            connection.execute(
                self._insert(data_requests), values | {"customer": customer, "asked_at": now}
            )
            query = select(data_requests).where(data_requests.c.call_key == call_key)
            return _request(connection.execute(query).one())

    def data_requests(self, include_done: bool = False) -> list[DataRequest]:
        """The open requests, oldest first; with those that are done if they are wanted."""
        query = select(data_requests).order_by(data_requests.c.id)
        if not include_done:
            query = query.where(data_requests.c.done_at == "")
        with self._read_connection() as connection:
            return [_request(row) for row in connection.execute(query)]

    def finish_data_request(self, reference: str, now: str, receipt: str = "") -> bool:
        """Mark an open request as done; from then on it names nobody. False when none is open
        under this number."""
        number = reference.removeprefix("R")
        condition = (data_requests.c.id == int(number)) if number.isdigit() else None
        if condition is None:
            return False
        values = {"done_at": now, "receipt": receipt, "session": "", "customer": ""}
        with self._transaction() as connection:
            is_open = condition & (data_requests.c.done_at == "")
            result = connection.execute(update(data_requests).where(is_open).values(values))
            return bool(result.rowcount)

    def erase_requested(self, now: str) -> list[DataRequest]:
        """Carry out the erasures that were asked for in conversations that are over; returns
        them."""
        with self._read_connection() as connection:
            live = set(
                connection.execute(
                    select(sessions.c.id).where(sessions.c.state == "live")
                ).scalars()
            )
        due = [
            one for one in self.data_requests() if one.kind == ERASURE and one.session not in live
        ]
        for request in due:
            receipts = [
                receipt
                for id in dict.fromkeys((request.session, request.customer))
                if id and (receipt := self.erase(id, now)) is not None
            ]
            self.finish_data_request(
                request.reference, now, " ".join(receipt.id for receipt in receipts)
            )
        return due


def _request(row: Row[tuple[object, ...]]) -> DataRequest:
    return DataRequest(
        f"R{row.id:05d}",
        row.kind,
        row.session,
        row.customer,
        row.asked_at,
        row.done_at,
        row.receipt,
    )
