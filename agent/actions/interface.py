"""The port to a business's own systems (`Actions`), and its HTTP adapter.

Calls block and are made off the event loop. An idempotency key takes effect at most once: every
implementation must ensure it (tests/agent/actions/test_http.py, tests/agent/actions/test_bank.py).
"""

from __future__ import annotations

from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

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


class _ActionAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    ok: bool
    values: dict[str, str] = {}
    reason: str = ""


class HttpActions:
    """Actions behind an HTTP endpoint: POST {url}/{name} with {"arguments": {...}} as JSON.

    The key is sent as `Idempotency-Key`. There is one retry under the same key, so an endpoint that
    honours it acts once. Expected answer: {"ok": true, "values": {...}} or {"ok": false, "reason":
    "..."}.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        timeout_s: float = 5.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(
            base_url=url.rstrip("/") + "/", headers=headers, timeout=timeout_s, transport=transport
        )

    def perform(self, call: ActionCall) -> ActionResult:
        return (
            self._try_once(call)
            or self._try_once(call)
            or ActionResult(call.key, False, reason=UNAVAILABLE)
        )

    def close(self) -> None:
        self._client.close()

    def _try_once(self, call: ActionCall) -> ActionResult | None:
        """One attempt. None when a retry may help: no answer, overload, a server error."""
        try:
            response = self._client.post(
                call.name,
                json={"arguments": dict(call.arguments)},
                headers={"Idempotency-Key": call.key},
            )
        except httpx.HTTPError:
            return None
        if response.status_code in {404, 405}:
            return ActionResult(call.key, False, reason=UNKNOWN_ACTION)
        if not response.is_success:
            return None
        try:
            parsed = _ActionAnswer.model_validate_json(response.content)
        except ValidationError:
            return None
        return ActionResult(call.key, parsed.ok, parsed.values, parsed.reason)
