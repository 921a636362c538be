"""Which sentences of the bank's documents answer this question, and from which document?

Passages are ranked by BM25 (bm25s). An answer is one to three sentences of the best passage,
quoted, with its source; when the words that carry the question are not in it, there is none.
Nothing is composed, so nothing can be claimed that no document says
(tests/dialogs/test_knowledge.py; tests/bench/knowledge.py measures).
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from dataclasses import dataclass
from math import log
from pathlib import Path

import bm25s  # type: ignore[import-untyped]
import numpy as np

from dialogs.knowledge.documents import renamed, sections
from dialogs.values import Source

_STOP_WORDS = (
    "a an the is are was were be been do does did i me my we our you your it its this that these "
    "those of to in on at for from by with as and or if so can could would should will shall may "
    "might what whats which who how when where why there here have has had get gets got about any "
    "some um uh please tell know want need like just also am im i'm it's that's what's not no yes "
    "hi hello thanks thank much many give gives come comes long fast soon often buy rid out take"
)
_STOP = frozenset(_STOP_WORDS.split())
SUBJECT_NAMED = 1.6  # how much nearer the pages of a product are that the question names
NUMBER_GIVEN = 1.3  # how much better an answer with a number is where one was asked for
_DIGIT = re.compile(r"\d")
_NUMBER_ASKED = re.compile(
    r"\bhow (?:much|many|long|fast|old|often|soon)\b|\b(?:fee|limit|rate|apy|interest|minimum|"
    r"maximum|cost|price|charge|amount|balance|discount)\b"
)
# Words customers use, and the words of the documents for the same thing.
_SAME = {
    "fee": "fee", "cost": "fee", "charge": "fee", "price": "fee", "apy": "interest",
    "rate": "interest", "teen": "minor", "teenager": "minor", "kid": "minor", "child": "minor",
    "abroad": "foreign", "overseas": "foreign", "international": "foreign", "yearly": "annual",
    "cheque": "check", "phone": "mobile", "cashback": "cash", "expire": "expir",
    "expiration": "expir", "expiry": "expir", "lose": "lost", "stolen": "lost", "least": "minimum",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Passage:
    source: Source
    subject: str  # the product the page is about, lower case
    sentences: tuple[str, ...]
    words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Answer:
    text: str
    source: Source
    score: float
    share: float  # of the question's weight that the passage covers, 0 to 1


class Knowledge:
    """The documents of a pack, ready to be asked. Never changes after it was read."""

    def __init__(
        self,
        passages: list[Passage],
        texts: list[list[str]],
        least_score: float,
        least_share: float,
    ) -> None:
        self.passages = tuple(passages)
        self.least_score, self.least_share = least_score, least_share
        counts = Counter(word for passage in passages for word in passage.words)
        self._weight = {w: log(1 + len(passages) / n) for w, n in counts.items()}
        self._subjects = sorted({p.subject for p in passages}, key=len, reverse=True)
        self._of_subject = {s: np.array([p.subject == s for p in passages]) for s in self._subjects}
        self._unknown = log(1 + 2 * max(1, len(passages)))
        self._ranking = bm25s.BM25()
        if passages:
            self._ranking.index(texts, show_progress=False)

    @classmethod
    def empty(cls) -> Knowledge:
        return cls([], [], 0.0, 0.0)

    @classmethod
    def read(
        cls,
        file: Path,
        rename: tuple[str, str] | None = None,
        least_score: float = 0.0,
        least_share: float = 0.0,
    ) -> Knowledge:
        """Documents as JSON lines, compressed: id, subject, title, text."""
        passages: list[Passage] = []
        texts: list[list[str]] = []
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                _add(json.loads(line), rename, passages, texts)
        return cls(passages, texts, least_score, least_share)

    def rank(self, question: str, count: int = 5) -> list[tuple[Passage, float]]:
        """The passages nearest to the question, best first."""
        asked = words_of(question)
        if not self.passages or not asked:
            return []
        known = [word for word in asked if word in self._weight]
        if not known:
            return []
        scores = np.asarray(self._ranking.get_scores(known))
        if subject := self._subject_of(question):
            scores = np.where(self._of_subject[subject], scores * SUBJECT_NAMED, scores)
        best = np.argsort(-scores, kind="stable")[:count]
        return [(self.passages[i], float(scores[i])) for i in best if scores[i] > 0]

    def answer(self, question: str) -> Answer | None:
        asked = words_of(question)
        weights = {word: self._weight.get(word, self._unknown) for word in asked}
        whole = sum(weights.values())
        number = bool(_NUMBER_ASKED.search(question.lower()))
        best: Answer | None = None
        best_value = 0.0
        for passage, score in self.rank(question, 6):
            share = sum(w for word, w in weights.items() if word in passage.words) / whole
            if score < self.least_score or share < self.least_share:
                continue
            text = _best(passage.sentences, weights, number)
            title = set(words_of(passage.source.title))
            if not number and sum(w for word, w in weights.items() if word in title) > 0.8 * whole:
                text = self._beginning(passage.source)
            value = score * share * (NUMBER_GIVEN if number and _DIGIT.search(text) else 1.0)
            if value > best_value:
                best, best_value = Answer(text, passage.source, score, share), value
        return best

    def parts(self, id: str) -> tuple[Passage, ...]:
        """The document called `id`, heading by heading; empty when there is none."""
        return tuple(passage for passage in self.passages if passage.source.id == id)

    def part(self, id: str, number: int) -> Answer:
        """How part `number`, from 1, of a document begins; IndexError when there is none."""
        passage = self.parts(id)[number - 1]
        return Answer(_quoted(passage), passage.source, 1.0, 1.0)

    def _beginning(self, source: Source) -> str:
        """How a page begins that is about the question as a whole."""
        first = next(p for p in self.passages if p.source == source)
        return _quoted(first, 3)

    def _subject_of(self, question: str) -> str:
        """The product named in the question, the longest name first."""
        said = " ".join(re.findall(r"[a-z0-9+-]+", question.lower()))
        plain = re.sub(r"\b(?:savings?|checking|business) (?=account\b)", "", said)
        for subject in self._subjects:
            for text in (said, plain):
                if re.search(rf"\b{re.escape(subject)}(?!\w)", text):
                    return subject
        return ""


def words_of(text: str) -> list[str]:
    """The words that carry meaning, without endings."""
    raw = re.findall(r"[a-z0-9%$][a-z0-9'.%-]*", text.lower().replace("\u2019", "'"))
    kept = (word.strip(".'-") for word in raw)
    return [_stem(word) for word in kept if word and word not in _STOP]


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending, least in (("ies", 5), ("ing", 6), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            if ending == "es" and not word.endswith(("ches", "shes", "xes", "sses")):
                continue
            word = word[: -len(ending)] + ("y" if ending == "ies" else "")
            break
    word = word.removesuffix("e") if len(word) > 5 else word
    return _SAME.get(word, _SAME.get(word + "e", word))


def _add(
    document: dict[str, str],
    rename: tuple[str, str] | None,
    passages: list[Passage],
    texts: list[list[str]],
) -> None:
    subject, title, text = document["subject"], document["title"], document["text"]
    if rename:
        subject, title, text = (renamed(part, *rename) for part in (subject, title, text))
    named = title if subject.lower() in title.lower() else f"{subject}: {title}"
    source = Source(document["id"], named)
    head = words_of(subject) * 2 + words_of(title)
    for heading, sentences in sections(text):
        words = head + words_of(heading) + words_of(" ".join(sentences))
        about = subject.lower().removesuffix(" business checking account")
        passages.append(Passage(source, about, tuple(sentences), frozenset(words)))
        texts.append(words)


def _best(sentences: tuple[str, ...], weights: dict[str, float], number: bool) -> str:
    """The sentences that carry most of the question, up to three, in their order.

    Where a number was asked for, a sentence with one carries more.
    """
    value = [sum(weights.get(word, 0.0) for word in set(words_of(s))) for s in sentences]
    if number:
        bonus = max(weights.values(), default=0.0)
        value = [
            v + bonus * bool(v and _DIGIT.search(s)) for v, s in zip(value, sentences, strict=True)
        ]
    top = max(range(len(sentences)), key=lambda i: (value[i], -i))
    chosen = {top}
    covered = set(words_of(sentences[top]))
    for i in sorted(range(len(sentences)), key=lambda i: (-value[i], i)):
        fresh = {w for w in words_of(sentences[i]) if w in weights} - covered
        if len(chosen) < 3 and fresh:
            chosen.add(i)
            covered |= fresh
    said = [_closed(sentences[i]) for i in sorted(chosen)]
    if len(said) == 1 and sentences[top].endswith(":") and top + 1 < len(sentences):
        said.append(_closed(sentences[top + 1]))
    return " ".join(said)


def _quoted(passage: Passage, sentences: int = 4) -> str:
    return " ".join(_closed(sentence) for sentence in passage.sentences[:sentences])


def _closed(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", ":")) else sentence + "."
