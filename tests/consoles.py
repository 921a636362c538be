"""Somebody at a console, for tests: a blocking client of the console's protocol."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

Message = dict[str, Any]
PATIENCE_S = 20


class Console:
    """One console. A context manager; `got` is everything that has come in and was looked at."""

    def __init__(self, page: str, name: str, token: str = "a", receive: int | None = None) -> None:
        """`page` is the server's address, `receive` how many bytes its receiver holds."""
        host, _, port = page.removeprefix("http://").partition(":")
        wire = socket.socket()
        if receive is not None:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        wire.connect((host, int(port)))
        address = f"ws://{host}:{port}/v1/console"
        self._open = ExitStack()
        line = connect(address, sock=wire, compression=None, max_size=None)
        self._socket = self._open.enter_context(line)
        self.name = name
        self.got: list[Message] = []
        self.send("hello", protocol=1, name=name, token=token)

    def __enter__(self) -> Console:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def send(self, type: str, **fields: object) -> None:
        self._socket.send(json.dumps({"type": type, **fields}))

    def raw(self, data: str | bytes) -> None:
        self._socket.send(data)

    def drop(self) -> None:
        """Lose the connection without a word."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def next(self) -> Message:
        data = self._socket.recv(timeout=PATIENCE_S)
        said = {"type": "sound", "data": data} if isinstance(data, bytes) else json.loads(data)
        self.got.append(said)
        return said

    def wait_for(self, type: str, such: Callable[[Message], object] = lambda _: True) -> Message:
        """The next message of this type that is `such`; what comes before it is in `got`."""
        while True:
            said = self.next()
            if said["type"] == type and such(said):
                return said

    def item(self, kind: str, words: str = "") -> Message:
        """The next line of this kind in which these words are."""
        said = self.wait_for(
            "item", lambda one: one["item"]["kind"] == kind and words in one["item"]["text"]
        )
        return said["item"]

    def closed(self) -> tuple[int, str]:
        """The close code and reason, once the server has ended it."""
        with suppress(ConnectionClosed):
            while True:
                self.next()
        return self._socket.close_code or 0, self._socket.close_reason or ""

    def sync(self) -> list[Message]:
        """Everything that came before the answer to a message sent now."""
        before = len(self.got)
        self.send("watch", session="nowhere")
        self.wait_for("error", lambda one: one["code"] in ("no_session", "not_yours"))
        return self.got[before:]
