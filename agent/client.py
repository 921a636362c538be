"""Blocking Python client of protocol v1, for scripts, tests and the command line.

    with Client("ws://127.0.0.1:8765/v1/session", channel="chat") as client:
        client.say("I lost my card")
        for message in client.messages(quiet_s=0.5):
            print(message["type"], message.get("text", ""))

One thread reads, so that no message is missed while the program does something else. Messages are
those of protocol v1, as dictionaries; spoken audio is `{"type": "audio", "data": bytes}`, in the
order of arrival. The client adds `received_at` to each: `time.monotonic()` when it arrived.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

Message = dict[str, Any]

FRAME_S = 0.02  # audio in one binary message, as telephony sends it


class ServerRefusal(RuntimeError):
    """The server is unreachable, or refused or closed the session; the text says why."""


@dataclass
class Resumption:
    """Progress of a conversation: what another client needs to resume it."""

    session: str
    token: str
    last_seq: int
    sent_count: int = 0  # messages sent by this side
    unacknowledged: list[Message] = field(default_factory=list)  # not acknowledged by the server


class Client:
    """One conversation, as a context manager that closes the connection at its end.

    `resumption` is the progress so far; `close_status` is None, or the close code and reason.
    """

    def __init__(
        self,
        url: str,
        channel: str = "chat",
        audio: dict[str, Any] | None = None,
        speak: bool = False,
        token: str = "",
        customer: dict[str, str] | None = None,
        resume: Resumption | None = None,
    ) -> None:
        """Connect and send `hello`; ServerRefusal when the server refuses.

        `resume` continues the conversation of an earlier client: the server first sends what that
        client missed, and this client sends again what the server had not acknowledged.
        """
        self._resources = ExitStack()
        try:
            # With the channel in the address, a full server can refuse before the upgrade.
            address = url if "?" in url else f"{url}?channel={channel}"
            connection = connect(address, compression=None, max_size=None)
            self._socket = self._resources.enter_context(connection)
        except InvalidStatus as refused:
            body = refused.response.body or b""
            raise ServerRefusal(
                f"{refused.response.status_code}: {body.decode().strip()}"
            ) from None
        except OSError as unreachable:
            raise ServerRefusal(
                f"nobody answers at {url} ({unreachable}); is it running?"
            ) from None
        self._inbox: queue.Queue[Message | None] = queue.Queue()
        self.close_status: tuple[int, str] | None = None  # close code and reason, once it is over
        hello = {"type": "hello", "protocol": 1, "channel": channel, "speak": speak}
        hello |= {"token": token, "customer": customer or {}}
        self.resumption = resume or Resumption("", "", 0)
        if resume is not None:
            resume_fields = {"session": resume.session, "token": resume.token}
            hello["resume"] = resume_fields | {"last_seq": resume.last_seq}
        self._send(json.dumps(hello | ({"audio": audio} if audio else {})))
        threading.Thread(target=self._read_messages, name="client", daemon=True).start()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._resources.close()

    def send(self, message: Message) -> None:
        """Send any message of the protocol, numbered so that the server applies it only once."""
        self.resumption.sent_count += 1
        message = {**message, "n": self.resumption.sent_count}
        self.resumption.unacknowledged.append(message)
        self._send(json.dumps(message))

    def drop_connection(self) -> None:
        """Cut the connection without a close handshake, as a lost network does. Another client can
        resume with `resumption`."""
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def say(self, text: str) -> None:
        """Send the customer's text."""
        self.send({"type": "text", "text": text})

    def consent(self, recording: bool, emotion: bool) -> None:
        """Give or withdraw consent to recording and to emotion analysis."""
        self.send({"type": "consent", "recording": recording, "emotion": emotion})

    def end(self) -> None:
        """Ask the server to end the conversation."""
        self.send({"type": "end"})

    def stream_audio(self, audio: bytes, frame_bytes: int) -> Iterator[None]:
        """Send encoded audio in real time, `frame_bytes` bytes every 20 ms.

        Yields after each frame, so that the caller can handle messages meanwhile.
        """
        began = time.monotonic()
        for number, start in enumerate(range(0, len(audio), frame_bytes)):
            time.sleep(max(0.0, began + number * FRAME_S - time.monotonic()))
            self._send(audio[start : start + frame_bytes])
            yield

    def available_messages(self) -> list[Message]:
        """The messages that have arrived by now, without waiting."""
        messages: list[Message] = []
        while True:
            try:
                message = self._inbox.get_nowait()
            except queue.Empty:
                return messages
            if message is None:
                return messages
            messages.append(message)

    def messages(self, quiet_s: float) -> Iterator[Message]:
        """Messages as they arrive, until none arrives for `quiet_s` or the connection is closed."""
        while True:
            try:
                message = self._inbox.get(timeout=quiet_s)
            except queue.Empty:
                return
            if message is None:
                return
            yield message

    def wait_for(self, *types: str, timeout_s: float = 10.0) -> Message:
        """The next message of one of these types; others before it are dropped.

        Raises TimeoutError when none arrives, ConnectionError when the connection closes first.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                message = self._inbox.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise TimeoutError(f"no {' or '.join(types)} within {timeout_s} s") from None
            if message is None:
                raise ConnectionError(f"the connection was closed: {self.close_status}")
            if message["type"] in types:
                return message

    def _send(self, data: str | bytes) -> None:
        try:
            self._socket.send(data)
        except ConnectionClosed:
            self._record_close()

    def _read_messages(self) -> None:
        try:
            for message in self._socket:
                if isinstance(message, bytes):
                    incoming: Message = {"type": "audio", "data": message}
                else:
                    incoming = json.loads(message)
                self._track_progress(incoming)
                self._inbox.put(incoming | {"received_at": time.monotonic()})
        except ConnectionClosed:
            pass
        self._record_close()
        self._inbox.put(None)

    def _track_progress(self, incoming: Message) -> None:
        """Update the progress of both sides; after `ready`, send unacknowledged messages again."""
        at = self.resumption
        at.last_seq = max(at.last_seq, incoming.get("seq", 0))
        if incoming["type"] == "ready":
            if not incoming.get("resumed"):
                at.last_seq = 0
            at.session, at.token = incoming["session"], incoming["resume_token"]
        if "received" in incoming:
            at.unacknowledged = [
                one for one in at.unacknowledged if one["n"] > incoming["received"]
            ]
        if incoming["type"] == "ready":
            for message in at.unacknowledged:
                self._send(json.dumps(message))

    def _record_close(self) -> None:
        self.close_status = (self._socket.close_code or 1006, self._socket.close_reason or "")
