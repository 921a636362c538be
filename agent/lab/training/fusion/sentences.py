"""Which sentences, in which mood, are put into somebody's mouth?

Half of what is drawn in a mood is of customers (public customer turns, and this project's own
sentences to a bank), half Reddit comments (what of GoEmotions' train and dev splits taught no word
vectors), where both are known; nobody wrote down a sad customer's turn, so those are Reddit alone.
Invariants, held by tests/agent/evaluation/test_fusion.py: no sentence that taught the word vectors
is drawn; no sentence has two moods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from agent.lab.training.fusion.word_vectors import reddit, teaches
from agent.lab.training.understanding.examples import Example, part
from agent.lab.training.understanding.sentiment import CALM, own_sentences
from agent.understanding.text_features import plain

Mood = Literal["upset", "unhappy", "neutral", "pleased"]
MOODS: tuple[Mood, ...] = get_args(Mood)
SENTIMENT: Mapping[Mood, int] = {"upset": 0, "unhappy": 0, "neutral": 1, "pleased": 2}
MOST_CALM = 3000  # neutral customer turns
_FEELINGS: Mapping[Mood, tuple[str, ...]] = {
    "upset": ("anger", "annoyance", "disgust"),
    "unhappy": ("sadness", "grief", "fear", "nervousness", "remorse", "embarrassment"),
    "neutral": ("neutral",),
    "pleased": ("gratitude", "joy", "love", "admiration", "amusement", "excitement", "relief"),
}
MOOD_OF: Mapping[str, Mood] = {name: mood for mood, names in _FEELINGS.items() for name in names}


@dataclass(frozen=True, slots=True)
class Sentence:
    """Said by a customer, or by somebody on Reddit."""

    text: str  # plain
    mood: Mood
    customer: bool


def sentences(data: Path, rows: Sequence[Example], taught: Set[str]) -> list[Sentence]:
    """`data` is the folder of the text sets, `rows` its examples; `taught` texts are left out."""
    found: dict[str, set[Sentence]] = {}
    for one in [*_customers(rows), *_reddit(data)]:
        if one.text and one.text not in taught:
            found.setdefault(one.text, set()).add(one)
    return [next(iter(some)) for some in found.values() if len(some) == 1]


def _customers(rows: Sequence[Example]) -> Iterator[Sentence]:
    moods: dict[tuple[bool, int | None], Mood] = {
        (True, -1): "upset",
        (False, 0): "neutral",
        (False, 1): "pleased",
    }
    for own in own_sentences():
        if mood := moods.get((own.upset, own.sentiment)):
            yield Sentence(plain(own.text), mood, True)
    turns = [row for row in rows if row.split == "dev" and row.source in CALM]
    for row in turns:
        if row.intent == "thanks":
            yield Sentence(plain(row.text), "pleased", True)
    calm = [row for row in turns if row.intent not in ("thanks", "complaint")]
    for row in sorted(calm, key=lambda row: part(row.text, 2**31))[:MOST_CALM]:
        yield Sentence(plain(row.text), "neutral", True)


def _reddit(data: Path) -> Iterator[Sentence]:
    """Of those who feel one thing. Who is let down or disagrees may be upset or not: left out."""
    rest = [one for one in reddit(data, "train") if not teaches(one[0])]
    for text, emotions in [*reddit(data, "dev"), *rest]:
        if len(emotions) == 1 and (mood := MOOD_OF.get(emotions[0])):
            yield Sentence(plain(text), mood, False)
