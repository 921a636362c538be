"""What does a helpdesk outside learn of a hand-over?

A CloudEvents 1.0 event whose data is one object in all its states. Pure: the same hand-over at the
same moment is the same event under the same id (tests/agent/test_webhook.py). Values a customer
keeps private are in it only as they are in the session: replaced.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from agent.core.events import HandOver
from dialogs.pack.model import Pack
from dialogs.responses.request_queue import PERSON
from dialogs.values import Escalation

TOLD = ("requested", "accepted", "ended", "callback")  # a place in the queue is nobody's business
MOODS = ("upset", "calm", "going_wrong", "complaint")  # terms of evidence that are about feelings


@dataclass(frozen=True, slots=True)
class Conversation:
    """Whose hand-over it is. `recording`: the customer agreed to be recorded."""

    id: str
    channel: str
    customer: str
    recording: bool


@dataclass(frozen=True, slots=True)
class Event:
    """`body` is structured JSON, to be sent as application/cloudevents+json."""

    id: str
    body: str


def event(pack: Pack, about: Conversation, effect: HandOver, now: datetime) -> Event | None:
    """None for a state that is told nobody. `now` is aware."""
    if effect.state not in TOLD:
        return None
    at = now.astimezone(UTC)
    id = _id(about.id, effect, at)
    attributes = {
        "specversion": "1.0",
        "id": id,
        "source": f"/conversations/{about.id}",
        "type": f"hearken.handoff.{effect.state}.v1",
        "subject": f"{about.id}/{effect.id}",
        "time": at,
        "datacontenttype": "application/json",
    }
    whole = CloudEvent(attributes, _data(pack, about, effect, at))
    return Event(id, JSONFormat().write(whole).decode())


def _id(session: str, effect: HandOver, at: datetime) -> str:
    said = f"{session}|{effect.id}|{effect.state}|{at.isoformat()}"
    return f"msg_{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _data(pack: Pack, about: Conversation, effect: HandOver, at: datetime) -> dict[str, object]:
    why = effect.escalation
    rule = pack.rules.get(why.rule)
    return {
        "handoff_id": f"{about.id}/{effect.id}",
        "conversation_id": about.id,
        "state": effect.state,
        "channel": about.channel,
        "created_at": at.isoformat().replace("+00:00", "Z"),
        "reason_code": why.rule,
        "reason_text": _reason(why),
        "trigger": {
            "rule": why.rule,
            "score": why.score,
            "probability": why.probability,
            "threshold": rule.enter if rule else None,
        },
        "intent": _intent(pack, why),
        "sentiment": _sentiment(why),
        "summary": why.summary,
        "evidence": [asdict(term) for term in why.evidence],
        "customer": {"id": about.customer} if about.customer else {},
        "priority": why.urgency,
        "consent": {"recording": about.recording},
        "ticket": effect.ticket or None,
    }


def _intent(pack: Pack, why: Escalation) -> str | None:
    """What the customer wanted, when that was the reason."""
    asked = {"asked_for_person": PERSON, "accepted_offer": PERSON}
    found = (asked.get(term.term, term.term) for term in why.evidence)
    return next((intent for intent in found if intent in pack.intents), None)


def _reason(why: Escalation) -> str:
    """What weighed most, as it was seen or heard."""
    most = max(why.evidence, key=lambda e: e.weight, default=None)
    said = why.rule.replace("_", " ")
    return f"{said}: {most.detail}" if most and most.weight > 0 and most.detail else said


def _sentiment(why: Escalation) -> dict[str, float]:
    """What feelings weighed, in log-odds, by kind; empty when they did not count."""
    weights: dict[str, float] = {}
    for term in why.evidence:
        if term.term in MOODS:
            weights[term.term] = weights.get(term.term, 0.0) + term.weight
    return weights
