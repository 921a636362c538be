"""What does the server say to a plain HTTP request?

Static files are read once, at start; nothing outside `agent/web` is ever served.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from pathlib import Path

WEB = Path(__file__).parents[1] / "web"
# The page runs only our own scripts; sockets may go elsewhere, because the widget may be told to.
POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' blob:"
)
NOT_FRAMED = f"{POLICY}; frame-ancestors 'none'"  # no other page may have its clicks


@dataclass(frozen=True, slots=True)
class Page:
    """One HTTP answer."""

    status: int
    type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


def text(status: int, words: str, *headers: tuple[str, str]) -> Page:
    return Page(status, "text/plain; charset=utf-8", words.encode() + b"\n", headers)


class Pages:
    """The demo page, the widget, the console and their files, by path."""

    def __init__(self, folder: Path = WEB) -> None:
        self._pages: dict[str, Page] = {}
        for file in folder.rglob("*"):
            if file.is_file():
                self._pages[f"/static/{file.relative_to(folder).as_posix()}"] = _page(file)
        self._pages["/"] = self._pages["/static/index.html"]
        self._pages["/console"] = self._pages["/static/console/index.html"]
        self._pages["/widget.js"] = self._pages["/static/widget.js"]
        self._pages["/console"] = self._pages["/static/console/index.html"]

    def get(self, path: str) -> Page:
        """The page at `path`, or 404."""
        path = path.partition("?")[0]
        return self._pages.get(path) or text(404, "There is nothing at this address.")


def _page(file: Path) -> Page:
    type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if type in ("application/javascript", "text/javascript") or type.startswith("text/"):
        type += "; charset=utf-8"
    headers = [("Cache-Control", "no-cache"), ("X-Content-Type-Options", "nosniff")]
    if file.suffix == ".html":
        headers.append(("Content-Security-Policy", NOT_FRAMED if _acts(file) else POLICY))
    else:
        headers.append(("Access-Control-Allow-Origin", "*"))  # the widget lives on other sites
    return Page(200, type, file.read_bytes(), tuple(headers))


def _acts(file: Path) -> bool:
    """Whether somebody who is logged in acts on this page."""
    return file.parent.name == "console"
