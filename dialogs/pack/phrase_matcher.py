"""Phrase matcher: finds all patterns of a file in a text in one pass.

The patterns become one non-deterministic automaton over words, so the time grows with the length of
the text and never with the ways in which gaps could be filled. A mistake of typing or recognition
in a word that the file lists for it is forgiven. Held by tests/dialogs/pack/test_care_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rapidfuzz import process
from rapidfuzz.distance import OSA

from dialogs.pack.phrase_candidates import CandidatePatterns, pattern_key
from dialogs.pack.phrase_patterns import (
    Alternatives,
    Gap,
    PatternSequence,
    PatternWord,
    SentenceEdge,
)
from dialogs.pack.phrase_text import SENTENCE_END, SKIPPED_WORDS, FoldedWord

MIN_MISSPELT_LETTERS = 4  # shorter words have too many neighbours to be guessed at
TWO_MISTAKES_FROM = 9  # letters from which two mistakes are forgiven
MAX_GUESSED_WORDS = 200  # unknown words of one text that are compared with the vocabulary
_OPENERS = SKIPPED_WORDS | {
    "yes",
    "yeah",
    "no",
    "ok",
    "okay",
    "hi",
    "hello",
    "hey",
    "and",
    "but",
    "sorry",
}


@dataclass(frozen=True, slots=True)
class PatternMatch:
    """One pattern found: its number, and the first and last of the folded words."""

    pattern: int
    first: int
    last: int

    def is_covered_by(self, other: PatternMatch) -> bool:
        """Whether the other match takes at least half of these words."""
        common = min(self.last, other.last) - max(self.first, other.first) + 1
        return 2 * common > self.last - self.first


@dataclass(slots=True)
class _State:
    words: Mapping[str, int] = field(default_factory=dict)  # word, or "prefix*" -> next state
    after_any: int | None = None  # next state after a word of a gap
    empty: tuple[int, ...] = ()  # states reached without a word
    at_end: int | None = None  # state reached when the sentence ends here
    pattern: int | None = None  # the pattern that is complete here

    @property
    def leads_on(self) -> bool:
        """Whether anything happens here, beside that other states are reached."""
        return bool(self.words) or self.after_any is not None or self.pattern is not None


_FirstStates = dict[str, set[int]]  # word, or "prefix*" -> states after it


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a pattern begins: anywhere or at the start of a sentence, and with which words."""

    is_at_start: bool
    first_states: _FirstStates


class PhraseMatcher:
    """All patterns of a file. `misspelt` are words that count when they are misspelt, too;
    `other_words` are words that are none of them."""

    def __init__(
        self,
        patterns: Sequence[PatternSequence],
        misspelt: Iterable[str] = (),
        other_words: Iterable[str] = (),
    ) -> None:
        self._states: list[_State] = []
        self._closures: dict[tuple[int, bool], tuple[int, ...]] = {}
        self._entries: list[_Entry] = [self._add(n, parts) for n, parts in enumerate(patterns)]
        self._closures.clear()  # the states are complete only now
        self._candidates = CandidatePatterns(patterns)
        keys = {key for state in self._states for key in state.words}
        self._prefixes = frozenset(key[:-1] for key in keys if key.endswith("*"))
        self._vocabulary = frozenset(key for key in keys if not key.endswith("*"))
        self._guessable = tuple(sorted(set(misspelt)))
        self._never_guessed = frozenset(other_words)

    def find(self, words: Sequence[FoldedWord]) -> Iterator[PatternMatch]:
        """Each pattern where it is complete; its beginning is the latest that is possible."""
        keys_of = self._keys([folded.word for folded in words])
        anywhere, only_at_start = self._first_states({k for keys in keys_of.values() for k in keys})
        if not anywhere and not only_at_start:
            return
        at_start, ends = _sentence_starts(words), _sentence_ends(words)
        active: dict[int, int] = {}  # state -> first word
        for place, folded in enumerate(words):
            if folded.word == SENTENCE_END:
                active = {}
                continue
            entered = dict(self._step(active, keys_of[folded.word], ends[place]))
            for first_states in (anywhere, only_at_start if at_start[place] else {}):
                for key in keys_of[folded.word]:
                    for target in first_states.get(key, ()):
                        entered.update(dict.fromkeys(self._closure(target, ends[place]), place))
            for state, first in entered.items():
                number = self._states[state].pattern
                if number is not None:
                    yield PatternMatch(number, first, place)
            active = {**active, **entered} if folded.word in SKIPPED_WORDS else entered

    def _first_states(self, keys: set[str]) -> tuple[_FirstStates, _FirstStates]:
        """The states that the first words of a text's candidate patterns lead to: of those that
        begin anywhere, and of those that begin a sentence."""
        anywhere: _FirstStates = {}
        at_start: _FirstStates = {}
        for number in self._candidates.of_keys(keys):
            entry = self._entries[number]
            table = at_start if entry.is_at_start else anywhere
            for key in entry.first_states.keys() & keys:
                table.setdefault(key, set()).update(entry.first_states[key])
        return anywhere, at_start

    def _step(
        self, active: Mapping[int, int], keys: tuple[str, ...], is_end: bool
    ) -> Iterator[tuple[int, int]]:
        """The states after one word, and the first word of each, the latest last."""
        for state, first in sorted(active.items(), key=lambda one: one[1]):
            node = self._states[state]
            for key in keys if node.words else ():
                target = node.words.get(key)
                if target is not None:
                    yield from ((one, first) for one in self._closure(target, is_end))
            if node.after_any is not None:
                yield from ((one, first) for one in self._closure(node.after_any, is_end))

    def _closure(self, state: int, is_end: bool) -> tuple[int, ...]:
        """The states reached from `state` without another word."""
        known = self._closures.get((state, is_end))
        if known is None:
            found, to_visit = {state}, [state]
            while to_visit:
                current = self._states[to_visit.pop()]
                further = [*current.empty]
                if is_end and current.at_end is not None:
                    further.append(current.at_end)
                to_visit += [one for one in further if one not in found]
                found.update(further)
            known = self._closures[state, is_end] = tuple(
                one for one in sorted(found) if self._states[one].leads_on
            )
        return known

    # -- the words of a text ---------------------------------------------------------------------

    def _keys(self, words: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """For each word of a text the words and prefixes of patterns that it stands for."""
        keys: dict[str, tuple[str, ...]] = {}
        guesses_left = MAX_GUESSED_WORDS
        for word in words:
            if word in keys:
                continue
            known = self._known_keys(word)
            if not known and guesses_left and self._may_be_misspelt(word):
                guesses_left -= 1
                known = self._resembled(word)
            keys[word] = known
        return keys

    def _known_keys(self, word: str) -> tuple[str, ...]:
        """The words and prefixes of patterns that `word` is, as it is written."""
        sizes = range(1, len(word) + 1)
        prefixes = (f"{word[:size]}*" for size in sizes if word[:size] in self._prefixes)
        return (*((word,) if word in self._vocabulary else ()), *prefixes)

    def _may_be_misspelt(self, word: str) -> bool:
        return len(word) >= MIN_MISSPELT_LETTERS and word not in self._never_guessed

    def _resembled(self, word: str) -> tuple[str, ...]:
        """The words of the patterns that `word` may be a misspelling of, the nearest only."""
        mistakes = 2 if len(word) >= TWO_MISTAKES_FROM else 1
        near = process.extract(
            word, self._guessable, scorer=OSA.distance, score_cutoff=mistakes, limit=8
        )
        candidates = [
            (int(distance), known)
            for known, distance, _ in near
            if set(known[:2]) & set(word[:2]) and word != f"{known}s"
        ]
        nearest = min((distance for distance, _ in candidates), default=0)
        return tuple(
            key
            for distance, known in candidates
            if distance == nearest
            for key in self._known_keys(known)
        )

    # -- construction ----------------------------------------------------------------------------

    def _add(self, number: int, parts: PatternSequence) -> _Entry:
        is_anchored = bool(parts) and isinstance(parts[0], SentenceEdge) and parts[0].is_start
        final = self._new(_State(pattern=number))
        entry = self._build(parts[1:] if is_anchored else parts, final)
        first_states: _FirstStates = {}
        for state in self._closure(entry, False):
            for key, target in self._states[state].words.items():
                first_states.setdefault(key, set()).add(target)
        return _Entry(is_anchored, first_states)

    def _build(self, parts: PatternSequence, then: int) -> int:
        """The state before `parts`, after which comes the state `then`."""
        for part in reversed(parts):
            match part:
                case PatternWord():
                    then = self._new(_State(words={pattern_key(part): then}))
                case Gap(most):
                    for _ in range(most):
                        then = self._new(_State(after_any=then, empty=(then,)))
                case SentenceEdge():
                    then = self._new(_State(at_end=then))
                case Alternatives(options):
                    then = self._build_options(options, then)
        return then

    def _build_options(self, options: Sequence[PatternSequence], then: int) -> int:
        words: dict[str, int] = {}
        others: list[int] = []
        for option in options:
            match option:
                case (PatternWord() as word,):
                    words[pattern_key(word)] = then
                case _:
                    others.append(self._build(option, then))
        return self._new(_State(words, empty=tuple(others)))

    def _new(self, state: _State) -> int:
        self._states.append(state)
        return len(self._states) - 1


def _sentence_starts(words: Sequence[FoldedWord]) -> list[bool]:
    """For each word, whether no other but openers ("no", "well") stands before it."""
    starts: list[bool] = []
    is_start = True
    for folded in words:
        starts.append(is_start)
        is_start = folded.word == SENTENCE_END or (is_start and folded.word in _OPENERS)
    return starts


def _sentence_ends(words: Sequence[FoldedWord]) -> list[bool]:
    """For each word, whether only words without weight follow it in its sentence."""
    ends: list[bool] = []
    is_end = True
    for folded in reversed(words):
        if folded.word == SENTENCE_END:
            is_end = True
        ends.append(is_end)
        if folded.word != SENTENCE_END:
            is_end = is_end and folded.word in SKIPPED_WORDS
    return ends[::-1]
