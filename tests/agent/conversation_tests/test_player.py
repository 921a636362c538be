"""Conversations on the virtual clock: typed, spoken, awaited, interrupted, with people in them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from agent.conversation_tests.report import failure_lines
from audio import files
from audio.speak import TtsVoice
from audio.types import RATE
from tests.agent.conversation_tests.conftest import IDENTIFIED

pytestmark = pytest.mark.model
RECORDINGS = Path("tests/recordings")


def failures(result) -> str:
    return "\n".join(failure_lines(result))


def test_a_turn_can_come_while_an_action_is_running(play):
    result = play(
        IDENTIFIED
        + """
turns:
  - customer: transfer 20 dollars from checking to savings
    expect: {step: confirm, actions: none}
  - customer: "yes"
    expect: {actions: [transfer: {amount: 20}], no_reply: transfer.done}
  - while_working: what's my savings balance
    expect: {reply: [one_moment, transfer.done]}
"""
    )
    assert result.has_passed, failures(result)


def test_without_a_running_action_nothing_can_be_interrupted(play):
    result = play("turns: [customer: hello, while_working: hello]")
    assert "cannot be played: no action is running" in failures(result)


def test_time_passes_at_once(play):
    result = play("turns: [customer: hello, wait: 3h]\nexpect: {ended: true}")
    assert result.has_passed, failures(result)
    assert result.seconds < 60


def test_nothing_is_played_after_the_end(play):
    result = play("turns: [customer: hello, wait: 3h, customer: hello, customer: hello]")
    assert failures(result).splitlines() == [
        "line 3  customer: hello", "  cannot be played: the conversation is over",
    ]  # fmt: skip


def test_people_join_speak_and_leave(play):
    result = play("""
turns:
  - customer: i want to talk to a person
    expect: {owner: queued, escalation: explicit_request}
  - person_joins: Dana
    expect: {owner: person, person: Dana, reply: person.joined}
  - customer: what is my balance
    expect: {owner: person, reply: none, actions: none, act: none}
  - person_says: one moment please
  - person_lost: true
    expect: {owner: queued}
  - supervisor_joins: Marc
    expect: {owner: supervisor, person: Marc}
  - person_hands_back: true
    expect: {owner: bot, person: none}
  - supervisor_joins: Marc
  - person_ends: true
    expect: {ended: true}
""")
    assert result.has_passed, failures(result)


@pytest.mark.parametrize(
    ("people", "step", "reply"),
    [("available", "nobody_comes: too_long", "unreached.too_long"),
     ("available", "nobody_comes: nobody", "unreached.nobody"),
     ("available", "wait: 1h", "unreached.too_long"),
     ("nobody", "wait: 5m", "unreached.nobody")],
)  # fmt: skip
def test_waiting_for_a_person_ends(play, people, step, reply):
    result = play(f"""
people: {people}
turns:
  - customer: i want to talk to a person
    expect: {{owner: queued}}
  - {step}
    expect: {{owner: bot}}
expect: {{reply: {reply}}}
""")
    assert result.has_passed, failures(result)


def test_models_that_do_not_answer_are_one_turn_only(play):
    result = play("""
turns:
  - models_fail: late
    expect: {reply: missed}
  - customer: what is my balance
    expect: {intent: check_balance}
""")
    assert result.has_passed, failures(result)


def test_an_identity_that_the_back_end_refuses_is_told(play):
    result = play(IDENTIFIED.replace("4471", "4472") + "turns: [customer: hello]")
    assert "identity: the back end refused it" in failures(result)


def test_values_are_those_that_the_customer_gave(play):
    result = play("""
turns:
  - customer: what is my checking balance
    expect: {step: customer_number}
  - customer: "100421"
    expect: {slots: {customer_number: "100421"}}
  - keys: "4471"
    expect: {actions: [verify_customer: {customer_number: "100421", passcode: "4471"}, balance]}
""")
    assert result.has_passed, failures(result)


def test_a_failing_turn_says_what_was_expected_what_came_and_why(play):
    result = play(
        IDENTIFIED
        + """
turns:
  - heard: transfer 20 dollars from checking to savings
    confidence: 0.8
    expect: {flow: pay_bill, actions: [transfer]}
"""
    )
    lines = failure_lines(result)
    assert lines[:3] == [
        "line 6  heard: transfer 20 dollars from checking to savings",
        "  flow: expected pay_bill, came transfer_money",
        "  actions: expected transfer(), came none",
    ]
    assert lines[3].startswith("  said: [transfer.confirm] ")
    assert "because: asked open; act task transfer_money; intent transfer_money " in lines[4]
    assert "amount=20.00 from_account=checking" in lines[4]
    assert "heard 0.80 “transfer 20 dollars" in lines[4]


def test_a_sound_file_is_heard_by_the_models(play, tmp_path):
    shutil.copy(RECORDINGS / "yes-yes.wav", tmp_path)
    asking = np.concatenate(list(TtsVoice().synthesise_sentences("talk to a person", RATE)))
    files.write(tmp_path / "person.wav", asking, RATE)
    result = play(
        "channel: voice\n"
        + IDENTIFIED
        + """
turns:
  - heard: transfer 20 dollars from checking to savings
    expect: {step: confirm}
  - sound: yes-yes.wav
    expect: {act: "yes", actions: [transfer: {amount: 20}]}
  - sound: person.wav
    expect: {escalation: explicit_request, owner: queued}
"""
    )
    assert result.has_passed, failures(result)
