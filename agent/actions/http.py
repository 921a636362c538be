"""The actions of a business behind an HTTP endpoint; implements `Actions`.

Held by tests/agent/actions/test_http.py.
"""

from __future__ import annotations

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from agent.actions.interface import UNAVAILABLE, UNKNOWN_ACTION
from dialogs.values import ActionCall, ActionResult


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
