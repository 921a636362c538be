"""The process: it listens, it reads the time, and it lets callers in or sends them away.

`python server.py` serves with the settings of `hearken.toml` and HEARKEN_* variables, exactly as
`hearken serve` does. What happens on one caller's line is in agent/line.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
import traceback
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from prometheus_client import CONTENT_TYPE_LATEST
from websockets.asyncio.server import Server as Sockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from agent.actions import HttpActions
from agent.bank import BankActions
from agent.cli import app, main
from agent.config import Settings, load
from agent.engine import Engine, load_models
from agent.line import House, Line
from agent.metrics import Metrics
from agent.pages import Page, Pages, text
from agent.session import SessionRules
from agent.store import Store
from agent.wire.native import OUR_FAULT, OVERLOADED
from audio.completeness import Endings
from dialogs.pack import Pack

log = logging.getLogger("hearken.server")

SESSION_PATH = "/v1/session"
RETRY_S = 5  # what a caller too many is told to wait


def build(settings: Settings) -> House:
    """Everything a server needs, from its settings. PackError when the pack is broken."""
    pack = Pack.load(settings.pack)
    engine = Engine(lambda: load_models(settings, pack), settings.answer_s, settings.asks_waiting)
    settings.state.mkdir(parents=True, exist_ok=True)
    actions = (
        HttpActions(settings.actions_url, settings.actions_token.get_secret_value())
        if settings.actions_url
        else BankActions(settings.state / "bank.sqlite3", pack)
    )
    return House(
        settings=settings,
        pack=pack,
        engine=engine,
        actions=actions,
        store=Store(settings.state / "hearken.sqlite3"),
        metrics=Metrics(),
        rules=SessionRules(turns=settings.turns.rules(Endings.load())),
        clock=monotonic,
        today=lambda: datetime.now().astimezone(),
    )


class Server:
    """The process's parts, and the lines that are open."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.pages = Pages()
        self.lines: set[Line] = set()

    async def open(self) -> Sockets:
        """Listen, then load the models; `/readyz` and callers wait meanwhile with a 503."""
        settings = self.house.settings
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
        return sockets

    async def handle(self, socket: ServerConnection) -> None:
        """One caller from hello to goodbye."""
        if len(self.lines) >= self.house.settings.max_sessions:
            await socket.close(OVERLOADED, f"all lines are busy; try again in {RETRY_S} seconds")
            return
        line = Line(self.house, socket)
        self.lines.add(line)
        self.house.metrics.sessions.set(len(self.lines))
        try:
            await line.run()
        except Exception as fault:  # the one place: a broken session must not take others along
            log.error("a session failed", extra={"session": line.id, "fault": _where(fault)})
            await socket.close(OUR_FAULT, "this conversation failed on our side; please reconnect")
        finally:
            self.lines.discard(line)
            self.house.metrics.sessions.set(len(self.lines))

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None lets the upgrade to a session go on; anything else is the answer."""
        path = request.path.partition("?")[0]
        if path != SESSION_PATH:
            return _response(self._page(path))
        if not self.house.engine.ready:
            return _response(text(503, "The models are still being loaded.", ("Retry-After", "5")))
        if len(self.lines) >= self.house.settings.max_sessions:
            self.house.metrics.refused.labels("overloaded").inc()
            return _response(text(503, "All lines are busy.", ("Retry-After", str(RETRY_S))))
        origin, allowed = request.headers.get("Origin"), self.house.settings.origins
        if origin is not None and allowed and origin not in allowed:
            self.house.metrics.refused.labels("origin").inc()
            return _response(text(403, "This site may not talk to this server (see origins)."))
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _response(text(426, "Connect with a websocket.", ("Upgrade", "websocket")))
        return None

    def _page(self, path: str) -> Page:
        match path:
            case "/healthz":
                return text(200, "ok")
            case "/readyz":
                return (
                    text(200, "ready") if self.house.engine.ready else text(503, "loading models")
                )
            case "/metrics":
                self.house.metrics.waiting.set(self.house.engine.waiting)
                return Page(200, CONTENT_TYPE_LATEST, self.house.metrics.text())
        return self.pages.get(path)


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
    server.house.engine.stop()
    server.house.store.close()


def _where(fault: BaseException) -> str:
    """The error's kind and place; its text may hold a customer's words and stays out of the log."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    frames = traceback.extract_tb(fault.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"
    return f"{type(fault).__name__} at {place}"


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
    asyncio.run(run(Server(build(settings))))


if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
