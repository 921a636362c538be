"""The process: it listens, it reads the time, and it lets callers in or sends them away.

`python server.py` serves with the settings of `hearken.toml` and HEARKEN_* variables, exactly as
`hearken serve` does. What happens on one caller's line is in agent/runtime/connection.py.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Annotated
from urllib.parse import parse_qs

import typer
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.server import Server as Sockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from agent.actions.bank import BankActions
from agent.actions.interface import HttpActions
from agent.cli.main import app, main
from agent.config import Settings, load
from agent.console.hub import NO_CONSOLE, Desk
from agent.core.session_factory import session_rules
from agent.handoff.routing import People
from agent.handoff.webhook import Webhook
from agent.inference.engine import Engine, EngineRules
from agent.inference.worker import Forked, set_apart, where
from agent.runtime.admission import Admission, Limits, capacity
from agent.runtime.connection import Line
from agent.runtime.metrics import Metrics
from agent.runtime.registry import Lives
from agent.runtime.services import House, utc
from agent.runtime.static_pages import Page, Pages, text
from agent.store import Store
from agent.store.journal import Journal
from agent.store.retention import EVERY_S, tidy
from agent.wire.native import OUR_FAULT, OVERLOADED
from dialogs.pack.fingerprint import fingerprint
from dialogs.pack.model import Pack

log = logging.getLogger("hearken.server")

SESSION_PATH = "/v1/session"
CONSOLE_PATH = "/v1/console"
# A row is on disk only after its thread has had the interpreter a dozen times: Python's 5 ms of
# waiting for it each time would be heard.
SWITCH_S = 0.0005
LOADING_S = 5  # what callers are told to wait while the models are not there


def build(
    settings: Settings,
    core: int | None = None,
    today: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> House:
    """Everything a server needs, from its settings. `core` is the processor core that is the
    models' own. PackError when the pack is broken, WebhookError when a helpdesk's address is."""
    pack = Pack.load(settings.pack)
    rules = EngineRules(settings.answer_s, settings.asks_waiting, settings.voice)
    settings.state.mkdir(parents=True, exist_ok=True)
    actions = (
        HttpActions(settings.actions_url, settings.actions_token.get_secret_value())
        if settings.actions_url
        else BankActions(settings.state / "bank.sqlite3", pack)
    )
    store = Store(settings.database or settings.state / "hearken.sqlite3")
    consoles = any(t.get_secret_value() for t in (settings.agent_token, settings.supervisor_token))
    helpdesk = _helpdesk(settings, pack, store, today)
    return House(
        settings=settings,
        pack=pack,
        pack_digest=fingerprint(pack.directory),
        engine=Engine(Forked(settings, core), rules),
        admission=Admission(Limits(settings.max_sessions, settings.capacity)),
        actions=actions,
        store=store,
        journal=Journal(store, lambda: utc(datetime.now(UTC))),
        people=People(pack, store, helpdesk, consoles, settings.nobody_s),
        metrics=Metrics(),
        rules=session_rules(settings),
        clock=monotonic,
        today=today,
        helpdesk=helpdesk,
    )


def _helpdesk(
    settings: Settings, pack: Pack, store: Store, today: Callable[[], datetime]
) -> Webhook | None:
    url, secret = settings.webhook_url, settings.webhook_secret.get_secret_value()
    return Webhook(store, pack, url, secret, today) if url else None


class Server:
    """The process's parts, and the lines that are open."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.pages = Pages()
        self.lives = Lives(house)
        self.desk = Desk(house, self.lives)
        self.lines: set[Line] = set()
        self.ready = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> Sockets:
        """Listen, then load the models; `/readyz` and callers wait meanwhile with a 503."""
        settings = self.house.settings
        self.house.journal.start()
        self._start(self.desk.run())
        if (helpdesk := self.house.helpdesk) is not None:
            helpdesk.accepted = self.desk.promised
            self._start(helpdesk.run())
        sockets = await serve(
            self.handle,
            settings.host,
            settings.port,
            process_request=self.admit,
            max_size=settings.max_message,
            compression=None,  # costs three times the CPU and gains nothing on audio
            close_timeout=2,
        )
        await self.house.engine.start()
        if not settings.capacity:
            await self._measure()
        self.house.metrics.capacity.set(self.house.admission.limits.streams)
        gc.collect()
        gc.freeze()  # what was loaded stays, and need not be looked through for garbage
        self.ready = True
        self._start(self._tidy())
        return sockets

    def _start(self, work: Coroutine[None, None, None]) -> None:
        """A task as long as the process; should it fail, the log says so at once."""

        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (fault := task.exception()) is not None:
                log.error("a task of the process failed", extra={"fault": _first(fault)})

        task = asyncio.create_task(work)
        task.add_done_callback(ended)
        self._tasks.append(task)

    async def _measure(self) -> None:
        costs = await self.house.engine.measure()
        streams = capacity(costs)
        self.house.admission.limits = Limits(self.house.settings.max_sessions, streams)
        each = f"{1000 * (costs.encoding + costs.answering):.1f}"
        log.info("measured", extra={"capacity": streams, "models_ms_per_talking_second": each})

    async def _tidy(self) -> None:
        """Every minute, throw away what is not to be kept any longer."""
        house, since = self.house, datetime.now(UTC)
        keep = house.pack.privacy.keep_days
        while True:
            alive, now = set(self.lives), datetime.now(UTC)
            resume_s = house.settings.resume_s
            try:
                await asyncio.to_thread(tidy, house.store, alive, since, now, resume_s, keep)
            except SQLAlchemyError as failure:  # the database is busy or away: the next time, then
                log.error("could not tidy", extra={"fault": _first(failure)})
            await asyncio.sleep(EVERY_S)

    async def close(self) -> None:
        """End what the process has started; callers are gone already."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.lives.stop()
        await self.house.engine.stop()
        await asyncio.to_thread(self.house.journal.stop)
        self.house.store.close()

    async def handle(self, socket: ServerConnection) -> None:
        """One caller, or one console, from hello to goodbye."""
        console = socket.request is not None and _path(socket.request) == CONSOLE_PATH
        line = None if console else Line(self.house, self.lives, socket)
        try:
            await (self.desk.serve(socket) if line is None else self._serve(line))
        except Exception as fault:  # the one place: a broken session must not take others along
            id = line.id if line else "console"
            log.error("a session failed", extra={"session": id, "fault": _first(fault)})
            await socket.close(OUR_FAULT, "this connection failed on our side; please reconnect")

    async def _serve(self, line: Line) -> None:
        admission, began = self.house.admission, self.house.clock()
        if admission.full():  # by those who were let in between its upgrade and now
            wait = f"all lines are busy; try again in {admission.wait_s} seconds"
            await line.socket.close(OVERLOADED, wait)
            return
        self.lines.add(line)
        admission.enter()
        try:
            await line.run()
        finally:
            self.lines.discard(line)
            admission.leave(line.streams, self.house.clock() - began)

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None lets the upgrade to a session or a console go on; anything else is the answer."""
        path = _path(request)
        if path == SESSION_PATH:
            refused = self._crowded(request.path)
        elif path == CONSOLE_PATH:
            refused = None if self.desk.open else text(403, NO_CONSOLE)
        else:
            refused = self._page(path)
        refused = refused or self._foreign(request)
        return _response(refused) if refused else None

    def _crowded(self, path: str) -> Page | None:
        """Why nobody more can be served just now."""
        if not self._able:
            wait = ("Retry-After", str(LOADING_S))
            return text(503, "The models are being loaded.", wait)
        if self._too_many(path):
            self.house.metrics.refused.labels("overloaded").inc()
            seconds = self.house.admission.wait_s
            busy = f"All lines are busy; try again in {seconds} seconds."
            return text(503, busy, ("Retry-After", str(seconds)))
        return None

    def _foreign(self, request: Request) -> Page | None:
        """Why this is no websocket of a site that may talk to us."""
        origin, allowed = request.headers.get("Origin"), self.house.settings.origins
        if origin is not None and allowed and origin not in allowed:
            self.house.metrics.refused.labels("origin").inc()
            return text(403, "This site may not talk to this server (see origins).")
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return text(426, "Connect with a websocket.", ("Upgrade", "websocket"))
        return None

    @property
    def _able(self) -> bool:
        """Everything is loaded, and the models have not ended just now."""
        return self.ready and self.house.engine.ready

    def _too_many(self, path: str) -> bool:
        """Whether this caller is one too many, as far as the address tells: `?channel=voice`
        asks to be heard; without it, that is decided at hello."""
        admission, asked = self.house.admission, parse_qs(path.partition("?")[2])
        heard = asked.get("channel", ["chat"])[0] in ("voice", "call")
        return admission.full() or (heard and admission.deaf(1, self.house.engine.load))

    def _page(self, path: str) -> Page:
        match path:
            case "/healthz":
                return text(200, "ok")
            case "/readyz":
                return text(200, "ready") if self._able else text(503, "loading models")
            case "/metrics":
                self._measures()
                return Page(200, CONTENT_TYPE_LATEST, self.house.metrics.text())
        return self.pages.get(path)

    def _measures(self) -> None:
        metrics, engine = self.house.metrics, self.house.engine
        metrics.sessions.set(self.house.admission.sessions)
        metrics.streams.set(self.house.admission.streams)
        metrics.waiting.set(engine.waiting)
        metrics.turns_live.set(engine.live)
        metrics.late.set(engine.load.late_s)
        metrics.busy.set(engine.load.busy)
        metrics.left_out.labels("partials").set(not engine.load.partials)
        metrics.left_out.labels("cues").set(not engine.load.cues)
        metrics.restarts.set(engine.restarts)


def _path(request: Request) -> str:
    return request.path.partition("?")[0]


def _response(page: Page) -> Response:
    headers = Headers(
        [
            ("Content-Type", page.type),
            ("Content-Length", str(len(page.body))),
            ("Connection", "close"),
            *page.headers,
        ]
    )
    return Response(page.status, HTTPStatus(page.status).phrase, headers, page.body)


async def run(server: Server) -> None:
    """Serve until SIGINT or SIGTERM; callers are then told to reconnect (1001)."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    sockets = await server.open()
    host, port = sockets.sockets[0].getsockname()[:2]
    page = f"http://{host}:{port}/"
    log.info("ready", extra={"page": page})
    if sys.stdout.isatty():
        print(f"Hearken is ready: open {page}")
    await stopped.wait()
    sockets.close(code=1001, reason="restarting; reconnect in a moment")
    await sockets.wait_closed()
    await server.close()


def _first(fault: BaseException) -> str:
    """Which error it was, of a group the first, and where."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return where(fault)


class _JsonLines(logging.Formatter):
    """One JSON object a line: the static message, and values under their own keys."""

    def format(self, record: logging.LogRecord) -> str:
        known = logging.makeLogRecord({}).__dict__
        values = {key: str(value) for key, value in record.__dict__.items() if key not in known}
        values.pop("message", None)
        head = {"level": record.levelname.lower(), "logger": record.name}
        return json.dumps(head | {"message": record.getMessage()} | values)


@app.command("serve")
def serve_command(
    config: Annotated[Path | None, typer.Option(help="A settings file in TOML.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    pack: Annotated[Path | None, typer.Option(help="Folder of the pack to serve.")] = None,
) -> None:
    """Start the server, and say where the demo page is."""
    settings = load(config, host=host, port=port, pack=pack)
    lines = logging.StreamHandler()
    lines.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[lines])
    for talkative in ("websockets", "bm25s", "httpx"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    log.info("settings", extra=settings.shown())
    sys.setswitchinterval(SWITCH_S)
    core = set_apart() if settings.own_core else None
    asyncio.run(run(Server(build(settings, core))))


if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
