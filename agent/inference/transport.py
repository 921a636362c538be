"""How do messages get from the event loop to the models and back?

One end of a socket pair (agent/inference/worker.py has the other). Nothing here waits: what is sent
goes into a buffer, which is bounded by what the engine keeps, and what comes is handed over whole.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

from agent.inference.messages import MessageFromWorker, MessageToWorker
from agent.inference.worker import FRAME_HEADER, message_frame


class WorkerTransport(asyncio.Protocol):
    """Our end of the socket to the models."""

    def __init__(self, on_message: Callable[[WorkerTransport, MessageFromWorker], None]) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = 0  # messages
        self._on_message = on_message
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= FRAME_HEADER.size:
            end = FRAME_HEADER.size + FRAME_HEADER.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            message = pickle.loads(memoryview(self._buffer)[FRAME_HEADER.size : end].tobytes())
            del self._buffer[:end]
            self.received += 1
            self._on_message(self, message)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed.set_result(None)

    def send(self, message: MessageToWorker) -> None:
        assert self._transport is not None
        self._transport.write(message_frame(message))

    def close(self) -> None:
        assert self._transport is not None
        self._transport.abort()
