"""What transcribers of whole turns share: cutting long turns, and words with their times.

Such models write words, not letters: punctuation, capitals and marks of noise are taken off here,
and a text that repeats itself is told from one that says something. Held by
tests/audio/test_whole_turns.py.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from math import ceil, exp
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio.prosody import loud_hops
from audio.types import RATE, VOICE_HOP, Samples, Transcript

MAX_TURN_SAMPLES = 60 * RATE  # a longer turn keeps its CTC transcript
MIN_SAMPLES = RATE // 5  # no word is shorter
MAX_TOKENS_PER_S = 6.5  # Moonshine's model card: faster than speech; bounds endless loops
EXTRA_TOKENS = 4  # for a full stop, the end token, and a single word said fast
MAX_COMPRESSION_RATIO = 2.4  # a text that zlib shrinks by more than this repeats itself

# [music], (coughs), *sighs*, musical notes; but "(555) 123-4567" and "401(k)" are said
_NOISE_MARKS = re.compile(r"(?<!\S)(?:\[[^\]]*\]|\([^)\d]*\)|<[^>]*>|\*[^*]*\*)|[\u2669-\u266f]")
_WORD = re.compile(
    r"[$\u00a3\u20ac]?\d(?:[\d.,:/-]*\d)?(?:[a-z]+\b|%)?"  # $1,200.50 4:30 3rd 5k 555-0199
    r"|[^\W\d_]+(?:'[^\W\d_]+)*"
)


class WholeTurnTranscriber(Protocol):
    """A model that transcribes a turn when it is over."""

    def transcribe(self, samples: Samples, start: int) -> Transcript:
        """The transcript of `samples`, which begin at position `start`; NO_TRANSCRIPT when it has
        none or it cannot be trusted."""

    def warm_up(self) -> None:
        """Run once, so that the first caller does not wait for lazy set-up."""


TokenSpan = tuple[str, int, int]  # a word, its first token, the token after its last


def max_tokens(samples: int) -> int:
    """The most tokens that a turn of so many samples can have: what is longer is a loop."""
    return EXTRA_TOKENS + ceil(MAX_TOKENS_PER_S * samples / RATE)


def word_token_spans(tokens: Sequence[int], decode: Callable[[list[int]], str]) -> list[TokenSpan]:
    """The words that `tokens` write, each with the tokens it consists of; marks of noise are none.

    `decode` is the text of some tokens."""
    text, ends = "", list[int]()
    for count in range(1, len(tokens) + 1):
        text = decode(list(tokens[:count]))
        ends.append(len(text))
    text = _NOISE_MARKS.sub(lambda noise: " " * len(noise.group()), text)
    spans = list[TokenSpan]()
    for match in re.finditer(r"\S+", text):
        first = next(i for i, end in enumerate(ends) if end > match.start())
        after = 1 + next(i for i, end in enumerate(ends) if end >= match.end())
        spans += [(word, first, after) for word in normalised_words(match.group())]
    return spans


def is_repetitive(text: str) -> bool:
    """Whisper's own test for a loop, by compression. Forbidding repetition during generation
    instead would end a loop in words that look deliberate."""
    return len(text.encode()) > MAX_COMPRESSION_RATIO * len(zlib.compress(text.encode()))


def split_at_pauses(samples: Samples, window: int) -> list[tuple[int, Samples]]:
    """(position, samples) of windows no longer than `window`, each cut where its second half is
    quietest."""
    windows, at = list[tuple[int, Samples]](), 0
    while len(samples) - at > window:
        half = samples[at + window // 2 : at + window]
        hops = len(half) // VOICE_HOP
        power = np.square(half[: hops * VOICE_HOP].reshape(hops, VOICE_HOP)).mean(1)
        around = min(5, hops)  # hops averaged, 160 ms: a pause, not the closure of a "t"
        quiet = np.convolve(power, np.ones(around), "valid").argmin() + around // 2
        cut = at + window // 2 + int(quiet) * VOICE_HOP
        windows.append((at, samples[at:cut]))
        at = cut
    return [*windows, (at, samples[at:])]


def spread_words(words: Sequence[str], piece: Samples) -> list[tuple[int, int]]:
    """Estimated samples [start, end) of each word: the loud hops, shared by number of letters."""
    voiced: NDArray[np.intp] = np.flatnonzero(
        loud_hops(piece[: len(piece) // VOICE_HOP * VOICE_HOP])
    )
    if not len(voiced):
        voiced = np.arange(max(1, len(piece) // VOICE_HOP))
    shares = np.cumsum([0, *(len(word) for word in words)], dtype=float)
    bounds = (shares / max(1.0, shares[-1]) * len(voiced)).astype(int)
    spans = list[tuple[int, int]]()
    for begin, end in zip(bounds, bounds[1:], strict=False):
        first = voiced[min(begin, len(voiced) - 1)]
        last = voiced[min(max(begin, end - 1), len(voiced) - 1)]
        spans.append((int(first) * VOICE_HOP, min((int(last) + 1) * VOICE_HOP, len(piece))))
    return spans


def normalised_words(word: str) -> list[str]:
    """A written word in the form of all transcripts here: lower case, without punctuation.

    Numbers stay as they are written, with their signs ("$1,200.50", "4:30"): `dialogs` reads both
    written and spoken numbers.
    """
    word = word.lower().replace("\u2019", "'").replace("&", " and ")
    word = re.sub(r"(?<=\b[a-z])\.(?=[a-z]\b)", "", word)  # a.m., U.S.
    return _WORD.findall(word)


def mean_probability(log_probabilities: Sequence[float]) -> float:
    """Geometric mean of probabilities, from their logarithms."""
    return (
        round(exp(max(-20.0, sum(log_probabilities) / len(log_probabilities))), 4)
        if log_probabilities
        else 0.0
    )
