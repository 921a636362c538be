"""A helpdesk's end of the webhook, for tests: it keeps what comes in, and answers as it is told."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook as Verifier

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WAIT_S = 20


class Helpdesk:
    """A receiver. `answers` are what it does with the next requests, "ok" when there are none:
    a status, (status, headers), a body, "dies", or an event to wait for first."""

    def __init__(self) -> None:
        self.answers: list = []
        self.got: queue.Queue[tuple[dict[str, str], str]] = queue.Queue()
        desk = self

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                desk.got.put(({k.lower(): v for k, v in self.headers.items()}, body))
                answer = desk.answers.pop(0) if desk.answers else 204
                if isinstance(answer, threading.Event):
                    answer.wait(WAIT_S)
                    return
                if answer == "dies":
                    self.close_connection = True
                    return
                status, headers, said = 200, {}, b""
                match answer:
                    case int():
                        status = answer
                    case (status, headers):
                        pass
                    case bytes():
                        said = answer
                self.send_response(status)
                for name, value in {"Content-Length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def events(self) -> list[dict]:
        """What has come in by now, each verified as a receiver would."""
        found = []
        while not self.got.empty():
            found.append(self.verified(*self.got.get()))
        return found

    def verified(self, headers: dict[str, str], body: str) -> dict:
        assert headers["content-type"] == "application/cloudevents+json"
        event = Verifier(SECRET).verify(body, headers)
        assert event["id"] == headers["webhook-id"]
        return event

    def next(self) -> dict:
        """The next one that comes in, verified."""
        return self.verified(*self.got.get(timeout=WAIT_S))


@contextmanager
def helpdesk() -> Iterator[Helpdesk]:
    """One that listens until the block ends."""
    desk = Helpdesk()
    thread = threading.Thread(target=desk.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield desk
    desk.server.shutdown()
    desk.server.server_close()
    thread.join()


def kinds(events: list[dict]) -> list[str]:
    """What each tells of a hand-over."""
    return [event["type"].split(".")[2] for event in events]
