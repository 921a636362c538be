"""The server's own actions for call backs: the check of a contact, and the promise with its ticket.

They stand before the business's back end, which never sees them. Their arguments come with the
customer's real number or address: here, at the edge, it is checked and stored for the people at the
consoles (tests/agent/handoff/test_callbacks.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import phonenumbers

from agent.actions.interface import UNAVAILABLE, Actions
from agent.core.records import utc_text
from agent.handoff.webhook_event import CallbackState
from agent.store import CallbackRequest, CallbackTicket, Store
from dialogs.extraction.contacts import is_address
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import (
    ABOUT_ARGUMENT,
    ARRANGE_CALLBACK_ACTION,
    CHECK_CONTACT_ACTION,
)
from dialogs.values import ActionCall, ActionResult

CONTACT_ARGUMENT, NAME_ARGUMENT = "contact", "name"
NOT_REACHABLE = "not_reachable"  # reason: no such number or address
MAX_ADDRESS_LETTERS = 254  # RFC 5321, section 4.5.3.1.3
_ADDRESS = re.compile(r"[\w.%+-]{1,64}@(?:[\w-]{1,63}\.)+[a-z]{2,63}")


class CallbackListener(Protocol):
    """A system outside that is notified of call backs."""

    def notify_callback(
        self, ticket: CallbackTicket, state: CallbackState, now: datetime, name: str = ""
    ) -> None: ...


class CallbackActions:
    """`Actions` that arrange call backs themselves and leave all else to the back end."""

    def __init__(
        self,
        back_end: Actions,
        store: Store,
        pack: Pack,
        now: Callable[[], datetime],
        helpdesk: CallbackListener | None = None,
    ) -> None:
        self._back_end = back_end
        self._store = store
        self._opening_hours = pack.opening_hours
        self._now = now
        self._helpdesk = helpdesk

    def perform(self, call: ActionCall) -> ActionResult:
        if call.name == CHECK_CONTACT_ACTION:
            return self._check(call)
        if call.name == ARRANGE_CALLBACK_ACTION:
            return self._arrange(call)
        return self._back_end.perform(call)

    def _check(self, call: ActionCall) -> ActionResult:
        contact = call.arguments.get(CONTACT_ARGUMENT, "")
        if normal_contact(contact, self._opening_hours.phone_region):
            return ActionResult(call.key, True)
        return ActionResult(call.key, False, reason=NOT_REACHABLE)

    def _arrange(self, call: ActionCall) -> ActionResult:
        """Blocking."""
        arguments, now = call.arguments, self._now()
        region = self._opening_hours.phone_region
        contact = normal_contact(arguments.get(CONTACT_ARGUMENT, ""), region)
        if not contact:
            return ActionResult(call.key, False, reason=NOT_REACHABLE)
        opening = self._opening_hours.next_opening(now)
        is_open = self._opening_hours.is_open(now)
        session = call.key.rpartition(":")[0]
        request = CallbackRequest(
            session=session,
            key=call.key,
            contact=contact,
            name=arguments.get(NAME_ARGUMENT, ""),
            about=arguments.get(ABOUT_ARGUMENT, ""),
            due_at="" if is_open or opening is None else utc_text(opening),
        )
        record = self._store.find_session(session)
        customer = record.customer if record else ""
        ticket = self._store.arrange_callback(request, customer, utc_text(now))
        if ticket is None:
            return ActionResult(call.key, False, reason=UNAVAILABLE)
        if self._helpdesk is not None:
            self._helpdesk.notify_callback(ticket, "arranged", now)
        return ActionResult(call.key, True, {"ticket": ticket.id})


def normal_contact(contact: str, region: str) -> str:
    """A telephone number in international form, or an e-mail address in lower case; empty for one
    that cannot be reached. `region` is that of numbers without a country code."""
    contact = contact.strip()
    if is_address(contact):
        address = contact.lower()
        is_valid = len(address) <= MAX_ADDRESS_LETTERS and _ADDRESS.fullmatch(address)
        return address if is_valid else ""
    try:
        number = phonenumbers.parse(contact, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
