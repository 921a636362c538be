"""BM25 retrieval of quotable sentences from the bank's documents, with their source.

Passages are ranked by BM25 (bm25s). An answer quotes one to three sentences of the best passage
and names the document; when the passage lacks the words that carry the question, there is no
answer. Text is only quoted, never composed, so every claim is in a document
(tests/dialogs/knowledge/test_retrieval.py; tests/bench/knowledge.py measures).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log
from pathlib import Path

import bm25s  # type: ignore[import-untyped]
import numpy as np

from dialogs.knowledge.documents import markdown_sections, replace_bank_name
from dialogs.values import DocumentSource

_STOP_WORDS = (
    "a an the is are was were be been do does did i me my we our you your it its this that these "
    "those of to in on at for from by with as and or if so can could would should will shall may "
    "might what whats which who how when where why there here have has had get gets got about any "
    "some um uh please tell know want need like just also am im i'm it's that's what's not no yes "
    "hi hello thanks thank much many give gives come comes long fast soon often buy rid out take"
)
_STOP_WORD_SET = frozenset(_STOP_WORDS.split())
NAMED_SUBJECT_FACTOR = 1.6  # score factor for pages of the product that the question names
NUMBER_IN_ANSWER_FACTOR = 1.3  # value factor for an answer with a number when one was asked for
_DIGIT = re.compile(r"\d")
_NUMBER_ASKED = re.compile(
    r"\bhow (?:much|many|long|fast|old|often|soon)\b|\b(?:fee|limit|rate|apy|interest|minimum|"
    r"maximum|cost|price|charge|amount|balance|discount)\b"
)
# Words customers use, mapped to the words of the documents for the same thing.
_SYNONYMS = {
    "fee": "fee", "cost": "fee", "charge": "fee", "price": "fee", "apy": "interest",
    "rate": "interest", "teen": "minor", "teenager": "minor", "kid": "minor", "child": "minor",
    "abroad": "foreign", "overseas": "foreign", "international": "foreign", "yearly": "annual",
    "cheque": "check", "phone": "mobile", "cashback": "cash", "expire": "expir",
    "expiration": "expir", "expiry": "expir", "lose": "lost", "stolen": "lost", "least": "minimum",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    """One section of a document: its sentences, and the stems by which it is found."""

    source: DocumentSource
    subject: str  # the product the page is about, lower case
    sentences: tuple[str, ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """Quoted sentences and their document. `score` is the passage's BM25 score."""

    text: str
    source: DocumentSource
    score: float
    coverage: float  # share of the question's word weight that the passage covers, 0 to 1


class Knowledge:
    """BM25 index over the documents of a pack. Immutable once built."""

    def __init__(
        self,
        passages: list[Passage],
        texts: list[list[str]],
        min_score: float,
        min_coverage: float,
    ) -> None:
        self.passages = tuple(passages)
        self.min_score, self.min_coverage = min_score, min_coverage
        counts = Counter(word for passage in passages for word in passage.words)
        self._word_weights = {w: log(1 + len(passages) / n) for w, n in counts.items()}
        self._subjects = sorted({p.subject for p in passages}, key=len, reverse=True)
        self._subject_masks = {
            s: np.array([p.subject == s for p in passages]) for s in self._subjects
        }
        self._unknown_word_weight = log(1 + 2 * max(1, len(passages)))
        self._ranking = bm25s.BM25()
        if passages:
            self._ranking.index(texts, show_progress=False)

    @classmethod
    def empty(cls) -> Knowledge:
        """An index without documents: it answers nothing."""
        return cls([], [], 0.0, 0.0)

    @classmethod
    def read(
        cls,
        file: Path,
        bank_names: tuple[str, str] | None = None,
        min_score: float = 0.0,
        min_coverage: float = 0.0,
    ) -> Knowledge:
        """An index over a gzipped file of JSON lines, each with id, subject, title and text.

        `bank_names` replaces the first name in the documents by the second.
        """
        return _read_index(file.read_bytes(), bank_names, min_score, min_coverage)

    def rank_passages(self, question: str, count: int = 5) -> list[tuple[Passage, float]]:
        """At most `count` passages with their BM25 scores, best first; only scores above 0."""
        words = content_words(question)
        if not self.passages or not words:
            return []
        indexed_words = [word for word in words if word in self._word_weights]
        if not indexed_words:
            return []
        scores = np.asarray(self._ranking.get_scores(indexed_words))
        if subject := self._subject_of(question):
            scores = np.where(self._subject_masks[subject], scores * NAMED_SUBJECT_FACTOR, scores)
        best = np.argsort(-scores, kind="stable")[:count]
        return [(self.passages[i], float(scores[i])) for i in best if scores[i] > 0]

    def find_answer(self, question: str) -> DocumentAnswer | None:
        """The best answer; None when no passage reaches `min_score` and `min_coverage`."""
        words = content_words(question)
        weights = {word: self._word_weights.get(word, self._unknown_word_weight) for word in words}
        total_weight = sum(weights.values())
        wants_number = bool(_NUMBER_ASKED.search(question.lower()))
        best: DocumentAnswer | None = None
        best_value = 0.0
        for passage, score in self.rank_passages(question, 6):
            coverage = sum(w for word, w in weights.items() if word in passage.words) / total_weight
            if score < self.min_score or coverage < self.min_coverage:
                continue
            text = _best_sentences(passage.sentences, weights, wants_number)
            title = set(content_words(passage.source.title))
            if (
                not wants_number
                and sum(w for word, w in weights.items() if word in title) > 0.8 * total_weight
            ):
                text = self._first_sentences(passage.source)
            value = (
                score
                * coverage
                * (NUMBER_IN_ANSWER_FACTOR if wants_number and _DIGIT.search(text) else 1.0)
            )
            if value > best_value:
                best, best_value = DocumentAnswer(text, passage.source, score, coverage), value
        return best

    def document_parts(self, document_id: str) -> tuple[Passage, ...]:
        """The passages of one document in their order; empty for an unknown id."""
        return tuple(passage for passage in self.passages if passage.source.id == document_id)

    def document_part(self, document_id: str, number: int) -> DocumentAnswer:
        """The first sentences of part `number`, from 1, of a document; IndexError without one."""
        passage = self.document_parts(document_id)[number - 1]
        return DocumentAnswer(_quote(passage), passage.source, 1.0, 1.0)

    def _first_sentences(self, source: DocumentSource) -> str:
        """The first sentences of a document whose title matches the question as a whole."""
        first = next(p for p in self.passages if p.source == source)
        return _quote(first, 3)

    def _subject_of(self, question: str) -> str:
        """The product named in the question, the longest name first; empty for none."""
        question_text = " ".join(re.findall(r"[a-z0-9+-]+", question.lower()))
        plain = re.sub(r"\b(?:savings?|checking|business) (?=account\b)", "", question_text)
        for subject in self._subjects:
            for text in (question_text, plain):
                if re.search(rf"\b{re.escape(subject)}(?!\w)", text):
                    return subject
        return ""


@lru_cache(maxsize=2)  # a pack that is loaded again mostly has the documents that it had
def _read_index(
    compressed: bytes,
    bank_names: tuple[str, str] | None,
    min_score: float,
    min_coverage: float,
) -> Knowledge:
    """The index over a file's content."""
    passages: list[Passage] = []
    texts: list[list[str]] = []
    # Documents repeat their words thirty times, and no word of a customer is kept here.
    stem = cache(_stem)
    for line in gzip.decompress(compressed).splitlines():
        _add_document(json.loads(line), bank_names, stem, passages, texts)
    return Knowledge(passages, texts, min_score, min_coverage)


def content_words(text: str) -> list[str]:
    """Stems of the content words in order, synonyms mapped to one word, stop words left out."""
    return [_stem(word) for word in _unstemmed_content_words(text)]


def _unstemmed_content_words(text: str) -> list[str]:
    raw = re.findall(r"[a-z0-9%$][a-z0-9'.%-]*", text.lower().replace("\u2019", "'"))
    stripped = (word.strip(".'-") for word in raw)
    return [word for word in stripped if word and word not in _STOP_WORD_SET]


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            if ending == "es" and not word.endswith(("ches", "shes", "xes", "sses")):
                continue
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    word = word.removesuffix("e") if len(word) > 5 else word
    return _SYNONYMS.get(word, _SYNONYMS.get(word + "e", word))


def _add_document(
    document: dict[str, str],
    bank_names: tuple[str, str] | None,
    stem: Callable[[str], str],
    passages: list[Passage],
    texts: list[list[str]],
) -> None:
    def stems(text: str) -> list[str]:
        return [stem(word) for word in _unstemmed_content_words(text)]

    subject, title, text = document["subject"], document["title"], document["text"]
    if bank_names:
        subject, title, text = (
            replace_bank_name(part, *bank_names) for part in (subject, title, text)
        )
    source_title = title if subject.lower() in title.lower() else f"{subject}: {title}"
    source = DocumentSource(document["id"], source_title)
    head = stems(subject) * 2 + stems(title)
    for heading, sentences in markdown_sections(text):
        words = head + stems(heading) + stems(" ".join(sentences))
        about = subject.lower().removesuffix(" business checking account")
        passages.append(Passage(source, about, tuple(sentences), frozenset(words)))
        texts.append(words)


def _best_sentences(
    sentences: tuple[str, ...], weights: dict[str, float], wants_number: bool
) -> str:
    """The up to three sentences with the most question weight, in their order.

    When a number was asked for, a sentence with a number weighs more.
    """
    value = [sum(weights.get(word, 0.0) for word in set(content_words(s))) for s in sentences]
    if wants_number:
        bonus = max(weights.values(), default=0.0)
        value = [
            v + bonus * bool(v and _DIGIT.search(s)) for v, s in zip(value, sentences, strict=True)
        ]
    top = max(range(len(sentences)), key=lambda i: (value[i], -i))
    chosen = {top}
    covered = set(content_words(sentences[top]))
    for i in sorted(range(len(sentences)), key=lambda i: (-value[i], i)):
        fresh = {w for w in content_words(sentences[i]) if w in weights} - covered
        if len(chosen) < 3 and fresh:
            chosen.add(i)
            covered |= fresh
    quoted = [_with_full_stop(sentences[i]) for i in sorted(chosen)]
    if len(quoted) == 1 and sentences[top].endswith(":") and top + 1 < len(sentences):
        quoted.append(_with_full_stop(sentences[top + 1]))
    return " ".join(quoted)


def _quote(passage: Passage, sentences: int = 4) -> str:
    return " ".join(_with_full_stop(sentence) for sentence in passage.sentences[:sentences])


def _with_full_stop(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", ":")) else sentence + "."
