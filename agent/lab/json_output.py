"""Reports as JSON that a person can read, too: with line breaks, and without NaN.

Held by tests/agent/lab/test_json_output.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isnan
from pathlib import Path
from typing import Any

DECIMALS = 5


def json_value(value: object, decimals: int | None = DECIMALS) -> Any:
    """`value` as JSON has it: dataclasses as objects, NaN, which JSON lacks, as null, and numbers
    without the digits that mean nothing (None: with all of them)."""
    if isinstance(value, float):
        return None if isnan(value) else value if decimals is None else round(value, decimals)
    if is_dataclass(value):
        return json_value({f.name: getattr(value, f.name) for f in fields(value)}, decimals)
    if isinstance(value, Mapping):
        return {key: json_value(inner, decimals) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner, decimals) for inner in value]
    return value


def write_json(report: object, file: Path) -> None:
    """Write a report that holds nothing but JSON values. ValueError for NaN."""
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
