"""What do all conversations of a process share?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent.actions.interface import Actions
from agent.config import Settings
from agent.core.session import SessionRules
from agent.handoff.routing import People
from agent.handoff.webhook import Webhook
from agent.inference.engine import Engine
from agent.runtime.admission import Admission
from agent.runtime.event_bus import Floor
from agent.runtime.metrics import Metrics
from agent.store import Store
from agent.store.journal import Journal
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class House:
    """The parts of a process. `clock` counts seconds, `today` is the wall's."""

    settings: Settings
    pack: Pack
    pack_digest: str
    engine: Engine
    admission: Admission
    actions: Actions
    store: Store
    journal: Journal
    people: People
    metrics: Metrics
    rules: SessionRules
    clock: Callable[[], float]
    today: Callable[[], datetime]
    floor: Floor = field(default_factory=Floor)
    helpdesk: Webhook | None = None  # that is told of hand-overs


def utc(now: datetime) -> str:
    """The wall's time as it is kept."""
    return now.astimezone(UTC).isoformat(timespec="seconds")
