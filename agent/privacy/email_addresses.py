"""Where are e-mail addresses, written or spoken ("jane dot doe at example dot com")?"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST = 24  # letters and digits that are spelled one by one
_DIGIT = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
_SPELLED = rf"(?:[a-z\d] ){{0,{MOST}}}\w+"
_WRITTEN = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN = re.compile(
    rf"\b(?P<who>{_SPELLED}(?: (?:(?:dot|underscore|dash|hyphen) \w+|{_DIGIT}\b)){{0,{MOST}}})"
    rf" at (?P<where>{_SPELLED}(?: (?:dot|dash|hyphen) \w+){{0,8}}) dot "
    r"(?P<top>[a-z]{2,12})\b"
)
_MARKS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}


def addresses(low: str) -> Iterator[tuple[int, int, str]]:
    """Each address in lower-case text: where it starts and ends, and how it is written."""
    for match in _WRITTEN.finditer(low):
        yield match.start(), match.end(), match.group()
    for match in _SPOKEN.finditer(low):
        said = f"{match['who']}@{match['where']}.{match['top']}"
        for name, mark in _MARKS.items():
            said = said.replace(f" {name} ", mark)
        yield match.start(), match.end(), said.replace(" ", "")
