"""Length-preserving Unicode folding of case, digits, spaces and dashes.

Positions in the folded text are positions in the original.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def fold_text(text: str) -> str:
    """`text` in lower case, with digits of any script as ASCII and one kind of space and dash; of
    the same length."""
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
    """`low` with NUL characters in these (start, end) ranges; of the same length."""
    parts, copied_until = [], 0
    for start, end in sorted(bounds):
        if end > copied_until:  # ranges may overlap
            start = max(start, copied_until)
            parts += [low[copied_until:start], "\0" * (end - start)]
            copied_until = end
    return "".join([*parts, low[copied_until:]])
