"""YAML reader that knows the line of every value, and `PackError` with file and line.

For an unknown key the error names the nearest known one. `tests/dialogs/pack/test_loader.py` breaks
a pack in each way and checks the message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from rapidfuzz import fuzz, process
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

M = TypeVar("M", bound=BaseModel)

FEW_NAMES = 12  # that a message can list
YamlPath = Sequence[str | int]


class PackError(ValueError):
    """An invalid pack: file, line (from 1) and message."""

    def __init__(self, file: Path, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")
        self.file, self.line, self.message = file, line, message


class YamlFile:
    """One YAML file of a pack, with the line of every value. PackError when it is unreadable."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.text, self._content = _read_yaml(file)

    @cached_property
    def _root(self) -> Node:
        # Lines are wanted only of what is wrong; to find them takes as long as to read the file.
        root: Node = YAML(typ="safe").compose(self.text)
        return root

    def read_as(self, model: type[M]) -> M:
        """The content as `model`; PackError for the first key or value that does not fit."""
        try:
            return model.model_validate(_with_text_keys(self._content))
        except ValidationError as wrong:
            # A misspelt key is reported as unknown and as missing: report the cause first.
            errors = sorted(wrong.errors(), key=lambda e: e["type"] != "extra_forbidden")
            path = [part for part in errors[0]["loc"] if isinstance(part, str | int)]
            raise PackError(
                self.file, self.line_of(path), _error_text(errors[0], path, model)
            ) from None

    def line_of(self, path: YamlPath) -> int:
        """The line of the deepest part of `path` that exists in the file."""
        node: Node | None = self._root
        line = 1
        for part in path:
            child = _child(node, part)
            if child is not None:  # else a part of the model only, such as a union member
                line, node = child
        return line

    def error_at(self, path: YamlPath, message: str) -> PackError:
        """A `PackError` at the line of `path`."""
        return PackError(self.file, self.line_of(path), message)


def missing_text(kind: str, name: str, known: Mapping[str, object]) -> str:
    """The message about a name that is not among `known`, with the nearest one that is, or with all
    of them when there are few."""
    hint = did_you_mean(name, known)
    if not hint and 0 < len(known) <= FEW_NAMES:
        hint = f"; there is {', '.join(sorted(known))}"
    return f'no {kind} "{name}"{hint}'


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'; did you mean "..."?' with the most similar known word; empty when none is close."""
    best = process.extractOne(word, list(known), scorer=fuzz.ratio, score_cutoff=55)
    return f'; did you mean "{best[0]}"?' if best else ""


@lru_cache(maxsize=32)  # of a pack that is loaded again, most files are as they were
def _parse(text: str) -> Any:
    return YAML(typ="safe").load(text)


def _read_yaml(file: Path) -> tuple[str, dict[Any, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
        content = _parse(text)
    except FileNotFoundError:
        raise PackError(file, 1, "the pack has no such file") from None
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        raise PackError(file, mark.line + 1 if mark else 1, str(wrong.problem)) from None
    except (YAMLError, ValueError) as wrong:  # a date such as 2026-12-32 is a ValueError
        raise PackError(file, 1, f"is not readable YAML: {wrong}") from None
    if not isinstance(content, dict):
        raise PackError(file, 1, "should be a mapping of names to values")
    return text, content


def _child(node: Node | None, part: str | int) -> tuple[int, Node] | None:
    """The line and the node of one part of a path; None when the file lacks it."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _with_text_keys(node: Any) -> Any:
    if isinstance(node, dict):
        return {str(key): _with_text_keys(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_text_keys(value) for value in node]
    return node


def _error_text(error: Any, path: YamlPath, model: type[BaseModel]) -> str:
    name = str(path[-1]) if path else "this file"
    if error["type"] == "extra_forbidden":
        return f'unknown key "{name}"{did_you_mean(name, _all_keys(model))}'
    dotted_path = ".".join(str(part) for part in path)
    return f"{dotted_path}: {error['msg']}"


def _all_keys(model: type[BaseModel]) -> set[str]:
    """Every key a file of this kind may have, at any depth."""
    keys: set[str] = set()
    to_visit: list[Any] = [model]
    while to_visit:
        kind = to_visit.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for key, field in kind.model_fields.items():
                if (name := field.alias or key) not in keys:
                    keys.add(name)
                    to_visit.append(field.annotation)
        else:
            to_visit.extend(getattr(kind, "__args__", ()))
    return keys
