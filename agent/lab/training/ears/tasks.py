"""Which questions are the ears measured and calibrated on?

Each task is recordings of unseen speakers as a telephone carries them, the expectation that the
dialogue would have, and what counts as right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.lab.training.ears.batches import joined, strings
from agent.lab.training.ears.corpus import DIGITS, Corpus, Split, Utterance
from agent.lab.training.ears.offline_recogniser import Room, phone, wide
from audio.answer_phrases import NO, YES
from audio.types import Expectation

KEYWORDS = ("operator", "voyager", "wildfire", "onword", "think engine")
COMMANDS = ("yes", "no", "stop")


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    pick: Callable[[Utterance], bool]
    expect: Callable[[Utterance], Expectation]
    room: Room = phone
    right: Callable[[str, str], bool] = str.__eq__

    def of(self, corpus: Corpus, split: Split) -> list[Utterance]:
        return [u for u in corpus.utterances if u.split == split and self.pick(u)]


def _keyword(u: Utterance) -> bool:
    return u.source == "wuw2" and u.kind == "keyword"


def _digit(u: Utterance) -> bool:
    return u.source in ("fsdd", "speech_commands_test") and u.text in DIGITS


def _digits(u: Utterance) -> bool:
    words = u.text.split()
    return u.source == "speechocean762" and len(words) > 1 and set(words) <= set(DIGITS)


def _polarity(truth: str, heard: str) -> bool:
    return heard in (YES if truth in YES else NO)


def _fixed(expect: Expectation) -> Callable[[Utterance], Expectation]:
    return lambda _: expect


TASKS: tuple[Task, ...] = (
    Task("keywords, asked for", _keyword, _fixed(Expectation("choice", choices=KEYWORDS))),
    Task("keywords, likely", _keyword, _fixed(Expectation("open", choices=KEYWORDS))),
    Task("keywords, open", _keyword, _fixed(Expectation("open"))),
    Task("one digit, asked for", _digit, _fixed(Expectation("digits", length=1))),
    Task(
        "one digit, fsdd alone",
        lambda u: _digit(u) and u.source == "fsdd",
        _fixed(Expectation("digits", length=1)),
    ),
    Task(
        "digit strings, length known", _digits, lambda u: Expectation("digits", len(u.text.split()))
    ),
    Task("digit strings, length unknown", _digits, _fixed(Expectation("digits"))),
    Task(
        "yes, no, stop: asked for",
        lambda u: u.source == "speech_commands_test" and u.text in COMMANDS,
        _fixed(Expectation("choice", choices=COMMANDS)),
    ),
    Task(
        "yes or no, in any words",
        lambda u: u.source == "speech_commands_test" and u.text in ("yes", "no"),
        _fixed(Expectation("yes_no")),
        right=_polarity,
    ),
    Task(
        "telephone sentences, open",
        lambda u: u.source == "wuw2" and u.kind != "keyword",
        _fixed(Expectation("open")),
    ),
    Task(
        "adults reading, open, wide band",
        lambda u: u.source == "speechocean762" and u.adult,
        _fixed(Expectation("open")),
        room=wide,
    ),
    Task(
        "adults reading, open, 8 kHz",
        lambda u: u.source == "speechocean762" and u.adult,
        _fixed(Expectation("open")),
    ),
)


JOINED = Task(
    "digits joined into numbers, length known",
    lambda u: u.source == "joined",
    lambda u: Expectation("digits", len(u.text.split())),
)


def joined_digits(corpus: Corpus, split: Split, count: int = 200, seed: int = 3) -> Corpus:
    """Numbers of 2 to 9 digits made of one speaker's single digits: real voices, made-up rhythm."""
    random = np.random.default_rng(seed)
    single = [u for u in corpus.of(split) if _digit(u)]
    sounds: list[NDArray[np.int16]] = []
    said: list[Utterance] = []
    start = 0
    for example in strings(single, count, random):
        samples, rate = joined([(corpus.samples(p), p.rate) for p in example.parts], random)
        speaker, text = example.parts[0].speaker, example.text
        sounds.append(np.round(np.clip(samples, -1, 1) * 32767).astype(np.int16))
        one = Utterance("joined", text, speaker, split, text, rate, len(samples) / rate)
        said.append(replace(one, start=start, length=len(samples)))
        start += len(samples)
    return Corpus(tuple(said), np.concatenate([np.zeros(0, np.int16), *sounds]))


def absent(truth: str, others: Sequence[str], count: int) -> Expectation:
    """A closed question to which `truth` is no answer."""
    wrong = [text for text in others if text != truth and truth not in text]
    return Expectation("choice", choices=tuple(wrong[:count]))
