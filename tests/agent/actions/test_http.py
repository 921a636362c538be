"""One seam to a business's own systems: a key takes effect once, and silence is an answer."""

from __future__ import annotations

import json

import httpx
import pytest

from agent.actions.http import HttpActions
from dialogs.values import ActionCall, ActionResult

CALL = ActionCall("s1:1", "transfer", {"amount": "10.00"})


class Endpoint:
    """A small HTTP service that remembers what it was asked."""

    def __init__(self, *answers: httpx.Response | type[httpx.HTTPError]) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.Response):
            return answer
        raise answer("nobody there")

    def actions(self, **more: str) -> HttpActions:
        return HttpActions("http://bank.example/do", transport=httpx.MockTransport(self), **more)


def ok(**values: str) -> httpx.Response:
    return httpx.Response(200, json={"ok": True, "values": values})


def test_a_call_is_one_post_with_its_key():
    endpoint = Endpoint(ok(reference="7"))
    actions = endpoint.actions(token="abc")
    assert actions.perform(CALL) == ActionResult("s1:1", True, {"reference": "7"})
    actions.close()
    (request,) = endpoint.asked
    assert str(request.url) == "http://bank.example/do/transfer"
    assert request.headers["Idempotency-Key"] == "s1:1"
    assert request.headers["Authorization"] == "Bearer abc"
    assert json.loads(request.content) == {"arguments": {"amount": "10.00"}}


def test_a_refusal_is_not_tried_again():
    endpoint = Endpoint(httpx.Response(200, json={"ok": False, "reason": "no_funds"}))
    assert endpoint.actions().perform(CALL) == ActionResult("s1:1", False, reason="no_funds")
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize(
    "first",
    [
        httpx.ConnectError,
        httpx.ReadTimeout,
        httpx.Response(503),
        httpx.Response(500, text="oh"),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json={"ok": "perhaps"}),
    ],
)
def test_one_retry_with_the_same_key(first):
    endpoint = Endpoint(first, ok())
    assert endpoint.actions().perform(CALL).ok
    assert {request.headers["Idempotency-Key"] for request in endpoint.asked} == {"s1:1"}


def test_no_answer_is_unavailable():
    endpoint = Endpoint(httpx.ReadTimeout, httpx.ReadTimeout)
    assert endpoint.actions().perform(CALL) == ActionResult("s1:1", False, reason="unavailable")


def test_an_action_the_endpoint_does_not_know():
    endpoint = Endpoint(httpx.Response(404))
    assert endpoint.actions().perform(CALL).reason == "unknown_action"
    assert len(endpoint.asked) == 1
