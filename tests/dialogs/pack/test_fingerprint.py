"""The digest of a pack: what it does counts, where it lies and how it is tested do not."""

from __future__ import annotations

import shutil

import pytest

from dialogs.pack.fingerprint import fingerprint, pack_files
from dialogs.pack.loader import BANK_PACK


@pytest.fixture
def pack(tmp_path):
    return shutil.copytree(BANK_PACK, tmp_path / "elsewhere")


def test_a_copy_is_the_same_pack(pack):
    assert fingerprint(pack) == fingerprint(BANK_PACK)


@pytest.mark.parametrize("name", ["tests/more.yaml", "tests/said.wav", "tests/deep/er.yaml", ".x"])
def test_conversation_tests_and_hidden_files_do_not_count(pack, name):
    (pack / name).parent.mkdir(parents=True, exist_ok=True)
    (pack / name).write_text("anything")
    assert fingerprint(pack) == fingerprint(BANK_PACK)
    shutil.rmtree(pack / "tests")
    assert fingerprint(pack) == fingerprint(BANK_PACK)


@pytest.mark.parametrize("name", ["flows.yaml", "knowledge/tests/more.yaml", "tests.yaml"])
def test_everything_else_counts(pack, name):
    (pack / name).parent.mkdir(parents=True, exist_ok=True)
    (pack / name).write_text("anything")
    assert fingerprint(pack) != fingerprint(BANK_PACK)
    assert pack / name in set(pack_files(pack))
