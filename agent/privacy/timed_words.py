"""How are private numbers hidden in words that have times, and shown again?

A number becomes as many words as what stands for it has; they share the time it took
(tests/agent/test_vault.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.privacy.surrogate_format import Swap, changed
from audio.types import Word


def joined(words: Sequence[Word]) -> str:
    """The text that places in words are counted in."""
    return " ".join(word.text for word in words)


def swapped(words: Sequence[Word], swaps: Sequence[Swap]) -> tuple[Word, ...]:
    """The words after these swaps in their joined text, in order and not overlapping."""
    out: list[Word] = []
    done = 0
    for first, last, group in _grouped(words, swaps):
        inside = words[first : last + 1]
        at = len(joined(words[:first])) + (first > 0)
        moved = [Swap(one.start - at, one.end - at, one.said) for one in group]
        out += [*words[done:first], *_spread(changed(joined(inside), moved).split(), inside)]
        done = last + 1
    return (*out, *words[done:])


def samples(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    """The positions of sound that a part of the joined text takes."""
    first, last = _touched(words, start, end)
    return words[first].start, words[last].end


def _touched(words: Sequence[Word], start: int, end: int) -> tuple[int, int]:
    at, first, last = 0, len(words) - 1, 0
    for number, word in enumerate(words):
        if at + len(word.text) > start:
            first = min(first, number)
        if at < end:
            last = number
        at += len(word.text) + 1
    return min(first, last), last


def _grouped(words: Sequence[Word], swaps: Sequence[Swap]) -> list[tuple[int, int, list[Swap]]]:
    """Swaps that touch a common word belong together."""
    groups: list[tuple[int, int, list[Swap]]] = []
    for swap in swaps:
        first, last = _touched(words, swap.start, swap.end)
        if groups and first <= groups[-1][1]:
            begun, _, group = groups.pop()
            groups.append((begun, last, [*group, swap]))
        else:
            groups.append((first, last, [swap]))
    return groups


def _spread(texts: list[str], inside: Sequence[Word]) -> list[Word]:
    if len(texts) == len(inside):
        return [
            Word(text, word.start, word.end, word.confidence)
            for text, word in zip(texts, inside, strict=True)
        ]
    start, length = inside[0].start, inside[-1].end - inside[0].start
    sure = min(word.confidence for word in inside)
    cuts = [start + length * i // len(texts) for i in range(len(texts) + 1)]
    return [Word(text, cuts[i], cuts[i + 1], sure) for i, text in enumerate(texts)]


def words_of(fields: list[Any]) -> tuple[Word, ...] | None:
    """The words of a message; None when these are no words."""
    try:
        return tuple(Word(**one) for one in fields)
    except TypeError:
        return None
