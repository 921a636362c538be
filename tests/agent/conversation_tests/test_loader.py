"""What a file of conversations says is what is played; a mistake in it is told with its line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.conversation_tests.case import DeclaredAnswer, ExpectedAction, ExpectedEscalation
from agent.conversation_tests.loader import conversation_files, load_cases
from audio import files
from dialogs.pack.yaml_source import PackError
from tests.support.packs import bank_pack

BANK_ACTIONS = ("transfer", "balance", "pay_bill", "verify_customer")


@pytest.fixture
def load(tmp_path):
    def loaded(text: str):
        file = tmp_path / "talks.yaml"
        file.write_text(text)
        return load_cases(file, bank_pack(), BANK_ACTIONS)

    return loaded


def test_a_conversation_has_the_defaults_of_its_file(load):
    first, second = load("""
defaults:
  tags: [all]
  at: 2026-12-24 20:15
  channel: voice
  identity: {customer_number: "100421", passcode: "4471"}
  people: nobody
  back_end: {balance: unavailable}
conversations:
  - name: one
    tags: own
    turns: [customer: hello]
  - name: two
    channel: call
    identity: none
    people: available
    at: 2026-12-25 09:00
    back_end: {balance: [late, {balance: "3.50"}]}
    turns: [customer: hello]
""")
    assert first.tags == ("all", "own")
    assert first.started_at.isoformat().startswith("2026-12-24T20:15")
    assert first.started_at.utcoffset() == timedelta(hours=-5)  # the clock of the pack
    assert (first.channel, first.people_online) == ("voice", False)
    assert first.identity["passcode"] == "4471"
    assert first.back_end["balance"] == (DeclaredAnswer("unavailable"),)
    assert (second.channel, second.people_online, second.identity) == ("call", True, {})
    assert second.back_end["balance"] == (
        DeclaredAnswer("late"),
        DeclaredAnswer("", {"balance": "3.50"}),
    )


def test_turns_and_their_expectations(load):
    (case,) = load("""
conversations:
  - name: one
    turns:
      - customer: move 20 to savings
        expect:
          flow: transfer_money
          slots: {amount: "20.00", date: none}
          actions: none
          reply: none
          escalation: none
      - heard: "yes"
        confidence: 0.4
        expect: {actions: [transfer: {amount: 20}, balance], says: [a, b], flow: none}
      - wait: 5m
        expect: {escalation: {rule: explicit_request, urgency: high}}
    expect: {no_actions: pay_bill, ended: true}
""")
    first, heard, wait = case.steps
    assert (first.kind, first.text, first.line) == ("customer", "move 20 to savings", 5)
    assert first.expected.slots == {"amount": "20.00", "date": ""}
    assert first.expected.actions == first.expected.replies == ()
    assert first.expected.escalation == ExpectedEscalation()
    assert (heard.kind, heard.confidence) == ("heard", 0.4)
    assert heard.expected.flow == ""
    assert heard.expected.actions == (
        ExpectedAction("transfer", {"amount": "20"}),
        ExpectedAction("balance"),
    )
    assert (wait.seconds, wait.title) == (300.0, "wait: 5m")
    assert wait.expected.escalation == ExpectedEscalation("explicit_request", "high")
    assert case.expected.forbidden_actions == ("pay_bill",)
    assert case.expected_line == 17


def with_turn(turn: str, setting: str = "") -> str:
    return f"conversations:\n  - name: one\n    {setting}\n    turns:\n      - {turn}\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (with_turn("customer: x\n        expect: {flow: pay_bil}"), 6,
         'no flow "pay_bil"; did you mean "pay_bill"?'),
        (with_turn("customer: x\n        expect: {reply: transfer.don}"), 6, "transfer.done"),
        (with_turn("customer: x\n        expect: {slots: {amont: 3}}"), 6, '"amount"?'),
        (with_turn("customer: x\n        expect: {actions: [transfr]}"), 6, '"transfer"?'),
        (with_turn("customer: x\n        expect: {no_actions: transfr}"), 6, '"transfer"?'),
        (with_turn("customer: x\n        expect: {escalation: explicit_requst}"), 6,
         '"explicit_request"?'),
        (with_turn("customer: x\n        expect: {act: ys}"), 6, "no act"),
        (with_turn("customer: x\n        expect: {owner: nobody}"), 6, "owner"),
        (with_turn("customer: x\n        expect: {says: '('}"), 6, "says"),
        (with_turn("customer: x\n        expects: {}"), 6, "expects"),
        (with_turn("customer: x\n        keys: 1"), 5, "exactly one of customer"),
        (with_turn("expect: {}"), 5, "exactly one of customer"),
        (with_turn("wait: long"), 5, "90s, 5m or 1h"),
        (with_turn("customer: x\n        back_end: {blance: no}"), 6, '"balance"?'),
        (with_turn("customer: x", "at: tomorrow"), 3, "2026-11-24 10:00"),
        (with_turn("customer: x", "identity: {passcode: 4471}"), 3,
         "customer_number and passcode, or none"),
        (with_turn("sound: here.wav", "channel: voice"), 5, "no such file"),
        (with_turn("sound: here.wav"), 5, "no such file"),
        ("conversations: []\n", 1, "conversations"),
        ("conversations:\n  - turns: [customer: x]\n", 2, "name"),
        (with_turn("customer: x") + "  - name: one\n    turns: [customer: x]\n", 6,
         'another conversation is named "one"'),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(load, text, line, message):
    with pytest.raises(PackError) as mistake:
        load(text)
    assert f"talks.yaml:{line}: " in str(mistake.value)
    assert message in str(mistake.value)


@pytest.mark.parametrize(
    ("channels", "channel", "message"),
    [(2, "voice", "2 channels; a customer has one"), (1, "chat", "say `channel: voice`")],
)
def test_a_sound_is_one_voice_and_belongs_to_no_chat(load, tmp_path, channels, channel, message):
    files.write(tmp_path / "said.wav", np.zeros((800, channels), np.float32), 8000)
    with pytest.raises(PackError, match=message):
        load(with_turn("sound: said.wav", f"channel: {channel}"))


def test_the_files_of_a_pack_are_in_its_folder_tests(tmp_path):
    for name in ("tests/b.yaml", "tests/more/a.yaml", "flows.yaml", "tests/said.wav"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    found = conversation_files(tmp_path)
    assert found == [tmp_path / "tests" / Path(one) for one in ("b.yaml", "more/a.yaml")]
