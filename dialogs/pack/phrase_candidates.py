"""Candidate patterns of a text: those whose rarest necessary word the text has.

A pattern can only be found in a text that has one of the words of each of its parts. The part whose
words the fewest patterns share is looked up, so that of thousands of patterns only a few are tried
on a text. Held by tests/dialogs/pack/test_phrase_candidates.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set

from dialogs.pack.phrase_patterns import Alternatives, PatternPart, PatternSequence, PatternWord


def pattern_key(word: PatternWord) -> str:
    """What a word of a pattern is looked up by: itself, or "prefix*"."""
    return f"{word.text}*" if word.is_prefix else word.text


class CandidatePatterns:
    """An index from words to the patterns that need them."""

    def __init__(self, patterns: Sequence[PatternSequence]) -> None:
        rarity = _Rarity(patterns)
        self._by_key: dict[str, list[int]] = {}
        self._always: list[int] = []  # patterns that need no word
        for number, parts in enumerate(patterns):
            needed = rarity.needed_keys(parts)
            for key in needed or ():
                self._by_key.setdefault(key, []).append(number)
            if needed is None:
                self._always.append(number)

    def of_keys(self, keys: Set[str]) -> list[int]:
        """The patterns that a text with these words and prefixes may contain, in their order."""
        found = set(self._always)
        for key in keys:
            found.update(self._by_key.get(key, ()))
        return sorted(found)


class _Rarity:
    """How many patterns use each word. A word group, which many patterns share, is read once."""

    def __init__(self, patterns: Sequence[PatternSequence]) -> None:
        self._keys: dict[int, frozenset[str]] = {}  # by the identity of a part
        self._needed: dict[int, frozenset[str] | None] = {}
        self._uses = Counter(key for parts in patterns for key in self._keys_of(parts))

    def needed_keys(self, parts: PatternSequence) -> frozenset[str] | None:
        """Words of which every match has at least one, those that the fewest patterns use; None
        when a match needs no word."""
        needed = [keys for part in parts if (keys := self._needed_by(part)) is not None]
        return min(needed, key=lambda keys: sum(self._uses[key] for key in keys), default=None)

    def _needed_by(self, part: PatternPart) -> frozenset[str] | None:
        match part:
            case PatternWord():
                return frozenset([pattern_key(part)])
            case Alternatives(options):
                if id(part) not in self._needed:
                    by_option = [self.needed_keys(option) for option in options]
                    some = [keys for keys in by_option if keys is not None]
                    is_needed = len(some) == len(by_option)
                    self._needed[id(part)] = frozenset[str]().union(*some) if is_needed else None
                return self._needed[id(part)]
        return None

    def _keys_of(self, parts: PatternSequence) -> frozenset[str]:
        """All words of a sequence, as they are looked up."""
        return frozenset[str]().union(*(self._keys_in(part) for part in parts))

    def _keys_in(self, part: PatternPart) -> frozenset[str]:
        match part:
            case PatternWord():
                return frozenset([pattern_key(part)])
            case Alternatives(options):
                if id(part) not in self._keys:
                    self._keys[id(part)] = frozenset[str]().union(*map(self._keys_of, options))
                return self._keys[id(part)]
        return frozenset()
