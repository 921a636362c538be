"""How does a surrogate look where a private value stood, and how is it found again?

What was written keeps its separators ("4111-1111..."), what was spoken becomes names of digits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from agent.privacy.surrogates import RESERVED_DOMAIN, Surrogates
from agent.privacy.text_folding import fold_text
from dialogs.extraction.numbers import UNIT_NAMES

MIN_DISTINCTIVE_DIGITS = 6  # digits: fewer could stand in a message by chance
MAX_NUMBER_DIGITS = 256  # digits; what is longer is found only where it stands alone
MAX_PAIR_DIGITS = 24  # digits of two numbers side by side
MAX_LENGTHS_TRIED = 64  # that are tried at each place
MAX_REMEMBERED_FRAGMENTS = 2048  # ways of saying a value that are remembered
DIGIT_NAMES = UNIT_NAMES[:10]
_DIGIT_RUN = re.compile(r"\d(?:[\s.\-_/()+]{0,8}\d)*")
_DIGIT_GROUP = re.compile(r"\d+")
_DIGIT_NAME_RUN = re.compile(rf"\b(?:{'|'.join(DIGIT_NAMES)})(?: (?:{'|'.join(DIGIT_NAMES)}))+\b")
_LETTERS = re.compile(r"[a-z]+")
_DIGIT_OR_NAME = re.compile(r"\d|[a-z]+")
_SPOKEN_RESERVED_DOMAIN = RESERVED_DOMAIN.replace(".", " dot ")
_WRITTEN_SURROGATE_ADDRESS = re.compile(rf"[a-z]{{8}}@{re.escape(RESERVED_DOMAIN)}")
_SPOKEN_SURROGATE_ADDRESS = re.compile(rf"[a-z]{{8}} at {_SPOKEN_RESERVED_DOMAIN}")

# From digits and how they stand there to what shall stand there; None leaves it.
ReplacementRule = Callable[[str, str], str | None]


class Substitution(NamedTuple):
    """Another text in the place of `text[start:end]`."""

    start: int
    end: int
    replacement: str


class SurrogateFormat:
    """The texts that stand for texts, both ways."""

    def __init__(self, surrogates: Surrogates) -> None:
        self.original_fragments: dict[
            str, str
        ] = {}  # hidden words -> the words, where digits do not tell
        self.change_count = 0
        self._surrogates = surrogates

    def __len__(self) -> int:
        return len(self._surrogates)

    def is_surrogate(self, value: str) -> bool:
        """Whether this value is a surrogate, not a real one."""
        return self._surrogates.value_of(value) is not None or value.endswith(f"@{RESERVED_DOMAIN}")

    def surrogate_for(self, value: str) -> str:
        """What stands for a value."""
        self.change_count += self._surrogates.find_surrogate(value) is None
        return self._surrogates.surrogate_for(value)

    def substitute(self, fragment: str, value: str) -> str:
        """What stands for `fragment`, which says `value`, in the same shape."""
        surrogate = self.surrogate_for(value)
        if not value.isdigit():
            formatted = surrogate if "@" in fragment else _spoken_address(surrogate)
        else:
            formatted = in_shape_of(fragment, surrogate)
            if any(letter.isdigit() for letter in formatted) and not _DIGIT_RUN.fullmatch(
                fold_text(formatted)
            ):
                formatted = surrogate  # words between its digits: it would not be found again
            elif "".join(filter(str.isdigit, fragment)) == value:
                self.original_fragments.pop(formatted, None)
                return formatted
        if self.original_fragments.get(formatted) != fragment:
            if len(self.original_fragments) >= MAX_REMEMBERED_FRAGMENTS:
                del self.original_fragments[next(iter(self.original_fragments))]
            self.original_fragments[formatted] = fragment
            self.change_count += 1
        return formatted

    def replace_fragment(self, text: str, fragment: str, value: str) -> str:
        """`text` with every occurrence of a private fragment replaced."""
        low = fold_text(fragment)
        if not fragment or low not in fold_text(text):
            return text
        replacement = self.substitute(fragment, value)
        edges = rf"(?<!\w){re.escape(low)}(?!\w)"
        substitutions = [
            Substitution(m.start(), m.end(), replacement)
            for m in re.finditer(edges, fold_text(text))
        ]
        return apply_substitutions(text, substitutions)

    def replace_known_numbers(self, text: str) -> str:
        """`text` with every number that is known to be private replaced; short ones are not known
        by their digits alone."""

        def surrogate_text(digits: str, fragment: str) -> str | None:
            surrogate = (
                self._surrogates.find_surrogate(digits)
                if len(digits) >= MIN_DISTINCTIVE_DIGITS
                else None
            )
            return None if surrogate is None else in_shape_of(fragment, surrogate)

        return apply_substitutions(
            text, _substitute_digit_runs(text, self._candidate_lengths(), surrogate_text)
        )

    def reveal(self, text: str, include_codes: bool) -> str:
        """`text` with the real values; codes only when `short`."""
        return apply_substitutions(text, self.find_surrogates(text, include_codes))

    def find_surrogates(self, text: str, include_codes: bool) -> list[Substitution]:
        """Where in `text` something stands for something else, left to right."""
        substitutions: list[Substitution] = []
        if RESERVED_DOMAIN in text or _SPOKEN_RESERVED_DOMAIN in text:
            for match in (
                *_WRITTEN_SURROGATE_ADDRESS.finditer(text),
                *_SPOKEN_SURROGATE_ADDRESS.finditer(text),
            ):
                original = self.original_fragments.get(match.group()) or self._surrogates.value_of(
                    match.group()
                )
                if original is not None:
                    substitutions.append(Substitution(match.start(), match.end(), original))

        def original_text(digits: str, fragment: str) -> str | None:
            return self._original_text(digits, fragment, include_codes)

        substitutions += _substitute_digit_runs(text, self._candidate_lengths(), original_text)
        substitutions += _substitute_digit_names(text, self._candidate_lengths(), original_text)
        return sorted(substitutions)

    def _original_text(self, digits: str, fragment: str, include_codes: bool) -> str | None:
        """What `fragment`, which says these digits, stands for. Two numbers that were said in one
        breath may stand side by side."""
        if (value := self._surrogates.value_of(digits)) is not None:
            is_revealed = include_codes or len(digits) >= MIN_DISTINCTIVE_DIGITS
            return (
                self.original_fragments.get(fragment) or in_shape_of(fragment, value)
                if is_revealed
                else None
            )
        if len(digits) > MAX_PAIR_DIGITS:
            return None
        for cut in self._surrogates.number_lengths:
            if self._surrogates.value_of(digits[:cut]) and self._surrogates.value_of(digits[cut:]):
                symbols = list(_DIGIT_OR_NAME.finditer(fold_text(fragment)))
                left, right = fragment[: symbols[cut - 1].end()], fragment[symbols[cut].start() :]
                between = fragment[len(left) : len(fragment) - len(right)]
                first = self._original_text(digits[:cut], left, include_codes) or left
                return (
                    first
                    + between
                    + (self._original_text(digits[cut:], right, include_codes) or right)
                )
        return None

    def _candidate_lengths(self) -> list[int]:
        """How many digits together may be a number that is known, most first."""
        sizes = {size for size in self._surrogates.number_lengths if size <= MAX_NUMBER_DIGITS}
        pair_sizes = {
            one + other for one in sizes for other in sizes if one + other <= MAX_PAIR_DIGITS
        }
        return sorted(sizes | pair_sizes, reverse=True)[-MAX_LENGTHS_TRIED:]


def apply_substitutions(text: str, substitutions: Sequence[Substitution]) -> str:
    """`text` after these swaps, which are in order and do not overlap."""
    for start, end, replacement in reversed(substitutions):
        text = f"{text[:start]}{replacement}{text[end:]}"
    return text


def in_shape_of(fragment: str, digits: str) -> str:
    """`digits` in the shape of `fragment`: in its separators, or as words."""
    positions = [i for i, letter in enumerate(fragment) if letter.isdigit()]
    if len(positions) == len(digits):
        letters = list(fragment)
        for place, digit in zip(positions, digits, strict=True):
            letters[place] = digit
        return "".join(letters)
    return " ".join(digits if positions else (DIGIT_NAMES[int(digit)] for digit in digits))


def _spoken_address(address: str) -> str:
    return address.replace("@", " at ").replace(".", " dot ")


def _substitute_digit_runs(
    text: str, lengths: Sequence[int], replacement_for: ReplacementRule
) -> list[Substitution]:
    """Each run of digit groups, changed as a whole or in its parts: the longest that can be."""
    if not any(letter.isdigit() for letter in text):
        return []
    low, substitutions = fold_text(text), []
    for run in _DIGIT_RUN.finditer(low):
        groups = [match.span() for match in _DIGIT_GROUP.finditer(low, run.start(), run.end())]
        substitutions += _substitute_longest(
            groups, [low[a:b] for a, b in groups], text, lengths, replacement_for
        )
    return substitutions


def _substitute_digit_names(
    text: str, lengths: Sequence[int], replacement_for: ReplacementRule
) -> list[Substitution]:
    """The same for names of digits, two or more."""
    low, substitutions = fold_text(text), []
    for run in _DIGIT_NAME_RUN.finditer(low):
        names = [match.span() for match in _LETTERS.finditer(low, run.start(), run.end())]
        digits = [str(DIGIT_NAMES.index(low[a:b])) for a, b in names]
        substitutions += _substitute_longest(names, digits, text, lengths, replacement_for)
    return substitutions


def _substitute_longest(
    parts: Sequence[tuple[int, int]],
    digits: Sequence[str],
    text: str,
    lengths: Sequence[int],
    replacement_for: ReplacementRule,
) -> list[Substitution]:
    """`digits` are those of each part; numbers of these `lengths` are tried, and all together."""
    substitutions: list[Substitution] = []
    digits_before = list(accumulate(map(len, digits), initial=0))
    part_count_by_digits = {count: number for number, count in enumerate(digits_before)}
    first = 0
    while first < len(parts):
        candidate_ends = (
            part_count_by_digits.get(digits_before[first] + length, 0) for length in lengths
        )
        next_first = first + 1
        for end_part in (len(parts), *candidate_ends) if first == 0 else candidate_ends:
            start, end = parts[first][0], parts[end_part - 1][1]
            if end_part <= first:
                continue
            if (
                replacement := replacement_for("".join(digits[first:end_part]), text[start:end])
            ) is not None:
                substitutions.append(Substitution(start, end, replacement))
                next_first = end_part
                break
        first = next_first
    return substitutions
