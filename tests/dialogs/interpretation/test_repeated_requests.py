"""The same thing asked for twice in one turn."""

from __future__ import annotations

import pytest

from dialogs.interpretation.repeated_requests import split_repeated_requests
from dialogs.state import DialogueState
from tests.support.scripted_mind import understood


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("pay 40 dollars to city water and 25 to valley power",
         [{"40.00", "City Water"}, {"25.00", "Valley Power"}]),
        ("pay city water 40 and valley power 25",
         [{"40.00", "City Water"}, {"25.00", "Valley Power"}]),
        ("move 50 from checking to savings and 20 from savings to money market",
         [{"50.00", "checking", "savings"}, {"20.00", "savings", "money market"}]),
        ("pay 20 to city water and 30 to city water",
         [{"20.00", "City Water"}, {"30.00", "City Water"}]),
        ("what's my checking and savings balance", [{"checking"}, {"savings"}]),
        # one request: what is missing or doubtful is asked for
        ("pay city water and valley power 40 dollars", [{"City Water", "Valley Power", "40.00"}]),
        ("i have 500 dollars, move 50 dollars to savings", [{"500.00", "50.00", "savings"}]),
        ("i lost my debit and my credit card", [{"debit", "credit"}]),
        ("pay 40 dollars to city water", [{"40.00", "City Water"}]),
    ],
)  # fmt: skip
def test_parts(pack, text, parts):
    split = split_repeated_requests(pack, DialogueState(), understood(pack, text))
    found = [split.slots, *(request.slots for request in split.also)]
    assert [{s.value for s in slots if s.name != "yes_no"} for slots in found] == parts
