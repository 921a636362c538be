"""Contacts in a customer's words: a telephone number or an e-mail address to be reached at.

A number may be written in any grouping or spoken digit by digit. Whether it exists is not decided
here: the words may hold surrogates (agent/privacy/vault.py), so the check is at the edge where they
are revealed (agent/handoff/callbacks.py). Held by tests/dialogs/extraction/test_contacts.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dialogs.extraction.numbers import find_numbers

MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 7, 15  # ITU-T E.164: 15 at most
_WRITTEN_ADDRESS = re.compile(r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN_ADDRESS = re.compile(
    r"\b(?P<user>[\w%+-]+(?: ?(?:dot|\.|underscore|dash) ?[\w%+-]+)*) ?(?:at|@|\(at\)|\[at\]) ?"
    r"(?P<domain>[\w-]+(?: ?(?:dot|\.) ?[a-z][\w-]*)+)\b"
)
_WRITTEN_NUMBER = re.compile(
    r"(?<!\d)\+?\(?\d(?:[\s().\-/]{0,3}\d)"
    rf"{{{MIN_PHONE_DIGITS - 1},{MAX_PHONE_DIGITS - 1}}}(?!\d)"
)
_SIGNS = {"dot": ".", "underscore": "_", "dash": "-"}


@dataclass(frozen=True, slots=True)
class Contact:
    """A way to reach somebody. `value` is an address in lower case, or the digits of a telephone
    number, with a plus sign before them where it was given; `said` is the customer's wording."""

    value: str
    said: str

    @property
    def is_address(self) -> bool:
        """Whether it is an e-mail address."""
        return is_address(self.value)


def is_address(value: str) -> bool:
    """Whether the value of a contact is an e-mail address."""
    return "@" in value


def find_contact(text: str) -> Contact | None:
    """The first contact in `text`; None without one."""
    lowered = text.lower()
    if match := _WRITTEN_ADDRESS.search(lowered):
        return Contact(match.group().rstrip("."), match.group())
    if match := _SPOKEN_ADDRESS.search(lowered):
        return Contact(
            f"{_written_part(match['user'])}@{_written_part(match['domain'])}", match.group()
        )
    return _find_phone_number(lowered)


def _written_part(words: str) -> str:
    """Spoken parts of an address as it is written: "jane dot doe" is "jane.doe"."""
    parts = re.split(r" ?\b(dot|underscore|dash)\b ?| ?(\.) ?", words)
    return "".join(_SIGNS.get(part, part) for part in parts if part).replace(" ", "")


def _find_phone_number(lowered: str) -> Contact | None:
    if match := _WRITTEN_NUMBER.search(lowered):
        digits = "".join(filter(str.isdigit, match.group()))
        return Contact(f"{'+' if match.group()[0] == '+' else ''}{digits}", match.group())
    runs = find_numbers(lowered, "digits")
    complete = [n for n in runs if MIN_PHONE_DIGITS <= len(n.digits) <= MAX_PHONE_DIGITS]
    if complete:
        digits, start, end = complete[0].digits, complete[0].start, complete[0].end
    else:
        digits = "".join(number.digits for number in runs)
        if not MIN_PHONE_DIGITS <= len(digits) <= MAX_PHONE_DIGITS:
            return None
        start, end = runs[0].start, runs[-1].end
    has_plus = lowered[:start].rstrip().endswith("plus")
    return Contact(f"{'+' if has_plus else ''}{digits}", lowered[start:end])
