"""Format-preserving substitution of private values in text, and the way back.

A surrogate takes the shape of the text it replaces: written digits keep their separators
("4111-1111..."), spoken digits become names of digits. The same shapes are searched to find a
surrogate again (tests/agent/privacy/test_vault.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from agent.privacy.surrogates import RESERVED_DOMAIN, Surrogates
from agent.privacy.text_folding import fold_text
from dialogs.extraction.numbers import UNIT_NAMES

MIN_DISTINCTIVE_DIGITS = 6  # fewer digits could be in a message by chance
MAX_NUMBER_DIGITS = 256  # a longer number is found only as a whole run of digits
MAX_PAIR_DIGITS = 24  # digits of two numbers side by side, together
MAX_LENGTHS_TRIED = 64  # at each position
MAX_REMEMBERED_FRAGMENTS = 2048  # the oldest go first
DIGIT_NAMES = UNIT_NAMES[:10]
_DIGIT_RUN = re.compile(r"\d(?:[\s.\-_/()+]{0,8}\d)*")
_DIGIT_GROUP = re.compile(r"\d+")
_DIGIT_NAME_RUN = re.compile(rf"\b(?:{'|'.join(DIGIT_NAMES)})(?: (?:{'|'.join(DIGIT_NAMES)}))+\b")
_LETTERS = re.compile(r"[a-z]+")
_DIGIT_OR_NAME = re.compile(r"\d|[a-z]+")
_SPOKEN_RESERVED_DOMAIN = RESERVED_DOMAIN.replace(".", " dot ")
_WRITTEN_SURROGATE_ADDRESS = re.compile(rf"[a-z]{{8}}@{re.escape(RESERVED_DOMAIN)}")
_SPOKEN_SURROGATE_ADDRESS = re.compile(rf"[a-z]{{8}} at {_SPOKEN_RESERVED_DOMAIN}")

# (digits, fragment of the text that says them) -> replacement of the fragment; None leaves it.
ReplacementRule = Callable[[str, str], str | None]


class Substitution(NamedTuple):
    """The replacement of `text[start:end]`."""

    start: int
    end: int
    replacement: str


class SurrogateFormat:
    """Replaces fragments of text by surrogates in the same shape, and reveals them again.

    `change_count` grows with every value or fragment that is new; the vault compares it to know
    whether it must be sealed again.
    """

    def __init__(self, surrogates: Surrogates) -> None:
        self.original_fragments: dict[str, str] = {}  # by surrogate, where digits do not tell
        self.change_count = 0
        self._surrogates = surrogates

    def __len__(self) -> int:
        return len(self._surrogates)

    def is_surrogate(self, value: str) -> bool:
        """Whether this value is a surrogate of this session, or any surrogate e-mail address."""
        return self._surrogates.value_of(value) is not None or value.endswith(f"@{RESERVED_DOMAIN}")

    def surrogate_for(self, value: str) -> str:
        """The surrogate of a value, drawn when there is none yet."""
        self.change_count += self._surrogates.find_surrogate(value) is None
        return self._surrogates.surrogate_for(value)

    def substitute(self, fragment: str, value: str) -> str:
        """The surrogate of `value` in the shape of `fragment`, which is how the text says it."""
        surrogate = self.surrogate_for(value)
        if not value.isdigit():
            formatted = surrogate if "@" in fragment else _spoken_address(surrogate)
        else:
            formatted = in_shape_of(fragment, surrogate)
            if any(letter.isdigit() for letter in formatted) and not _DIGIT_RUN.fullmatch(
                fold_text(formatted)
            ):
                formatted = surrogate  # with words between its digits it would not be found again
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
        """`text` with every occurrence, as whole words, of a private fragment replaced."""
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
        """`text` with every number replaced that already has a surrogate. Numbers of fewer than
        MIN_DISTINCTIVE_DIGITS digits stay: they could be there by chance."""

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
        """`text` with the original values; those of codes only when `include_codes`."""
        return apply_substitutions(text, self.find_surrogates(text, include_codes))

    def find_surrogates(self, text: str, include_codes: bool) -> list[Substitution]:
        """The surrogates in `text` and their originals, left to right."""
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
        """The original of `fragment`, which says `digits`; None when it is no surrogate. The digits
        may be two surrogates side by side, as when two numbers were said in one breath."""
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
        """Digit counts of known numbers and of two of them side by side, largest first."""
        sizes = {size for size in self._surrogates.number_lengths if size <= MAX_NUMBER_DIGITS}
        pair_sizes = {
            one + other for one in sizes for other in sizes if one + other <= MAX_PAIR_DIGITS
        }
        return sorted(sizes | pair_sizes, reverse=True)[-MAX_LENGTHS_TRIED:]


def apply_substitutions(text: str, substitutions: Sequence[Substitution]) -> str:
    """`text` after these substitutions, which are in order and do not overlap."""
    parts, copied_until = [], 0
    for start, end, replacement in substitutions:
        parts += [text[copied_until:start], replacement]
        copied_until = end
    return "".join([*parts, text[copied_until:]])


def in_shape_of(fragment: str, digits: str) -> str:
    """`digits` in the shape of `fragment`: with its separators, or as names of digits."""
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
    """Substitutions in runs of written digits: of a whole run, or of the longest parts of it for
    which the rule has a replacement."""
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
    """The same for runs of two or more names of digits."""
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
    """Substitutions of consecutive parts, longest first. `parts` are (start, end) in `text` and
    `digits` the digits of each; tried are all parts together, then numbers of these `lengths`."""
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
