"""How are letters of any script read alike, without moving any of them?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def fold_text(text: str) -> str:
    """As long as `text`: lower case, digits of any script as ASCII, one kind of space and dash."""
    return text.lower() if text.isascii() else "".join(map(_fold, text))


def _fold(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Nd":
        return str(unicodedata.decimal(letter))
    if kind in {"Zs", "Cf", "Zl", "Zp"}:
        return " "
    if kind == "Pd":
        return "-"
    low = letter.lower()
    return low if len(low) == 1 else letter


def blank_out(low: str, bounds: Iterable[tuple[int, int]]) -> str:
    """As long as before, with nothing readable in these places."""
    for start, end in bounds:
        low = low[:start] + "\0" * (end - start) + low[end:]
    return low
