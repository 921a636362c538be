"""The recognition tasks on which the transcriber is measured and calibrated.

A task is a selection of unseen speakers' recordings as a telephone carries them, the expectation
that the dialogue would have, and the criterion of a correct transcript.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from agent.lab.datasets import Split
from agent.lab.training.ears.batches import concatenate_words, word_sequences
from agent.lab.training.ears.corpus import DIGIT_WORDS, Corpus, Utterance
from agent.lab.training.ears.offline_recogniser import (
    ChannelSimulation,
    telephone_channel,
    wide_band_channel,
)
from audio.answer_phrases import NO_PHRASES, YES_PHRASES
from audio.codecs import Pcm16, to_pcm16
from audio.types import Expectation

KEYWORDS = ("operator", "voyager", "wildfire", "onword", "think engine")
COMMANDS = ("yes", "no", "stop")


@dataclass(frozen=True, slots=True)
class RecognitionTask:
    """Selection, expectation, channel and criterion of one task."""

    name: str
    selects: Callable[[Utterance], bool]
    expectation: Callable[[Utterance], Expectation]
    channel: ChannelSimulation = telephone_channel
    is_correct: Callable[[str, str], bool] = str.__eq__

    def utterances(self, corpus: Corpus, split: Split) -> list[Utterance]:
        return [u for u in corpus.utterances if u.split == split and self.selects(u)]


def _is_keyword(utterance: Utterance) -> bool:
    return utterance.source == "wuw2" and utterance.kind == "keyword"


def _is_single_digit(utterance: Utterance) -> bool:
    return utterance.source in ("fsdd", "speech_commands_test") and utterance.text in DIGIT_WORDS


def _is_digit_string(utterance: Utterance) -> bool:
    words = utterance.text.split()
    return (
        utterance.source == "speechocean762" and len(words) > 1 and set(words) <= set(DIGIT_WORDS)
    )


def _is_same_polarity(truth: str, transcript: str) -> bool:
    return transcript in (YES_PHRASES if truth in YES_PHRASES else NO_PHRASES)


def _always(expectation: Expectation) -> Callable[[Utterance], Expectation]:
    return lambda _: expectation


TASKS: tuple[RecognitionTask, ...] = (
    RecognitionTask(
        "keywords, asked for", _is_keyword, _always(Expectation("choice", choices=KEYWORDS))
    ),
    RecognitionTask(
        "keywords, likely", _is_keyword, _always(Expectation("open", choices=KEYWORDS))
    ),
    RecognitionTask("keywords, open", _is_keyword, _always(Expectation("open"))),
    RecognitionTask(
        "one digit, asked for", _is_single_digit, _always(Expectation("digits", length=1))
    ),
    RecognitionTask(
        "one digit, fsdd alone",
        lambda u: _is_single_digit(u) and u.source == "fsdd",
        _always(Expectation("digits", length=1)),
    ),
    RecognitionTask(
        "digit strings, length known",
        _is_digit_string,
        lambda u: Expectation("digits", len(u.text.split())),
    ),
    RecognitionTask(
        "digit strings, length unknown", _is_digit_string, _always(Expectation("digits"))
    ),
    RecognitionTask(
        "yes, no, stop: asked for",
        lambda u: u.source == "speech_commands_test" and u.text in COMMANDS,
        _always(Expectation("choice", choices=COMMANDS)),
    ),
    RecognitionTask(
        "yes or no, in any words",
        lambda u: u.source == "speech_commands_test" and u.text in ("yes", "no"),
        _always(Expectation("yes_no")),
        is_correct=_is_same_polarity,
    ),
    RecognitionTask(
        "telephone sentences, open",
        lambda u: u.source == "wuw2" and u.kind != "keyword",
        _always(Expectation("open")),
    ),
    RecognitionTask(
        "adults reading, open, wide band",
        lambda u: u.source == "speechocean762" and u.adult,
        _always(Expectation("open")),
        channel=wide_band_channel,
    ),
    RecognitionTask(
        "adults reading, open, 8 kHz",
        lambda u: u.source == "speechocean762" and u.adult,
        _always(Expectation("open")),
    ),
)


JOINED_DIGITS_TASK = RecognitionTask(
    "digits joined into numbers, length known",
    lambda u: u.source == "joined",
    lambda u: Expectation("digits", len(u.text.split())),
)


def joined_digits_corpus(corpus: Corpus, split: Split, count: int = 200, seed: int = 3) -> Corpus:
    """Numbers of 2 to 9 digits, joined from one speaker's single digits in artificial rhythm."""
    random = np.random.default_rng(seed)
    single = [u for u in corpus.select(split) if _is_single_digit(u)]
    samples_of_numbers: list[Pcm16] = []
    utterances: list[Utterance] = []
    start = 0
    for example in word_sequences(single, count, random):
        samples, rate = concatenate_words(
            [(corpus.samples(p), p.rate) for p in example.parts], random
        )
        speaker, text = example.parts[0].speaker, example.text
        samples_of_numbers.append(to_pcm16(samples))
        number = Utterance("joined", text, speaker, split, text, rate, len(samples) / rate)
        utterances.append(replace(number, start=start, length=len(samples)))
        start += len(samples)
    return Corpus(tuple(utterances), np.concatenate([np.zeros(0, np.int16), *samples_of_numbers]))


def expectation_without(truth: str, others: Sequence[str], count: int) -> Expectation:
    """A choice of up to `count` of `others`, without `truth`."""
    wrong = [text for text in others if text != truth and truth not in text]
    return Expectation("choice", choices=tuple(wrong[:count]))
