"""A real server inside the test process, on a free port, with real models or a scripted mind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from agent.actions import Actions
from agent.config import Settings
from agent.engine import Engine, Models, load_models
from agent.inference import Inference
from agent.line import House
from dialogs.pack import Pack
from server import Server, build


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


@contextmanager
def serving(
    state: Path,
    change: Callable[[Models], Models] | None = None,
    actions: Actions | None = None,
    **settings: object,
) -> Iterator[Serving]:
    """Serve until the block ends; `change` and `actions` may put something scripted in place."""
    house = build(Settings(port=0, state=state, **settings))
    engine = _engine(house, change or (lambda models: models))
    house = replace(house, engine=engine, actions=actions or house.actions)
    server, started = Server(house), threading.Event()
    loop, found = asyncio.new_event_loop(), []

    async def live() -> None:
        sockets = await server.open()
        found.append(sockets)
        started.set()
        await sockets.wait_closed()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()), name="server")
    thread.start()
    started.wait(120)
    (sockets,) = found
    try:
        yield Serving(server, sockets.sockets[0].getsockname()[1], loop)
    finally:
        loop.call_soon_threadsafe(sockets.close)
        thread.join(20)
        house.engine.stop()
        house.store.close()
        loop.close()


def _engine(house: House, change: Callable[[Models], Models]) -> Engine:
    """An engine of its own around models that are read from disk once for all tests."""

    def load() -> Models:
        read = _read(house.settings.weights, house.pack.directory)
        own = Inference(read.inference.ears, read.inference.mind)
        return change(replace(read, inference=own))

    return Engine(load, house.settings.answer_s, house.settings.asks_waiting)


@cache
def _read(weights: Path, pack: Path) -> Models:
    return load_models(Settings(weights=weights), Pack.load(pack))
