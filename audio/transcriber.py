"""CTC decoding of turns, conditioned on the expected answer, with calibrated confidence.

While the turn lasts: the likeliest letter of every frame (`GreedyTranscript`). At its end the
expectation selects the decoder (`Transcriber.decode`): a closed list or a small vocabulary is
searched for in the letter or phone probabilities, an open answer is decoded by a beam search with
a language model. Confidence is a probability: a logistic curve over how far the answer lies below
the best path, below the runner-up, and from the greedy decoding of the same frames, fitted on dev
speakers (agent/lab/training/ears/calibrate.py). Wrong guesses from a closed list lie far below.
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

from audio.answer_phrases import AMOUNT_WORDS, DATE_WORDS, NO_PHRASES, SPOKEN_DIGITS, YES_PHRASES
from audio.beam_search import BeamSearchDecoder
from audio.phones import PhoneAlphabet
from audio.phrase_search import Alphabet, DecodedPhrase, Phrase, Scores, SearchResult, find_phrases
from audio.types import FRAME, NO_TRANSCRIPT, Expectation, Transcript, Word

DecodingMode = Literal["closed", "words", "open"]
ConfidenceTerms = tuple[float, float, float, float]
LENGTH_MARGIN_NATS = 8.0  # nats by which another number of digits must beat the expected number
WORD_ENTRY_GAIN = -1.0  # gain at the start of a word in a loop: fewer, longer words win a draw


@dataclass(frozen=True, slots=True)
class ConfidenceFeatures:
    """Features of a hypothesis from which its confidence is computed. All are 0 at best."""

    # log probability below the likeliest letters or phones of the frames, for each
    score_gap: float
    margin: float  # closed: -exp(-distance to the runner-up); words: the gap of the worst word
    similarity: float  # of the greedy decoding of the same frames to the text, minus 1
    coverage: float  # share of the turn's greedy decoding that lies in those frames, minus 1

    def as_tuple(self) -> ConfidenceTerms:
        return self.score_gap, self.margin, self.similarity, self.coverage


@dataclass(frozen=True, slots=True)
class ConfidenceCurve:
    """Logistic confidence: a bias and one weight for each of `ConfidenceFeatures`.

    An uncertain CTC model emits blanks, which favours the answer with the fewest letters. So
    `blank_penalty` nats are subtracted from every blank before answers are compared.
    """

    bias: float
    weights: ConfidenceTerms
    blank_penalty: float = 0.0

    def __call__(self, features: ConfidenceFeatures) -> float:
        terms = zip(self.weights, features.as_tuple(), strict=True)
        return 1 / (1 + exp(-self.bias - sum(weight * term for weight, term in terms)))


# For checkpoints without calibration; chosen so that a text one nat a letter off gets about 0.5.
DEFAULT_CURVES: dict[DecodingMode, ConfidenceCurve] = {
    "closed": ConfidenceCurve(3.5, (1.5, 2.0, 4.0, 1.5)),
    "words": ConfidenceCurve(2.5, (2.0, 1.0, 3.0, 1.5)),
    "open": ConfidenceCurve(2.0, (4.0, 0.0, 4.0, 0.0)),
}


def read_curves(path: Path) -> dict[DecodingMode, ConfidenceCurve]:
    """The calibrated curves of a JSON file; DEFAULT_CURVES when there is no such file."""
    if not path.exists():
        return DEFAULT_CURVES
    stored = json.loads(path.read_text())
    groups: tuple[DecodingMode, ...] = ("closed", "words", "open")
    return {
        g: ConfidenceCurve(stored[g]["bias"], tuple(stored[g]["weights"]), stored[g]["lift"])
        for g in groups
    }


@dataclass(slots=True)
class GreedyTranscript:
    """The greedy decoding of one stream so far, letter by letter."""

    last_letter: int = 0
    letters: list[str] = field(default_factory=list)

    def text(self) -> str:
        return " ".join("".join(self.letters).split())


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A candidate transcript with the features of its confidence."""

    phrases: tuple[DecodedPhrase, ...]
    features: ConfidenceFeatures
    mode: DecodingMode

    @property
    def text(self) -> str:
        return joined_text(self.phrases)


class Transcriber:
    """Decoder of CTC scores.

    `alphabet` are the letters of partial text. With `phone_alphabet`, finished turns are decoded
    from phones; `beam_search` must then spell its words in phones too.
    """

    def __init__(
        self,
        alphabet: Alphabet,
        curves: dict[DecodingMode, ConfidenceCurve] | None = None,
        beam_search: BeamSearchDecoder | None = None,
        frame_samples: int = FRAME,
        phone_alphabet: PhoneAlphabet | None = None,
    ) -> None:
        self.alphabet = alphabet
        self.curves = curves or DEFAULT_CURVES
        self.beam_search = beam_search
        self.frame_samples = frame_samples
        self.phone_alphabet = phone_alphabet

    @property
    def decoding_alphabet(self) -> Alphabet:
        """The alphabet from which finished turns are decoded."""
        return self.phone_alphabet or self.alphabet

    def extend_partial(self, partial: GreedyTranscript, letter_scores: Scores) -> str:
        """Add new frames; the partial text so far."""
        for letter in letter_scores.argmax(1) if len(letter_scores) else ():
            if letter != partial.last_letter and letter != self.alphabet.blank:
                boundary = letter == self.alphabet.boundary
                partial.letters.append(" " if boundary else self.alphabet.letters[letter])
            partial.last_letter = int(letter)
        return partial.text()

    def decode(
        self,
        letter_scores: Scores,
        start: int,
        expectation: Expectation,
        phone_scores: Scores | None = None,
    ) -> Transcript:
        """The transcript of a turn that began at sample `start`.

        `letter_scores` (frames, letters) and `phone_scores` (frames, phones) are log
        probabilities. NO_TRANSCRIPT when nothing was said.
        """
        hypothesis = self.best_hypothesis(letter_scores, expectation, phone_scores)
        if hypothesis is None:
            return NO_TRANSCRIPT
        words = tuple(
            Word(
                phrase.text,
                start + phrase.start * self.frame_samples,
                start + phrase.end * self.frame_samples,
                round(exp(max(-20.0, phrase.score_gap)), 4),
            )
            for phrase in hypothesis.phrases
        )
        return Transcript(hypothesis.text, self.curves[hypothesis.mode](hypothesis.features), words)

    def best_hypothesis(
        self, letter_scores: Scores, expectation: Expectation, phone_scores: Scores | None = None
    ) -> Hypothesis | None:
        """The best hypothesis for the expected answer; an open one when no such answer fits."""
        scores = letter_scores if phone_scores is None else phone_scores
        greedy_words = greedy_decode(scores, self.decoding_alphabet)
        hypothesis = None
        match expectation.kind:
            case "yes_no":
                hypothesis = self._closed_hypothesis(
                    scores, (*YES_PHRASES, *NO_PHRASES), greedy_words
                )
            case "choice" | "name" if expectation.choices:
                hypothesis = self._closed_hypothesis(scores, expectation.choices, greedy_words)
            case "digits":
                hypothesis = self._digits_hypothesis(scores, expectation.length, greedy_words)
            case "amount":
                hypothesis = self._words_hypothesis(scores, AMOUNT_WORDS, greedy_words)
            case "date":
                hypothesis = self._words_hypothesis(scores, DATE_WORDS, greedy_words)
            case _:
                return self._open_hypothesis(
                    letter_scores, scores, expectation.choices, greedy_words
                )
        return hypothesis or self._open_hypothesis(letter_scores, scores, (), greedy_words)

    def _lower_blanks(self, scores: Scores, mode: DecodingMode) -> Scores | None:
        """Scores with the blank penalty applied; None when blanks still win in every frame."""
        lifted = scores.copy()
        lifted[:, self.decoding_alphabet.blank] -= self.curves[mode].blank_penalty
        return lifted if (lifted.argmax(1) != self.decoding_alphabet.blank).any() else None

    def _closed_hypothesis(
        self, scores: Scores, choices: Sequence[str], greedy_words: tuple[DecodedPhrase, ...]
    ) -> Hypothesis | None:
        phrases = [
            Phrase(text)
            for text in dict.fromkeys(choices)
            if self.decoding_alphabet.can_spell(text)
        ]
        lifted = self._lower_blanks(scores, "closed")
        if (
            lifted is None
            or (result := find_phrases(lifted, phrases, self.decoding_alphabet)) is None
        ):
            return None
        ranked = np.sort(result.phrase_scores)[::-1]
        lead = -exp(-float(ranked[0] - ranked[1])) if len(ranked) > 1 else 0.0
        return self._hypothesis(result, greedy_words, lead, "closed")

    def _digits_hypothesis(
        self, scores: Scores, length: int, greedy_words: tuple[DecodedPhrase, ...]
    ) -> Hypothesis | None:
        lifted = self._lower_blanks(scores, "words")
        if lifted is None:
            return None
        free = find_phrases(
            lifted, SPOKEN_DIGITS, self.decoding_alphabet, slots=0, entry=WORD_ENTRY_GAIN
        )
        chosen = free
        if length:
            chosen = find_phrases(
                lifted, SPOKEN_DIGITS, self.decoding_alphabet, slots=length, entry=WORD_ENTRY_GAIN
            )
            if chosen is None or (free and free.score - chosen.score > LENGTH_MARGIN_NATS):
                chosen = free
        return (
            None
            if chosen is None
            else self._hypothesis(chosen, greedy_words, _worst_score_gap(chosen), "words")
        )

    def _words_hypothesis(
        self, scores: Scores, phrases: Sequence[Phrase], greedy_words: tuple[DecodedPhrase, ...]
    ) -> Hypothesis | None:
        lifted = self._lower_blanks(scores, "words")
        able = [phrase for phrase in phrases if self.decoding_alphabet.can_spell(phrase.text)]
        if lifted is None:
            return None
        result = find_phrases(lifted, able, self.decoding_alphabet, slots=0, entry=WORD_ENTRY_GAIN)
        return (
            None
            if result is None
            else self._hypothesis(result, greedy_words, _worst_score_gap(result), "words")
        )

    def _open_hypothesis(
        self,
        letter_scores: Scores,
        scores: Scores,
        choices: Sequence[str],
        greedy_words: tuple[DecodedPhrase, ...],
    ) -> Hypothesis | None:
        words = self.beam_search.decode(scores) if self.beam_search and greedy_words else ()
        words = words or greedy_decode(letter_scores, self.alphabet)
        if not greedy_words or not words:
            return None
        words = tuple(self._with_score_gap(word, scores, greedy_words) for word in words)
        alike = similarity(self._greedy_form(words), joined_text(greedy_words))
        certain = float(np.mean(scores.max(1)[scores.argmax(1) != self.decoding_alphabet.blank]))
        free = Hypothesis(words, ConfidenceFeatures(certain, 0.0, alike, 0.0), "open")
        spotted = self._closed_hypothesis(scores, choices, greedy_words) if choices else None
        # Words around the phrase do not make it less likely that the phrase was said.
        if spotted is None or self.curves["closed"](replace(spotted.features, coverage=0.0)) < 0.5:
            return free
        return _with_spotted(free, spotted)

    def _with_score_gap(
        self, word: DecodedPhrase, scores: Scores, greedy_words: tuple[DecodedPhrase, ...]
    ) -> DecodedPhrase:
        """A word of an open hypothesis with a score gap: from the scores of its frames and its
        similarity to their greedy decoding."""
        frames = scores[word.start : word.end]
        best_scores = frames.max(1)[frames.argmax(1) != self.decoding_alphabet.blank]
        overlapping = [
            other for other in greedy_words if other.start < word.end and other.end > word.start
        ]
        certain = float(best_scores.mean()) if len(best_scores) else -1.0
        return replace(
            word,
            score_gap=certain + 2 * similarity(self._greedy_form([word]), joined_text(overlapping)),
        )

    def _hypothesis(
        self,
        result: SearchResult,
        greedy_words: tuple[DecodedPhrase, ...],
        margin: float,
        mode: DecodingMode,
    ) -> Hypothesis:
        """The phrases found, with features from the greedy decoding of the same frames."""
        start, end = result.decoded[0].start, result.decoded[-1].end
        overlapping = [word for word in greedy_words if word.start < end and word.end > start]
        lengths = [len(self.decoding_alphabet.spell(phrase.text)) for phrase in result.decoded]
        gap = sum(
            phrase.score_gap * n for phrase, n in zip(result.decoded, lengths, strict=True)
        ) / sum(lengths)
        cover = len(joined_text(overlapping)) / max(1, len(joined_text(greedy_words))) - 1
        alike = similarity(self._greedy_form(result.decoded), joined_text(overlapping))
        return Hypothesis(result.decoded, ConfidenceFeatures(gap, margin, alike, cover), mode)

    def _greedy_form(self, phrases: Sequence[DecodedPhrase]) -> str:
        return " ".join(self.decoding_alphabet.greedy_form(one.text) for one in phrases)


def greedy_decode(scores: Scores, alphabet: Alphabet) -> tuple[DecodedPhrase, ...]:
    """The likeliest letters as words with frames (phones: as characters of `greedy_form`)."""
    best, words = scores.argmax(1), list[DecodedPhrase]()
    letters, begun, ended, last = "", 0, 0, alphabet.blank
    for frame, letter in enumerate([*best.tolist(), alphabet.boundary]):
        if letter == alphabet.boundary:
            if letters:
                words.append(DecodedPhrase(letters, begun, ended, 0.0))
            letters = ""
        elif letter != alphabet.blank:
            begun = begun if letters else frame
            ended = frame + 1
            if letter != last:
                letters += alphabet.character(letter)
        last = letter
    return tuple(words)


def _worst_score_gap(result: SearchResult) -> float:
    """A number is as certain as its worst digit."""
    return min(phrase.score_gap for phrase in result.decoded)


def _with_spotted(free: Hypothesis, spotted: Hypothesis) -> Hypothesis:
    """The open hypothesis with the phrase in place of the words of the same frames."""
    (phrase,) = spotted.phrases
    before = [w for w in free.phrases if (w.start + w.end) / 2 < phrase.start]
    after = [w for w in free.phrases if (w.start + w.end) / 2 >= phrase.end]
    if not before and not after:
        return spotted
    return Hypothesis((*before, phrase, *after), free.features, "open")


def joined_text(words: Sequence[DecodedPhrase]) -> str:
    """The texts of the words, separated by blanks."""
    return " ".join(word.text for word in words)


def similarity(text: str, letters: str) -> float:
    """Normalised Levenshtein similarity minus 1: 0 for equal texts, -1 for nothing in common."""
    return float(Levenshtein.normalized_similarity(text, letters)) - 1
