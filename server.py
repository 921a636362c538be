"""The server process: composition root, sockets, admission, background tasks.

`python server.py` serves with the settings of `hearken.toml` and HEARKEN_* variables, exactly as
`hearken serve` does. One customer's connection is in agent/runtime/connection.py.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError
from websockets.asyncio.server import Server as Sockets
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from agent.actions.bank import BankActions
from agent.actions.data_requests import DataRequestActions
from agent.actions.http import HttpActions
from agent.cli.main import app, main
from agent.config import Settings, load_settings, session_rules
from agent.console.hub import ConsoleHub
from agent.console.local_access import console_link, with_local_console
from agent.core.records import utc_text
from agent.handoff.callbacks import CallbackActions
from agent.handoff.online_agents import OnlineAgents
from agent.handoff.routing import HandoffRouter
from agent.handoff.webhook import Webhook
from agent.inference.engine import Engine, EngineRules
from agent.inference.launcher import ForkserverLauncher, reserve_core
from agent.inference.worker import error_location
from agent.runtime.admission import Admission, AdmissionLimits, stream_capacity
from agent.runtime.connection import ClientConnection
from agent.runtime.event_bus import ConversationChange, EventBus
from agent.runtime.http_endpoints import CONSOLE_PATH, HttpEndpoints, path_of
from agent.runtime.json_log import log_as_json
from agent.runtime.metrics import Metrics
from agent.runtime.registry import ConversationRegistry
from agent.runtime.services import Services
from agent.store import Store
from agent.store.journal import Journal
from agent.store.retention import RETENTION_INTERVAL_S, apply_retention
from agent.wire.parsing import CLOSE_INTERNAL_ERROR, CLOSE_OVERLOADED
from dialogs.pack.fingerprint import fingerprint
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack

log = logging.getLogger("hearken.server")

# To write a row, the journal's thread needs the interpreter a dozen times: with Python's default
# switch interval of 5 ms the delay would be audible.
SWITCH_INTERVAL_S = 0.0005


def build_services(
    settings: Settings,
    pack: Pack,
    core: int | None = None,
    wall_now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
) -> Services:
    """Build all services of a server from its settings and the pack they name. `core` is the
    processor core reserved for the models. WebhookError when a helpdesk's address is broken."""
    rules = EngineRules(settings.answer_s, settings.requests_waiting, settings.voice)
    settings.state.mkdir(parents=True, exist_ok=True)
    actions = (
        HttpActions(settings.actions_url, settings.actions_token.get_secret_value())
        if settings.actions_url
        else BankActions(settings.state / "bank.sqlite3", pack, wall_now)
    )
    store = Store(settings.database or settings.state / "hearken.sqlite3")
    event_bus, online_agents = EventBus(), OnlineAgents()
    helpdesk = _helpdesk(settings, pack, store, wall_now, event_bus)
    return Services(
        settings=settings,
        pack=pack,
        pack_digest=fingerprint(pack.directory),
        engine=Engine(ForkserverLauncher(settings, core), rules),
        admission=Admission(AdmissionLimits(settings.max_sessions, settings.capacity)),
        actions=DataRequestActions(
            CallbackActions(actions, store, pack, wall_now, helpdesk), store, wall_now
        ),
        store=store,
        journal=Journal(
            store,
            lambda: utc_text(datetime.now(UTC)),
            lambda session: event_bus.publish(ConversationChange(session, "erased")),
        ),
        handoff_router=HandoffRouter(
            pack, store, online_agents, helpdesk, settings.has_console, settings.no_agent_s
        ),
        metrics=Metrics(),
        session_rules=session_rules(settings),
        clock=monotonic,
        wall_now=wall_now,
        event_bus=event_bus,
        online_agents=online_agents,
        helpdesk=helpdesk,
    )


def _helpdesk(
    settings: Settings,
    pack: Pack,
    store: Store,
    wall_now: Callable[[], datetime],
    event_bus: EventBus,
) -> Webhook | None:
    def on_accepted(session: str, handoff: int, name: str) -> None:
        event_bus.publish(ConversationChange(session, "promised", handoff=handoff, name=name))

    url, secret = settings.webhook_url, settings.webhook_secret.get_secret_value()
    return Webhook(store, pack, url, secret, wall_now, on_accepted=on_accepted) if url else None


class Server:
    """One server: its services, its open connections and its background tasks."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._http = HttpEndpoints(services, lambda: self.ready)
        self.registry = ConversationRegistry(services)
        self.console_hub = ConsoleHub(services, self.registry)
        self.connections: set[ClientConnection] = set()
        self.ready = False
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> Sockets:
        """Listen, then load the models; until then `/readyz` and new sessions are answered 503."""
        settings = self.services.settings
        self.services.journal.start()
        self._start_task(self.registry.run())
        self._start_task(self.console_hub.run())
        if (helpdesk := self.services.helpdesk) is not None:
            self._start_task(helpdesk.run())
        sockets = await serve(
            self.handle,
            settings.host,
            settings.port,
            process_request=self.admit,
            max_size=settings.max_message,
            compression=None,  # costs three times the CPU and gains nothing on audio
            close_timeout=2,
        )
        await self.services.engine.start()
        if not settings.capacity:
            await self._measure_capacity()
        self.services.metrics.stream_capacity.set(self.services.admission.limits.streams)
        gc.collect()
        gc.freeze()  # loaded objects are never garbage and need not be searched
        self.ready = True
        self._start_task(self._apply_retention())
        return sockets

    def _start_task(self, coroutine: Coroutine[None, None, None]) -> None:
        """Start a task that lasts as long as the process; a failure is logged at once."""

        def log_failure(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error(
                    "a task of the process failed", extra={"fault": _first_error_location(error)}
                )

        task = asyncio.create_task(coroutine)
        task.add_done_callback(log_failure)
        self._tasks.append(task)

    async def _measure_capacity(self) -> None:
        costs = await self.services.engine.measure_costs()
        streams = stream_capacity(costs)
        self.services.admission.limits = AdmissionLimits(
            self.services.settings.max_sessions, streams
        )
        cost_ms = f"{1000 * (costs.encoding + costs.answering):.1f}"
        log.info("measured", extra={"capacity": streams, "models_ms_per_talking_second": cost_ms})

    async def _apply_retention(self) -> None:
        """Apply the retention rules every minute."""
        services, started_at = self.services, datetime.now(UTC)
        keep_days = services.pack.privacy.keep_days
        while True:
            live_sessions, now = set(self.registry), datetime.now(UTC)
            resume_s = services.settings.resume_s
            try:
                await asyncio.to_thread(
                    apply_retention,
                    services.store,
                    live_sessions,
                    started_at,
                    now,
                    resume_s,
                    keep_days,
                )
            except SQLAlchemyError as failure:  # the database is busy or away: try again later
                log.error(
                    "retention could not be applied",
                    extra={"fault": _first_error_location(failure)},
                )
            await asyncio.sleep(RETENTION_INTERVAL_S)

    async def close(self) -> None:
        """Stop all tasks and services; the sockets are closed already."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.registry.stop()
        await self.services.engine.stop()
        await asyncio.to_thread(self.services.journal.stop)
        self.services.long_texts.stop()
        self.services.store.close()

    async def handle(self, socket: ServerConnection) -> None:
        """Serve one websocket, of a customer or a console, until it is closed."""
        is_console = socket.request is not None and path_of(socket.request) == CONSOLE_PATH
        connection = None if is_console else ClientConnection(self.services, self.registry, socket)
        try:
            await (
                self.console_hub.serve(socket)
                if connection is None
                else self._serve_connection(connection)
            )
        except Exception as error:  # the only broad except: one failure must not end other sessions
            id = connection.id if connection else "console"
            log.error(
                "a session failed", extra={"session": id, "fault": _first_error_location(error)}
            )
            await socket.close(
                CLOSE_INTERNAL_ERROR, "this connection failed on our side; please reconnect"
            )

    async def _serve_connection(self, connection: ClientConnection) -> None:
        admission, began = self.services.admission, self.services.clock()
        if admission.sessions_full():  # others were admitted between its upgrade and now
            reason = f"all lines are busy; try again in {admission.retry_s} seconds"
            await connection.socket.close(CLOSE_OVERLOADED, reason)
            return
        self.connections.add(connection)
        admission.add_session()
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)
            admission.remove_session(connection.streams, self.services.clock() - began)

    def admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """None when the upgrade to a session or a console may go on; else the plain HTTP answer."""
        return self._http.answer(request)


async def run(server: Server, prints_console_link: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; then close sockets with 1001, so that clients reconnect."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    sockets = await server.open()
    host, port = sockets.sockets[0].getsockname()[:2]
    address = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
    log.info("ready", extra={"page": address})
    print(f"Hearken is ready: open {address}", flush=True)
    if prints_console_link:
        token = server.services.settings.agent_token.get_secret_value()
        print(f"Take over conversations at {console_link(address, token)}", flush=True)
    await stopped.wait()
    sockets.close(code=1001, reason="restarting; reconnect in a moment")
    await sockets.wait_closed()
    await server.close()


def _first_error_location(error: BaseException) -> str:
    """The error's type and place; of a group, the first one's."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error_location(error)


@app.command("serve")
def serve_command(
    config: Annotated[Path | None, typer.Option(help="A settings file in TOML.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    pack: Annotated[Path | None, typer.Option(help="Folder of the pack to serve.")] = None,
) -> None:
    """Start the server and print the address of the demo page.

    On a loopback address without tokens, also a link to the console that is valid for this run.
    """
    given = load_settings(config, host=host, port=port, pack=pack)
    settings = with_local_console(given, lambda: secrets.token_urlsafe(18))
    log_as_json()
    log.info("settings", extra=given.masked_values())
    if settings is not given:
        log.info("the console is open for this run; the link to it is on standard output")
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    core = reserve_core() if settings.own_core else None
    services = build_services(settings, load_pack(settings.pack), core)
    asyncio.run(run(Server(services), settings is not given))


if __name__ == "__main__":
    sys.argv[1:1] = ["serve"]
    main()
