"""What would this sentence look like after a phone line and a small recogniser?

Training sentences are mostly typed. Customers also speak, with fillers and openings, and a CTC
recogniser trained on little speech drops letters, writes words as they sound and runs them
together. Invariants, held by tests/agent/training/test_understanding.py: the same seed gives the
same noise; a rate of 0 changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agent.understanding.text_features import plain

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
SOUNDS = (
    ("ck", "k"), ("c", "k"), ("ph", "f"), ("ee", "ea"), ("ea", "ee"), ("ou", "o"), ("ow", "o"),
    ("tion", "shun"), ("ight", "ite"), ("s", "z"), ("th", "t"), ("d", "t"), ("t", "d"), ("g", "k"),
    ("b", "p"), ("v", "f"), ("ll", "l"), ("ss", "s"), ("rr", "r"), ("a", "e"), ("e", "a"),
    ("i", "e"), ("o", "u"), ("u", "o"), ("er", "r"), ("ar", "er"), ("qu", "kw"), ("wh", "w"),
    ("kn", "n"), ("ge", "j"), ("le", "el"), ("y", "i"), ("ai", "ay"), ("oo", "u"), ("m", "n"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """How bad it is: the chance that a word is misheard, and that people talk around the matter."""

    misheard: float
    chatter: float


CLEAR, PHONE, POOR = Line(0.0, 0.3), Line(0.15, 0.4), Line(0.35, 0.4)


def spoken(text: str, line: Line, rng: np.random.Generator) -> tuple[str, float]:
    """The sentence as a transcript, and the share of its words that are still right."""
    words = plain(text).split()
    heard = [_heard(word, line.misheard, rng) for word in words]
    right = sum(a == b for a, b in zip(words, heard, strict=True)) / max(1, len(words))
    said = [word for word in heard if word]
    if line.chatter and len(words) > 2:
        said = _chatter(said, line.chatter, rng)
    if len(said) > 2 and rng.random() < line.misheard:
        at = int(rng.integers(len(said) - 1))  # two words run together
        said[at : at + 2] = [said[at] + said[at + 1]]
    return " ".join(said), right


def _heard(word: str, rate: float, rng: np.random.Generator) -> str:
    if word == "#" or rng.random() >= rate:
        return word
    if rng.random() < 0.2:
        return ""
    fitting = [(a, b) for a, b in SOUNDS if a in word]
    if fitting and rng.random() < 0.6:
        told, wrote = fitting[int(rng.integers(len(fitting)))]
        return word.replace(told, wrote, 1)
    at = int(rng.integers(len(word)))
    return word[:at] + word[at + 1 :]


def _chatter(words: list[str], rate: float, rng: np.random.Generator) -> list[str]:
    if rng.random() < rate:
        at = int(rng.integers(len(words) + 1))
        words = [*words[:at], str(rng.choice(FILLERS)), *words[at:]]
    if rng.random() < rate / 2:
        words = [str(rng.choice(OPENINGS)).format(name=rng.choice(NAMES)), *words]
    if rng.random() < rate / 3:
        words = [*words, str(rng.choice(CLOSINGS))]
    return words
