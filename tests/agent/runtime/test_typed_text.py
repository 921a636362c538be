"""Whoever types without end waits; whoever types like a person does not, and nothing is lost."""

from __future__ import annotations

import asyncio

import pytest

from agent.core.inputs import TextReceived
from agent.privacy.detection import detect
from agent.privacy.vault import Vault
from agent.runtime.typed_text import (
    BURST,
    CHARACTERS_PER_S,
    LONG_TEXT,
    MESSAGE_COST,
    LongTextDetection,
    TypingBudget,
)
from agent.wire.messages import MAX_TEXT
from audio.types import Expectation
from tests.support.packs import bank_pack

DIGITS = Expectation("digits", length=6)


def test_a_person_never_waits():
    budget = TypingBudget()
    assert [budget.spend(300, float(second)) for second in range(600)] == [0.0] * 600


@pytest.mark.parametrize("length", [1, 80, MAX_TEXT])
def test_a_flood_gets_no_more_than_the_pace(length):
    budget, now, characters = TypingBudget(), 0.0, 0
    for _ in range(1000):
        now += budget.spend(length, now)
        characters += length + MESSAGE_COST
    assert characters <= BURST + now * CHARACTERS_PER_S + 1


def test_after_a_while_the_budget_is_full_again_and_no_fuller():
    budget = TypingBudget()
    while not budget.spend(MAX_TEXT, 0.0):
        pass
    waits = [budget.spend(MAX_TEXT, 1e6) for _ in range(20)]
    assert waits[0] == 0.0
    assert waits[-1] > 0.0


def test_a_long_text_is_searched_elsewhere_with_the_same_result():
    pack = bank_pack()
    long = "my card is 4111 1111 1111 1111 " + "and what is the fee " * 40 + "815932"

    async def spans(text):
        elsewhere = LongTextDetection()
        try:
            return await elsewhere.spans(text, DIGITS, pack)
        finally:
            elsewhere.stop()

    assert asyncio.run(spans("815932" + " " * (LONG_TEXT - 6))) is None
    found = asyncio.run(spans(long))
    assert found == detect(long, DIGITS, pack)
    assert len(found) == 2
    event = TextReceived(1.0, long)
    known, searched = (
        Vault(pack, bytes(32)).pseudonymise(event, DIGITS, one) for one in (found, None)
    )
    assert known == searched
    assert "4111" not in known.event.text
