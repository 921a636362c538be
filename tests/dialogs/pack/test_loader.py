"""A pack that does not hold together is refused, with the file and the line."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest

from dialogs.pack.loader import load_pack
from dialogs.pack.model import normalise_text as plain_words
from dialogs.pack.reserved_names import ENGINE_RULES
from dialogs.pack.schema import EVIDENCE_TERMS
from dialogs.pack.yaml_source import PackError

FILES = ("pack", "intents", "slots", "flows", "replies", "escalation", "people", "rights")


@pytest.fixture
def broken(pack, tmp_path):
    """Replace `old` by `new` in one file of the built-in pack and load it."""

    def load(name: str, old: str, new: str) -> PackError:
        for file in FILES:
            shutil.copy(pack.directory / f"{file}.yaml", tmp_path)
        top = tmp_path / "pack.yaml"
        top.write_text(top.read_text().replace("  documents: knowledge/documents.jsonl.gz\n", ""))
        file = tmp_path / f"{name}.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))
        with pytest.raises(PackError) as caught:
            load_pack(tmp_path)
        wrong = caught.value
        assert str(wrong).startswith(f"{wrong.file}:{wrong.line}: ")
        return wrong

    return load


def line_of(error: PackError, fragment: str) -> bool:
    return fragment in error.file.read_text().splitlines()[error.line - 1]


def test_the_built_in_pack_is_whole(pack):
    assert len(pack.intents) == 27
    assert all(len(intent.examples) >= 12 for intent in pack.intents.values())
    assert pack.flows["transfer_money"].slots == ("from_account", "to_account", "amount", "date")
    assert pack.slots["from_account"].choices == pack.slots["account"].choices


@pytest.mark.parametrize(
    ("name", "old", "new", "says", "at"),
    [
        ("slots", "    secret: true", "    secrett: true", 'did you mean "secret"', "secrett"),
        ("pack", "hearing: ", "herring: ", 'did you mean "hearing"', "herring"),
        ("pack", "act_from: 0.60", "act_from: 1.60", "less than or equal to 1", "act_from"),
        ("pack", "[check_balance, transfer", "[check_balanc, transfer", "check_balance", "menu"),
        ("slots", "type: amount", "type: amounts", "Input should be", "amounts"),
        ("slots", "like: amount", "like: amont", 'no slot "amont"', "like: amont"),
        ("slots", "  wants_replacement:\n    type: yes_no", "  wants_replacement:\n    cues: []",
         "needs a type", "wants_replacement"),
        ("slots", "type: digits\n    length: 6", "type: digits", "need a length", "number:"),
        ("slots", "ask: ask.branch", "ask: ask.brunch", 'did you mean "ask.branch"', "ask.brunch"),
        ("slots", "    type: text\n    label: what happened",
         "    type: choice\n    label: what happened", "a choice needs values", "what_happened"),
        ("flows", "ask: from_account", "ask: from_acount", 'did you mean "from_account"',
         "from_acount"),
        ("flows", "confirm: transfer.confirm", "confirm: transfer.conferm", "transfer.confirm",
         "conferm"),
        ("flows", "      - say: lost_card.sorry", "      - say: lost_card.sorry\n        ask: card",
         "a step is one of", "say: lost"),
        ("flows", "when: {wants_replacement: \"yes\"}", "when: {wants_replacement: maybe}",
         "never reached", "maybe"),
        ("flows", "when: {wants_replacement: \"yes\"}", "when: {boxes: two}", "never reached",
         "boxes: two"),
        ("flows", "      - hand_over: explicit_request",
         "      - hand_over: explicit_request\n      - say: open", "never reached", "say: open"),
        ("flows", "hand_over: risky_intent", "hand_over: risky", "risky_intent", "risky"),
        ("flows", "with: {account: account}", "with: {account: branch}", "not asked before",
         "account: branch"),
        ("flows", "verifies: true", "verifies: false", "no step has", "verify:"),
        ("flows", "  branch_hours:\n",
         "  lonely: {title: x, steps: [{say: open}]}\n\n  branch_hours:\n",
         "no intent starts", "lonely"),
        ("flows", "again: [account]}\n", "again: [branch]}\n", "never asks for branch", "branch"),
        ("flows", "different: [from_account", "different: [account", "never asks for account",
         "different"),
        ("flows", 'title: balance', 'titel: balance', 'did you mean "title"', "titel"),
        ("intents", "flow: pay_bill", "flow: pay_bil", 'did you mean "pay_bill"', "pay_bil"),
        ("intents", "    phrase: pay a bill\n", "", "needs a phrase", "pay_bill"),
        ("intents", "  thanks:\n", "  thank:\n", 'did you mean "talk.thanks"', "thank"),
        ("slots", "    type: date\n    label: date\n", "    type: date\n    values: {x: [y]}\n",
         "only a choice", "values"),
        ("flows", "verify_with: verify", "verify_with: verfy", 'did you mean "verify"', "verfy"),
        ("flows", "say: balance.done", "say: balance.dune", "balance.done", "dune"),
        ("flows", "say: no_account, again: [account]", "say: no_acount, again: [account]",
         "no_account", "no_acount"),
        ("flows", '"*": {say: action.unavailable, offer_person: true}\n\n  check',
         'x: {say: action.unavailable, offer_person: true}\n\n  check', "nobody thought of", "do:"),
        ("escalation", "hand_over.risky_intent", "hand_over.risk", "risky_intent", "risk"),
        ("escalation", "  failed_verification:\n    urgency", "  failed:\n    urgency",
         "failed_verification is missing", "rules"),
        ("intents", "    flow: pay_bill\n", "", "a task needs a flow", "pay_bill"),
        ("intents", "      - card missing, need it blocked", "      - i've been hacked",
         "example of", "hacked"),
        ("replies", "{on_date}. Is that", "{on_dat}. Is that", 'did you mean "on_date"', "confirm"),
        ("replies", "And your four-digit telephone passcode?", "Is it {passcode}?",
         "nothing fills {passcode}", "ask.passcode"),
        ("replies", "  no_answer:", "  no_reply:", '"no_answer" is missing', "replies"),
        ("escalation", "asked_before:", "asked_befor:", 'did you mean "asked_before"', "befor"),
        ("escalation", "least_turns: 2", "leave: 0.20", "must be below", "leave"),
        ("escalation", "      needless: 3", "      needless: 3\n    enter: 0.5", "give one of",
         "enter: 0.5"),
        ("escalation", "missed: 5 ", "missed: 0 ", "greater than 0", "missed: 0"),
        ("pack", "stalled_before_person: 5", "stalled_before_person: 3", "must be more than",
         "before_person: 3"),
        ("escalation", "rearm: 0.25", "rearm: 1.5", "less than 1", "rearm"),
        ("escalation", "costs:\n  missed", "cost:\n  missed", 'did you mean "costs"', "cost:"),
        ("escalation", "report_fraud: 10.0", "report_fraude: 10.0", "report_fraud", "fraude"),
    ],
)  # fmt: skip
def test_each_way_to_break_it(broken, name, old, new, says, at):
    error = broken(name, old, new)
    assert error.file.name == f"{name}.yaml"
    assert says in error.message
    assert line_of(error, at), f"line {error.line} is not about {at}"


@pytest.mark.parametrize("rule", ENGINE_RULES)
def test_a_rule_that_the_engine_names_must_be_there(broken, rule):
    error = broken("escalation", f"  {rule}:\n    urgency", "  another:\n    urgency")
    assert rule in error.message


def test_the_engine_takes_rule_names_from_one_place():
    names = set(ENGINE_RULES) - set(EVIDENCE_TERMS)
    for path in Path("dialogs").rglob("*.py"):
        texts = {n.value for n in ast.walk(ast.parse(path.read_text())) if type(n) is ast.Constant}
        assert path.name == "reserved_names.py" or not texts & names, path


def test_text_that_is_no_yaml(broken):
    error = broken("flows", "  branch_hours:\n", "  branch_hours: [\n")
    assert error.file.name == "flows.yaml"
    assert error.line > 180


@pytest.mark.parametrize("text", [b"- a\n- b\n", b"", b"\xff\xfe\xff", b"a: 1\na: 2\n", b"a: \x07"])
def test_files_that_are_no_pages(tmp_path, text):
    (tmp_path / "pack.yaml").write_bytes(text)
    with pytest.raises(PackError):
        load_pack(tmp_path)


def test_a_missing_file(tmp_path):
    with pytest.raises(PackError, match="no such file"):
        load_pack(tmp_path)


def test_missing_documents(broken):
    error = broken("pack", "  says_bank:", "  documents: nowhere.gz\n  says_bank:")
    assert "no file" in error.message
    assert line_of(error, "nowhere.gz")


def test_sentences_are_compared_in_plain_words():
    assert plain_words("  What\u2019s my BALANCE, please?! ") == "what's my balance please"
    assert plain_words("$80.50.") == "$80.50"
