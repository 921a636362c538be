"""Sentences with a known mood, from which the words of fusion pairs are drawn.

Half of the draws in a mood are customers' sentences (public customer turns and this project's own
sentences to a bank), half are Reddit comments (GoEmotions' train and dev splits without the texts
that trained the word vectors), where both exist; no set has sad customers' turns, so sad sentences
come from Reddit alone. Invariants, held by tests/agent/lab/evaluation/test_fusion.py: no sentence
that trained the word vectors is drawn; no sentence has two moods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from agent.lab.datasets import read_goemotions
from agent.lab.training.fusion.word_vectors import is_vector_training_text
from agent.lab.training.understanding.examples import IntentExample, stable_bucket
from agent.lab.training.understanding.sentiment import CALM_SETS, read_own_sentences
from agent.understanding.text_features import plain_text

MoodClass = Literal["upset", "unhappy", "neutral", "pleased"]
MOOD_CLASSES: tuple[MoodClass, ...] = get_args(MoodClass)
SENTIMENT_OF_MOOD: Mapping[MoodClass, int] = {"upset": 0, "unhappy": 0, "neutral": 1, "pleased": 2}
MAX_NEUTRAL_TURNS = 3000  # neutral customer turns
_EMOTIONS_OF_MOOD: Mapping[MoodClass, tuple[str, ...]] = {
    "upset": ("anger", "annoyance", "disgust"),
    "unhappy": ("sadness", "grief", "fear", "nervousness", "remorse", "embarrassment"),
    "neutral": ("neutral",),
    "pleased": ("gratitude", "joy", "love", "admiration", "amusement", "excitement", "relief"),
}
MOOD_OF_EMOTION: Mapping[str, MoodClass] = {
    name: mood for mood, names in _EMOTIONS_OF_MOOD.items() for name in names
}


@dataclass(frozen=True, slots=True)
class MoodSentence:
    """A sentence of a customer, or of a Reddit comment."""

    text: str  # plain
    mood: MoodClass
    from_customer: bool


def mood_sentences(
    data: Path, rows: Sequence[IntentExample], excluded: Set[str]
) -> list[MoodSentence]:
    """All sentences with exactly one mood, but those whose text is in `excluded`.

    `data` is the folder of the text sets, `rows` are its examples.
    """
    by_text: dict[str, set[MoodSentence]] = {}
    for sentence in [*_customer_sentences(rows), *_reddit_sentences(data)]:
        if sentence.text and sentence.text not in excluded:
            by_text.setdefault(sentence.text, set()).add(sentence)
    return [next(iter(some)) for some in by_text.values() if len(some) == 1]


def _customer_sentences(rows: Sequence[IntentExample]) -> Iterator[MoodSentence]:
    moods: dict[tuple[bool, int | None], MoodClass] = {
        (True, -1): "upset",
        (False, 0): "neutral",
        (False, 1): "pleased",
    }
    for own in read_own_sentences():
        if mood := moods.get((own.upset, own.sentiment)):
            yield MoodSentence(plain_text(own.text), mood, True)
    turns = [row for row in rows if row.split == "dev" and row.source in CALM_SETS]
    for row in turns:
        if row.intent == "thanks":
            yield MoodSentence(plain_text(row.text), "pleased", True)
    calm = [row for row in turns if row.intent not in ("thanks", "complaint")]
    for row in sorted(calm, key=lambda row: stable_bucket(row.text, 2**31))[:MAX_NEUTRAL_TURNS]:
        yield MoodSentence(plain_text(row.text), "neutral", True)


def _reddit_sentences(data: Path) -> Iterator[MoodSentence]:
    """Comments with one emotion. Disappointment and disapproval may be upset or not: left out."""
    rest = [one for one in read_goemotions(data, "train") if not is_vector_training_text(one[0])]
    for text, emotions in [*read_goemotions(data, "dev"), *rest]:
        if len(emotions) == 1 and (mood := MOOD_OF_EMOTION.get(emotions[0])):
            yield MoodSentence(plain_text(text), mood, False)
