"""Multi-intent detection: segmentation of a turn that makes several requests.

"Block my card and tell me my balance" is cut at its connectives into segments with a request each.
Every segment must be as clear a request as a whole turn would have to be, and for another intent
than the others, so that "I lost my card and need a new one" stays one. Words around the requests (a
greeting, a reason) stay in the neighbouring segment. Invariants, held by
tests/agent/understanding/test_multi_intent.py: the segments are the text, in order and without
gaps; at most MAX_REQUESTS of them; a text without a connective is not cut.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from agent.understanding.text_features import plain_text
from agent.understanding.text_models import IntentModel
from dialogs.pack.model import Pack

MAX_REQUESTS = 3  # requests in one turn
MAX_SEGMENTS = 7  # parts between connectives that are considered; the rest stays with the last
MIN_WORDS = 2  # words of a request
# Chosen on 1,200 pairs of the tuning split joined by a connective, against its single turns that
# have one (the model card has both shares).
MIN_CONFIDENCE = 0.7  # probability from which a segment is a request
CUT_MARGIN = 0.15  # log probability by which the segments may be less clear than the whole turn
_WORD = r"(?:and|then|plus|also|after that|afterwards|as well as|while youre at it|secondly)"
_CONNECTIVE = re.compile(rf"(?:[.?!;]+\s+|,\s+)(?:{_WORD}\s+)*|\s+(?:{_WORD}\s+)+", re.IGNORECASE)


SegmentRange = tuple[int, int]  # parts between connectives: [first, end)


@dataclass(frozen=True, slots=True)
class RequestSegment:
    """A segment of the turn with its likeliest intent."""

    text: str
    intent: str
    confidence: float
    # log of `confidence`; minus infinity when it is no request of its own
    log_probability: float = 0.0


def find_requests(text: str, intents: IntentModel, pack: Pack) -> tuple[RequestSegment, ...]:
    """The segments of a turn with at least two requests; empty for any other turn."""
    cuts = [match.span() for match in _CONNECTIVE.finditer(text)][: MAX_SEGMENTS - 1]
    if not cuts:
        return ()
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(text)]
    words = {
        (a, b): text[starts[a] : ends[b - 1]].strip()
        for a in range(len(starts))
        for b in range(a + 1, len(starts) + 1)
    }
    read = _classify_segments(words, intents, pack)
    chosen: tuple[RequestSegment, ...] = ()
    best = read[0, len(starts)].log_probability - CUT_MARGIN
    for spans in _partitions(0, len(starts), MAX_REQUESTS):
        pieces = tuple(read[span] for span in spans)
        if len({piece.intent for piece in pieces}) == len(pieces) > 1:
            mean = sum(piece.log_probability for piece in pieces) / len(pieces)
            if mean > best:
                best, chosen = mean, pieces
    return chosen


def _classify_segments(
    words: Mapping[SegmentRange, str], intents: IntentModel, pack: Pack
) -> Mapping[SegmentRange, RequestSegment]:
    """Each segment with its intent, as if it were a turn."""
    chances = intents.probabilities(list(words.values()))
    segments = {}
    for (span, text), row in zip(words.items(), chances, strict=True):
        intent, chance = intents.intents[int(row.argmax())], float(row.max())
        known = pack.intents.get(intent)
        clear = chance >= MIN_CONFIDENCE and len(plain_text(text).split()) >= MIN_WORDS
        wanted = clear and known is not None and known.kind in ("task", "question")
        segments[span] = RequestSegment(
            text, intent, chance, math.log(chance) if wanted else -math.inf
        )
    return segments


def _partitions(start: int, count: int, max_segments: int) -> list[list[SegmentRange]]:
    """All partitions of [start, count) into at most `max_segments` ranges."""
    ways = [[(start, count)]]
    if max_segments > 1:
        for end in range(start + 1, count):
            ways += [[(start, end), *rest] for rest in _partitions(end, count, max_segments - 1)]
    return ways
