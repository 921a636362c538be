"""The CloudEvents 1.0 events of handoffs and call backs, for a helpdesk outside.

Its data has the same fields in all states. Pure: the same handoff at the same moment gives the same
event with the same id (tests/agent/handoff/test_webhook.py). Private values are surrogates in it,
as they are in the session.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from agent.core.effects import UpdateHandoff
from agent.store import CallbackTicket
from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import PERSON_INTENT
from dialogs.values import Escalation

CallbackState = Literal["arranged", "done"]
PUBLISHED_STATES = ("requested", "accepted", "ended", "callback")  # not "queued"
SENTIMENT_TERMS = ("upset", "calm", "going_wrong", "complaint")  # terms of evidence about mood


@dataclass(frozen=True, slots=True)
class HandoffConversation:
    """The conversation of a handoff. `recording`: the customer consents to recording."""

    id: str
    channel: str
    customer: str
    recording: bool


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """An event to send: `body` is structured JSON, media type application/cloudevents+json."""

    id: str
    body: str


def handoff_event(
    pack: Pack, conversation: HandoffConversation, effect: UpdateHandoff, now: datetime
) -> WebhookEvent | None:
    """The event of a handoff's state at `now` (aware); None for a state that is not published."""
    if effect.state not in PUBLISHED_STATES:
        return None
    at = now.astimezone(UTC)
    id = _event_id(conversation.id, effect, at)
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": f"/conversations/{conversation.id}",
        "type": f"hearken.handoff.{effect.state}.v1",
        "subject": f"{conversation.id}/{effect.id}",
        "time": at,
        "datacontenttype": "application/json",
    }
    cloud_event = CloudEvent(attributes, _event_data(pack, conversation, effect, at))
    return WebhookEvent(id, JSONFormat().write(cloud_event).decode())


def callback_event(
    conversation: HandoffConversation,
    ticket: CallbackTicket,
    state: CallbackState,
    now: datetime,
    name: str = "",
) -> WebhookEvent:
    """The event of a call back at `now` (aware). It does not hold the contact, which only consoles
    show; `name` is the person who has called back."""
    at = now.astimezone(UTC)
    identity = f"{conversation.id}|{ticket.id}|{state}"  # each state comes once
    id = f"msg_{hashlib.sha256(identity.encode()).hexdigest()[:32]}"
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": f"/conversations/{conversation.id}",
        "type": f"hearken.callback.{state}.v1",
        "subject": f"{conversation.id}/{ticket.id}",
        "time": at,
        "datacontenttype": "application/json",
    }
    data = {
        "ticket": ticket.id,
        "handoff_id": f"{conversation.id}/{ticket.number}",
        "conversation_id": conversation.id,
        "state": state,
        "created_at": at.isoformat().replace("+00:00", "Z"),
        "reason_code": ticket.reason,
        "due_at": ticket.due_at or None,
        "done_by": name or None,
        "customer": {"id": conversation.customer} if conversation.customer else {},
        "consent": {"recording": conversation.recording},
    }
    body = JSONFormat().write(CloudEvent(attributes, data)).decode()
    return WebhookEvent(id, body)


def _event_id(session: str, effect: UpdateHandoff, at: datetime) -> str:
    identity = f"{session}|{effect.id}|{effect.state}|{at.isoformat()}"
    return f"msg_{hashlib.sha256(identity.encode()).hexdigest()[:32]}"


def _event_data(
    pack: Pack, conversation: HandoffConversation, effect: UpdateHandoff, at: datetime
) -> dict[str, object]:
    escalation = effect.escalation
    rule = pack.rules.get(escalation.rule)
    return {
        "handoff_id": f"{conversation.id}/{effect.id}",
        "conversation_id": conversation.id,
        "state": effect.state,
        "channel": conversation.channel,
        "created_at": at.isoformat().replace("+00:00", "Z"),
        "reason_code": escalation.rule,
        "reason_text": _reason_text(escalation),
        "trigger": {
            "rule": escalation.rule,
            "score": escalation.score,
            "probability": escalation.probability,
            "threshold": rule.enter if rule else None,
        },
        "intent": _reason_intent(pack, escalation),
        "sentiment": _sentiment_weights(escalation),
        "summary": escalation.summary,
        "evidence": [asdict(term) for term in escalation.evidence],
        "customer": {"id": conversation.customer} if conversation.customer else {},
        "priority": escalation.urgency,
        "consent": {"recording": conversation.recording},
        "ticket": effect.ticket or None,
    }


def _reason_intent(pack: Pack, escalation: Escalation) -> str | None:
    """The first term of the evidence that is an intent of the pack; None for none."""
    intent_by_term = {"asked_for_person": PERSON_INTENT, "accepted_offer": PERSON_INTENT}
    candidates = (intent_by_term.get(term.term, term.term) for term in escalation.evidence)
    return next((intent for intent in candidates if intent in pack.intents), None)


def _reason_text(escalation: Escalation) -> str:
    """The rule and the detail of its strongest term."""
    strongest = max(escalation.evidence, key=lambda e: e.weight, default=None)
    rule_text = escalation.rule.replace("_", " ")
    return (
        f"{rule_text}: {strongest.detail}"
        if strongest and strongest.weight > 0 and strongest.detail
        else rule_text
    )


def _sentiment_weights(escalation: Escalation) -> dict[str, float]:
    """The weights of mood terms in log-odds, by term; empty when there are none."""
    weights: dict[str, float] = {}
    for term in escalation.evidence:
        if term.term in SENTIMENT_TERMS:
            weights[term.term] = weights.get(term.term, 0.0) + term.weight
    return weights
