"""All conversations that ship with the bank; and none leaves anything to the next one."""

from __future__ import annotations

import pytest

from agent.conversation_tests.loader import conversation_files
from agent.conversation_tests.report import failure_lines
from agent.conversation_tests.run import ConversationTestRun
from tests.agent.conversation_tests.conftest import IDENTIFIED

pytestmark = pytest.mark.model


def test_the_bank_does_what_its_conversations_say(run):
    cases = run.load(conversation_files(run.pack.directory))
    assert len(cases) >= 65
    results = [run.play(one) for one in cases]
    assert [line for one in results for line in failure_lines(one)] == []


def test_a_conversation_goes_the_same_whatever_came_before_it(play):
    waiting = "turns:\n  - customer: a person please\n    expect: {owner: queued}"
    moving = (
        IDENTIFIED
        + """
turns:
  - customer: transfer 20 dollars from checking to savings
  - customer: "yes"
    expect: {reply: transfer.done}
  - customer: what's my savings balance
    expect: {says: 'there is'}
"""
    )
    first, second = play(moving), play(moving)
    assert play(waiting).has_passed
    assert play(waiting).has_passed
    assert failure_lines(first) == failure_lines(second)


def test_a_mistake_in_a_file_is_told_before_any_model_is_loaded(here, tmp_path):
    (tmp_path / "a.yaml").write_text("conversations: [{name: a, turns: [customer: hello]}]")
    with ConversationTestRun(here.settings) as run:
        assert len(run.load([tmp_path / "a.yaml"])) == 1
        assert "models" not in vars(run)
