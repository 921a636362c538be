"""`hearken requests`: what customers have asked of their data, and which of it is done.

Erasures are carried out by the server itself when the conversation is over; a copy and an objection
are for people, who mark them as done (tests/agent/cli/test_requests.py).
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agent.config import load_settings
from agent.core.records import utc_text
from agent.store import NothingStored, Store, open_store


def requests(
    done: Annotated[str, typer.Option(help="Mark the request of this number as done.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also list those that are done.")] = False,
    config: Annotated[Path | None, typer.Option(help="The server's settings file.")] = None,
) -> None:
    """List what customers have asked of their data: an erasure, a copy, an objection."""
    settings = load_settings(config)
    store = open_store(settings.state, settings.database)
    try:
        if done and not store.finish_data_request(done, utc_text(datetime.now(UTC))):
            raise NothingStored(f"no request {done!r} is open; `hearken requests` lists them")
        print_requests(store, every, Console())
    finally:
        store.close()


def print_requests(store: Store, include_done: bool, console: Console) -> None:
    """Print a table of the requests, oldest first."""
    rows = store.data_requests(include_done)
    if not rows:
        console.print("No request is open.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("number", "kind", "asked (UTC)", "customer", "session", "done (UTC)", "receipt"):
        table.add_column(name)
    for one in rows:
        minutes = (one.asked_at[:16].replace("T", " "), one.done_at[:16].replace("T", " "))
        table.add_row(
            one.reference, one.kind, minutes[0], one.customer, one.session, minutes[1], one.receipt
        )
    console.print(table)
