"""Prometheus metrics of one server process.

Names follow the Prometheus conventions: base units, `_total` on counters. No customer content
and no session id ever becomes a label.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

LATENCY_BUCKETS_S = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """The metrics of one server, in a registry of their own: tests run two servers in a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.open_sessions = Gauge("hearken_sessions_open", "Open sessions", registry=registry)
        self.sessions_opened = Counter(
            "hearken_sessions_opened", "Sessions opened", ["channel"], registry=registry
        )
        self.refusals = Counter(
            "hearken_connections_refused", "Connections refused", ["reason"], registry=registry
        )
        self.sessions_closed = Counter(
            "hearken_sessions_closed", "Sessions closed", ["code"], registry=registry
        )
        self.audio_seconds = Counter(
            "hearken_audio_received_seconds", "Audio received, seconds", registry=registry
        )
        self.turns_understood = Counter(
            "hearken_turns_understood", "Turns understood", ["channel"], registry=registry
        )
        self.understanding_failures = Counter(
            "hearken_understanding_failures",
            "Requests the models did not answer",
            ["reason"],
            registry=registry,
        )
        self.client_errors = Counter(
            "hearken_client_errors", "Error messages to clients", ["code"], registry=registry
        )
        self.handoffs = Counter("hearken_handoffs", "Handoffs", ["rule"], registry=registry)
        self.answer_latency = Histogram(
            "hearken_understanding_seconds",
            "From the end of a turn to its understanding",
            ["channel"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self.turns_in_flight = Gauge(
            "hearken_turns_in_flight", "Turns open or not yet answered", registry=registry
        )
        self.streams = Gauge("hearken_audio_legs", "Legs of live audio", registry=registry)
        self.stream_capacity = Gauge(
            "hearken_audio_legs_capacity", "Legs of live audio admitted at most", registry=registry
        )
        self.models_late = Gauge(
            "hearken_models_late_seconds",
            "How long after its deadline the models finish a batch, running mean",
            registry=registry,
        )
        self.models_busy = Gauge(
            "hearken_models_busy_ratio", "Share of time the models work", registry=registry
        )
        self.shed_features = Gauge(
            "hearken_load_shed",
            "1 while this output is shed because the models are late",
            ["output"],
            registry=registry,
        )
        self.unwritten_turns = Gauge(
            "hearken_unwritten_turns",
            "Turns since the models started that the whole-turn transcriber had no time for",
            registry=registry,
        )
        self.models_restarts = Counter(
            "hearken_models_restarts", "Restarts of the models process", registry=registry
        )
        self.requests_waiting = Gauge(
            "hearken_requests_waiting", "Requests waiting for the models", registry=registry
        )

        self._counted_restarts = 0

    def count_models_restarts(self, total: int) -> None:
        """Bring the counter of restarts up to `total`, which the engine counts and never lowers."""
        self.models_restarts.inc(total - self._counted_restarts)
        self._counted_restarts = total

    def exposition(self) -> bytes:
        """The text exposition for `GET /metrics`."""
        return generate_latest(self.registry)
