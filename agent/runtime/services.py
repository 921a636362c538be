"""The services that all conversations of a process share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from agent.actions.interface import Actions
from agent.config import Settings
from agent.core.session import SessionRules
from agent.handoff.online_agents import OnlineAgents
from agent.handoff.routing import HandoffRouter
from agent.handoff.webhook import Webhook
from agent.inference.engine import Engine
from agent.runtime.admission import Admission
from agent.runtime.event_bus import EventBus
from agent.runtime.metrics import Metrics
from agent.runtime.typed_text import LongTextDetection
from agent.store import Store
from agent.store.journal import Journal
from dialogs.pack.model import Pack


@dataclass(frozen=True, slots=True)
class Services:
    """The shared services of one process. `clock` is monotonic, in seconds; `wall_now` is the local
    time with its zone."""

    settings: Settings
    pack: Pack
    pack_digest: str
    engine: Engine
    admission: Admission
    actions: Actions
    store: Store
    journal: Journal
    handoff_router: HandoffRouter
    metrics: Metrics
    session_rules: SessionRules
    clock: Callable[[], float]
    wall_now: Callable[[], datetime]
    event_bus: EventBus
    online_agents: OnlineAgents
    long_texts: LongTextDetection = field(default_factory=LongTextDetection)
    helpdesk: Webhook | None = None  # receives handoff events
