"""Websocket connection of one simulated call.

Uses the sans-I/O half of the websockets library, with audio frames serialised beforehand, so that
sending one is a single write that never waits. The library's own client waits in `send` while a
socket is full: one caller whom the server does not read would delay the packets of all others, and
lighten the load just when the server is behind.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import SEND_EOF, State
from websockets.uri import WebSocketURI

from agent.lab.bench.load_plan import TELEPHONE_RATE
from agent.lab.bench.simulated_call import SimulatedCall

HELLO_MESSAGE: dict[str, Any] = {
    "type": "hello",
    "protocol": 1,
    "channel": "call",
    "audio": {"encoding": "mulaw", "rate": TELEPHONE_RATE, "channels": 1},
}
# emotion is part of the load
CONSENT_MESSAGE = {"type": "consent", "recording": False, "emotion": True}
MAX_REASON_CHARS = 80  # longer reasons are cut


def websocket_frame(packet: bytes) -> bytes:
    """A packet of audio as a masked binary websocket frame."""
    return Frame(Opcode.BINARY, packet).serialize(mask=True)


class LoadConnection(asyncio.Protocol):
    """One connection. `on_open` makes the call after the handshake; its packets are frames.

    `on_close` receives the close code and reason, or the status that refused the handshake.
    """

    def __init__(
        self,
        uri: WebSocketURI,
        speak: bool,
        on_open: Callable[[LoadConnection], SimulatedCall],
        on_close: Callable[[LoadConnection, str], None],
    ) -> None:
        self.call: SimulatedCall | None = None
        self._socket = ClientProtocol(uri, max_size=None)
        self._hello = HELLO_MESSAGE | {"speak": speak}
        self._on_open, self._on_close = on_open, on_close
        self._refusal = ""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._socket.send_request(self._socket.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        self._socket.receive_data(data)
        at = asyncio.get_running_loop().time()
        for event in self._socket.events_received():
            if isinstance(event, Response):
                self._finish_handshake(event)
            elif isinstance(event, Frame) and event.opcode is Opcode.TEXT and self.call:
                self.call.receive(bytes(event.data), at)
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._socket.receive_eof()
        code, reason = self._socket.close_code, self._socket.close_reason or ""
        self._on_close(self, self._refusal or f"{code} {reason[:MAX_REASON_CHARS]}".strip())

    def send_packet(self) -> None:
        """Write the packet that is due. Never waits: asyncio buffers the excess."""
        assert self._transport is not None
        assert self.call is not None
        self._transport.write(self.call.next_packet())

    def say_goodbye(self) -> None:
        """Send the end of the call; the server then closes."""
        if self._socket.state is State.OPEN:
            self._send_json({"type": "end"})

    def abort(self) -> None:
        """Abort the connection without waiting for the server."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_open(self) -> bool:
        return self._socket.state is State.OPEN

    def _finish_handshake(self, response: Response) -> None:
        if self._socket.handshake_exc is not None:
            body = (response.body or b"").decode(errors="replace").strip()
            self._refusal = f"{response.status_code} {body[:MAX_REASON_CHARS]}".strip()
            return
        self._send_json(self._hello)
        self._send_json(CONSENT_MESSAGE)
        self.call = self._on_open(self)

    def _send_json(self, message: dict[str, Any]) -> None:
        self._socket.send_text(json.dumps(message).encode())
        self._flush()

    def _flush(self) -> None:
        assert self._transport is not None
        for data in self._socket.data_to_send():
            if data != SEND_EOF:
                self._transport.write(data)
            elif self._transport.can_write_eof():
                self._transport.write_eof()
