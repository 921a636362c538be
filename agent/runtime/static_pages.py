"""Static files and plain HTTP answers.

Static files are read once, at start; nothing outside `agent/web` is ever served.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

WEB_FOLDER = Path(__file__).parents[1] / "web"
# Pages run only our own scripts; sockets may go elsewhere: the widget's server is configurable.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' blob:"
)
# against clickjacking
UNFRAMED_SECURITY_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One HTTP answer."""

    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def text_answer(status: int, content: str, *headers: tuple[str, str]) -> HttpAnswer:
    """An answer in plain text."""
    return HttpAnswer(status, "text/plain; charset=utf-8", content.encode() + b"\n", headers)


class StaticPages:
    """The demo page, the widget, the console and their files, by URL path."""

    def __init__(self, folder: Path = WEB_FOLDER) -> None:
        self._pages: dict[str, HttpAnswer] = {}
        for file in folder.rglob("*"):
            if file.is_file():
                self._pages[f"/static/{file.relative_to(folder).as_posix()}"] = _file_answer(file)
        self._pages["/"] = self._pages["/static/index.html"]
        self._pages["/console"] = self._pages["/static/console/index.html"]
        self._pages["/widget.js"] = self._pages["/static/widget.js"]
        self._pages["/console"] = self._pages["/static/console/index.html"]

    def get(self, path: str) -> HttpAnswer:
        """The file at `path`, its query ignored; else a 404 answer."""
        path = path.partition("?")[0]
        return self._pages.get(path) or text_answer(404, "There is nothing at this address.")


def _file_answer(file: Path) -> HttpAnswer:
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if content_type in ("application/javascript", "text/javascript") or content_type.startswith(
        "text/"
    ):
        content_type += "; charset=utf-8"
    headers = [("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")]
    if file.suffix == ".html":
        headers.append(
            (
                "Content-Security-Policy",
                UNFRAMED_SECURITY_POLICY if _is_console_page(file) else CONTENT_SECURITY_POLICY,
            )
        )
    else:
        headers.append(("Access-Control-Allow-Origin", "*"))  # the widget is embedded elsewhere
    return HttpAnswer(200, content_type, file.read_bytes(), tuple(headers))


def _is_console_page(file: Path) -> bool:
    """Whether a logged-in person acts on this page."""
    return file.parent.name == "console"
