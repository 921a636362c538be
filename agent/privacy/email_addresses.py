"""Patterns of e-mail addresses, written or spoken ("jane dot doe at example dot com")."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_SPELLED_SYMBOLS = 24  # letters and digits that are spelled one by one
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_SPELLED_PART = rf"(?:[a-z\d] ){{0,{MAX_SPELLED_SYMBOLS}}}\w+"
# Begins where a run of its characters begins: a long word without an "@" is read once.
_WRITTEN_ADDRESS = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_MORE_OF_USER = rf"(?: (?:(?:dot|underscore|dash|hyphen) \w+|{_DIGIT}\b))"
_SPOKEN_ADDRESS = re.compile(
    rf"\b(?P<user>{_SPELLED_PART}{_MORE_OF_USER}{{0,{MAX_SPELLED_SYMBOLS}}})"
    rf" at (?P<domain>{_SPELLED_PART}(?: (?:dot|dash|hyphen) \w+){{0,8}}) dot "
    r"(?P<top_level>[a-z]{2,12})\b"
)
_MARK_BY_NAME = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}


def find_email_addresses(low: str) -> Iterator[tuple[int, int, str]]:
    """Each address in the folded text `low`: start, end (exclusive), and the written address."""
    for match in _WRITTEN_ADDRESS.finditer(low):
        yield match.start(), match.end(), match.group()
    for match in _SPOKEN_ADDRESS.finditer(low):
        address = f"{match['user']}@{match['domain']}.{match['top_level']}"
        for name, mark in _MARK_BY_NAME.items():
            address = address.replace(f" {name} ", mark)
        yield match.start(), match.end(), address.replace(" ", "")
