"""Word confusions of our own transcriber, and sentences with its typical errors.

Learned from synthesised and transcribed sentences (synthetic_transcripts.py): text and transcript
are aligned word by word (Levenshtein), and each word of a new sentence is replaced by what was
transcribed in its place, with the observed frequencies. Transcribing a sentence takes a seventh of
a second, a noisy copy no time, and its errors are as many as real ones. Invariants, held by
tests/agent/lab/training/test_confusions.py: the same seed gives the same sentence; a transcriber
without errors changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from rapidfuzz.distance import Levenshtein

from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.synthetic_transcripts import SyntheticTranscript
from agent.understanding.text_features import plain_text

MIN_WORD_COUNT = 3  # occurrences of a word before its confusions are used
COPIES_PER_SENTENCE = 2  # of each training sentence


@dataclass(frozen=True, slots=True)
class WordConfusions:
    """For each word: its transcriptions ("" is a deletion) and their shares."""

    transcriptions: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]]

    @classmethod
    def from_transcripts(cls, transcripts: Iterable[SyntheticTranscript]) -> WordConfusions:
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for transcript in transcripts:
            for word, heard in align_words(
                plain_text(transcript.text).split(), plain_text(transcript.heard).split()
            ):
                counts[word][heard] += 1
        return cls(
            {
                word: (tuple(found), tuple(n / found.total() for n in found.values()))
                for word, found in counts.items()
                if found.total() >= MIN_WORD_COUNT
            }
        )

    def noisy_copy(self, text: str, rng: np.random.Generator) -> str:
        """A plain sentence with random confusions."""
        words = []
        for word in text.split():
            if word in self.transcriptions:
                choices, chances = self.transcriptions[word]
                word = choices[int(rng.choice(len(choices), p=chances))]
            words.append(word)
        return " ".join(filter(None, words))


def align_words(reference: Sequence[str], hypothesis: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(reference word, transcribed words) for every reference word; insertions are left out.

    Where several words replace several others, the last one takes the rest.
    """
    for operation in Levenshtein.opcodes(reference, hypothesis):
        before = reference[operation.src_start : operation.src_end]
        after = hypothesis[operation.dest_start : operation.dest_end]
        for at, word in enumerate(before):
            last = at == len(before) - 1
            yield word, " ".join(after[at:] if last else after[at : at + 1])


def add_noisy_copies(
    rows: Sequence[IntentExample],
    confusions: WordConfusions,
    copies: int = COPIES_PER_SENTENCE,
    seed: int = 0,
) -> list[IntentExample]:
    """The rows, training rows with `copies` more transcripts each; tuning rows stay as they are."""
    rng = np.random.default_rng(seed)
    return [
        replace(row, transcripts=(*row.transcripts, *_noisy_copies(row, confusions, copies, rng)))
        if row.split == "train"
        else row
        for row in rows
    ]


def _noisy_copies(
    row: IntentExample, confusions: WordConfusions, copies: int, rng: np.random.Generator
) -> Iterator[str]:
    said = plain_text(row.text)
    for _ in range(copies):
        heard = confusions.noisy_copy(said, rng)
        if heard and heard != said:
            yield heard
