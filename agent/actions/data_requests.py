"""The server's own actions for what customers ask of their data: each notes it, with a number.

They stand before the business's back end, which never sees them. An erasure is carried out when the
conversation has ended; a copy and an objection are for people: `hearken requests` lists them
(tests/agent/actions/test_data_requests.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from agent.actions.interface import Actions
from agent.core.records import utc_text
from dialogs.pack.reserved_names import DATA_REQUESTS
from dialogs.values import ActionCall, ActionResult

CUSTOMER_ARGUMENT = "customer"
REFERENCE_VALUE = "reference"


class NotedRequest(Protocol):
    """A request that was noted under a number."""

    @property
    def reference(self) -> str: ...


class DataRequestBook(Protocol):
    """Where requests are noted."""

    def note_data_request(
        self, call_key: str, kind: str, session: str, customer: str, now: str
    ) -> NotedRequest: ...


class DataRequestActions:
    """`Actions` that note requests about data themselves and leave all else to the back end."""

    def __init__(
        self, back_end: Actions, book: DataRequestBook, now: Callable[[], datetime]
    ) -> None:
        self._back_end = back_end
        self._book = book
        self._now = now

    def perform(self, call: ActionCall) -> ActionResult:
        kind = DATA_REQUESTS.get(call.name)
        if kind is None:
            return self._back_end.perform(call)
        request = self._book.note_data_request(
            call.key,
            kind,
            call.key.rpartition(":")[0],
            call.arguments.get(CUSTOMER_ARGUMENT, ""),
            utc_text(self._now()),
        )
        return ActionResult(call.key, True, {REFERENCE_VALUE: request.reference})
