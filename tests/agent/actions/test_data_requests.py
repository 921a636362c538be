"""The server's own actions for requests about data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from agent.actions.data_requests import DataRequestActions
from dialogs.values import ActionCall, ActionResult

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


@dataclass
class Noted:
    reference: str


@dataclass
class Book:
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def note_data_request(self, *values: str) -> Noted:
        self.rows.append(values)
        return Noted(f"R{len(self.rows):05d}")


class BackEnd:
    def perform(self, call: ActionCall) -> ActionResult:
        return ActionResult(call.key, True, {"seen": call.name})


@pytest.mark.parametrize("kind", ["erasure", "copy", "objection"])
def test_a_request_is_noted_under_its_number(kind):
    book = Book()
    actions = DataRequestActions(BackEnd(), book, lambda: NOW)
    result = actions.perform(ActionCall("s1:4", f"request_{kind}", {"customer": "100421"}))
    assert result == ActionResult("s1:4", True, {"reference": "R00001"})
    assert book.rows == [("s1:4", kind, "s1", "100421", "2026-11-24T10:00:00+00:00")]


def test_all_else_is_left_to_the_back_end():
    actions = DataRequestActions(BackEnd(), Book(), lambda: NOW)
    assert actions.perform(ActionCall("s1:1", "transfer", {})).values == {"seen": "transfer"}
