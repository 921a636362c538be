"""Best-path search for known phrases in CTC letter probabilities.

A Viterbi search over CTC states, for questions whose answers are known: a closed list, or a number
of slots filled from a small vocabulary. Before and after the answer, but not inside it, filler may
be any letters at a cost, so "uh operator please" still finds "operator".

CTC: Graves et al. 2006. The path of letters, blanks and word boundaries is that paper's; repeated
letters need a blank between them. Checked against a brute-force search in
tests/audio/test_transcriber.py::test_search_finds_the_best_path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
IMPOSSIBLE = -1e9


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The letters of a CTC model by id. `boundary` separates words, `blank` is CTC's blank."""

    letters: tuple[str, ...]
    blank: int = 0
    boundary: int = 1

    def spell(self, text: str) -> list[int]:
        """The ids of `text`, for which `can_spell` must hold."""
        return [self.boundary if c == " " else self.letters.index(c) for c in text]

    def can_spell(self, text: str) -> bool:
        """Whether `text` is not empty and the alphabet has all of its letters."""
        return bool(text) and all(c == " " or c in self.letters for c in text)

    def character(self, letter: int) -> str:
        """The character for an id in greedily decoded text."""
        return self.letters[letter]

    def greedy_form(self, text: str) -> str:
        """`text` in the characters that greedy decoding would give for it."""
        return text


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase to search for. `slots` is how many slots it fills: "double two" fills two."""

    text: str
    slots: int = 1


@dataclass(frozen=True, slots=True)
class DecodedPhrase:
    """One decoded phrase or word with its frames [start, end).

    `score_gap` is the mean, over its letters, of its log probability minus that of the likeliest
    letters in the same frames: 0 at best.
    """

    text: str
    start: int
    end: int
    score_gap: float


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The best path of a search."""

    score: float  # of the best path, log probability
    decoded: tuple[DecodedPhrase, ...]
    phrase_scores: Scores  # best path per phrase that may come last


@dataclass
class _Graph:
    """States of the search; an edge is (from, to, gain). Built once for a question."""

    emits: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)  # which saying of a phrase, -1 for none
    edges: list[tuple[int, int, float]] = field(default_factory=list)
    occurrences: list[int] = field(default_factory=list)  # saying -> phrase
    initial_states: list[int] = field(default_factory=list)
    final_states: list[tuple[int, int]] = field(default_factory=list)  # (state, phrase)

    def add_state(self, emits: int, owner: int = -1) -> int:
        self.emits.append(emits)
        self.owners.append(owner)
        index = len(self.emits) - 1
        self.edges.append((index, index, 0.0))
        return index


def _build_graph(phrases: Sequence[Phrase], alphabet: Alphabet, slots: int, entry: float) -> _Graph:
    """`slots` 0 is a loop: any number of phrases. `entry` is the gain at the start of a phrase."""
    graph, filler, blank = _Graph(), len(alphabet.letters), alphabet.blank
    before = graph.add_state(filler)
    layers = slots or 1
    rests = [graph.add_state(blank) for _ in range(layers)]
    bars = [graph.add_state(alphabet.boundary) for _ in range(layers)]
    graph.initial_states += [before, rests[0]]
    graph.edges.append((before, rests[0], 0.0))
    for layer in range(layers if slots else 1):
        follows = layer + 1 if slots else 0
        if follows < layers:
            graph.edges.append((bars[layer], rests[follows], 0.0))
    for layer in range(layers):
        for index, phrase in enumerate(phrases):
            if slots and layer + phrase.slots > slots:
                continue
            head, ends = _add_phrase(graph, alphabet, index, phrase)
            entries = [rests[layer]]
            if layer == 0:
                graph.initial_states.append(head)
                entries.append(before)
            if layer > 0 or not slots:
                entries.append(bars[layer - 1])
            graph.edges += [(source, head, entry) for source in entries]
            reached = layer + phrase.slots
            if not slots or reached < slots:
                graph.edges += [(end, bars[reached - 1 if slots else 0], 0.0) for end in ends]
            if not slots or reached == slots:
                after = graph.add_state(filler)
                graph.edges += [(end, after, 0.0) for end in ends]
                graph.final_states += [(state, index) for state in (*ends, after)]
    return graph


def _add_phrase(
    graph: _Graph, alphabet: Alphabet, index: int, phrase: Phrase
) -> tuple[int, list[int]]:
    """The states of one phrase in one slot: (first letter, states it may end in)."""
    graph.occurrences.append(index)
    owner = len(graph.occurrences) - 1
    spelled = alphabet.spell(phrase.text)
    head = letter = graph.add_state(spelled[0], owner)
    for previous, following in zip(spelled, spelled[1:], strict=False):
        rest, after = graph.add_state(alphabet.blank, owner), graph.add_state(following, owner)
        graph.edges += [(letter, rest, 0.0), (rest, after, 0.0)]
        if previous != following:
            graph.edges.append((letter, after, 0.0))
        letter = after
    rest = graph.add_state(alphabet.blank, owner)
    graph.edges.append((letter, rest, 0.0))
    return head, [letter, rest]


def find_phrases(
    frame_scores: Scores,
    phrases: Sequence[Phrase],
    alphabet: Alphabet,
    *,
    slots: int = 1,
    entry: float = 0.0,
    filler: float = 1.5,
) -> SearchResult | None:
    """The best path through `frame_scores` (frames, letters), log probabilities.

    `slots` 0 allows any number of phrases, `entry` is the gain at the start of each, `filler` the
    cost of a filler letter in nats. None when no phrase fits into the frames.
    """
    if not phrases or not len(frame_scores):
        return None
    graph = _build_graph(phrases, alphabet, slots, entry)
    sources, gains, starts = _sorted_edges(graph)
    # A column for filler: blanks cost nothing, any letter costs `filler` nats a frame.
    letters = np.delete(frame_scores, alphabet.blank, 1).max(1) - filler
    emissions = np.column_stack(
        [frame_scores, np.maximum(frame_scores[:, alphabet.blank], letters)]
    )
    emitted = emissions[:, graph.emits]  # (frames, states)
    scores = np.full(emitted.shape, IMPOSSIBLE, np.float32)
    scores[0, graph.initial_states] = emitted[0, graph.initial_states]
    for frame in range(1, len(scores)):
        reached = scores[frame - 1][sources] + gains
        scores[frame] = np.maximum.reduceat(reached, starts) + emitted[frame]
    ends = np.array([state for state, _ in graph.final_states])
    final = scores[-1][ends]
    if final.max() <= IMPOSSIBLE / 2:
        return None
    each = np.full(len(phrases), IMPOSSIBLE, np.float32)
    np.maximum.at(each, [phrase for _, phrase in graph.final_states], final)
    path = _best_path(scores, sources, gains, starts, int(ends[final.argmax()]))
    gaps = emitted[np.arange(len(path)), path] - frame_scores.max(1)
    decoded = _decoded_phrases(graph, path, gaps, phrases, alphabet)
    return SearchResult(float(final.max()), decoded, each)


def _sorted_edges(graph: _Graph) -> tuple[NDArray[np.intp], Scores, NDArray[np.intp]]:
    """Sources, gains and the first edge of each target. No target is without edges: every state
    has a loop."""
    edges = sorted(graph.edges, key=lambda edge: edge[1])
    targets = np.array([target for _, target, _ in edges])
    starts = np.searchsorted(targets, np.arange(len(graph.emits)))
    sources = np.array([source for source, _, _ in edges], np.intp)
    return sources, np.array([gain for *_, gain in edges], np.float32), starts


def _best_path(
    scores: Scores,
    sources: NDArray[np.intp],
    gains: Scores,
    starts: NDArray[np.intp],
    state: int,
) -> NDArray[np.intp]:
    path = np.empty(len(scores), np.intp)
    stops = [*starts[1:], len(sources)]
    for frame in range(len(scores) - 1, 0, -1):
        path[frame] = state
        choices = slice(starts[state], stops[state])
        best = (scores[frame - 1][sources[choices]] + gains[choices]).argmax()
        state = int(sources[choices][best])
    path[0] = state
    return path


def _decoded_phrases(
    graph: _Graph,
    path: NDArray[np.intp],
    gaps: Scores,
    phrases: Sequence[Phrase],
    alphabet: Alphabet,
) -> tuple[DecodedPhrase, ...]:
    owners = np.array(graph.owners)[path]
    blanks = np.array(graph.emits)[path] == alphabet.blank
    # An occurrence cannot follow itself without a boundary, whose owner is -1.
    cuts = [0, *(np.flatnonzero(np.diff(owners)) + 1), len(owners)]
    decoded = []
    for start, stop in zip(cuts, cuts[1:], strict=False):
        if owners[start] < 0:
            continue
        end = int(start + np.flatnonzero(~blanks[start:stop])[-1] + 1)
        text = phrases[graph.occurrences[owners[start]]].text
        letters = len(alphabet.spell(text))
        decoded.append(
            DecodedPhrase(text, int(start), end, float(gaps[start:stop].sum()) / letters)
        )
    return tuple(decoded)
