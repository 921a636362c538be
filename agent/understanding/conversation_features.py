"""What does a conversation show of going wrong, other than its words: how are things said?

A customer who says the same again, is told the same again, gets excuses, is not understood, grows
short or loud. Each is a number that a person can check in the transcript. Only the last `RECENT`
turns count, so that the cost of a turn does not grow with the conversation. Invariants, held by
tests/agent/understanding/test_trouble.py: what comes later never changes the signs of an earlier
turn; the first turn repeats nothing; any text has finite signs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np
from numpy.typing import NDArray

RECENT = 8  # the customer's turns looked at, the present one included
SAME = 0.8  # two texts this alike, of 1, are the same said again

Array = NDArray[np.float64]
_WORD = re.compile(r"[a-z0-9]+")
_SORRY = re.compile(r"\b(sorry|apologi[sz]e|apolog(y|ies)|unfortunately|afraid|regret)\b", re.I)
_LOST = re.compile(
    r"(do(n.?t| not)|did(n.?t| not)|can(.?t|not)) (quite )?(understand|get that|follow|catch)"
    r"|not sure what you mean|what do you mean|(only|not) able to|say that again|come again"
    r"|could you (repeat|rephrase|clarify)|\bpardon\b",
    re.I,
)
_REFUSED = re.compile(
    r"\b(no|not|none|nothing|cannot|unable|without|fail(ed)?|unavailable|invalid|incorrect|wrong"
    r"|(ca|could|is|are|wo|does|do)n.?t)\b",
    re.I,
)
_NO = re.compile(r"^\s*(no|nope|nah|not)\b", re.I)
_NEGATION = re.compile(r"\b(no|not|never|nothing|wrong|[a-z]+n.?t)\b", re.I)
_PRAISE = re.compile(
    r"\b(thanks?|thx|great|perfect|awesome|good|nice|love|wonderful|excellent)\b", re.I
)
_PRESSING = re.compile(
    r"\b(why|again|already|told|said|still|just|ridiculous|useless|hurry|seriously|really|listen"
    r"|hello)\b",
    re.I,
)

SIGNS = (
    "turns so far", "speaks on unanswered", "words said", "longer than before", "words told",
    "told nothing", "says it again", "says the last again", "says part of it again",
    "told the same", "told the last again", "times told the same", "echoes what was told",
    "told sorry", "not understood", "refused", "times told sorry", "times not understood",
    "times refused", "begins with no", "negations", "praise", "pressing words",
    "negations so far", "praise so far", "pressing words so far", "exclamations", "questions",
    "capitals", "exclamations so far", "questions told", "under three words", "words used before",
    "new words", "usual words said", "dots",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """One turn of a customer and what they had been told before it, counted."""

    told: frozenset[str]
    said: frozenset[str]
    counts: tuple[int, ...]  # sorry, not understood, refused; negation, praise, pressing, "!"
    words_told: int
    words: int
    asked: int  # question marks told
    asks: int  # question marks said
    no: bool
    capitals: float  # share of the letters
    dots: int


def not_understood(reply: str) -> int:
    """How often a reply says that the customer was not understood."""
    return len(_LOST.findall(reply))


def facts(told: str, said: str) -> Facts:
    letters = [sign for sign in said if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters) / len(letters) if len(letters) > 3 else 0.0
    counts = (
        *(len(pattern.findall(told)) for pattern in (_SORRY, _LOST, _REFUSED)),
        *(len(pattern.findall(said)) for pattern in (_NEGATION, _PRAISE, _PRESSING)),
        said.count("!"),
    )
    return Facts(
        frozenset(_WORD.findall(told.lower())), frozenset(_WORD.findall(said.lower())), counts,
        len(told.split()), len(said.split()), told.count("?"), said.count("?"),
        bool(_NO.search(said)), capitals, said.count(".."),
    )  # fmt: skip


def signs(recent: Sequence[Facts], number: int) -> list[float]:
    """SIGNS of the last of the `recent` turns; `number` is how many turns came before it."""
    *before, now = recent
    sorry, lost, refused, negations, praise, pressing, exclamations = now.counts
    so_far = [sum(turn.counts[at] for turn in recent) for at in range(7)]
    long_before = [turn.said for turn in before if len(turn.said) > 1]
    told_before = [turn.told for turn in before if turn.told]
    usual = sum(turn.words for turn in before) / len(before) if before else float(now.words)
    last = before[-1].words if before else now.words
    known = frozenset[str]().union(*(turn.said for turn in before))
    heard = known.union(now.told, *(turn.told for turn in before))
    return [
        float(number), float(_unanswered(recent)), log1p(now.words), log1p(now.words) - log1p(last),
        log1p(now.words_told), float(not now.told),
        _most(now.said, long_before) if len(now.said) > 1 else 0.0,
        _alike(now.said, before[-1].said) if before else 0.0,
        max((_within(now.said, other) for other in long_before if len(other) > 2), default=0.0)
        if len(now.said) > 2 else 0.0,
        _most(now.told, told_before), _alike(now.told, told_before[-1]) if told_before else 0.0,
        float(_times_told(recent)), _within(now.said, now.told),
        float(sorry), float(lost), float(refused), *map(float, so_far[:3]),
        float(now.no), float(negations), float(praise), float(pressing), *map(float, so_far[3:6]),
        float(min(3, exclamations)), float(now.asks), now.capitals, float(min(10, so_far[6])),
        float(now.asked), float(now.words < 3), len(known & now.said) / max(1, len(now.said)),
        float(len(now.said - heard)), usual, float(now.dots),
    ]  # fmt: skip


def all_signs(turns: Sequence[Facts]) -> Array:
    """(turns, SIGNS) of a whole conversation, each row from its own past alone."""
    rows = [signs(turns[max(0, at + 1 - RECENT) : at + 1], at) for at in range(len(turns))]
    return np.array(rows, dtype=float).reshape(len(turns), len(SIGNS))


def _unanswered(recent: Sequence[Facts]) -> int:
    """Turns in a row, this one included, before which the customer was told nothing."""
    count = 0
    for turn in reversed(recent[1:]):
        if turn.told:
            break
        count += 1
    return count


def _times_told(recent: Sequence[Facts]) -> int:
    told = [turn.told for turn in recent if turn.told]
    return sum(_most(one, told[:at]) > SAME for at, one in enumerate(told))


def _most(words: frozenset[str], others: Sequence[frozenset[str]]) -> float:
    return max((_alike(words, other) for other in others), default=0.0) if words else 0.0


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard: words in both of words in either."""
    return len(one & other) / max(1, len(one | other))


def _within(one: frozenset[str], other: frozenset[str]) -> float:
    """Words in both, of those of the shorter."""
    return len(one & other) / max(1, min(len(one), len(other)))
