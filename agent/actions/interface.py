"""Who carries out what the dialogue asks for, and what if they do not answer?

`Actions` is the one seam to a business's own systems: blocking, called off the event loop. The
same key never takes effect twice: implementations are given the key and must keep it so
(tests/agent/test_actions.py, tests/agent/test_bank.py).
"""

from __future__ import annotations

from typing import Protocol

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from dialogs.values import ActionCall, ActionResult

UNAVAILABLE = "unavailable"  # it may or may not have happened: only the same key may try again
UNKNOWN_ACTION = "unknown_action"


class ActionRefused(Exception):
    """An action that was not carried out, and why: a word the pack's `failed` may name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Actions(Protocol):
    def perform(self, call: ActionCall) -> ActionResult:
        """Carry out `call`, or answer what came of it when its key was seen before."""
        ...


class _ActionAnswer(BaseModel):
    model_config = ConfigDict(extra="ignore")

    ok: bool
    values: dict[str, str] = {}
    reason: str = ""


class HttpActions:
    """Actions behind an HTTP endpoint: POST {url}/{name} with the arguments as JSON.

    The key travels as `Idempotency-Key`; one retry uses the same key, so an endpoint that honours
    it acts once. Expected answer: {"ok": true, "values": {...}} or {"ok": false, "reason": "..."}.
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
        """One try. None when it may be worth another: no answer, overload, a fault over there."""
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
