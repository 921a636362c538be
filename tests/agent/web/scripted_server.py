"""A server that speaks protocol v1 from a script, so that the widget can be tested by itself.

It serves the static files as the real server does and keeps everything it was sent. Canned answers
cover a small conversation; a test may also push any message into a session. By hand:
`python tests/agent/web/scripted_server.py`, then open http://127.0.0.1:8765/.
"""

import json
import logging
import mimetypes
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import quoteattr

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

WEB = Path(__file__).parents[3] / "agent" / "web"
JAVASCRIPT = "text/javascript; charset=utf-8"
POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; "
    "style-src 'self' 'unsafe-inline'; media-src 'self' blob:"
)
OUT_RATE = 22050
EMBED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/mark.svg"></head>
<body style="font: 30px cursive; color: red; text-transform: uppercase"><a href="#">A link</a>
<script src="/widget.js" {attributes} defer></script></body></html>"""

Message = dict[str, Any]


def reply(text: str, **more: Any) -> Message:
    return {
        "type": "reply",
        "turn": 1,
        "text": text,
        "tone": "calm",
        "flow": None,
        "step": None,
    } | more


def understood(sentiment: float | None, upset: float | None) -> Message:
    return {
        "type": "understanding",
        "turn": 1,
        "intent": "replace_card",
        "confidence": 0.9,
        "alternatives": [],
        "sentiment": sentiment,
        "upset": upset,
        "slots": {},
    }


def handoff(state: str, **more: Any) -> Message:
    evidence = [{"term": "secret evidence", "weight": 0.7, "turn": 1, "at": 2.0}]
    summary = "secret summary"
    return {
        "type": "handoff",
        "id": "h1",
        "state": state,
        "evidence": evidence,
        "summary": summary,
    } | more


def owner(owner: str, name: str | None = None) -> Message:
    return {"type": "owner", "owner": owner} | ({"name": name} if name else {})


ANSWERS: dict[str, list[Message]] = {
    "hours": [
        understood(0.3, None),
        reply(
            "Main Street is open from 9 to 17 on weekdays.",
            source={"title": "Branches and opening hours"},
            suggestions=["And on Saturday?", "Make an appointment"],
        ),
    ],
    "talk to a person": [
        understood(-0.6, 0.72),
        handoff("requested"),
        owner("queued"),
        handoff("queued", position=3, wait_s=130),
        reply("I am bringing in a colleague."),
    ],
}


@dataclass
class Session:
    """What outlives a connection: messages by number, and how many of the client's we have."""

    name: str
    told: list[Message] = field(default_factory=list)
    count: int = 0
    texts: list[str] = field(default_factory=list)  # taken once each


class Connection:
    """One websocket: what it received, and how to send to it."""

    def __init__(self, socket: ServerConnection, kept: Session) -> None:
        self.socket = socket
        self.kept = kept
        self.received: list[Message] = []
        self.audio: list[bytes] = []

    @property
    def session(self) -> str:
        return self.kept.name

    @property
    def seq(self) -> int:
        return len(self.kept.told)

    def push(self, *messages: Message | bytes) -> None:
        for message in messages:
            if isinstance(message, bytes):
                self.socket.send(message)
            else:
                self.lose(message)
                self.socket.send(json.dumps(self.kept.told[-1]))

    def lose(self, *messages: Message) -> None:
        """Say something that does not arrive, for the line is broken."""
        for message in messages:
            number = self.seq + 1
            self.kept.told.append({"seq": number, "at": number / 10} | message)

    def notice(self, message: Message) -> None:
        """About this connection alone: without a number, and never repeated."""
        self.socket.send(json.dumps({"at": 0.0} | message))

    def speak(self, turn: int, seconds: float) -> None:
        """A quiet tone as a spoken reply, in pieces of 100 ms and one odd-sized tail."""
        time = np.arange(round(seconds * OUT_RATE)) / OUT_RATE
        sound = (3000 * np.sin(2 * np.pi * 440 * time)).astype("<i2").tobytes()
        size = OUT_RATE // 5 + 1  # an odd number of bytes: samples are split across messages
        self.push({"type": "speech", "turn": turn, "state": "start"})
        self.push(*(sound[at : at + size] for at in range(0, len(sound), size)))
        self.push({"type": "speech", "turn": turn, "state": "end"})

    def of_type(self, kind: str) -> list[Message]:
        return [message for message in list(self.received) if message["type"] == kind]

    def pcm(self) -> np.ndarray:
        return np.frombuffer(b"".join(list(self.audio)), "<i2")

    def close(self, code: int, reason: str = "") -> None:
        self.socket.close(code, reason)


class ScriptedServer:
    """`with ScriptedServer() as server:` listens on `server.url`; `server.sessions` grows."""

    def __init__(self, port: int = 0) -> None:
        self.forget()
        self._server = serve(
            self._talk,
            "127.0.0.1",
            port,
            process_request=self._static,
            compression=None,
            logger=quiet_logger(),
        )
        self.port = self._server.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.sessions: list[Connection] = []
        self.resumable = True
        self.takes = True  # else what comes in is lost before it is taken
        self.acknowledges = True
        self.refuse_with: tuple[int, str] | None = None

    def embed(self, **attributes: str) -> str:
        """The address of a page with nothing but the widget on it, and these data-* attributes."""
        return f"{self.url}embed?{urlencode(attributes)}"

    def __enter__(self) -> "ScriptedServer":
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _static(self, _socket: ServerConnection, request: Request) -> Response | None:
        path, _, query = request.path.partition("?")
        if path == "/v1/session":
            return None
        if path == "/embed":
            pairs = (f"data-{key}={quoteattr(value)}" for key, value in parse_qsl(query))
            page = EMBED.format(attributes=" ".join(pairs))
            return _response(HTTPStatus.OK, "text/html; charset=utf-8", page.encode())
        file = WEB / ("index.html" if path == "/" else Path(path).name)
        if not file.is_file():
            return _response(HTTPStatus.NOT_FOUND, "text/plain", b"not found")
        kind = JAVASCRIPT if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
        return _response(HTTPStatus.OK, kind or "text/plain", file.read_bytes())

    def _talk(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            self._session(socket)

    def _session(self, socket: ServerConnection) -> None:
        hello = json.loads(socket.recv())
        connection = self._connect(socket, hello)
        if self.refuse_with:
            connection.close(*self.refuse_with)
            return
        for message in socket:
            if isinstance(message, bytes):
                connection.audio.append(message)
            else:
                connection.received.append(json.loads(message))
                self._take(connection, connection.received[-1])

    def _connect(self, socket: ServerConnection, hello: Message) -> Connection:
        kept = Session(f"s{len(self.sessions) + 1}")
        resumed = self.resumable and "resume" in hello
        if resumed:
            known = (one.kept for one in self.sessions)
            kept = next(one for one in known if one.name == hello["resume"]["session"])
        connection = Connection(socket, kept)
        connection.received.append(hello)
        if not self.refuse_with:
            self._welcome(connection, hello, resumed)
        self.sessions.append(connection)
        return connection

    def _welcome(self, connection: Connection, hello: Message, resumed: bool) -> None:
        out = {"encoding": "pcm_s16le", "rate": OUT_RATE, "channels": 1}
        audio = {"audio": {"in": hello["audio"], "out": out}} if "audio" in hello else {}
        ready = {"type": "ready", "session": connection.session, "resume_token": "t", "models": {}}
        if resumed:
            back = {"resumed": True, "received": connection.kept.count}
            connection.notice(ready | audio | back)
            for message in connection.kept.told[hello["resume"]["last_seq"] :]:
                connection.notice(message)
            return
        connection.notice(ready | audio)
        if hello["channel"] == "chat":
            connection.push(reply("Good day. What can I do for you?", turn=0))

    def _take(self, connection: Connection, message: Message) -> None:
        """Each message once, by the client's own number of it."""
        number = message.get("n", 0)
        if not self.takes or (number and number <= connection.kept.count):
            return
        if number:
            connection.kept.count = number
            if self.acknowledges:
                connection.notice({"type": "received", "received": number})
        if message["type"] == "text":
            connection.kept.texts.append(message["text"])
        self._answer(connection, message)

    def _answer(self, connection: Connection, message: Message) -> None:
        if message["type"] == "end":
            connection.push({"type": "bye", "reason": "end"})
            connection.close(1000)
        elif message["type"] == "text":
            known = (answer for key, answer in ANSWERS.items() if key in message["text"].lower())
            connection.push(*next(known, [reply(message["text"])]))  # anything else is sent back


def _response(status: HTTPStatus, kind: str, body: bytes) -> Response:
    headers = Headers(
        {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Content-Security-Policy": POLICY,
            "Access-Control-Allow-Origin": "*",
            "Connection": "close",
        }
    )
    return Response(status.value, status.phrase, headers, body)


def quiet_logger() -> logging.Logger:
    """Browsers open connections they do not use; websockets logs each as a failed handshake."""
    logger = logging.getLogger("scripted_server")
    logger.setLevel(logging.CRITICAL)
    return logger


if __name__ == "__main__":
    with ScriptedServer(8765) as running:
        print(f"{running.url} (Enter stops)")
        input()
