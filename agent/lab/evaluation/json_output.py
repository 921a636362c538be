"""Writer of an evaluation's figures: indented JSON without NaN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


def write_json(figures: Mapping[str, object], file: Path) -> None:
    text = json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
