"""Registry of the conversations that run in this process.

`begin` starts a new conversation. `resume` finds one whose connection was lost: in this process, or
in the store after a restart; then it is recovered (agent/runtime/recovery.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator, Mapping

from agent.core.event_json import VERSION, EventFormatError
from agent.core.inputs import Customer, SessionOpened
from agent.core.records import SessionRecord, utc_text
from agent.core.session_factory import new_session
from agent.privacy.vault import SealError, Vault
from agent.runtime.conversation import LiveConversation
from agent.runtime.recovery import recover_session, reissue_open_work
from agent.runtime.services import Services
from agent.wire.messages import Hello, ResumeRequest

OVER_TEXT = "That session is over."

log = logging.getLogger("hearken.registry")


class CannotResume(Exception):
    """A session that cannot be resumed; the text says why."""


class ConversationRegistry(Mapping[str, LiveConversation]):
    """The running conversations of this process, by session id. For one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._conversations: dict[str, LiveConversation] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        # recoveries under way, by session id
        self._recovering: dict[str, asyncio.Task[LiveConversation]] = {}

    def __getitem__(self, id: str) -> LiveConversation:
        return self._conversations[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._conversations)

    def __len__(self) -> int:
        return len(self._conversations)

    async def run(self) -> None:
        """End conversations whose data was erased, until cancelled. An erasure that is missed here
        is reported again with the next row."""
        changes = self._services.event_bus.subscribe()
        while True:
            change = await changes.get()
            if change is None:
                changes = self._services.event_bus.subscribe()
            elif change.kind == "erased" and change.session in self._conversations:
                self._conversations[change.session].end_because_erased()

    def task_of(self, conversation: LiveConversation) -> asyncio.Task[None]:
        """The task of a conversation: done when the conversation is over or has failed."""
        return self._tasks[conversation.id]

    def begin(self, hello: Hello) -> tuple[LiveConversation, str]:
        """Start a new conversation; return it with its resume token."""
        services, id, token = self._services, secrets.token_hex(8), secrets.token_urlsafe(24)
        record = _session_record(services, id, token, hello)
        session = new_session(services.pack, record, services.session_rules)
        conversation = LiveConversation(
            services, record, session, Vault(services.pack, secrets.token_bytes(32)), token
        )
        created = services.journal.submit(lambda: services.store.create_session(record))
        created.add_done_callback(lambda done: _fail_with(conversation, done))
        customer = Customer(hello.customer.id, hello.customer.name)
        legs = hello.audio.legs if hello.audio else ()
        opened = SessionOpened(conversation.now, hello.channel, legs, hello.speak, customer)
        self._start(conversation, lambda: conversation.apply(opened))
        return conversation, token

    async def resume(self, request: ResumeRequest) -> LiveConversation:
        """The conversation this client resumes, recovered from the store where necessary;
        CannotResume when it is over, unknown or not the client's.

        Each caller's token is checked before anything is done for it, and again when it has waited:
        a recovery may be shared, but only by those who have the token of its session.
        """
        if (conversation := self._conversations.get(request.session)) is None:
            record = await asyncio.to_thread(self._services.store.find_session, request.session)
            _require_token(record, request.token)
            conversation = self._conversations.get(request.session)
        else:
            _require_token(conversation.record, request.token)
            if conversation.shut_down and not conversation.is_over:
                await asyncio.wait([self._tasks[request.session]])  # failed: recover what is stored
                conversation = self._conversations.get(request.session)
        if conversation is None:
            conversation = await self._shared_recovery(request)
        await conversation.started.wait()
        _require_token(conversation.record, request.token)
        if conversation.is_over or conversation.shut_down:
            raise CannotResume(OVER_TEXT)
        return conversation

    async def _shared_recovery(self, request: ResumeRequest) -> LiveConversation:
        """The recovered conversation; callers who come meanwhile wait for the same recovery."""
        recovering = self._recovering.get(request.session)
        if recovering is None:
            recovering = asyncio.create_task(self._recover(request))
            self._recovering[request.session] = recovering
            recovering.add_done_callback(lambda _: self._recovering.pop(request.session, None))
        return await asyncio.shield(recovering)

    async def _recover(self, request: ResumeRequest) -> LiveConversation:
        services = self._services
        await services.journal.readmit(request.session)
        found = await asyncio.to_thread(services.store.find_session, request.session)
        record = _require_token(found, request.token)
        if record.state != "live":
            raise CannotResume(OVER_TEXT)
        if record.version != VERSION:
            raise CannotResume("That session was begun by another version of this program.")
        if record.pack != services.pack_digest:
            raise CannotResume("What we can do has changed since; please begin again.")
        rows = await asyncio.to_thread(services.store.read_rows, record.id)
        try:
            recovered = await asyncio.to_thread(
                recover_session,
                record,
                rows,
                request.token,
                services.pack,
                services.session_rules,
            )
        except (SealError, EventFormatError) as broken:
            log.error("a session cannot be made anew", extra={"session": record.id})
            raise CannotResume("That session could not be restored.") from broken
        if not recovered.position.rows:  # the process ended before its first row was on disk
            raise CannotResume("That session had not begun; this is a new one.")
        conversation = LiveConversation(
            services,
            record,
            recovered.session,
            recovered.vault,
            request.token,
            recovered.position,
            recovered.last_input_at,
            recovered.session.leg_positions,
        )
        conversation.restore_recent_messages(recovered.recent_messages)
        self._start(conversation, lambda: reissue_open_work(conversation, recovered.open_work))
        await conversation.started.wait()
        return conversation

    def _start(self, conversation: LiveConversation, begin: Callable[[], None]) -> None:
        """Run a conversation in a task of its own; `begin` is called inside that task."""
        self._conversations[conversation.id] = conversation
        task = asyncio.create_task(conversation.run(begin), name=conversation.id)
        self._tasks[conversation.id] = task
        task.add_done_callback(lambda done: self._on_over(conversation, done))

    def _on_over(self, conversation: LiveConversation, done: asyncio.Task[None]) -> None:
        self._conversations.pop(conversation.id, None)
        self._tasks.pop(conversation.id, None)
        if not done.cancelled() and (failure := done.exception()) is not None:
            kind = type(failure).__name__
            log.error("a conversation failed", extra={"session": conversation.id, "failure": kind})

    async def stop(self) -> None:
        """Stop all conversations without ending them; another process can resume them."""
        tasks = list(self._tasks.values())
        for conversation in self._conversations.values():
            conversation.shut_down = True
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _session_record(services: Services, id: str, token: str, hello: Hello) -> SessionRecord:
    now = services.wall_now()
    audio = hello.audio
    return SessionRecord(
        id=id,
        began_at=now.isoformat(),
        channel=hello.channel,
        customer=hello.customer.id,
        today=services.pack.opening_hours.local_day(now).isoformat(),
        legs=audio.legs if audio else (),
        speak=hello.speak,
        pack=services.pack_digest,
        settings=_decision_settings(services),
        models=services.engine.model_names,
        token=_token_digest(token),
        state="live",
        recording=services.pack.privacy.may_record(has_consented=False),
        ended_at="",
        last_at=utc_text(now),
        sealed="",
        audio=audio.model_dump(mode="json") if audio else None,
        version=VERSION,
    )


def _decision_settings(services: Services) -> dict[str, str]:
    """The settings that decisions depend on, as text."""
    return {
        name: services.settings.masked_values()[name] for name in ("turns", "answer_s", "precision")
    }


def _fail_with(conversation: LiveConversation, done: asyncio.Future[None]) -> None:
    if not done.cancelled() and (failure := done.exception()) is not None:
        conversation.fail(failure)


def _require_token(record: SessionRecord | None, token: str) -> SessionRecord:
    """The record; CannotResume unless there is one and this is its token. A wrong token learns no
    more than that."""
    if record is None or not secrets.compare_digest(record.token, _token_digest(token)):
        raise CannotResume(OVER_TEXT)
    return record


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
