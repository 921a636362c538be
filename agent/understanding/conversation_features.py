"""Features of a conversation that indicate dialogue breakdown, beyond the words themselves.

Repetition by the customer and by the replies, apologies, turns that were not understood, short or
emphatic wording: each feature is a number that a person can check in the transcript. Only the last
`MAX_RECENT_TURNS` turns count, so that the cost of a turn does not grow with the conversation.
Invariants, held by tests/agent/understanding/test_dialogue_breakdown.py: later turns never change
the features of an earlier one; the first turn repeats nothing; any text has finite features.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np

from agent.understanding.arrays import FloatArray

MAX_RECENT_TURNS = 8  # the customer's turns considered, the present one included
SAME_FROM = 0.8  # Jaccard similarity from which two texts count as the same

_WORD = re.compile(r"[a-z0-9]+")
_SORRY = re.compile(r"\b(sorry|apologi[sz]e|apolog(y|ies)|unfortunately|afraid|regret)\b", re.I)
_NOT_UNDERSTOOD = re.compile(
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

FEATURE_NAMES = (
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
class TurnCounts:
    """Counts of one turn of a customer and of the reply before it."""

    reply_words: frozenset[str]
    customer_words: frozenset[str]
    cue_counts: tuple[int, ...]  # reply: sorry, not understood, refused; turn: negation to "!"
    reply_length: int
    customer_length: int
    reply_questions: int  # question marks in the reply
    customer_questions: int  # question marks in the turn
    starts_with_no: bool
    capitals_share: float  # share of the turn's letters
    ellipses: int


def count_not_understood(reply: str) -> int:
    """How often a reply says that the customer was not understood."""
    return len(_NOT_UNDERSTOOD.findall(reply))


def count_turn(reply: str, customer_text: str) -> TurnCounts:
    """The counts of a customer's turn and of the reply before it, "" for none."""
    letters = [sign for sign in customer_text if sign.isalpha()]
    capitals = sum(sign.isupper() for sign in letters) / len(letters) if len(letters) > 3 else 0.0
    counts = (
        *(len(pattern.findall(reply)) for pattern in (_SORRY, _NOT_UNDERSTOOD, _REFUSED)),
        *(len(pattern.findall(customer_text)) for pattern in (_NEGATION, _PRAISE, _PRESSING)),
        customer_text.count("!"),
    )
    return TurnCounts(
        reply_words=frozenset(_WORD.findall(reply.lower())),
        customer_words=frozenset(_WORD.findall(customer_text.lower())),
        cue_counts=counts,
        reply_length=len(reply.split()),
        customer_length=len(customer_text.split()),
        reply_questions=reply.count("?"),
        customer_questions=customer_text.count("?"),
        starts_with_no=bool(_NO.search(customer_text)),
        capitals_share=capitals,
        ellipses=customer_text.count(".."),
    )


def turn_features(recent: Sequence[TurnCounts], turns_before: int) -> list[float]:
    """The FEATURE_NAMES of the last of the `recent` turns, of which `turns_before` came before."""
    *earlier, turn = recent
    words = turn.customer_words
    sorry, not_understood, refused, negations, praise, pressing, exclamations = turn.cue_counts
    so_far = [sum(each.cue_counts[cue] for each in recent) for cue in range(7)]
    earlier_words = [each.customer_words for each in earlier if len(each.customer_words) > 1]
    earlier_replies = [each.reply_words for each in earlier if each.reply_words]
    last_words = earlier[-1].customer_words if earlier else frozenset[str]()
    last_length = earlier[-1].customer_length if earlier else turn.customer_length
    lengths = [each.customer_length for each in earlier] or [turn.customer_length]
    used_words = frozenset[str]().union(*(each.customer_words for each in earlier))
    all_words = used_words.union(turn.reply_words, *(each.reply_words for each in earlier))
    return [
        float(turns_before),
        float(_unanswered(recent)),
        log1p(turn.customer_length),
        log1p(turn.customer_length) - log1p(last_length),
        log1p(turn.reply_length),
        float(not turn.reply_words),
        _max_similarity(words, earlier_words) if len(words) > 1 else 0.0,
        _jaccard(words, last_words) if earlier else 0.0,
        _max_overlap(words, earlier_words),
        _max_similarity(turn.reply_words, earlier_replies),
        _jaccard(turn.reply_words, earlier_replies[-1]) if earlier_replies else 0.0,
        float(_repeated_replies(recent)),
        _overlap(words, turn.reply_words),
        *(float(sorry), float(not_understood), float(refused)),
        *map(float, so_far[:3]),
        float(turn.starts_with_no),
        *(float(negations), float(praise), float(pressing)),
        *map(float, so_far[3:6]),
        float(min(3, exclamations)),
        float(turn.customer_questions),
        turn.capitals_share,
        float(min(10, so_far[6])),
        float(turn.reply_questions),
        float(turn.customer_length < 3),
        len(used_words & words) / max(1, len(words)),
        float(len(words - all_words)),
        sum(lengths) / len(lengths),
        float(turn.ellipses),
    ]


def conversation_features(turns: Sequence[TurnCounts]) -> FloatArray:
    """(turns, FEATURE_NAMES) of a whole conversation, each row from its own past alone."""
    rows = [
        turn_features(turns[max(0, at + 1 - MAX_RECENT_TURNS) : at + 1], at)
        for at in range(len(turns))
    ]
    return np.array(rows, dtype=float).reshape(len(turns), len(FEATURE_NAMES))


def _unanswered(recent: Sequence[TurnCounts]) -> int:
    """Consecutive turns, this one included, without a reply before them."""
    count = 0
    for turn in reversed(recent[1:]):
        if turn.reply_words:
            break
        count += 1
    return count


def _repeated_replies(recent: Sequence[TurnCounts]) -> int:
    reply_words = [turn.reply_words for turn in recent if turn.reply_words]
    return sum(
        _max_similarity(one, reply_words[:at]) > SAME_FROM for at, one in enumerate(reply_words)
    )


def _max_similarity(words: frozenset[str], others: Sequence[frozenset[str]]) -> float:
    return max((_jaccard(words, other) for other in others), default=0.0) if words else 0.0


def _max_overlap(words: frozenset[str], others: Sequence[frozenset[str]]) -> float:
    """Of turns of three words or more, for in shorter ones a shared word says little."""
    overlaps = (_overlap(words, other) for other in others if len(other) > 2)
    return max(overlaps, default=0.0) if len(words) > 2 else 0.0


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard similarity: words in both, of words in either."""
    return len(one & other) / max(1, len(one | other))


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Words in both, of those of the shorter."""
    return len(one & other) / max(1, min(len(one), len(other)))
