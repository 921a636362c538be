"""What was said, as text, and how sure are we?

While the voice is speaking: the likeliest letter of every frame (`Partial`). At the end of the turn
the question that was asked decides how to listen (`Transcriber.decide`): a closed list or a small
vocabulary is searched for in the letter or phone probabilities, an open question is decoded with
words and their usual order. Confidence is a probability: a logistic curve over how far the answer
lies below the sounds heard, below the runner-up, and from their own greedy reading, fitted on dev
speakers (agent/lab/training/ears/calibrate.py). A wrong guess from a closed list is one far below.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import exp
from pathlib import Path
from typing import Literal

import numpy as np
from rapidfuzz.distance import Levenshtein

from audio.answer_phrases import AMOUNT, DATE, NO, SPOKEN_DIGITS, YES
from audio.beam_search import Lexicon
from audio.phones import PhoneAlphabet
from audio.phrase_search import Alphabet, Finding, Phrase, Said, Scores, search
from audio.types import FRAME, Expectation, Transcript, Word

Group = Literal["closed", "words", "open"]
Terms = tuple[float, float, float, float]
SHORTER = 8.0  # nats by which another number of digits must win over the number asked for
ENTRY = -1.0  # of a word in a loop: fewer, longer words win a draw
NOTHING = Transcript("", 0.0)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why to believe a reading. All are 0 at best, and negative."""

    gap: float  # log probability below the likeliest sounds of the same frames, per letter or phone
    lead: float  # closed: -exp(-distance to the runner-up); words: the gap of the worst word
    likeness: float  # of what is read greedily in the same frames to the text, minus 1
    cover: float  # minus the share of that reading which lies outside those frames

    def terms(self) -> Terms:
        return self.gap, self.lead, self.likeness, self.cover


@dataclass(frozen=True, slots=True)
class Curve:
    """Logistic: bias and one weight for each of Evidence's terms; and how blanks are treated.

    A CTC model that is unsure says blank, which favours the answer with the fewest letters. `lift`
    nats are taken from every blank before answers are compared.
    """

    bias: float
    weights: Terms
    lift: float = 0.0

    def __call__(self, evidence: Evidence) -> float:
        terms = zip(self.weights, evidence.terms(), strict=True)
        return 1 / (1 + exp(-self.bias - sum(weight * term for weight, term in terms)))


# For checkpoints that were never calibrated here: a text one nat a letter off is half believed.
UNFITTED: dict[Group, Curve] = {
    "closed": Curve(3.5, (1.5, 2.0, 4.0, 1.5)),
    "words": Curve(2.5, (2.0, 1.0, 3.0, 1.5)),
    "open": Curve(2.0, (4.0, 0.0, 4.0, 0.0)),
}


def read_curves(path: Path) -> dict[Group, Curve]:
    if not path.exists():
        return UNFITTED
    stored = json.loads(path.read_text())
    groups: tuple[Group, ...] = ("closed", "words", "open")
    return {
        g: Curve(stored[g]["bias"], tuple(stored[g]["weights"]), stored[g]["lift"]) for g in groups
    }


@dataclass(slots=True)
class Partial:
    """The greedy reading of one stream, letter by letter."""

    last: int = 0
    letters: list[str] = field(default_factory=list)

    def text(self) -> str:
        return " ".join("".join(self.letters).split())


@dataclass(frozen=True, slots=True)
class Reading:
    """A candidate transcript before anyone is sure of it."""

    said: tuple[Said, ...]
    evidence: Evidence
    group: Group

    @property
    def text(self) -> str:
        return text_of(self.said)


class Transcriber:
    """`alphabet` are the letters of partial text. With `phones`, turns are decided by phones:
    `lexicon` then spells words in phones too."""

    def __init__(
        self,
        alphabet: Alphabet,
        curves: dict[Group, Curve] | None = None,
        lexicon: Lexicon | None = None,
        frame: int = FRAME,
        phones: PhoneAlphabet | None = None,
    ) -> None:
        self.alphabet = alphabet
        self.curves = curves or UNFITTED
        self.lexicon = lexicon
        self.frame = frame
        self.phones = phones

    @property
    def sounds(self) -> Alphabet:
        """What turns are decided by."""
        return self.phones or self.alphabet

    def listen(self, partial: Partial, likely: Scores) -> str:
        """The reading so far, with the letters of these frames added."""
        for letter in likely.argmax(1) if len(likely) else ():
            if letter != partial.last and letter != self.alphabet.blank:
                boundary = letter == self.alphabet.boundary
                partial.letters.append(" " if boundary else self.alphabet.letters[letter])
            partial.last = int(letter)
        return partial.text()

    def decide(
        self, likely: Scores, start: int, expect: Expectation, phones: Scores | None = None
    ) -> Transcript:
        """`likely` (frames, letters) and `phones` (frames, phones), log probabilities of the turn
        that began at sample `start`."""
        reading = self.read(likely, expect, phones)
        if reading is None:
            return NOTHING
        words = tuple(
            Word(
                said.text,
                start + said.start * self.frame,
                start + said.end * self.frame,
                round(exp(max(-20.0, said.gap)), 4),
            )
            for said in reading.said
        )
        return Transcript(reading.text, self.curves[reading.group](reading.evidence), words)

    def read(
        self, likely: Scores, expect: Expectation, phones: Scores | None = None
    ) -> Reading | None:
        sounds = likely if phones is None else phones
        heard = greedy(sounds, self.sounds)
        reading = None
        match expect.kind:
            case "yes_no":
                reading = self._closed(sounds, (*YES, *NO), heard)
            case "choice" | "name" if expect.choices:
                reading = self._closed(sounds, expect.choices, heard)
            case "digits":
                reading = self._digits(sounds, expect.length, heard)
            case "amount":
                reading = self._words(sounds, AMOUNT, heard)
            case "date":
                reading = self._words(sounds, DATE, heard)
            case _:
                return self._open(likely, sounds, expect.choices, heard)
        return reading or self._open(likely, sounds, (), heard)

    def _audible(self, sounds: Scores, group: Group) -> Scores | None:
        """Scores with blanks lowered; None when even so there is nothing but blanks."""
        lifted = sounds.copy()
        lifted[:, self.sounds.blank] -= self.curves[group].lift
        return lifted if (lifted.argmax(1) != self.sounds.blank).any() else None

    def _closed(
        self, sounds: Scores, choices: Sequence[str], heard: tuple[Said, ...]
    ) -> Reading | None:
        phrases = [Phrase(text) for text in dict.fromkeys(choices) if self.sounds.able(text)]
        lifted = self._audible(sounds, "closed")
        if lifted is None or (found := search(lifted, phrases, self.sounds)) is None:
            return None
        ranked = np.sort(found.phrases)[::-1]
        lead = -exp(-float(ranked[0] - ranked[1])) if len(ranked) > 1 else 0.0
        return self._weighed(found, heard, lead, "closed")

    def _digits(self, sounds: Scores, length: int, heard: tuple[Said, ...]) -> Reading | None:
        lifted = self._audible(sounds, "words")
        if lifted is None:
            return None
        free = search(lifted, SPOKEN_DIGITS, self.sounds, slots=0, entry=ENTRY)
        asked = free
        if length:
            asked = search(lifted, SPOKEN_DIGITS, self.sounds, slots=length, entry=ENTRY)
            if asked is None or (free and free.score - asked.score > SHORTER):
                asked = free
        return None if asked is None else self._weighed(asked, heard, _worst(asked), "words")

    def _words(
        self, sounds: Scores, phrases: Sequence[Phrase], heard: tuple[Said, ...]
    ) -> Reading | None:
        lifted = self._audible(sounds, "words")
        able = [phrase for phrase in phrases if self.sounds.able(phrase.text)]
        if lifted is None:
            return None
        found = search(lifted, able, self.sounds, slots=0, entry=ENTRY)
        return None if found is None else self._weighed(found, heard, _worst(found), "words")

    def _open(
        self, likely: Scores, sounds: Scores, choices: Sequence[str], heard: tuple[Said, ...]
    ) -> Reading | None:
        words = self.lexicon.words(sounds) if self.lexicon and heard else ()
        words = words or greedy(likely, self.alphabet)
        if not heard or not words:
            return None
        words = tuple(self._judged(word, sounds, heard) for word in words)
        alike = likeness(self._shape(words), text_of(heard))
        certain = float(np.mean(sounds.max(1)[sounds.argmax(1) != self.sounds.blank]))
        free = Reading(words, Evidence(certain, 0.0, alike, 0.0), "open")
        spotted = self._closed(sounds, choices, heard) if choices else None
        # What else was said does not make the phrase less likely to be there.
        if spotted is None or self.curves["closed"](replace(spotted.evidence, cover=0.0)) < 0.5:
            return free
        return _with_spotted(free, spotted)

    def _judged(self, word: Said, sounds: Scores, heard: tuple[Said, ...]) -> Said:
        """A word of an open reading: how sure its sounds were, and how like them it is."""
        frames = sounds[word.start : word.end]
        sure = frames.max(1)[frames.argmax(1) != self.sounds.blank]
        there = [other for other in heard if other.start < word.end and other.end > word.start]
        certain = float(sure.mean()) if len(sure) else -1.0
        return replace(word, gap=certain + 2 * likeness(self._shape([word]), text_of(there)))

    def _weighed(
        self, found: Finding, heard: tuple[Said, ...], lead: float, group: Group
    ) -> Reading:
        """The phrases found, with the greedy reading of the same frames as a witness."""
        start, end = found.said[0].start, found.said[-1].end
        there = [word for word in heard if word.start < end and word.end > start]
        lengths = [len(self.sounds.spell(said.text)) for said in found.said]
        gap = sum(said.gap * n for said, n in zip(found.said, lengths, strict=True)) / sum(lengths)
        cover = len(text_of(there)) / max(1, len(text_of(heard))) - 1
        alike = likeness(self._shape(found.said), text_of(there))
        return Reading(found.said, Evidence(gap, lead, alike, cover), group)

    def _shape(self, said: Sequence[Said]) -> str:
        return " ".join(self.sounds.shape(one.text) for one in said)


def greedy(likely: Scores, alphabet: Alphabet) -> tuple[Said, ...]:
    """The likeliest letters (phones: in the characters of their `shape`) as words with frames."""
    best, words = likely.argmax(1), list[Said]()
    letters, begun, ended, last = "", 0, 0, alphabet.blank
    for frame, letter in enumerate([*best.tolist(), alphabet.boundary]):
        if letter == alphabet.boundary:
            if letters:
                words.append(Said(letters, begun, ended, 0.0))
            letters = ""
        elif letter != alphabet.blank:
            begun = begun if letters else frame
            ended = frame + 1
            if letter != last:
                letters += alphabet.character(letter)
        last = letter
    return tuple(words)


def _worst(found: Finding) -> float:
    """A number is as sure as its worst digit."""
    return min(said.gap for said in found.said)


def _with_spotted(free: Reading, spotted: Reading) -> Reading:
    """The open reading with the phrase in the place of whatever its frames were read as."""
    (said,) = spotted.said
    before = [w for w in free.said if (w.start + w.end) / 2 < said.start]
    after = [w for w in free.said if (w.start + w.end) / 2 >= said.end]
    if not before and not after:
        return spotted
    return Reading((*before, said, *after), free.evidence, "open")


def text_of(words: Sequence[Said]) -> str:
    return " ".join(word.text for word in words)


def likeness(text: str, letters: str) -> float:
    """0 when the letters alone already spell the text, -1 when they have nothing of it."""
    return float(Levenshtein.normalized_similarity(text, letters)) - 1
