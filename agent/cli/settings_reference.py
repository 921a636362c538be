"""The settings reference of docs/operations.md, generated from the settings themselves.

`python -m agent.cli.settings_reference` rewrites the part between its two markers
(tests/test_docs.py checks that the document is current).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from agent.config import ENV_PREFIX, PACKAGE_DIR, Settings, TurnSettings
from audio.turns import SILENCE_S

DOCUMENT = PACKAGE_DIR.parent / "docs" / "operations.md"
BEGIN_MARK = "<!-- settings: written by `python -m agent.cli.settings_reference` -->"
END_MARK = "<!-- /settings -->"


def with_reference(document: str) -> str:
    """The document with a current settings reference between its markers. ValueError without
    them."""
    before, begin, rest = document.partition(BEGIN_MARK)
    _, end, after = rest.partition(END_MARK)
    if not (begin and end):
        raise ValueError(f"the document needs the lines {BEGIN_MARK} and {END_MARK}")
    return f"{before}{BEGIN_MARK}\n\n{settings_reference()}\n\n{END_MARK}{after}"


def settings_reference() -> str:
    """The settings and those of the section `turns`, as two Markdown tables."""
    settings = _table(Settings, ("setting", "environment", "default", "meaning"), ENV_PREFIX)
    turns = _table(TurnSettings, ("setting in [turns]", "default", "meaning"), "")
    silences = ", ".join(f"{kind} {seconds:g}" for kind, seconds in SILENCE_S.items())
    return f"{settings}\n\n{turns}\n\nBuilt-in silences in seconds: {silences}."


def _table(model: type[BaseModel], header: tuple[str, ...], prefix: str) -> str:
    return "\n".join([_row(header), _row(("---",) * len(header)), *_rows(model, prefix)])


def _rows(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        environment = (f"`{prefix}{name.upper()}`",) if prefix else ()
        default = _default_text(field)
        yield _row((f"`{name}`", *environment, default, field.description or ""))


def _default_text(field: FieldInfo) -> str:
    match field.default:
        case SecretStr() | "" | () | dict() | BaseModel():
            return ""
        case Path() as path if path.is_absolute():
            return f"`{path.relative_to(PACKAGE_DIR.parent).as_posix()}`"
        case float() as number:
            return f"`{number:g}`"
        case bool() as value:
            return f"`{str(value).lower()}`"
        case value:
            return f"`{value}`"


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(with_reference(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
