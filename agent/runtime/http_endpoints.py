"""Plain HTTP beside the websockets: admission of upgrades, health, metrics, static pages.

`answer` is asked before every upgrade: None lets it go on, anything else is the whole answer. What
is refused here costs no session (tests/system/test_server.py).
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qs

from prometheus_client import CONTENT_TYPE_LATEST
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from agent.runtime.services import Services
from agent.runtime.static_pages import HttpAnswer, StaticPages, text_answer

SESSION_PATH = "/v1/session"
CONSOLE_PATH = "/v1/console"
LOADING_RETRY_S = 5  # time until retry that callers are told while the models are loaded
CONSOLE_CLOSED = "The console is closed: neither agent_token nor supervisor_token is set."


def path_of(request: Request) -> str:
    """The path of a request, without its query."""
    return request.path.partition("?")[0]


class HttpEndpoints:
    """All answers of the port that are no websocket."""

    def __init__(self, services: Services, is_loaded: Callable[[], bool]) -> None:
        """`is_loaded`: whether the server has loaded everything it needs."""
        self._services = services
        self._is_loaded = is_loaded
        self._static_pages = StaticPages()

    def answer(self, request: Request) -> Response | None:
        """None when the upgrade to a session or a console may go on; else the plain HTTP answer."""
        path = path_of(request)
        if path == SESSION_PATH:
            answer = self._capacity_refusal(request.path)
        elif path == CONSOLE_PATH:
            is_open = self._services.settings.has_console
            answer = None if is_open else text_answer(403, CONSOLE_CLOSED)
        else:
            answer = self._plain_answer(path)
        answer = answer or self._websocket_refusal(request)
        return _response(answer) if answer else None

    @property
    def is_ready(self) -> bool:
        """Whether everything is loaded, the models process runs and the journal is written."""
        return not self._not_ready_reason

    @property
    def _not_ready_reason(self) -> str:
        if not (self._is_loaded() and self._services.engine.is_ready):
            return "The models are being loaded."
        if self._services.journal.is_stalled:
            return "Nothing can be stored at the moment; see the database and its disk."
        return ""

    def _capacity_refusal(self, path: str) -> HttpAnswer | None:
        """The answer that refuses a further session for lack of capacity; else None."""
        if not self.is_ready:
            wait = ("Retry-After", str(LOADING_RETRY_S))
            return text_answer(503, self._not_ready_reason, wait)
        if self._is_full_for(path):
            self._services.metrics.refusals.labels("overloaded").inc()
            seconds = self._services.admission.retry_s
            reason = f"All lines are busy; try again in {seconds} seconds."
            return text_answer(503, reason, ("Retry-After", str(seconds)))
        return None

    def _websocket_refusal(self, request: Request) -> HttpAnswer | None:
        """The answer that refuses a foreign origin or a request that is no websocket; else None."""
        origin, allowed = request.headers.get("Origin"), self._services.settings.origins
        if origin is not None and allowed and origin not in allowed:
            self._services.metrics.refusals.labels("origin").inc()
            return text_answer(403, "This site may not talk to this server (see origins).")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return text_answer(426, "Connect with a websocket.", ("Upgrade", "websocket"))
        return None

    def _is_full_for(self, path: str) -> bool:
        """Whether a session at this address exceeds capacity. `?channel=voice` announces audio;
        without it, capacity for audio is checked at hello."""
        admission, query = self._services.admission, parse_qs(path.partition("?")[2])
        if admission.sessions_full():
            return True
        wants_voice = query.get("channel", ["chat"])[0] in ("voice", "call")
        return wants_voice and admission.voice_full(1, self._services.engine.load)

    def _plain_answer(self, path: str) -> HttpAnswer:
        match path:
            case "/healthz":
                return text_answer(200, "ok")
            case "/readyz" if self.is_ready:
                return text_answer(200, "ready")
            case "/readyz":
                return text_answer(503, self._not_ready_reason)
            case "/metrics":
                self._update_gauges()
                return HttpAnswer(200, CONTENT_TYPE_LATEST, self._services.metrics.exposition())
        return self._static_pages.get(path)

    def _update_gauges(self) -> None:
        metrics, engine = self._services.metrics, self._services.engine
        metrics.open_sessions.set(self._services.admission.sessions)
        metrics.streams.set(self._services.admission.streams)
        metrics.requests_waiting.set(engine.waiting_requests)
        metrics.turns_in_flight.set(engine.turns_in_flight)
        metrics.models_late.set(engine.load.late_s)
        metrics.models_busy.set(engine.load.busy_share)
        metrics.shed_features.labels("partials").set(not engine.load.sends_partials)
        metrics.shed_features.labels("cues").set(not engine.load.computes_cues)
        metrics.unwritten_turns.set(engine.load.unwritten_turns)
        metrics.count_models_restarts(engine.restarts)


def _response(answer: HttpAnswer) -> Response:
    headers = Headers(
        [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(answer.body))),
            ("Connection", "close"),
            *answer.headers,
        ]
    )
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body)
