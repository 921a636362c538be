"""Requests to undo what was done in the conversation, by its verb, its name or its opposite.

Negated ones are none. Held by tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

import re

from dialogs.interpretation.clauses import clauses_of, sentences_of
from dialogs.interpretation.negations import is_negated_at
from dialogs.pack.model import Pack
from dialogs.pack.trigger_words import title_words, word_stem

_UNDO_VERB = r"(?:undo|revert|reverse|roll back|retract|take back)"
_UNDO = re.compile(
    rf"\b(?:{_UNDO_VERB}|cancel|call off|stop|get back)"
    r" (?:it|that|this|them|(?:the|my) [^ ]+(?: [^ ]+){0,2})"
    r" (?:i|you|we) (?:just |have |have just )?(?:made|did|sent|paid|ordered|booked|moved"
    r"|transferred|opened|placed|scheduled)\b"
    r"|\b(?:can|could|may) (?:it|that|this|the [^ ]+) (?:still )?be (?:undone|reversed|cancell?ed"
    r"|stopped|revoked|taken back)\b"
    rf"|\b{_UNDO_VERB} (?:it|that|this|them|everything|the last (?:one|thing|step))"
    r"(?: (?:again|please|now|immediately))*$"
    rf"|\b{_UNDO_VERB} (?:the|my) (?:last )?(?:transfer|payment|order|booking|transaction|dispute)"
    r"|\b(?:send|give|put|move|bring|take|change|turn) (?:it|that|this|the money|my money) back\b"
    r"|\bi want (?:it|that|my money) back\b|\b(?:undo|reverse)$"
)
_BARE_UNDO = re.compile(
    rf"(?:^|\b(?:can|could|please|to|and|just|you|so|now|then|one|it) ){_UNDO_VERB} "
    r"(?:it|that|this|them)(?: (?:again|please|now|immediately|then|for me))*$"
    r"|\b(?:take|change|turn) (?:it|that|this) back(?: (?:please|now|again|then|for me))*$"
)
_UNDOING_OF = rf"(?:{_UNDO_VERB}|cancel|lift|remove|release|take off|withdraw|delete)"


def names_undoing(text: str) -> bool:
    """Whether the words ask to undo what was done in this conversation: "undo that"."""
    return _finds(_UNDO, text)


def _finds(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is in a sentence of `text`, and not negated."""
    return any(
        (match := pattern.search(sentence)) is not None
        and not is_negated_at(f"{sentence} ", match.start())
        for sentence in sentences_of(text)
    )


def names_bare_undoing(text: str) -> bool:
    """Whether a sentence asks to take "it" or "that" back, by its verb alone: it never answers
    a question."""
    return _finds(_BARE_UNDO, text)


def names_undoing_of(pack: Pack, flow_name: str, text: str) -> bool:
    """Whether the words ask to undo what the flow does, by its name or by the opposite of its
    verb: "lift the block", "unblock it"."""
    own = title_words(pack.flows[flow_name].title).union(
        *(pack.triggers[name] for name, one in pack.intents.items() if one.flow == flow_name)
    )
    pattern = re.compile(rf"\b{_UNDOING_OF} (?:(?:the|my|that|this) )?((?:[^ ]+ ?){{1,3}})")
    for clause in clauses_of(text):
        padded = f"{clause} "
        objects = [(m.start(), m.group(1).split()) for m in pattern.finditer(padded)]
        opposites = [(m.start(), [m.group(1)]) for m in re.finditer(r"\bun-?([a-z]{3,})", padded)]
        for place, words in (*objects, *opposites):
            if own & {word_stem(word) for word in words} and not is_negated_at(padded, place):
                return True
    return False
