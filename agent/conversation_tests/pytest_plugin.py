"""pytest plugin that runs conversation tests: `pytest PACK/tests` plays every conversation there.

A file of them is a .yaml file in the folder `tests` beside a `pack.yaml`. `--conversation-config`
names a settings file. The package registers the plugin for every pytest run: nothing slow is
imported before it finds such a file (tests/agent/conversation_tests/test_pytest_plugin.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dialogs.pack.fingerprint import TESTS_FOLDER

if TYPE_CHECKING:
    from agent.conversation_tests.case import ConversationCase
    from agent.conversation_tests.run import ConversationTestRun

PACK_FILE = "pack.yaml"
RUNS_KEY: pytest.StashKey[dict[Path, ConversationTestRun]] = pytest.StashKey()  # by pack folder


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("hearken", "conversation tests")
    group.addoption("--conversation-config", type=Path, help="settings file of Hearken")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.suffix != ".yaml" or _pack_folder(file_path) is None:
        return None
    return ConversationFile.from_parent(parent, path=file_path)


def _pack_folder(file: Path) -> Path | None:
    """The folder of the pack whose conversation tests this file belongs to, if it is one."""
    folders = (one.parent for one in file.parents if one.name == TESTS_FOLDER)
    return next((one for one in folders if (one / PACK_FILE).is_file()), None)


def pytest_unconfigure(config: pytest.Config) -> None:
    for run in config.stash.get(RUNS_KEY, {}).values():
        run.__exit__(None, None, None)


class ConversationFile(pytest.File):
    """A file of conversations, each of which is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        from dialogs.pack.yaml_source import PackError

        try:
            cases = _run(self.config, self.path).load([self.path])
        except PackError as mistake:
            raise self.CollectError(str(mistake)) from None
        for case in cases:
            yield ConversationItem.from_parent(self, name=case.name, case=case)


class UnmetExpectation(AssertionError):
    """A conversation did not go as expected."""


class ConversationItem(pytest.Item):
    """The test that plays one conversation."""

    def __init__(self, *, case: ConversationCase, **more: Any) -> None:
        super().__init__(**more)
        self.case = case

    def runtest(self) -> None:
        from agent.conversation_tests.report import failure_lines

        result = _run(self.config, self.path).play(self.case)
        if not result.has_passed:
            raise UnmetExpectation("\n".join([self.case.name, *failure_lines(result)]))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, UnmetExpectation):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, self.case.line - 1, self.case.name


def _run(config: pytest.Config, file: Path) -> ConversationTestRun:
    """The run with the pack of this file, made once: it loads the models."""
    from agent.config import load_settings
    from agent.conversation_tests.run import ConversationTestRun

    pack_folder = _pack_folder(file)
    assert pack_folder is not None  # else the file would not have been collected
    runs = config.stash.setdefault(RUNS_KEY, {})
    if pack_folder not in runs:
        settings = load_settings(config.getoption("--conversation-config"), pack=pack_folder)
        runs[pack_folder] = ConversationTestRun(settings)
    return runs[pack_folder]
