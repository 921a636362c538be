"""Asyncio end of the socket pair to the models process.

agent/inference/worker.py has the other end. Nothing here waits: sent messages go into a buffer,
which is bounded by the turns and requests in flight, and received messages are delivered whole.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

from agent.inference.messages import FRAME_HEADER, MessageFromWorker, MessageToWorker, message_frame


class WorkerTransport(asyncio.Protocol):
    """The server's end of the socket; `on_message` is called with each message of the models."""

    def __init__(self, on_message: Callable[[WorkerTransport, MessageFromWorker], None]) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.received = 0  # messages so far
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
        """Buffer a message for the models, without waiting."""
        assert self._transport is not None
        self._transport.write(message_frame(message))

    def close(self) -> None:
        """Close the socket at once and drop what is buffered."""
        assert self._transport is not None
        self._transport.abort()
