"""A care.yaml that does not hold together is refused, with the file and the line."""

from __future__ import annotations

import shutil

import pytest

from dialogs.pack.loader import load_pack
from dialogs.pack.yaml_source import PackError

FILES = ("pack", "intents", "slots", "flows", "replies", "escalation", "people", "care", "rights")


@pytest.fixture
def folder(pack, tmp_path):
    for file in FILES:
        shutil.copy(pack.directory / f"{file}.yaml", tmp_path)
    top = tmp_path / "pack.yaml"
    top.write_text(top.read_text().replace("  documents: knowledge/documents.jsonl.gz\n", ""))
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "says", "at"),
    [
        ("urgency: high", "urgency: hihg", "urgency", "hihg"),
        ("pauses_tasks: true", "pause_tasks: true", 'did you mean "pauses_tasks"', "pause_tasks"),
        ("hand_over: now", "hand_over: soon", "hand_over", "soon"),
        ("say: care.self_harm\n", "say: care.self_ham\n", 'did you mean "care.self_harm"',
         "self_ham"),
        ("again: [care.self_harm_again,", "again: [care.self_harm_agian,", "care.self_harm_again",
         "agian"),
        ("alone: care.medical_alone", "alone: care.medical_lone", "care.medical_alone", "lone"),
        ("offering: care.hardship_offer", "offering: care.hardship_ofer", "care.hardship_offer",
         "ofer"),
        ("money_locked: care.money_locked", "money_locked: care.money", "care.money_locked",
         "money_locked: care.money"),
        ("      - suicid*\n", "      - <slelves> gone\n", 'did you mean "selves"', "slelves"),
        ("      - suicid*\n", "      - (gone | \n", "nothing between", "(gone"),
        ("      - i feel like ending it all\n", "      - good morning\n", "no pattern of self_harm",
         "good morning"),
        ("kinds: [self_harm, medical, violence]", "kinds: [self_ham]", 'did you mean "self_harm"',
         "self_ham]"),
        ("enough_cues: 2", "enough_cues: 0", "enough_cues", "enough_cues: 0"),
        ("  - this queue is killing me\n", "  - i am suicidal\n", "is taken for self_harm",
         "i am suicidal"),
        ("{emergency_number} first, before", "{emergency_numbr} first, before",
         'did you mean "emergency_number"', "care.medical:"),
        ("  care.money_locked:", "  greeting:", "of replies.yaml too", "greeting:"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_at_its_line(folder, old, new, says, at):
    file = folder / "care.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    assert says in caught.value.message
    assert caught.value.file == file
    assert at in file.read_text().splitlines()[caught.value.line - 1]


def test_a_pack_needs_no_care_file(folder):
    (folder / "care.yaml").unlink()
    pack = load_pack(folder)
    assert pack.care is None
    assert not any(name.startswith("care.") for name in pack.rules)


def test_each_kind_is_an_escalation_rule(pack):
    for kind in pack.care.kinds.values():
        rule = pack.rules[kind.rule]
        assert rule.urgency == kind.urgency
        assert rule.leave < rule.enter
