"""The words for each right, and a rights.yaml that does not hold together."""

from __future__ import annotations

import shutil

import pytest

from dialogs.pack.loader import load_pack
from dialogs.pack.yaml_source import PackError

FILES = ("pack", "intents", "slots", "flows", "replies", "escalation", "people", "rights")
SAID = {
    "erasure": ["delete all my data", "can you erase my information", "forget everything about me",
                "i want everything you have on me removed", "remove all my conversations",
                "i'd like to use my right to be forgotten", "dont keep any of my data"],
    "copy": ["send me everything you have stored about me", "what do you know about me",
             "can i get a copy of all my data", "i want to download my data",
             "data access request"],
    "objection": ["i object to you using my data", "stop using my personal information",
                  "i want to opt out of data processing", "don't sell my data"],
    "recording_question": ["are you recording me", "is this call recorded", "do you record calls",
                           "am i being taped", "will this chat be recorded?"],
    "recording_off": ["stop the recording", "i do not want you to record this",
                      "turn off recording",
                      "please don't record me", "no recording please", "quit recording"],
    "recording_on": ["ok you may record", "turn recording on", "start recording again"],
    "emotion_question": ["are you analyzing my voice", "do you detect my mood"],
    "emotion_off": ["stop tracking my mood", "don't analyze my voice", "disable emotion detection",
                    "i don't want you to judge my feelings"],
    "emotion_on": ["you can analyze my voice", "enable emotion recognition"],
}  # fmt: skip
HARMLESS = [
    "delete city water from my payees", "cancel my card", "forget about it", "clear my balance",
    "what data plan do you have", "copy of my last statement", "i object to this fee",
    "my record is clean", "is there a record of my payment", "what is the record date",
    "stop the transfer", "i have mixed feelings about this fee", "turn off paperless",
    "do you have my information", "i need information about accounts", "remove the hold",
    "stop it", "do not call me", "is this call free", "read my balance",
]  # fmt: skip


@pytest.mark.parametrize(("right", "text"), [(r, t) for r, texts in SAID.items() for t in texts])
def test_words_for_each_right(pack, right, text):
    assert pack.rights.find(text) == right


@pytest.mark.parametrize("text", HARMLESS)
def test_other_words(pack, text):
    assert pack.rights.find(text) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("flow: erase_data", "flow: erase_dta", 'did you mean "erase_data"'),
        ("  erasure:\n", "  erasur:\n", "erasur"),
        ("      - data deletion\n", "      - <dta> deletion\n", 'did you mean "data"'),
        ("rights.recording_is_off:", "rights.recording_off:", "rights.recording_is_off"),
        ("  - forget it\n", "  - delete my data\n", "is taken for erasure"),
        ("[send me a copy of my data,", "[hello,", "is taken for nothing"),
    ],
)
def test_a_mistake_is_refused(pack, tmp_path, old, new, says):
    for file in FILES:
        shutil.copy(pack.directory / f"{file}.yaml", tmp_path)
    top = tmp_path / "pack.yaml"
    top.write_text(top.read_text().replace("  documents: knowledge/documents.jsonl.gz\n", ""))
    file = tmp_path / "rights.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(PackError) as caught:
        load_pack(tmp_path)
    assert says in caught.value.message
