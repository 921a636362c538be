"""A fresh bank for each conversation, and declared answers before it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agent.conversation_tests.back_end import CaseBackEnd, UndeclaredAnswer, seeded_bank
from agent.conversation_tests.case import DeclaredAnswer
from dialogs.values import ActionCall
from tests.support.packs import bank_pack

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
MOVED = {"from_account": "checking", "to_account": "savings", "amount": "200.00",
         "date": "2026-11-24", "customer": "100421"}  # fmt: skip


@pytest.fixture
def bank(tmp_path):
    return seeded_bank(bank_pack(), tmp_path)


def balance(bank) -> str:
    call = ActionCall("b", "balance", {"account": "savings", "customer": "100421"})
    return bank.perform(call).values["balance"]


def test_what_one_conversation_did_is_not_there_for_the_next(bank):
    first = bank.fresh_copy(NOW)
    before = balance(first)
    assert first.perform(ActionCall("t", "transfer", MOVED)).ok
    first.close()
    second = bank.fresh_copy(NOW)
    assert balance(second) == before
    second.close()


def test_a_declared_answer_comes_before_the_bank_and_the_last_one_repeats(bank):
    copy = bank.fresh_copy(NOW)
    answers = {"transfer": (DeclaredAnswer("busy"), DeclaredAnswer("", {"place": "here"}))}
    back_end = CaseBackEnd(copy, answers)
    calls = [ActionCall(key, "transfer", MOVED) for key in "abc"]
    results = [back_end.perform(one) for one in calls]
    assert [(one.key, one.ok, one.reason) for one in results] == [
        ("a", False, "busy"), ("b", True, ""), ("c", True, ""),
    ]  # fmt: skip
    assert results[2].values == {"place": "here"}
    assert back_end.calls == calls
    assert balance(copy) == balance(back_end)  # nothing was carried out
    copy.close()


def test_an_answer_that_nobody_declared_is_named_where_there_is_no_bank():
    with pytest.raises(UndeclaredAnswer, match=r"`back_end: \{find_parcel: \{\}\}`"):
        CaseBackEnd(None, {}).perform(ActionCall("k", "find_parcel", {}))


def test_a_pack_without_a_seed_has_no_bank(tmp_path):
    assert seeded_bank(bank_pack(), tmp_path) is not None
    parcels = type("Pack", (), {"directory": tmp_path})
    assert seeded_bank(parcels, tmp_path) is None
