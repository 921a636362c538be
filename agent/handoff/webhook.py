"""Durable delivery of handoff events to a helpdesk outside, by webhook.

Each event is stored in the outbox first, and then posted, signed as Standard Webhooks are, until
the receiver answers with success: at least once, also across restarts, always under the same id.
After a day of failures the event is given up and logged. Held by
tests/agent/handoff/test_webhook.py against a real server.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import groupby
from math import ceil
from typing import Literal

import httpx
from pydantic import BaseModel, ConfigDict, Field, HttpUrl, TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from standardwebhooks import Webhook as Signer
from standardwebhooks.webhooks import EmptyWebhookSecretError

from agent.core.effects import UpdateHandoff
from agent.core.records import utc_text
from agent.handoff.webhook_event import (
    CallbackState,
    HandoffConversation,
    WebhookEvent,
    callback_event,
    handoff_event,
)
from agent.store import CallbackTicket, OutboxMessage, Store
from dialogs.pack.model import Pack

log = logging.getLogger("hearken.webhook")

FIRST_RETRY_S = 5.0  # first delay; then as long as the event is old, so it doubles
MAX_RETRY_S = 3600.0
GIVE_UP_AFTER_S = 24 * 3600.0  # after the event
POLL_INTERVAL_S = 30.0  # between two looks for events that another process left
MAX_CONCURRENT_HANDOFFS = 8  # handoffs posted at the same time
CLAIM_LEASE_S = 120.0  # that a process has to post what it claimed, before others may
MAX_ANSWER_BYTES = 64 * 1024  # bytes of an answer that are looked at
RETRYABLE_STATUSES = frozenset({408, 425, 429})  # and every 5xx: worth another try

DeliveryOutcome = Literal["accepted", "later", "given_up"]


class WebhookError(ValueError):
    """A webhook URL or secret that cannot be used."""


class _ReceiverAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accepted_by: str = Field("", max_length=200)


@dataclass(frozen=True, slots=True)
class DeliveryRound:
    """The number of due events by outcome, and the seconds until the next round."""

    accepted: int
    later: int
    given_up: int
    next_s: float


@dataclass(frozen=True, slots=True)
class _DeliveryAttempt:
    """The result of one request. `wait_s` is the receiver's Retry-After, `accepted_by` a person."""

    outcome: DeliveryOutcome
    status: int = 0
    wait_s: float = 0.0
    accepted_by: str = ""


class Webhook:
    """One receiver of events: `notify` stores an event, `run` delivers the stored ones."""

    def __init__(
        self,
        store: Store,
        pack: Pack,
        url: str,
        secret: str,
        now: Callable[[], datetime],
        timeout_s: float = 10.0,
        on_accepted: Callable[[str, int, str], None] | None = None,
    ) -> None:
        """`secret` is "whsec_" and base64. Raises WebhookError. `on_accepted` is called in the
        event loop when the answer to a handoff's event names who takes over: session, number of the
        handoff, name."""
        self._on_accepted = on_accepted
        self._store = store
        self._pack = pack
        self._url = _valid_url(url)
        self._signer = _make_signer(secret)
        self._now = now
        self._timeout_s = timeout_s
        self._retry_at: dict[tuple[str, int], datetime] = {}  # an earlier event of it has to wait
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake_up = asyncio.Event()

    def notify(self, session: str, customer: str, effect: UpdateHandoff, now: datetime) -> None:
        """Store the event of a handoff's change for delivery. Blocking; for any thread."""
        record = self._store.find_session(session)
        if record is None:
            return
        conversation = HandoffConversation(session, record.channel, customer, record.recording)
        if (webhook_event := handoff_event(self._pack, conversation, effect, now)) is None:
            return
        self._add(webhook_event, session, effect.id, now)

    def notify_callback(
        self, ticket: CallbackTicket, state: CallbackState, now: datetime, name: str = ""
    ) -> None:
        """Store the event of a call back for delivery. Blocking; for any thread."""
        record = self._store.find_session(ticket.session)
        channel, recording = (record.channel, record.recording) if record else ("", False)
        conversation = HandoffConversation(ticket.session, channel, ticket.customer, recording)
        event = callback_event(conversation, ticket, state, now, name)
        self._add(event, ticket.session, ticket.number, now)

    def _add(self, event: WebhookEvent, session: str, number: int, now: datetime) -> None:
        self._store.add_message(event.id, session, number, event.body, utc_text(now))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake_up.set)

    async def run(self) -> None:
        """Deliver due events until cancelled."""
        self._loop = asyncio.get_running_loop()
        async with httpx.AsyncClient() as client:
            while True:
                self._wake_up.clear()
                next_s = POLL_INTERVAL_S
                try:
                    next_s = (await self.deliver_due(client)).next_s
                except* SQLAlchemyError:
                    log.error("the outbox cannot be read; the next round tries again")
                with suppress(TimeoutError):
                    async with asyncio.timeout(next_s):
                        await self._wake_up.wait()

    async def deliver_due(self, client: httpx.AsyncClient) -> DeliveryRound:
        """Post all due events, those of one handoff in order."""
        now = self._now()
        self._retry_at = {
            key: claimed_until
            for key, claimed_until in self._retry_at.items()
            if claimed_until > now
        }
        claimed_until = now + timedelta(seconds=CLAIM_LEASE_S)
        messages = await asyncio.to_thread(
            self._store.claim_due, utc_text(now), utc_text(claimed_until), MAX_CONCURRENT_HANDOFFS
        )
        ordered = sorted(messages, key=lambda post: (_handoff_key(post), _event_time(post)))
        async with asyncio.TaskGroup() as tasks:
            groups = [
                tasks.create_task(self._deliver_in_order(client, list(group), claimed_until))
                for _, group in groupby(ordered, _handoff_key)
            ]
        outcomes = [one for group in groups for one in group.result()]
        count = {kind: outcomes.count(kind) for kind in ("accepted", "later", "given_up")}
        next_s = 0.0 if len(groups) == MAX_CONCURRENT_HANDOFFS else self._next_s()
        return DeliveryRound(**count, next_s=next_s)

    def _next_s(self) -> float:
        waits = [(until - self._now()).total_seconds() for until in self._retry_at.values()]
        return max(0.0, min([POLL_INTERVAL_S, *waits]))

    async def _deliver_in_order(
        self, client: httpx.AsyncClient, messages: Iterable[OutboxMessage], claimed_until: datetime
    ) -> list[DeliveryOutcome]:
        """Post the messages one by one while the claim lasts."""
        outcomes: list[DeliveryOutcome] = []
        for message in messages:
            if self._now() + timedelta(seconds=self._timeout_s) >= claimed_until:
                break
            outcomes.append(await self._deliver(client, message))
        return outcomes

    async def _deliver(self, client: httpx.AsyncClient, message: OutboxMessage) -> DeliveryOutcome:
        if (retry_at := self._retry_at.get(_handoff_key(message))) is not None:
            await self._reschedule(message, retry_at)
            return "later"
        attempt = await self._attempt(client, message)
        if attempt.outcome == "accepted":
            await asyncio.to_thread(self._store.record_delivery, message.id, True, "")
            if attempt.accepted_by and self._on_accepted is not None:
                self._on_accepted(message.session, message.number, attempt.accepted_by)
            return "accepted"
        age = (self._now() - _event_time(message)).total_seconds()
        log_fields = {"session": message.session, "event": message.id, "status": attempt.status}
        if attempt.outcome == "given_up" or age >= GIVE_UP_AFTER_S:
            log.error("a handoff event could not be delivered to the helpdesk", extra=log_fields)
            await asyncio.to_thread(self._store.record_delivery, message.id, False, "")
            return "given_up"
        log.warning("a handoff event will be delivered to the helpdesk later", extra=log_fields)
        wait_s = ceil(min(MAX_RETRY_S, max(FIRST_RETRY_S, age, attempt.wait_s)))
        retry_at = self._now().replace(microsecond=0) + timedelta(seconds=wait_s)
        self._retry_at[_handoff_key(message)] = retry_at
        await self._reschedule(message, retry_at)
        return "later"

    async def _reschedule(self, message: OutboxMessage, retry_at: datetime) -> None:
        await asyncio.to_thread(self._store.record_delivery, message.id, False, utc_text(retry_at))

    async def _attempt(self, client: httpx.AsyncClient, message: OutboxMessage) -> _DeliveryAttempt:
        now = self._now().astimezone(UTC)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(message.id, now, message.body),
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(client, message.body.encode(), headers)
        except (httpx.HTTPError, TimeoutError):
            return _DeliveryAttempt("later")

    async def _send(
        self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]
    ) -> _DeliveryAttempt:
        async with client.stream("POST", self._url, content=body, headers=headers) as response:
            status = response.status_code
            if response.is_success:
                return _DeliveryAttempt(
                    "accepted", status, accepted_by=_accepted_by(await _read_body(response))
                )
            if status in RETRYABLE_STATUSES or response.is_server_error:
                retry_after = response.headers.get("retry-after", "")
                return _DeliveryAttempt("later", status, _retry_after_s(retry_after, self._now()))
            return _DeliveryAttempt("given_up", status)


def _valid_url(url: str) -> str:
    try:
        return str(TypeAdapter(HttpUrl).validate_python(url))
    except ValidationError:
        reason = "webhook_url is not an address like https://helpdesk.example/hook"
        raise WebhookError(reason) from None


def _make_signer(secret: str) -> Signer:
    try:
        return Signer(secret)
    except (ValueError, EmptyWebhookSecretError):
        reason = 'webhook_secret is "whsec_" and 24 to 64 random bytes in base64'
        raise WebhookError(reason) from None


async def _read_body(response: httpx.Response) -> bytes:
    """The body of an answer; empty when it is longer than MAX_ANSWER_BYTES."""
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            return b""
    return content


def _accepted_by(body: bytes) -> str:
    """The person who takes the handoff, from {"accepted_by": "Dana"}; empty for none."""
    try:
        return _ReceiverAnswer.model_validate_json(body).accepted_by.strip()
    except ValidationError:
        return ""


def _retry_after_s(header: str, now: datetime) -> float:
    """Seconds from a Retry-After header (RFC 9110, section 10.2.3); 0 when it is unreadable."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _handoff_key(message: OutboxMessage) -> tuple[str, int]:
    return message.session, message.number


def _event_time(message: OutboxMessage) -> datetime:
    """The time of the event, from its JSON."""
    return datetime.fromisoformat(json.loads(message.body)["time"])
