"""The documents name nothing that does not exist, and what is generated in them is current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

import server  # noqa: F401  adds the command `serve`
from agent.cli.main import app
from agent.cli.settings_reference import DOCUMENT, with_reference
from agent.config import Settings
from agent.lab.evaluation.goals_command import BEGIN_MARK, END_MARK
from tests.support import package_map

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
README_BYTES = 8192
TOP_FOLDERS = ("agent", "audio", "dialogs", "docs", "tests")
PATH = re.compile(rf"`((?:(?:{'|'.join(TOP_FOLDERS)})/[\w./*-]*|server\.py|pyproject\.toml))`")
# A Python file wherever it is named, in prose, comments and code: with folders or without.
PYTHON_FILE = re.compile(r"(?<![\w./*-])(?:[\w-]+/)*[\w-]+\.py\b")
SOURCES = [
    ROOT / "server.py",
    ROOT / "pyproject.toml",
    ROOT / "Makefile",
    *(file for top in TOP_FOLDERS for file in sorted((ROOT / top).rglob("*.py"))),
]
LINK = re.compile(r"\]\(([^)#:\s]+)(#[\w-]+)?\)")
COMMAND = re.compile(r"(?:^|[`\s]|bin/)hearken((?: [a-z][a-z-]*)+)")


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def commands(group: typer.core.TyperGroup) -> set[tuple[str, ...]]:
    """The names of all commands of `hearken`, each as a path of words."""
    found: set[tuple[str, ...]] = set()
    for name, command in group.commands.items():
        below = commands(command) if hasattr(command, "commands") else {()}
        found |= {(name, *rest) for rest in below}
    return found


@pytest.fixture(scope="module")
def known_commands() -> set[tuple[str, ...]]:
    group = typer.main.get_command(app)
    return commands(group)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_and_link_leads_somewhere(document: Path) -> None:
    text = text_of(document)
    missing = [path for path in PATH.findall(text) if not list(ROOT.glob(path.rstrip("/")))]
    linked = [link for link, _ in LINK.findall(text)]
    missing += [link for link in linked if not (document.parent / link).exists()]
    assert not missing


def test_every_python_file_that_is_named_exists() -> None:
    """A name with folders is the end of a path: `core/session.py` names `agent/core/session.py`."""
    ends = set()
    for source in SOURCES:
        parts = source.relative_to(ROOT).parts
        ends |= {"/".join(parts[start:]) for start in range(len(parts))}
    missing = [
        f"{file.relative_to(ROOT)} names {name}"
        for file in [*DOCUMENTS, *SOURCES]
        for name in PYTHON_FILE.findall(text_of(file))
        if name not in ends
    ]
    assert not missing


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_anchor_is_a_heading(document: Path) -> None:
    for link, anchor in LINK.findall(text_of(document)):
        if anchor:
            headings = re.findall(r"^#+ (.*)$", text_of(document.parent / link), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor[1:] in slugs, (link, anchor)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_exists(document: Path, known_commands: set[tuple[str, ...]]) -> None:
    for words in COMMAND.findall(text_of(document)):
        named = tuple(words.split())
        starts = {known[: len(named)] for known in known_commands}
        runs = {known for known in known_commands if named[: len(known)] == known}
        assert named in starts or runs, f"hearken{words}"


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= README_BYTES


def test_the_settings_reference_is_current() -> None:
    text = text_of(DOCUMENT)
    assert with_reference(text) == text, "run python -m agent.cli.settings_reference"


def test_the_table_of_goals_has_its_place() -> None:
    text = text_of(ROOT / "docs" / "evaluation.md")
    assert (text.count(BEGIN_MARK), text.count(END_MARK)) == (1, 1)


def test_every_setting_says_what_it_means() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_the_package_map_is_what_is_there() -> None:
    text = text_of(package_map.DOCUMENT)
    assert package_map.with_map(text) == text, "run python -m tests.support.package_map"
