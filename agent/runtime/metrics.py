"""What does this process count for Prometheus?

Names follow the Prometheus conventions: base units, `_total` on counters. No customer content
and no session id ever becomes a label.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The counters of one server. A registry of its own keeps two servers in a test apart."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.sessions = Gauge("hearken_sessions", "Open sessions", registry=registry)
        self.opened = Counter(
            "hearken_sessions_opened", "Sessions opened", ["channel"], registry=registry
        )
        self.refused = Counter(
            "hearken_refused", "Callers refused before or at hello", ["why"], registry=registry
        )
        self.closed = Counter(
            "hearken_sessions_closed", "Sessions closed", ["code"], registry=registry
        )
        self.audio = Counter("hearken_audio_seconds", "Audio heard, in seconds", registry=registry)
        self.turns = Counter("hearken_turns", "Turns understood", ["channel"], registry=registry)
        self.missed = Counter(
            "hearken_missed", "Questions the models did not answer", ["why"], registry=registry
        )
        self.errors = Counter(
            "hearken_client_errors", "Mistakes answered with an error", ["code"], registry=registry
        )
        self.handoffs = Counter("hearken_handoffs", "Hand-overs", ["rule"], registry=registry)
        self.answer = Histogram(
            "hearken_answer_seconds",
            "From the end of a turn to its understanding",
            ["channel"],
            buckets=LATENCY,
            registry=registry,
        )
        self.turns_live = Gauge(
            "hearken_turns_live", "Turns going on or not yet answered", registry=registry
        )
        self.streams = Gauge("hearken_streams", "Legs of live audio", registry=registry)
        self.capacity = Gauge(
            "hearken_capacity", "Legs of live audio that are let in", registry=registry
        )
        self.late = Gauge(
            "hearken_models_late_seconds",
            "Behind the deadline of what the models do, running mean",
            registry=registry,
        )
        self.busy = Gauge(
            "hearken_models_busy_ratio", "Share of the time the models work", registry=registry
        )
        self.left_out = Gauge(
            "hearken_left_out",
            "1 while it is left out for lack of time",
            ["what"],
            registry=registry,
        )
        self.restarts = Gauge(
            "hearken_models_restarts", "How often the models were started again", registry=registry
        )
        self.waiting = Gauge(
            "hearken_asks_waiting", "Questions waiting for the models", registry=registry
        )

    def text(self) -> bytes:
        """The exposition text for `GET /metrics`."""
        return generate_latest(self.registry)
