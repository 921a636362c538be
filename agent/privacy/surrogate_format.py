"""How does a surrogate look where a private value stood, and how is it found again?

What was written keeps its separators ("4111-1111..."), what was spoken becomes names of digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from agent.privacy.surrogates import NOWHERE, Surrogates
from agent.privacy.text_folding import folded
from dialogs.extraction.numbers import UNITS

SHORT = 6  # digits: fewer could stand in a message by chance
LONGEST = 256  # digits; what is longer is found only where it stands alone
BREATH = 24  # digits of two numbers side by side
MOST_LENGTHS = 64  # that are tried at each place
MOST_SAID = 2048  # ways of saying a value that are remembered
NAMES = UNITS[:10]
_RUN = re.compile(r"\d(?:[\s.\-_/()+]{0,8}\d)*")
_GROUP = re.compile(r"\d+")
_NAMED = re.compile(rf"\b(?:{'|'.join(NAMES)})(?: (?:{'|'.join(NAMES)}))+\b")
_NAME = re.compile(r"[a-z]+")
_ONE = re.compile(r"\d|[a-z]+")
_NOWHERE_ALOUD = NOWHERE.replace(".", " dot ")
_ADDRESS = re.compile(rf"[a-z]{{8}}@{re.escape(NOWHERE)}")
_SPOKEN_ADDRESS = re.compile(rf"[a-z]{{8}} at {_NOWHERE_ALOUD}")

# From digits and how they stand there to what shall stand there; None leaves it.
Change = Callable[[str, str], str | None]


class Swap(NamedTuple):
    """Another text in the place of `text[start:end]`."""

    start: int
    end: int
    said: str


class Disguise:
    """The texts that stand for texts, both ways."""

    def __init__(self, kept: Surrogates) -> None:
        self.said: dict[str, str] = {}  # hidden words -> the words, where digits do not tell
        self.changes = 0
        self._kept = kept

    def __len__(self) -> int:
        return len(self._kept)

    def is_one(self, value: str) -> bool:
        """Whether this value is a surrogate, not a real one."""
        return self._kept.real(value) is not None or value.endswith(f"@{NOWHERE}")

    def digits(self, value: str) -> str:
        """What stands for a value."""
        self.changes += self._kept.known(value) is None
        return self._kept.of(value)

    def of(self, fragment: str, value: str) -> str:
        """What stands for `fragment`, which says `value`, in the same shape."""
        surrogate = self.digits(value)
        if not value.isdigit():
            hidden = surrogate if "@" in fragment else _aloud(surrogate)
        else:
            hidden = dressed(fragment, surrogate)
            if any(letter.isdigit() for letter in hidden) and not _RUN.fullmatch(folded(hidden)):
                hidden = surrogate  # words between its digits: it would not be found again
            elif "".join(filter(str.isdigit, fragment)) == value:
                self.said.pop(hidden, None)
                return hidden
        if self.said.get(hidden) != fragment:
            if len(self.said) >= MOST_SAID:
                del self.said[next(iter(self.said))]
            self.said[hidden] = fragment
            self.changes += 1
        return hidden

    def swapped(self, text: str, fragment: str, value: str) -> str:
        """`text` with every occurrence of a private fragment replaced."""
        low = folded(fragment)
        if not fragment or low not in folded(text):
            return text
        hidden = self.of(fragment, value)
        edges = rf"(?<!\w){re.escape(low)}(?!\w)"
        swaps = [Swap(m.start(), m.end(), hidden) for m in re.finditer(edges, folded(text))]
        return changed(text, swaps)

    def known_ones(self, text: str) -> str:
        """`text` with every number that is known to be private replaced; short ones are not known
        by their digits alone."""

        def hidden(digits: str, fragment: str) -> str | None:
            known = self._kept.known(digits) if len(digits) >= SHORT else None
            return None if known is None else dressed(fragment, known)

        return changed(text, _in_runs(text, self._lengths(), hidden))

    def revealed(self, text: str, short: bool) -> str:
        """`text` with the real values; codes only when `short`."""
        return changed(text, self.revealing(text, short))

    def revealing(self, text: str, short: bool) -> list[Swap]:
        """Where in `text` something stands for something else, left to right."""
        swaps: list[Swap] = []
        if NOWHERE in text or _NOWHERE_ALOUD in text:
            for match in (*_ADDRESS.finditer(text), *_SPOKEN_ADDRESS.finditer(text)):
                real = self.said.get(match.group()) or self._kept.real(match.group())
                if real is not None:
                    swaps.append(Swap(match.start(), match.end(), real))

        def told(digits: str, fragment: str) -> str | None:
            return self._shown(digits, fragment, short)

        swaps += _in_runs(text, self._lengths(), told)
        swaps += _in_words(text, self._lengths(), told)
        return sorted(swaps)

    def _shown(self, digits: str, fragment: str, short: bool) -> str | None:
        """What `fragment`, which says these digits, stands for. Two numbers that were said in one
        breath may stand side by side."""
        if (real := self._kept.real(digits)) is not None:
            told = short or len(digits) >= SHORT
            return self.said.get(fragment) or dressed(fragment, real) if told else None
        if len(digits) > BREATH:
            return None
        for cut in self._kept.sizes:
            if self._kept.real(digits[:cut]) and self._kept.real(digits[cut:]):
                spoken = list(_ONE.finditer(folded(fragment)))
                left, right = fragment[: spoken[cut - 1].end()], fragment[spoken[cut].start() :]
                between = fragment[len(left) : len(fragment) - len(right)]
                first = self._shown(digits[:cut], left, short) or left
                return first + between + (self._shown(digits[cut:], right, short) or right)
        return None

    def _lengths(self) -> list[int]:
        """How many digits together may be a number that is known, most first."""
        sizes = {size for size in self._kept.sizes if size <= LONGEST}
        both = {one + other for one in sizes for other in sizes if one + other <= BREATH}
        return sorted(sizes | both, reverse=True)[-MOST_LENGTHS:]


def changed(text: str, swaps: Sequence[Swap]) -> str:
    """`text` after these swaps, which are in order and do not overlap."""
    for start, end, said in reversed(swaps):
        text = f"{text[:start]}{said}{text[end:]}"
    return text


def dressed(fragment: str, digits: str) -> str:
    """`digits` in the shape of `fragment`: in its separators, or as words."""
    places = [i for i, letter in enumerate(fragment) if letter.isdigit()]
    if len(places) == len(digits):
        letters = list(fragment)
        for place, digit in zip(places, digits, strict=True):
            letters[place] = digit
        return "".join(letters)
    return " ".join(digits if places else (NAMES[int(digit)] for digit in digits))


def _aloud(address: str) -> str:
    return address.replace("@", " at ").replace(".", " dot ")


def _in_runs(text: str, lengths: Sequence[int], change: Change) -> list[Swap]:
    """Each run of digit groups, changed as a whole or in its parts: the longest that can be."""
    if not any(letter.isdigit() for letter in text):
        return []
    low, swaps = folded(text), []
    for run in _RUN.finditer(low):
        groups = [match.span() for match in _GROUP.finditer(low, run.start(), run.end())]
        swaps += _longest(groups, [low[a:b] for a, b in groups], text, lengths, change)
    return swaps


def _in_words(text: str, lengths: Sequence[int], change: Change) -> list[Swap]:
    """The same for names of digits, two or more."""
    low, swaps = folded(text), []
    for run in _NAMED.finditer(low):
        names = [match.span() for match in _NAME.finditer(low, run.start(), run.end())]
        digits = [str(NAMES.index(low[a:b])) for a, b in names]
        swaps += _longest(names, digits, text, lengths, change)
    return swaps


def _longest(
    parts: Sequence[tuple[int, int]],
    digits: Sequence[str],
    text: str,
    lengths: Sequence[int],
    change: Change,
) -> list[Swap]:
    """`digits` are those of each part; numbers of these `lengths` are tried, and all together."""
    swaps: list[Swap] = []
    upto = list(accumulate(map(len, digits), initial=0))
    ends = {count: number for number, count in enumerate(upto)}
    first = 0
    while first < len(parts):
        tried = (ends.get(upto[first] + length, 0) for length in lengths)
        after = first + 1
        for past in (len(parts), *tried) if first == 0 else tried:
            start, end = parts[first][0], parts[past - 1][1]
            if past <= first:
                continue
            if (said := change("".join(digits[first:past]), text[start:end])) is not None:
                swaps.append(Swap(start, end, said))
                after = past
                break
        first = after
    return swaps
