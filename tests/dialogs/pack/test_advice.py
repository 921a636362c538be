"""Advice on wordings: what sounds wrong although it works."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.pack.advice import wording_advice
from dialogs.pack.model import Wording


def with_reply(pack, name: str, wording: Wording):
    return replace(pack, replies={**pack.replies, name: wording})


def test_the_built_in_pack_needs_none(pack):
    assert wording_advice(pack) == []


@pytest.mark.parametrize("line", ["I didn't hear you.", "Please say it again.", "Speak louder."])
def test_nobody_hears_in_a_chat(pack, line):
    (sentence,) = wording_advice(with_reply(pack, "greeting", Wording((line,), brief=("Hi.",))))
    assert "greeting" in sentence
    spoken = Wording(("Hello.",), voice=(line,))
    assert wording_advice(with_reply(pack, "greeting", spoken)) == []


def test_what_is_said_only_aloud_may_speak_of_hearing(pack):
    assert wording_advice(with_reply(pack, "unheard", Wording(("I can't hear.", "Louder?")))) == []


def test_what_may_come_twice_in_a_row_has_two_wordings(pack):
    (sentence,) = wording_advice(with_reply(pack, "ask.amount", Wording(("How much?",))))
    assert "ask.amount" in sentence
    same_aloud = Wording(("How much?", "What amount?"), voice=("How much?",))
    assert len(wording_advice(with_reply(pack, "ask.amount", same_aloud))) == 1
