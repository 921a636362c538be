"""Text substitutions applied to words with timestamps.

A replaced fragment becomes as many words as its replacement has; they share the time that the
original words took (tests/agent/privacy/test_vault.py). Positions count in the words joined by
spaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.privacy.surrogate_format import Substitution, apply_substitutions
from audio.types import Word


def join_words(words: Sequence[Word]) -> str:
    """The words joined by single spaces: the text in which positions are counted."""
    return " ".join(word.text for word in words)


def substitute_in_words(
    words: Sequence[Word], substitutions: Sequence[Substitution]
) -> tuple[Word, ...]:
    """The words after these substitutions in their joined text, in order and not overlapping."""
    result: list[Word] = []
    copied_until = 0
    for first, last, group in _group_by_word(words, substitutions):
        affected = words[first : last + 1]
        offset = len(join_words(words[:first])) + (first > 0)
        shifted = [
            Substitution(one.start - offset, one.end - offset, one.replacement) for one in group
        ]
        result += [
            *words[copied_until:first],
            *_spread_over(apply_substitutions(join_words(affected), shifted).split(), affected),
        ]
        copied_until = last + 1
    return (*result, *words[copied_until:])


def sample_span(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    """The first and last sample positions of `[start:end]` of the joined text."""
    first, last = _word_range(words, start, end)
    return words[first].start, words[last].end


def _word_range(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    position, first, last = 0, len(words) - 1, 0
    for number, word in enumerate(words):
        if position + len(word.text) > start:
            first = min(first, number)
        if position < end:
            last = number
        position += len(word.text) + 1
    return min(first, last), last


def _group_by_word(
    words: Sequence[Word], substitutions: Sequence[Substitution]
) -> list[tuple[int, int, list[Substitution]]]:
    """Groups of substitutions that touch a common word: (first word, last word, group)."""
    groups: list[tuple[int, int, list[Substitution]]] = []
    for substitution in substitutions:
        first, last = _word_range(words, substitution.start, substitution.end)
        if groups and first <= groups[-1][1]:
            group_first, _, group = groups.pop()
            groups.append((group_first, last, [*group, substitution]))
        else:
            groups.append((first, last, [substitution]))
    return groups


def _spread_over(texts: list[str], replaced_words: Sequence[Word]) -> list[Word]:
    if len(texts) == len(replaced_words):
        return [
            Word(text, word.start, word.end, word.confidence)
            for text, word in zip(texts, replaced_words, strict=True)
        ]
    start, length = replaced_words[0].start, replaced_words[-1].end - replaced_words[0].start
    confidence = min(word.confidence for word in replaced_words)
    bounds = [start + length * i // len(texts) for i in range(len(texts) + 1)]
    return [Word(text, bounds[i], bounds[i + 1], confidence) for i, text in enumerate(texts)]
