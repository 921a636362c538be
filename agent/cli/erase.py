"""`hearken erase SESSION|CUSTOMER`: erasure of all stored data, with a receipt as proof.

The receipt names nobody and is stored itself. The erased data is overwritten in the database's
files too, not only deleted from the tables; where that is not done yet, the receipt says so
(tests/system/test_erased.py).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agent.config import load_settings
from agent.core.records import utc_text
from agent.store import ErasureReceipt, open_store


class NothingToErase(LookupError):
    """Nothing is stored under that id."""


def erase(
    identifier: Annotated[str, typer.Argument(help="A session's or a customer's id.")],
    config: Annotated[Path | None, typer.Option(help="The server's settings file.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as JSON.")] = False,
) -> None:
    """Erase everything stored about a session or a customer, and print a receipt."""
    settings = load_settings(config)
    store = open_store(settings.state, settings.database)
    try:
        if not yes:
            typer.confirm(
                f"Erase all stored data of {identifier!r}? This cannot be undone.", abort=True
            )
        receipt = store.erase(identifier, utc_text(datetime.now(UTC)))
        can_overwrite = store.can_overwrite
    finally:
        store.close()
    if receipt is None:
        raise NothingToErase(
            f"nothing is stored of {identifier!r}: it is no session's or customer's id"
        )
    print_receipt(receipt, can_overwrite, as_json)


def print_receipt(receipt: ErasureReceipt, can_overwrite: bool, as_json: bool) -> None:
    """Print the receipt as text or JSON.

    `can_overwrite`: this process can overwrite the database's files, no database server owns them.
    """
    if as_json:
        typer.echo(json.dumps(receipt.as_dict(), indent=2))
        return
    console = Console()
    console.print(f"Erased at {receipt.at}, receipt {receipt.id}")
    for digest in receipt.sessions:
        console.print(f"  session with SHA-256 {digest}")
    row_counts = ", ".join(f"{count} {table}" for table, count in receipt.rows.items() if count)
    console.print(f"  rows: {row_counts}")
    console.print(f"  {_overwrite_text(receipt, can_overwrite)}")


def _overwrite_text(receipt: ErasureReceipt, can_overwrite: bool) -> str:
    if receipt.overwritten:
        return "Nothing of it is left in the database's files."
    if can_overwrite:
        return (
            "Not yet overwritten in the database's files: another process was reading them. "
            "A running server does it within minutes; without one, run this again for any id."
        )
    return "Not yet overwritten: the database server does that itself when it vacuums."
