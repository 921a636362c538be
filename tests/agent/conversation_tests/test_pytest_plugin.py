"""Conversations as tests of pytest, and what the plugin costs those who have none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.conversation_tests.pytest_plugin import _pack_folder

PLUGIN = "agent.conversation_tests.pytest_plugin"
SLOW = ("torch", "transformers", "sklearn", "scipy", "numpy", "pydantic", "sqlalchemy")


def python(*arguments, timeout=300):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=timeout, check=False
    )


def test_importing_the_plugins_imports_nothing_slow():
    code = (
        f"import sys, {PLUGIN}, agent.replay.pytest_plugin;"
        f"print([one for one in {SLOW} if one in sys.modules])"
    )
    done = python("-c", code)
    assert done.stdout.strip() == "[]", done.stderr


def test_only_yaml_in_the_tests_of_a_pack_is_collected(tmp_path):
    pack = tmp_path / "shop"
    for name in ("shop/pack.yaml", "shop/tests/a.yaml", "shop/tests/more/b.yaml",
                 "shop/other/c.yaml", "tests/d.yaml"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert _pack_folder(pack / "tests" / "a.yaml") == pack
    assert _pack_folder(pack / "tests" / "more" / "b.yaml") == pack
    for other in (pack / "pack.yaml", pack / "other" / "c.yaml", tmp_path / "tests" / "d.yaml"):
        assert _pack_folder(other) is None


@pytest.mark.model
def test_each_conversation_is_a_test(own_pack):
    for file in (own_pack / "tests").glob("*.yaml"):
        file.unlink()
    file = own_pack / "tests" / "few.yaml"
    file.write_text("""
conversations:
  - {name: it passes, turns: [{customer: hello, expect: {intent: greeting}}]}
  - {name: it fails, turns: [{customer: hello, expect: {intent: goodbye}}]}
""")
    (own_pack / "tests" / "wrong.yaml").write_text("conversations: [{nam: x}]")
    options = ["-p", PLUGIN, "-p", "no:hearken_conversations", "-p", "no:cacheprovider"]
    options += ["-c", "/dev/null", "--rootdir", str(own_pack), "-rA"]
    done = python("-m", "pytest", *options, str(file))
    assert done.returncode == 1, done.stdout
    assert "1 failed, 1 passed" in done.stdout
    assert "line 4  customer: hello" in done.stdout
    assert "intent: expected goodbye, came greeting" in done.stdout
    assert "Traceback" not in done.stdout
    broken = python("-m", "pytest", *options, str(Path(own_pack) / "tests" / "wrong.yaml"))
    assert broken.returncode == 2
    assert "wrong.yaml:1: " in broken.stdout
