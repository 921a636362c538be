"""Tokens of a customer's text: words, written numbers, ordinals, dates, clock times and symbols.

Positions are those of the text as it came: folding to lower case keeps every character in its
place. Reading is linear in the length of the text, and a text has at most MAX_TOKENS tokens; what
stands behind them is not read (tests/dialogs/extraction/test_tokens.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

MAX_TOKENS = 400  # far more than a request to an agent has
TokenKind = Literal["word", "number", "ordinal", "date", "clock", "code", "symbol"]

_APOSTROPHES = str.maketrans("\u2018\u2019\u02bc\u00b4`", "'''''")
# "25/12", "2026-12-24", "25.12.2026" and "12-24-26" are dates, or else no number at all.
_DATE = (
    r"\d{4}-\d{1,2}-\d{1,2}(?!\d)|\d{1,2}/\d{1,2}(?:/(?:\d{4}|\d\d))?(?![\d/])"
    r"|\d{1,2}(?P<mark>[.-])\d{1,2}(?P=mark)(?:\d{4}|\d\d)(?![\d.-]\d|\d)"
)
# Telephone numbers in groups, and anything with several hyphens between its digits.
_CODE = r"\+?\(?\d{3}\)?[ .-]?\d{3}[ .-]\d{4}(?![\d,.]\d|\d)|\d+(?:-\d+){2,}|\d{3,}-\d{3,}(?!\d)"
# Digits with separators; "O" and "l" typed for 0 and 1 count within a number.
_TYPED = r"(?<![a-z\d])(?=[ol]{0,9}\d)(?>[\dol]+(?:[.,'][\dol]+)*)(?![a-z\d\u2044])"
_DIGITS = r"\d+\u2044\d+|(?>\d+(?:[.,']\d+)*)|(?<![\w.])\.\d+"
_TOKEN = re.compile(
    rf"(?P<date>(?<![\d.,/$-])(?:{_DATE}))"
    r"|(?P<clock>(?<![\d.,:])\d{1,2}:\d\d(?![\d:])|(?<!\d)\d{1,2}h\d\d(?!\d))"
    r"|(?P<ordinal>(?<![\d.,])\d{1,3}(?:st|nd|rd|th)(?![a-z]))"
    rf"|(?P<code>(?<![\d.,$])(?:{_CODE}))"
    rf"|(?P<typed>{_TYPED})"
    r"|(?P<mixed>\d+(?:-?[a-z]){1,12}-?\d+)"  # "1k5", "7b4471"
    rf"|(?P<number>{_DIGITS})"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<symbol>[^\s\w]|_)"
)
_KINDS: dict[str, TokenKind] = {"typed": "number", "mixed": "code"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token of folded text and its place, end exclusive."""

    kind: TokenKind
    text: str
    start: int
    end: int


def word_set(text: str) -> frozenset[str]:
    """The words of a text, which is how long lists of words are written down."""
    return frozenset(text.split())


def fold_case(text: str) -> str:
    """`text` in lower case with plain apostrophes, each character in its place."""
    lowered = text.lower()
    if len(lowered) != len(text):  # some capitals have a lower case of two characters
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return lowered.translate(_APOSTROPHES)


def tokenise(folded: str, max_tokens: int = MAX_TOKENS) -> list[Token]:
    """The first `max_tokens` tokens of folded text, in order."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(folded):
        if len(tokens) == max_tokens:
            break
        group = match.lastgroup or "symbol"
        kind = _KINDS.get(group, cast(TokenKind, group))
        tokens.append(Token(kind, match.group(), match.start(), match.end()))
    return tokens
