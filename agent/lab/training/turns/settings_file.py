"""Writing of chosen turn-taking settings into a settings file that a person wrote.

Only the chosen keys of `turns` change; all else, comments and order included, stays as it was
(tests/agent/lab/training/test_turns.py::test_the_rest_of_a_settings_file_stays).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import tomlkit
from tomlkit.items import AbstractTable

from agent.config import SettingsError, load_settings
from audio.types import AnswerKind


@dataclass(frozen=True, slots=True)
class ChosenTurnSettings:
    """Chosen values by their keys in the settings file; None: the file keeps its value."""

    silence: Mapping[AnswerKind, float] = field(default_factory=dict)
    answered: float | None = None
    complete: float | None = None
    incomplete: float | None = None


def write_settings(file: Path, chosen: ChosenTurnSettings) -> None:
    """Write the chosen values; SettingsError, and no change, if the file is invalid."""
    text = ""
    if file.exists():
        load_settings(file)
        text = file.read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    turns = _toml_table(document, "turns", file)
    for name in ("answered", "complete", "incomplete"):
        if (value := getattr(chosen, name)) is not None:
            turns[name] = value
    if chosen.silence:
        silence = _toml_table(turns, "silence", file)
        for kind, seconds in chosen.silence.items():
            silence[kind] = seconds
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(tomlkit.dumps(document), encoding="utf-8")


def _toml_table(
    within: tomlkit.TOMLDocument | AbstractTable, key: str, file: Path
) -> AbstractTable:
    if key not in within:
        within[key] = tomlkit.table()
    found = within[key]
    if not isinstance(found, AbstractTable):
        raise SettingsError(f"{file}: {key} is not a table")
    return found
