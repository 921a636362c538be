"""What a person can do: accept a conversation, take it over, say, hand back, close, call back.

The store decides who gets a handoff, the session who may speak; both are asked here, in this
order. A forbidden act raises `WireError` with a sentence for the person and changes nothing
(tests/system/test_desk.py).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from agent.core.inputs import (
    PersonEndedSession,
    PersonHandedBack,
    PersonTextReceived,
    PersonTookOver,
)
from agent.core.records import utc_text
from agent.runtime.conversation import LiveConversation
from agent.runtime.services import Services
from agent.store import CallbackTicket
from agent.wire.console import CallBackOutcome
from agent.wire.parsing import WireError
from dialogs.values import ConsoleRole

log = logging.getLogger("hearken.console")

OUTCOME_HANDED_BACK = "handed_back"  # outcome of a handoff that a person gave back to the bot
OUTCOME_CUSTOMER_LEFT = "gone"  # outcome of a handoff whose customer did not wait
TOO_LATE_TEXT = "Somebody else has taken it, or it is over."


@dataclass(frozen=True, slots=True)
class AgentUser:
    """The user of a console. The role follows from the token they logged in with."""

    name: str
    role: ConsoleRole


async def accept(
    services: Services, conversation: LiveConversation, handoff_number: int, user: AgentUser
) -> None:
    """Take a handoff from the queue; of several who try, exactly one gets it.

    WireError for all others, or when the conversation is over.
    """
    now = utc_text(services.wall_now())
    if not await asyncio.to_thread(
        services.store.accept_handoff, conversation.id, handoff_number, user.name, now
    ):
        raise WireError("too_late", TOO_LATE_TEXT)
    await _accept_all_open(services, conversation, user)
    conversation.apply(PersonTookOver(conversation.now, user.name, user.role))
    if conversation.is_over:
        await asyncio.to_thread(
            services.store.requeue_handoff, conversation.id, handoff_number, now
        )
        raise session_over_error()
    status = conversation.status()
    if not status.is_owned_by(user.name):
        raise WireError("too_late", f"{status.person_name} has taken it over.")


async def claim_disconnected(
    services: Services, session: str, handoff_number: int, user: AgentUser
) -> None:
    """Take a handoff whose customer has left from the queue, for example to call them back.

    WireError when somebody else has it, or the conversation is not known or still live.
    """
    record = await asyncio.to_thread(services.store.find_session, session)
    if record is None or record.state == "live":
        raise session_over_error()
    now = utc_text(services.wall_now())
    if not await asyncio.to_thread(
        services.store.accept_handoff, session, handoff_number, user.name, now
    ):
        raise WireError("too_late", TOO_LATE_TEXT)
    await asyncio.to_thread(
        services.store.finish_handoff, session, handoff_number, OUTCOME_CUSTOMER_LEFT, now
    )


async def take_over(services: Services, conversation: LiveConversation, user: AgentUser) -> None:
    """Give a supervisor the conversation, from the bot, the queue or a person.

    WireError for other roles, when another supervisor has it, or when it is over.
    """
    if user.role != "supervisor":
        raise WireError("not_allowed", "Only a supervisor may take over without being asked for.")
    await _accept_all_open(services, conversation, user)
    conversation.apply(PersonTookOver(conversation.now, user.name, user.role))
    if conversation.is_over:
        raise session_over_error()
    if not conversation.status().is_owned_by(user.name):
        raise not_owner_error(conversation)


async def _accept_all_open(
    services: Services, conversation: LiveConversation, user: AgentUser
) -> None:
    """Accept all open handoffs of the session: one person answers them all."""
    now = utc_text(services.wall_now())
    for handoff_number in conversation.status().open_handoffs:
        await asyncio.to_thread(
            services.store.accept_handoff, conversation.id, handoff_number, user.name, now
        )


def say(conversation: LiveConversation, user: AgentUser, text: str) -> None:
    """Send the owner's text to the customer. WireError when `user` is not the owner."""
    require_owner(conversation, user)
    conversation.apply(PersonTextReceived(conversation.now, user.name, text))


def hand_back(services: Services, conversation: LiveConversation, user: AgentUser) -> None:
    """Give the conversation back to the bot. WireError when `user` is not the owner."""
    require_owner(conversation, user)
    handoff_numbers = conversation.status().open_handoffs
    conversation.apply(PersonHandedBack(conversation.now, user.name))
    _finish_handoffs(services, conversation, handoff_numbers, OUTCOME_HANDED_BACK)


def close(
    services: Services, conversation: LiveConversation, user: AgentUser, outcome: str
) -> None:
    """End the conversation with this outcome. WireError when `user` is not the owner."""
    require_owner(conversation, user)
    handoff_numbers = conversation.status().open_handoffs
    conversation.apply(PersonEndedSession(conversation.now, user.name, outcome))
    _finish_handoffs(services, conversation, handoff_numbers, outcome)


def _finish_handoffs(
    services: Services,
    conversation: LiveConversation,
    handoff_numbers: tuple[int, ...],
    outcome: str,
) -> None:
    store, id, now = services.store, conversation.id, utc_text(services.wall_now())

    def finish() -> None:
        for number in handoff_numbers:
            store.finish_handoff(id, number, outcome, now)

    services.journal.submit(finish)


async def finish_callback(
    services: Services, ticket: str, outcome: CallBackOutcome, user: AgentUser
) -> None:
    """Mark a call back as done, once, by this person; the customer's contact is forgotten.

    WireError when there is no such ticket, or somebody else has marked it.
    """
    now = services.wall_now()
    done: list[CallbackTicket | None] = []

    def finish() -> None:
        done.append(services.store.finish_callback(ticket, user.name, outcome, utc_text(now)))

    await services.journal.submit(finish)  # after what the conversation wrote before
    if not done or done[0] is None:
        raise WireError("too_late", "This call back is done, or there is none of this number.")
    log.info("a call back is done", extra={"ticket": ticket, "session": done[0].session})
    if services.helpdesk is not None:
        await asyncio.to_thread(services.helpdesk.notify_callback, done[0], "done", now, user.name)


def require_owner(conversation: LiveConversation, user: AgentUser) -> None:
    """WireError unless `user` owns the conversation and it is still open."""
    if conversation.is_over:
        raise session_over_error()
    if not conversation.status().is_owned_by(user.name):
        raise not_owner_error(conversation)


def not_owner_error(conversation: LiveConversation) -> WireError:
    """The error for a user who does not own the conversation; it names the owner."""
    status = conversation.status()
    owner_sentence = (
        f"{status.person_name} has this conversation."
        if status.is_with_person
        else "It is not yours."
    )
    return WireError("not_yours", owner_sentence)


def session_over_error() -> WireError:
    """The error for a conversation that has ended or runs in no process here."""
    return WireError("no_session", "This conversation is over, or is not connected here.")
