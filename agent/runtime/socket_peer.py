"""What both websocket endpoints do with their peer: hello in time, refusals, mistakes, the end.

A customer's connection and a console's differ in what they say, not in this. Held by the tests of
both (tests/system, tests/agent/wire).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.runtime.effect_runner import ConversationOver
from agent.runtime.metrics import Metrics
from agent.wire.parsing import CLOSE_NOT_ALLOWED, WireError

MAX_MISTAKES = 20  # messages that could not be accepted, before the peer is disconnected
MISTAKES_TEXT = f"{MAX_MISTAKES} messages could not be accepted; read the errors and try again"

H = TypeVar("H")
R = TypeVar("R")


class SocketPeer:
    """One websocket, and how often its peer was wrong."""

    def __init__(self, socket: ServerConnection, metrics: Metrics) -> None:
        self.socket = socket
        self._metrics = metrics
        self._mistakes = 0

    async def receive_hello(self, decode: Callable[[str | bytes], H], timeout_s: float) -> H:
        """The first message, decoded. WireError when it does not come in time or is none."""
        try:
            async with asyncio.timeout(timeout_s):
                return decode(await self.socket.recv())
        except TimeoutError:
            raise WireError("no_hello", "No hello came in time.", CLOSE_NOT_ALLOWED) from None

    async def refuse(self, error: WireError, text: str) -> None:
        """Send `text`, which reports the error, and close the connection."""
        self._metrics.refusals.labels(error.code).inc()
        await self.socket.send(text)
        await self.socket.close(error.close_code or CLOSE_NOT_ALLOWED, error.message[:120])

    def count_mistake(self, error: WireError) -> bool:
        """Count a message that could not be accepted; whether it was one too many."""
        self._metrics.client_errors.labels(error.code).inc()
        self._mistakes += 1
        return self._mistakes >= MAX_MISTAKES

    async def run(
        self,
        serve: Callable[[asyncio.TaskGroup], Coroutine[None, None, None]],
        too_slow_text: str,
    ) -> None:
        """Run `serve`, and the tasks it starts, until it returns or either side ends the
        connection. A peer that reads too slowly (TimeoutError) is disconnected with that text."""
        try:
            async with asyncio.TaskGroup() as tasks:
                await serve(tasks)
                raise ConversationOver  # ends the other tasks
        except* (ConversationOver, ConnectionClosed):
            pass
        except* TimeoutError:
            self._metrics.refusals.labels("slow_reader").inc()
            await self.socket.close(CLOSE_NOT_ALLOWED, too_slow_text)


def role_of_token(token: str, accepted: Iterable[tuple[R, SecretStr]]) -> R | None:
    """What the first accepted token that equals this one stands for, compared in constant time;
    empty ones are not accepted."""
    for role, secret in accepted:
        expected = secret.get_secret_value()
        if expected and secrets.compare_digest(expected.encode(), token.encode()):
            return role
    return None
