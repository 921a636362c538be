"""The server's log: one JSON object a line, the static message and values under their own keys."""

from __future__ import annotations

import json
import logging

TALKATIVE = ("websockets", "bm25s", "httpx")  # loggers of which only warnings are wanted


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        known = logging.makeLogRecord({}).__dict__
        values = {key: str(value) for key, value in record.__dict__.items() if key not in known}
        values.pop("message", None)
        head = {"level": record.levelname.lower(), "logger": record.name}
        return json.dumps(head | {"message": record.getMessage()} | values)


def log_as_json() -> None:
    """Log to standard error from now on, as JSON lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
