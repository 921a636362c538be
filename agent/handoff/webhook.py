"""How does a helpdesk outside learn of hand-overs, and surely?

Each event is kept in the store's outbox first and then posted, signed as Standard Webhooks are,
until the receiver has answered with success: at least once, also over restarts, always under the
same id. After a day of failures it is given up, and the log says so. Held by
tests/agent/test_webhook.py against a real server.
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

from agent.core.events import HandOver
from agent.handoff.webhook_event import Conversation, event
from agent.store import Post, Store
from dialogs.pack.model import Pack

log = logging.getLogger("hearken.webhook")

FIRST_S = 5.0  # to wait after the first failure; then as long again as it has been tried
LONGEST_S = 3600.0
GIVE_UP_S = 24 * 3600.0  # after the event
POLL_S = 30.0  # between two looks for what another process left to be posted
AT_ONCE = 8  # hand-overs posted at the same time
CLAIM_S = 120.0  # that a process has to post what it takes in hand, before others may
MOST = 64 * 1024  # bytes of an answer that are looked at
PASSING = frozenset({408, 425, 429})  # and every 5xx: worth another try

Ended = Literal["accepted", "later", "given_up"]


class WebhookError(ValueError):
    """An address or a secret that cannot be used."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    accepted_by: str = Field("", max_length=200)


@dataclass(frozen=True, slots=True)
class Round:
    """What came of the events that were due, and in how many seconds to look again."""

    accepted: int
    later: int
    given_up: int
    next_s: float


@dataclass(frozen=True, slots=True)
class _Tried:
    """One answer. `wait_s` is what the receiver asked for, `by` who it says takes over."""

    ended: Ended
    status: int = 0
    wait_s: float = 0.0
    by: str = ""


class Webhook:
    """One receiver. `note` keeps events, `run` posts them."""

    def __init__(
        self,
        store: Store,
        pack: Pack,
        url: str,
        secret: str,
        now: Callable[[], datetime],
        timeout_s: float = 10.0,
    ) -> None:
        """`secret` is "whsec_" and base64. Raises WebhookError."""
        # Called in the event loop when an answer to a hand-over's event names who takes over.
        self.accepted: Callable[[str, int, str], None] = lambda session, number, name: None
        self._store = store
        self._pack = pack
        self._url = _checked(url)
        self._signer = _signer(secret)
        self._now = now
        self._timeout_s = timeout_s
        self._held: dict[tuple[str, int], datetime] = {}  # an earlier event of it has to wait
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = asyncio.Event()

    def note(self, session: str, customer: str, effect: HandOver, now: datetime) -> None:
        """Keep what happened to a hand-over, to be posted. Blocking; for any thread."""
        record = self._store.session(session)
        if record is None:
            return
        about = Conversation(session, record.channel, customer, record.recording)
        if (told := event(self._pack, about, effect, now)) is None:
            return
        self._store.post(told.id, session, effect.id, told.body, _utc(now))
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    async def run(self) -> None:
        """Post what is due, for as long as the process lives."""
        self._loop = asyncio.get_running_loop()
        async with httpx.AsyncClient() as client:
            while True:
                self._changed.clear()
                next_s = POLL_S
                try:
                    next_s = (await self.post_due(client)).next_s
                except* SQLAlchemyError:
                    log.error("the outbox cannot be read; it is looked at again later")
                with suppress(TimeoutError):
                    async with asyncio.timeout(next_s):
                        await self._changed.wait()

    async def post_due(self, client: httpx.AsyncClient) -> Round:
        """Post every event that is due: those of one hand-over in their order."""
        now = self._now()
        self._held = {key: until for key, until in self._held.items() if until > now}
        until = now + timedelta(seconds=CLAIM_S)
        due = await asyncio.to_thread(self._store.claim, _utc(now), _utc(until), AT_ONCE)
        posts = sorted(due, key=lambda post: (_key(post), _began(post)))
        async with asyncio.TaskGroup() as tasks:
            groups = [
                tasks.create_task(self._in_order(client, list(group), until))
                for _, group in groupby(posts, _key)
            ]
        ended = [one for group in groups for one in group.result()]
        count = {kind: ended.count(kind) for kind in ("accepted", "later", "given_up")}
        next_s = 0.0 if len(groups) == AT_ONCE else self._next_s()
        return Round(**count, next_s=next_s)

    def _next_s(self) -> float:
        waits = [(until - self._now()).total_seconds() for until in self._held.values()]
        return max(0.0, min([POLL_S, *waits]))

    async def _in_order(
        self, client: httpx.AsyncClient, posts: Iterable[Post], until: datetime
    ) -> list[Ended]:
        """As far as it goes before others may do it, too."""
        ended: list[Ended] = []
        for post in posts:
            if self._now() + timedelta(seconds=self._timeout_s) >= until:
                break
            ended.append(await self._post(client, post))
        return ended

    async def _post(self, client: httpx.AsyncClient, post: Post) -> Ended:
        if (until := self._held.get(_key(post))) is not None:
            await self._later(post, until)
            return "later"
        tried = await self._try(client, post)
        if tried.ended == "accepted":
            await asyncio.to_thread(self._store.posted, post.id, True, "")
            if tried.by:
                self.accepted(post.session, post.number, tried.by)
            return "accepted"
        age = (self._now() - _began(post)).total_seconds()
        told = {"session": post.session, "event": post.id, "status": tried.status}
        if tried.ended == "given_up" or age >= GIVE_UP_S:
            log.error("the helpdesk could not be told of a hand-over", extra=told)
            await asyncio.to_thread(self._store.posted, post.id, False, "")
            return "given_up"
        log.warning("the helpdesk is told of a hand-over later", extra=told)
        wait_s = ceil(min(LONGEST_S, max(FIRST_S, age, tried.wait_s)))
        until = self._now().replace(microsecond=0) + timedelta(seconds=wait_s)
        self._held[_key(post)] = until
        await self._later(post, until)
        return "later"

    async def _later(self, post: Post, until: datetime) -> None:
        await asyncio.to_thread(self._store.posted, post.id, False, _utc(until))

    async def _try(self, client: httpx.AsyncClient, post: Post) -> _Tried:
        now = self._now().astimezone(UTC)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": post.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(post.id, now, post.body),
        }
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._answer(client, post.body.encode(), headers)
        except (httpx.HTTPError, TimeoutError):
            return _Tried("later")

    async def _answer(
        self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]
    ) -> _Tried:
        async with client.stream("POST", self._url, content=body, headers=headers) as answer:
            status = answer.status_code
            if answer.is_success:
                return _Tried("accepted", status, by=_by(await _body(answer)))
            if status in PASSING or answer.is_server_error:
                asked = answer.headers.get("retry-after", "")
                return _Tried("later", status, _retry_after(asked, self._now()))
            return _Tried("given_up", status)


def _checked(url: str) -> str:
    try:
        return str(TypeAdapter(HttpUrl).validate_python(url))
    except ValidationError:
        said = "webhook_url is not an address like https://helpdesk.example/hook"
        raise WebhookError(said) from None


def _signer(secret: str) -> Signer:
    try:
        return Signer(secret)
    except (ValueError, EmptyWebhookSecretError):
        said = 'webhook_secret is "whsec_" and 24 to 64 random bytes in base64'
        raise WebhookError(said) from None


async def _body(answer: httpx.Response) -> bytes:
    """The body of an answer; nothing of one that is longer than anybody will look at."""
    read = b""
    async for piece in answer.aiter_bytes():
        read += piece
        if len(read) > MOST:
            return b""
    return read


def _by(body: bytes) -> str:
    """Who takes over, when the answer says so: {"accepted_by": "Dana"}."""
    try:
        return _Answer.model_validate_json(body).accepted_by.strip()
    except ValidationError:
        return ""


def _retry_after(said: str, now: datetime) -> float:
    """Seconds, from seconds or a date (RFC 9110, section 10.2.3); 0 when it says nothing."""
    if said.strip().isdecimal():
        return float(said)
    try:
        return max(0.0, (parsedate_to_datetime(said) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _key(post: Post) -> tuple[str, int]:
    return post.session, post.number


def _began(post: Post) -> datetime:
    """When it happened: the time of the event."""
    return datetime.fromisoformat(json.loads(post.body)["time"])


def _utc(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
