"""A real server inside the test process, on a free port, with real models or a scripted mind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from agent.actions.interface import Actions
from agent.config import Settings
from agent.inference.engine import Engine
from agent.inference.launcher import LaunchWorker, load_scheduler
from agent.inference.scheduler import BatchScheduler
from agent.inference.worker import SendMessage
from agent.runtime.services import Services
from server import Server, build_services
from tests.support.packs import pack_in
from tests.support.threaded import Threaded


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that listens, and the event loop it lives on."""

    server: Server
    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/session"

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def in_hours() -> datetime:
    """A Tuesday, ten o'clock where the bank is: people are at work."""
    return datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@contextmanager
def serving(
    state: Path,
    mind: object | None = None,
    actions: Actions | None = None,
    launch: Callable[[Settings], LaunchWorker] | None = None,
    today: Callable[[], datetime] | None = None,
    analyser: object | None = None,
    **settings: object,
) -> Iterator[Serving]:
    """Serve until the block ends; `mind`, `analyser` and `actions` may be something scripted,
    `today` another clock on the wall. The models are in a thread, unless `launch` says
    otherwise."""
    given = Settings(**{"port": 0, "state": state, "capacity": 100, **settings})
    clock = {"wall_now": today} if today else {}
    house = build_services(given, pack_in(given.pack), **clock)
    start = launch(house.settings) if launch else _threaded(house, mind, analyser)
    house = replace(house, engine=Engine(start, house.engine.rules))
    house = replace(house, actions=actions or house.actions)
    server, started = Server(house), threading.Event()
    loop, found = asyncio.new_event_loop(), []

    async def live() -> None:
        try:
            sockets = await server.open()
            found.append(sockets)
            started.set()
            await sockets.wait_closed()
        finally:
            await server.close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), name="server")
    thread.start()
    started.wait(120)
    (sockets,) = found
    try:
        yield Serving(server, sockets.sockets[0].getsockname()[1], loop)
    finally:
        loop.call_soon_threadsafe(sockets.close)
        thread.join(20)
        loop.close()


def _threaded(house: Services, mind: object | None, analyser: object | None) -> LaunchWorker:
    """Models that are read from disk once for all tests; every server has its own streams."""

    def load(tell: SendMessage) -> BatchScheduler:
        if mind and analyser:
            return BatchScheduler(lambda: analyser, mind, tell)
        # With a mind that is given only the ears are wanted, and any pack's will do.
        pack = Settings().pack if mind else house.pack.directory
        read = read_models(house.settings.weights, pack)
        understanding = mind or read.turn_understanding
        return BatchScheduler(lambda: analyser or read.analyser, understanding, tell)

    return Threaded(load)


@cache
def read_models(weights: Path, pack: Path) -> BatchScheduler:
    """The models, read once in a process."""
    return load_scheduler(Settings(weights=weights), pack_in(pack), lambda message: None)
