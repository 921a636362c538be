"""Registry of the conversations that run in this process, and their recovery after a restart.

`begin` starts a new conversation. `resume` finds one whose connection was lost: in this process, or
in the store after a restart; then it is rebuilt by replaying its journal into a new session, and
requests and actions in flight are re-issued under the same ids and keys.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agent.core import events as e
from agent.core.event_json import VERSION, EventFormatError, JournalRow, event_from_json
from agent.core.records import SessionRecord, utc_text
from agent.core.session import Session
from agent.core.session_factory import new_session
from agent.privacy.vault import SealError, Vault
from agent.runtime.conversation import LiveConversation
from agent.runtime.event_recorder import MAX_RECENT_MESSAGES, JournalPosition
from agent.runtime.services import Services
from agent.wire.messages import Hello, ResumeRequest

log = logging.getLogger("hearken.lives")


class CannotResume(Exception):
    """A session that cannot be resumed; the text says why."""


class ConversationRegistry(Mapping[str, LiveConversation]):
    """The running conversations of this process, by session id. For one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._conversations: dict[str, LiveConversation] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._recovering: dict[
            str, asyncio.Task[LiveConversation]
        ] = {}  # recoveries under way, by session id

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
        services.journal.submit(lambda: services.store.create_session(record))
        customer = e.Customer(hello.customer.id, hello.customer.name)
        legs = hello.audio.legs if hello.audio else ()
        opened = e.SessionOpened(conversation.now, hello.channel, legs, hello.speak, customer)
        self._start(conversation, lambda: conversation.apply(opened))
        return conversation, token

    async def resume(self, request: ResumeRequest) -> LiveConversation:
        """The conversation this client resumes, recovered from the store where necessary;
        CannotResume when it is over, unknown or not the client's."""
        if (conversation := self._conversations.get(request.session)) is not None:
            if not _is_resume_token(conversation.record, request.token):
                raise CannotResume("That session is over.")  # no more is said to who has no token
            if conversation.is_over:
                raise CannotResume("That session is over.")
            return conversation
        recovering = self._recovering.get(request.session)
        if recovering is None:
            recovering = asyncio.create_task(self._recover(request))
            self._recovering[request.session] = recovering
            recovering.add_done_callback(lambda _: self._recovering.pop(request.session, None))
        return await asyncio.shield(recovering)

    async def _recover(self, request: ResumeRequest) -> LiveConversation:
        services = self._services
        record = await asyncio.to_thread(services.store.find_session, request.session)
        if record is None or record.state != "live":
            raise CannotResume("That session is over.")
        if not _is_resume_token(record, request.token):
            raise CannotResume("That session is over.")  # no more is said to who has no token
        if record.version != VERSION:
            raise CannotResume("That session was begun by another version of this program.")
        if record.pack != services.pack_digest:
            raise CannotResume("What we can do has changed since; please begin again.")
        try:
            recovered = await asyncio.to_thread(recover_session, services, record, request.token)
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
            recovered.positions,
        )
        conversation.restore_recent_messages(recovered.recent_messages)
        self._start(conversation, lambda: reissue_open_work(conversation, recovered))
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


@dataclass(frozen=True, slots=True)
class RecoveredSession:
    """A session rebuilt from its journal, and the work in flight when its process stopped."""

    session: Session
    vault: Vault
    position: JournalPosition
    last_input_at: float
    turn_requests: tuple[e.UnderstandTurn, ...]
    actions: tuple[e.PerformAction, ...]
    handoffs: tuple[e.UpdateHandoff, ...]
    queued_since: Mapping[int, float]  # by handoff number, in session seconds
    customer_connected: bool
    positions: Mapping[str, int]  # by leg, of the next sample
    recent_messages: deque[str]  # the last messages to the customer


def recover_session(services: Services, record: SessionRecord, token: str) -> RecoveredSession:
    vault = (
        Vault.unseal(services.pack, record.sealed, token)
        if record.sealed
        else Vault(services.pack, secrets.token_bytes(32))
    )
    session, position, last_input_at = (
        new_session(services.pack, record, services.session_rules),
        JournalPosition(),
        0.0,
    )
    turn_requests: dict[int, e.UnderstandTurn] = {}
    actions: dict[str, e.PerformAction] = {}
    handoffs: dict[int, e.UpdateHandoff] = {}
    queued_since: dict[int, float] = {}
    recent_messages: deque[str] = deque(maxlen=MAX_RECENT_MESSAGES)
    customer_connected = True
    positions = dict.fromkeys(record.legs, 0)
    for row in services.store.read_rows(record.id):
        event = event_from_json(row.input)
        _drop_answered(event, turn_requests, actions, handoffs)
        if isinstance(event, e.HandoffQueued):
            queued_since[event.id] = event.at
        _advance_positions(event, positions)
        match event:
            case e.ConnectionLost():
                customer_connected = False
            case e.ConnectionResumed():
                customer_connected = True
        for effect in session.receive(event):
            match effect:
                case e.UnderstandTurn():
                    turn_requests[effect.request_id] = effect
                case e.PerformAction(call):
                    actions[call.key] = effect
                case e.UpdateHandoff(state="requested"):
                    handoffs[effect.id] = effect
        _advance_position(position, row)
        recent_messages.extend(row.messages)
        last_input_at = max(last_input_at, row.at)
    open_requests = tuple(turn_requests.values())
    return RecoveredSession(
        session, vault, position, last_input_at, open_requests, tuple(actions.values()), tuple(handoffs.values()),
        queued_since, customer_connected, positions, recent_messages,
    )  # fmt: skip


def _drop_answered(
    event: e.Input,
    turn_requests: dict[int, e.UnderstandTurn],
    actions: dict[str, e.PerformAction],
    handoffs: dict[int, e.UpdateHandoff],
) -> None:
    match event:
        case e.TurnUnderstood(request_id=request_id) | e.UnderstandingFailed(request_id=request_id):
            turn_requests.pop(request_id, None)
        case e.ActionCompleted(outcome=outcome):
            actions.pop(outcome.key, None)
        case e.HandoffQueued(id=id) | e.HandoffUnanswered(id=id):
            handoffs.pop(id, None)


def _advance_positions(event: e.Input, positions: dict[str, int]) -> None:
    match event:
        case e.AudioReceived(leg=leg, samples=samples):
            positions[leg] += len(samples)
        case e.ConnectionResumed(missed_samples=missed_samples):
            positions.update({leg: at + missed_samples for leg, at in positions.items()})


def _advance_position(position: JournalPosition, row: JournalRow) -> None:
    position.rows = row.n
    position.client_seq = max(position.client_seq, row.client)
    position.server_seq += len(row.messages)


def reissue_open_work(conversation: LiveConversation, recovered: RecoveredSession) -> None:
    """Re-issue the work in flight at the stop. Spoken turns fail, because their audio is gone."""
    if recovered.customer_connected:  # the process ended before the connection was seen to be lost
        conversation.apply(e.ConnectionLost(conversation.now))
    for turn_request in recovered.turn_requests:
        if turn_request.stream is None:
            conversation.reissue_effect(turn_request)
        else:
            conversation.apply(
                e.UnderstandingFailed(conversation.now, turn_request.request_id, "failed")
            )
    for action in recovered.actions:
        conversation.reissue_effect(action)
    for handoff in recovered.handoffs:
        conversation.reissue_effect(handoff)
    status = conversation.status()
    for number in () if status.is_with_person else status.open_handoffs:
        if number in recovered.queued_since:
            conversation.start_queue_timeout(number, recovered.queued_since[number])
    if status.is_with_person:  # the console lost its connection, too
        conversation.lose_person(status.person_name)


def _session_record(services: Services, id: str, token: str, hello: Hello) -> SessionRecord:
    now = services.wall_now()
    audio = hello.audio
    return SessionRecord(
        id=id,
        began_at=now.isoformat(),
        channel=hello.channel,
        customer=hello.customer.id,
        today=now.date().isoformat(),
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


def _is_resume_token(record: SessionRecord, token: str) -> bool:
    return secrets.compare_digest(record.token, _token_digest(token))


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
