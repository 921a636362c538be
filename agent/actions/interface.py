"""The port to a business's own systems, `Actions`: what it does, and what a refusal is.

Calls block and are made off the event loop. An idempotency key takes effect at most once: every
implementation must ensure it (tests/agent/actions/test_http.py, tests/agent/actions/test_bank.py).
agent/actions/http.py and agent/actions/bank.py implement it.
"""

from __future__ import annotations

from typing import Protocol

from dialogs.values import ActionCall, ActionResult

UNAVAILABLE = "unavailable"  # may have taken effect: retry only with the same key
UNKNOWN_ACTION = "unknown_action"


class ActionRefused(Exception):
    """An action was refused. `reason` is a word that the pack's `failed` may name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Actions(Protocol):
    """What a business can do for a customer."""

    def perform(self, call: ActionCall) -> ActionResult:
        """Carry out `call`; return the stored outcome when its key was seen before."""
        ...
