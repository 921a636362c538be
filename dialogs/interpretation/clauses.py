"""Clauses of a turn, in plain words: the stretch that a negation or a condition reaches.

Punctuation and words such as "but" begin a new clause, and so does a subject that does not
continue the verb before it. Held by tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from dialogs.extraction.plain_words import plain_words

_SUBJECTS = r"(?:i|we|he|she|they|you|it|this|that)"
# After these a subject goes on with the same clause: "i do not think it is fraud".
# Also "the last thing I want", "no way I will", "under no circumstances do I want".
_EMBEDDING = (
    r"(?:think|believe|say|know|that|if|want|suppose|guess|sure|mean|because|whether|when"
    r"|thing|person|way|chance|circumstances)"
)
# Where a new clause begins, apart from punctuation.
_NEW_CLAUSE = re.compile(
    r"(?<!anything)(?<!anyone)(?<!anybody)(?<!everything) (?=but )"
    r"| (?=(?:because|since|so|then|instead|please|just|rather|however|only|though) )"
    r"| (?=and (?:i|my|please|can|could|just|instead|also|then|it|we|tell|give|send|show|get|what"
    r"|how|order|let|if|do|transfer|pay|block) )"
    r"|(?<! not)(?<! and)(?<! to)(?<! you)(?<!dare)(?<!again)(?<!never)(?<!ever)(?<!stances)"
    r" (?=(?:give|get|connect|put|transfer|pass) me )"
)
# Words before a subject with which it belongs to one question or verb: "do you", "what i".
_BEFORE_SUBJECT = frozenset(
    ["do", "did", "can", "could", "would", "will", "should", "is", "what", "how", "and"]
)
_MARKS = frozenset({",", "?"})


def sentences_of(text: str) -> Iterator[str]:
    """The stretches between punctuation marks, in plain words."""
    for words in _split_at([word.text for word in plain_words(text)], _MARKS):
        yield " ".join(words)


@lru_cache(maxsize=8)  # a turn is cut once, however many requests it is compared with
def clauses_of(text: str) -> tuple[str, ...]:
    """The clauses of a turn in plain words; a question mark belongs to none."""
    return tuple(
        clause
        for sentence in sentences_of(text)
        for piece in _NEW_CLAUSE.split(sentence)
        for clause in _split_at_subjects(piece.strip())
    )


def _split_at_subjects(clause: str) -> Iterator[str]:
    """A clause cut before each subject that does not continue it."""
    start = 0
    for match in re.finditer(rf"(?<! )(?: )(?={_SUBJECTS} )", clause):
        before = clause[start : match.start()].rsplit(" ", 1)[-1]
        subject = clause[match.end() :].split(" ", 1)[0]
        continues = re.fullmatch(_EMBEDDING, before) is not None
        if subject in {"it", "this", "that", "you"}:  # mostly an object: "block it", "to that"
            verb = clause[match.end() :].split(" ")[1:2]
            continues = continues or verb not in (["is"], ["was"], ["has"], ["did"])
        if before and not continues and match.start() > start and not before.endswith("not"):
            if before in _BEFORE_SUBJECT:
                continue
            yield clause[start : match.start()]
            start = match.end()
    if clause[start:]:
        yield clause[start:]


def _split_at(words: Sequence[str], marks: frozenset[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in marks:
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part
