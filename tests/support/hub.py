"""A hub of checkpoints on this machine: as much of huggingface.co as fetching from it needs."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serving(repositories):
    """`repositories`: name -> folder. Yields the address to set as HF_ENDPOINT, and what was asked
    for so far."""
    asked = []

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            asked.append(self.path)
            path = self.path.partition("?")[0]
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/revision/.*)?", path):
                return self.describe(found[1])
            if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/.*", path):
                return self.tree(found[1])
            if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/[^/]+/(.+)", path):
                return self.file(found[1], found[2])
            return self.give(404, b"{}")

        def describe(self, name):
            if name not in repositories:
                return self.give(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            if repositories[name] is None:
                return self.give(403, b"{}", {"X-Error-Code": "GatedRepo"})
            files = [{"rfilename": file.name} for file in sorted(repositories[name].iterdir())]
            told = {"id": name, "modelId": name, "sha": COMMIT, "siblings": files, "private": False}
            return self.give(200, json.dumps(told).encode())

        def tree(self, name):
            files = [
                {
                    "type": "file",
                    "path": file.name,
                    "size": file.stat().st_size,
                    "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
                }
                for file in sorted(repositories[name].iterdir())
            ]
            return self.give(200, json.dumps(files).encode())

        def file(self, name, file):
            path = repositories[name] / file
            if not path.is_file():
                return self.give(404, b"", {"X-Error-Code": "EntryNotFound"})
            body = path.read_bytes()
            tag = {"ETag": f'"{hashlib.sha1(body).hexdigest()}"', "X-Repo-Commit": COMMIT}
            return self.give(200, body, tag)

        def give(self, status, body, headers=None):
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
