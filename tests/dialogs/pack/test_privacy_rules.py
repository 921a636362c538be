"""What a business may record and feel, and what is wrong with a privacy file that is none."""

from __future__ import annotations

import pytest

from dialogs.pack.loader import load_pack
from dialogs.pack.privacy_rules import DEFAULT_KEEP_DAYS, PII_KINDS, PrivacyRules
from dialogs.pack.yaml_source import PackError
from tests.support.packs import copy_bank_pack


def test_the_built_in_pack_hides_everything_and_asks(pack):
    assert pack.privacy == PrivacyRules(frozenset(PII_KINDS), "ask", "ask", DEFAULT_KEEP_DAYS)


def test_a_pack_without_the_file_is_as_careful(pack, tmp_path):
    folder = copy_bank_pack(tmp_path / "pack")
    (folder / "privacy.yaml").unlink()
    assert load_pack(folder).privacy == pack.privacy


@pytest.mark.parametrize(
    ("rule", "refused", "agreed"),
    [("ask", False, True), ("never", False, False), ("always", True, True)],
)
def test_who_may_be_recorded_and_felt(rule, refused, agreed):
    rules = PrivacyRules(recording=rule, emotion=rule)
    assert (rules.may_record(False), rules.may_record(True)) == (refused, agreed)
    assert (rules.may_infer_emotion(False), rules.may_infer_emotion(True)) == (refused, agreed)


def test_a_pack_may_hide_less_and_keep_longer(pack, tmp_path):
    folder = copy_bank_pack(tmp_path / "pack")
    (folder / "privacy.yaml").write_text("redact: [card]\nkeep_days: {recordings: 7}\n")
    rules = load_pack(folder).privacy
    assert rules.redacted_kinds == {"card"}
    assert rules.keep_days == {**DEFAULT_KEEP_DAYS, "recordings": 7}


@pytest.mark.parametrize(
    ("file", "old", "new", "says", "named"),
    [
        ("privacy", "[card, account", "[cards, account", "'card', 'account'", "redact"),
        (
            "privacy",
            "recording: ask",
            "recording: maybe",
            "'ask', 'never' or 'always'",
            "recording",
        ),
        ("privacy", "emotion: ask", "emotion: yes", "'ask', 'never' or 'always'", "emotion"),
        ("privacy", "emotion: ask", "emotions: ask", 'did you mean "emotion"', "emotions"),
        ("privacy", "recordings: 30", "recordings: 0", "greater than or equal to 1", "recordings"),
        ("privacy", "recordings: 30", "recordings: soon", "integer", "recordings"),
        ("privacy", "tickets: 90", "ticket: 90", 'did you mean "tickets"', "ticket:"),
        ("privacy", "redact: [", "redact: [[", "did not find", ""),
        ("slots", "secret: true", "secret: perhaps", "boolean", "secret"),
        ("slots", "type: name", "type: name\n    secret: true", "only digits can be", "secret"),
    ],
)
def test_each_way_to_break_it(pack, tmp_path, file, old, new, says, named):
    folder = copy_bank_pack(tmp_path / "pack")
    page = folder / f"{file}.yaml"
    assert old in page.read_text()
    page.write_text(page.read_text().replace(old, new, 1))
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    error = caught.value
    assert error.file == page
    assert says in error.message
    assert named in page.read_text().splitlines()[error.line - 1]
