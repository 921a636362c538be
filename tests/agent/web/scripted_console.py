"""A server that speaks the console's protocol from a script, to test the page by itself.

It serves the real pages with their real headers, and keeps everything it was sent. What
happens to a conversation is up to the test. By hand: `python -m tests.agent.web.scripted_console`,
then open http://127.0.0.1:8766/console and log in with the token `agent` or `supervisor`.
"""

import json
import threading
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from agent.runtime.static_pages import StaticPages, text_answer
from agent.wire.console import CLOSING_OUTCOMES
from tests.agent.web.scripted_server import quiet_logger

Message = dict[str, Any]
ROLES = {"agent": "person", "supervisor": "supervisor"}
BEGAN = "2026-11-24T14:02:00+00:00"


def waiting(session: str, **more: Any) -> Message:
    """One entry of the queue."""
    return {
        "session": session,
        "id": 1,
        "asked_at": BEGAN,
        "waited_s": 65.0,
        "urgency": "normal",
        "rule": "explicit_request",
        "probability": 0.97,
        "summary": "Wants a new card. Identified as 100421.",
        "customer": "Patricia Miller",
        "channel": "chat",
        "present": True,
        "upset": 0.2,
        "here": True,
    } | more


def row(session: str, **more: Any) -> Message:
    """One line of the supervisor's table."""
    return {
        "session": session,
        "channel": "chat",
        "customer": "Patricia Miller",
        "began_at": BEGAN,
        "lasts_s": 75,
        "owner": "bot",
        "name": "",
        "intent": "replace_card",
        "upset": 0.2,
        "moods": [[1.0, 0.1], [9.0, 0.2]],
        "alert": "",
        "turns": 4,
        "present": True,
    } | more


def item(n: int, kind: str, text: str, **more: Any) -> Message:
    return {"n": n, "at": 4.0 * n, "kind": kind, "text": text} | more


TALK = (
    item(1, "bot", "How can I help you?", turn=0),
    item(2, "customer", "I lost my card", turn=1, intent="report_lost_card", confidence=0.93),
    item(3, "bot", "What is your customer number?", turn=1, flow="replace_card", step="number"),
    item(4, "customer", "I told you twice already!", turn=2, upset=0.71, intent="complaint"),
    item(5, "handoff", "", state="requested", rule="upset_over_turns"),
)
EVIDENCE = [{"term": "shouting", "weight": 0.4, "turn": 2, "at": 16.0, "detail": "much louder"}]


def opened(session: str, owner: str = "queued", name: str = "", **more: Any) -> Message:
    """A conversation as it stands when a console opens it."""
    return {
        "type": "opened",
        "session": session,
        "id": 1,
        "channel": "chat",
        "customer": "Patricia Miller",
        "began_at": BEGAN,
        "owner": owner,
        "name": name,
        "voice": False,
        "claims": [
            {"label": "Wants", "text": "a new card", "links": [{"turn": 1, "at": 8.0}]},
            {"label": "Is", "text": "upset", "links": [{"turn": 2, "at": 16.0}]},
        ],
        "items": list(TALK),
        "moods": [[8.0, 0.15, 1, None, []], [16.0, 0.71, 2, "angry", EVIDENCE]],
        "suggestions": [],
    } | more


class Connection:
    """One console: what it sent, and how to send to it."""

    def __init__(self, socket: ServerConnection, hello: Message) -> None:
        self.socket = socket
        self.received: list[Message] = [hello]
        self.audio: list[bytes] = []

    @property
    def name(self) -> str:
        return str(self.received[0]["name"])

    def push(self, *messages: Message | bytes) -> None:
        for one in messages:
            self.socket.send(one if isinstance(one, bytes) else json.dumps(one))

    def of_type(self, kind: str) -> list[Message]:
        return [message for message in list(self.received) if message["type"] == kind]

    def close(self, code: int, reason: str = "") -> None:
        self.socket.close(code, reason)


class ScriptedConsole:
    """`with ScriptedConsole() as server:` listens on `server.url`; `server.consoles` grows."""

    def __init__(self, port: int = 0) -> None:
        self.forget()
        self._pages = StaticPages()
        self._server = serve(
            self._talk,
            "127.0.0.1",
            port,
            process_request=self._page,
            compression=None,
            logger=quiet_logger(),
        )
        self.port = self._server.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/console"

    def forget(self) -> None:
        """Be as new, for the next test."""
        self.consoles: list[Connection] = []
        self.off = False  # no tokens are set: nobody may log in
        self.recovered: list[str] = []
        self.first: tuple[Message, ...] = ()  # what follows `ready`
        self.conversations: dict[str, Message] = {}  # session -> `opened`

    def __enter__(self) -> "ScriptedConsole":
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _page(self, _socket: ServerConnection, request: Request) -> Response | None:
        page = self._pages.get(request.path)
        if request.path == "/v1/console":
            if not self.off and request.headers.get("Upgrade"):
                return None
            closed = "The console is closed: set agent_token or supervisor_token."
            page = (
                text_answer(403, closed)
                if self.off
                else text_answer(426, "Connect with a websocket.")
            )
        length = ("Content-Length", str(len(page.body)))
        headers = (
            ("Content-Type", page.content_type),
            length,
            ("Connection", "close"),
            *page.headers,
        )
        return Response(page.status, HTTPStatus(page.status).phrase, Headers(headers), page.body)

    def _talk(self, socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            console = Connection(socket, json.loads(socket.recv()))
            if self._welcome(console):
                self._listen(console, socket)

    def _welcome(self, console: Connection) -> bool:
        role = ROLES.get(console.received[0]["token"])
        self.consoles.append(console)
        if role is None:
            wrong = "This token is not one that may log in."
            console.push({"type": "error", "code": "bad_token", "message": wrong})
            console.close(1008, wrong)
            return False
        ready = {"role": role, "name": console.name, "outcomes": list(CLOSING_OUTCOMES)}
        console.push({"type": "ready", **ready, "recovered": self.recovered}, *self.first)
        return True

    def _listen(self, console: Connection, messages: Iterable[str | bytes]) -> None:
        for message in messages:
            if isinstance(message, bytes):
                console.audio.append(message)
                continue
            said = json.loads(message)
            console.received.append(said)
            if said["type"] == "watch" and said["session"] in self.conversations:
                console.push(self.conversations[said["session"]])


if __name__ == "__main__":
    with ScriptedConsole(8766) as running:
        entries = [waiting("s1", urgency="high", upset=0.71), waiting("s2", customer="")]
        running.first = ({"type": "queue", "waiting": entries},)
        running.conversations = {"s1": opened("s1"), "s2": opened("s2", customer="")}
        print(f"{running.url} (Enter stops)")
        input()
