"""Phrase patterns of a pack: one line of YAML that stands for many wordings.

    kill myself            these words in this order; small words such as "just" may stand between
    (kill | hurt) myself   one of these
    [really] bad           the words in brackets may be missing
    <family> died          a word group of the file
    he ... told me         up to five other words; ".." stands for up to two
    bomb*                  every word that begins so
    ^ help me $            "^" is the beginning of a sentence, "$" its end

A pattern is folded as a text is (dialogs/pack/phrase_text.py), and a gap never reaches into the
next sentence. Held by tests/dialogs/pack/test_phrase_patterns.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from dialogs.pack.phrase_text import ARTICLES, POSSESSIVE, SENTENCE_END, fold_words
from dialogs.pack.yaml_source import did_you_mean

SHORT_GAP, LONG_GAP = 2, 5  # most words that ".." and "..." stand for
MIN_PREFIX = 3  # fewest letters before "*"
_TOKEN = re.compile(r"\.{2,}|[()\[\]|^$]|<[^<>]*>|[^\s()\[\]|<>^$]+")
_CLOSING = {"(": ")", "[": "]"}


class PatternError(ValueError):
    """A pattern that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class PatternWord:
    """One folded word; `is_prefix`: every word that begins with it."""

    text: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Gap:
    """Up to `most` words, whatever they are."""

    most: int


@dataclass(frozen=True, slots=True)
class SentenceEdge:
    """The beginning or the end of a sentence."""

    is_start: bool


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several sequences of parts; an empty one means that none is needed."""

    options: tuple[PatternSequence, ...]


PatternPart = PatternWord | Gap | SentenceEdge | Alternatives
PatternSequence = tuple[PatternPart, ...]


def parse_groups(groups: Mapping[str, list[str]]) -> dict[str, Alternatives]:
    """The word groups of a file; a group may use those above it. `PatternError` begins with the
    name of the group."""
    parsed: dict[str, Alternatives] = {}
    for name, lines in groups.items():
        try:
            parsed[name] = Alternatives(tuple(parse_pattern(line, parsed) for line in lines))
        except PatternError as wrong:
            raise PatternError(f"{name}: {wrong}") from None
    return parsed


def parse_pattern(line: str, groups: Mapping[str, Alternatives]) -> PatternSequence:
    """The parts of a pattern; `PatternError` when it cannot be read or names no word at all."""
    tokens = _TOKEN.findall(line)
    parts, rest = _parse_sequence(tokens, groups)
    if rest:
        raise PatternError(f'"{rest[0]}" closes nothing in "{line}"')
    _check_edges(parts, line)
    if not any(isinstance(part, PatternWord | Alternatives) for part in parts):
        raise PatternError(f'"{line}" names no word')
    return parts


def _parse_sequence(
    tokens: list[str], groups: Mapping[str, Alternatives]
) -> tuple[PatternSequence, list[str]]:
    """The parts up to a closing bracket or bar, and the tokens from there on."""
    parts: list[PatternPart] = []
    while tokens and tokens[0] not in {")", "]", "|"}:
        token, *tokens = tokens
        if token in _CLOSING:
            options, tokens = _parse_options(token, tokens, groups)
            parts.append(Alternatives(options))
        else:
            parts += _parse_token(token, groups)
    return tuple(parts), tokens


def _parse_options(
    opening: str, tokens: list[str], groups: Mapping[str, Alternatives]
) -> tuple[tuple[PatternSequence, ...], list[str]]:
    options: list[PatternSequence] = [()] if opening == "[" else []
    while True:
        before = len(tokens)
        option, tokens = _parse_sequence(tokens, groups)
        if any(isinstance(part, SentenceEdge) and part.is_start for part in option):
            raise PatternError('"^" begins a pattern and nothing else')
        if not option and len(tokens) < before:
            message = (
                "articles are not read: leave them out, and write [my] for what may be missing"
            )
            raise PatternError(message)
        if not option:
            raise PatternError(f'there is nothing between "{opening}" and "|" or its end')
        options.append(option)
        if not tokens:
            raise PatternError(f'"{opening}" is not closed')
        closing, *tokens = tokens
        if closing == "|":
            continue
        if closing != _CLOSING[opening]:
            raise PatternError(f'"{opening}" is closed by "{closing}"')
        return tuple(options), tokens


def _parse_token(token: str, groups: Mapping[str, Alternatives]) -> list[PatternPart]:
    if token in {"^", "$"}:
        return [SentenceEdge(token == "^")]
    if set(token) == {"."}:
        return [Gap(SHORT_GAP if len(token) == SHORT_GAP else LONG_GAP)]
    if token.startswith("<"):
        name = token[1:-1]
        if name not in groups:
            raise PatternError(f'no word group "{name}"{did_you_mean(name, groups)}')
        return [groups[name]]
    if token == POSSESSIVE:
        return [PatternWord(POSSESSIVE)]
    is_prefix = token.endswith("*")
    words = _folded(token.rstrip("*"))
    if not words:
        if token.lower() in ARTICLES:
            return []
        raise PatternError(f'"{token}" is no word')
    if is_prefix and words[-1].isalpha() and len(words[-1]) < MIN_PREFIX:
        raise PatternError(f'"{token}" is too short: {MIN_PREFIX} letters at least before "*"')
    return [*map(PatternWord, words[:-1]), PatternWord(words[-1], is_prefix)]


@cache
def _folded(token: str) -> tuple[str, ...]:
    return tuple(one.word for one in fold_words(token) if one.word != SENTENCE_END)


def _check_edges(parts: PatternSequence, line: str) -> None:
    for place, part in enumerate(parts):
        is_first, is_last = place == 0, place == len(parts) - 1
        if isinstance(part, SentenceEdge) and not (is_first if part.is_start else is_last):
            sign, where = ("^", "begins") if part.is_start else ("$", "ends")
            raise PatternError(f'"{sign}" only {where} a pattern: "{line}"')
        if isinstance(part, Gap) and (is_first or is_last):
            raise PatternError(f'a gap at the edge of "{line}" means nothing')
