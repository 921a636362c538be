"""Random recognition errors: a typed sentence as a phone line and a small recogniser deliver it.

Training sentences are mostly typed. Customers also speak, with fillers and openings, and a CTC
recogniser trained on little speech drops letters, writes words as they sound and runs them
together. Invariants, held by tests/agent/lab/training/test_understanding.py: the same seed gives
the same noise; a rate of 0 changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.understanding.text_features import plain_text

FILLERS = ("um", "uh", "so", "well", "like", "you know", "i mean", "yeah", "okay so", "er")
OPENINGS = (
    "hi", "hello", "hi there", "good morning", "good afternoon", "hello my name is {name}",
    "hi this is {name}", "hi my name is {name} and", "yes hi", "hey", "um yes", "i was wondering",
    "sorry to bother you but", "i am calling because", "could you help me", "quick one",
    "i am calling about my account", "okay", "oh and", "actually", "please",
)  # fmt: skip
CLOSINGS = (
    "please", "thank you", "thanks", "if that is possible", "can you help me", "right now",
    "if you do not mind", "today", "as soon as possible", "is that okay", "can you do that for me",
)  # fmt: skip
NAMES = (
    "mary", "john smith", "robert", "linda jones", "david", "patricia", "ann lee", "mike davis",
    "susan", "maria garcia", "tom brown", "karen", "sam wilson", "nancy", "jim", "priya", "chen",
)  # fmt: skip
# Spellings a recogniser confuses, because they sound alike.
CONFUSED_SPELLINGS = (
    ("ck", "k"), ("c", "k"), ("ph", "f"), ("ee", "ea"), ("ea", "ee"), ("ou", "o"), ("ow", "o"),
    ("tion", "shun"), ("ight", "ite"), ("s", "z"), ("th", "t"), ("d", "t"), ("t", "d"), ("g", "k"),
    ("b", "p"), ("v", "f"), ("ll", "l"), ("ss", "s"), ("rr", "r"), ("a", "e"), ("e", "a"),
    ("i", "e"), ("o", "u"), ("u", "o"), ("er", "r"), ("ar", "er"), ("qu", "kw"), ("wh", "w"),
    ("kn", "n"), ("ge", "j"), ("le", "el"), ("y", "i"), ("ai", "ay"), ("oo", "u"), ("m", "n"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LineQuality:
    """The probability that a word is misheard, and the rate of fillers, openings and closings."""

    misheard_rate: float
    chatter_rate: float


CLEAR_LINE, PHONE_LINE, POOR_LINE = (
    LineQuality(0.0, 0.3),
    LineQuality(0.15, 0.4),
    LineQuality(0.35, 0.4),
)


def noisy_transcript(text: str, line: LineQuality, rng: np.random.Generator) -> tuple[str, float]:
    """(the sentence as a transcript, the share of its words that are still right)."""
    words = plain_text(text).split()
    misheard = [_mishear(word, line.misheard_rate, rng) for word in words]
    right = sum(a == b for a, b in zip(words, misheard, strict=True)) / max(1, len(words))
    kept = [word for word in misheard if word]
    if line.chatter_rate and len(words) > 2:
        kept = _add_chatter(kept, line.chatter_rate, rng)
    if len(kept) > 2 and rng.random() < line.misheard_rate:
        at = int(rng.integers(len(kept) - 1))  # two words run together
        kept[at : at + 2] = [kept[at] + kept[at + 1]]
    return " ".join(kept), right


def _mishear(word: str, rate: float, rng: np.random.Generator) -> str:
    if word == "#" or rng.random() >= rate:
        return word
    if rng.random() < 0.2:
        return ""
    fitting = [(a, b) for a, b in CONFUSED_SPELLINGS if a in word]
    if fitting and rng.random() < 0.6:
        spelling, replacement = fitting[int(rng.integers(len(fitting)))]
        return word.replace(spelling, replacement, 1)
    at = int(rng.integers(len(word)))
    return word[:at] + word[at + 1 :]


def _add_chatter(words: list[str], rate: float, rng: np.random.Generator) -> list[str]:
    if rng.random() < rate:
        at = int(rng.integers(len(words) + 1))
        words = [*words[:at], str(rng.choice(FILLERS)), *words[at:]]
    if rng.random() < rate / 2:
        words = [str(rng.choice(OPENINGS)).format(name=rng.choice(NAMES)), *words]
    if rng.random() < rate / 3:
        words = [*words, str(rng.choice(CLOSINGS))]
    return words
