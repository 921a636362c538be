"""Consent grammar: what the whole of a turn says to a yes/no question, read without a model.

The turn is cut into units: agreement, refusal, cancelling, waiting, postponing, hesitation, a
condition, a question, steering, politeness, values that the question itself named, other content.
It is a "yes" only where nothing is left over that negates, asks, hedges, postpones, conditions or
steers; what is left is named. Held by tests/dialogs/extraction/test_yes_no.py and its corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dialogs.extraction.plain_words import PlainWord, plain_words
from dialogs.extraction.yes_no_phrases import GLUE_WORDS, UnitKind, patterns_for

YesNoKind = Literal[
    "yes", "no", "cancel", "wait", "later", "unsure", "question", "other", "nothing"
]
# What a yes, a no and a wait leave to be handled; a filler or a repeated value is nothing.
_LEFTOVERS = frozenset({"content", "steer", "condition", "question"})
_SILENT_UNITS = frozenset({"filler", "value", "closing"})
# With these people correct what they were about to say.
_TURNAROUNDS = frozenset(["actually", "i mean", "i meant", "i mean to say", "correction"])
_NO_WORDS = frozenset({"no", "nope", "nah", "n", "na", "nay", "naw"})
_YES_WORDS = frozenset({"yes", "yeah", "yea", "yep", "yup", "ya", "ye", "y"})
# Words that a caller may also mean as "go on", "I am listening" or "is it?".
_WEAK_WORDS = frozenset({"ok", "right", "alright", "k", "sure", "fine", "good", "great", "cool"})
# Praise agrees when it stands alone; behind an "oh" or a laugh it may be meant the other way round.
_PRAISE = frozenset(
    ["lovely", "excellent", "awesome", "brilliant", "splendid", "super", "sweet", "wonderful"]
    + ["fantastic", "fab", "perfect", "surely"]
)
_EXCLAMATIONS = frozenset(
    ["oh", "ooh", "o", "haha", "ha", "hehe", "lol", "wow", "omg", "jeez", "gosh", "my goodness"]
)
# Words after which more was to come: "yes, well", "ok, so".
_OPEN_ENDS = frozenset(["so", "well", "and", "uh", "um", "er", "erm", "hm", "like", "you know"])
MAX_WORDS = 60  # words that are read; a longer turn is more than an answer


@dataclass(frozen=True, slots=True)
class AnswerUnit:
    """One unit of an answer and its place [start, end) in the text."""

    kind: UnitKind
    words: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class YesNoAnswer:
    """What a turn answers. `leading` is the polarity it opens with, "" for none; `span` is the
    place of the units that decide, and `leftover` that of what they leave, empty for nothing."""

    kind: YesNoKind
    leading: Literal["yes", "no", ""] = ""
    span: tuple[int, int] = (0, 0)
    leftover: tuple[int, int] = (0, 0)
    is_weak: bool = False  # only words that may also mean "go on"
    leans_to_yes: bool = False  # of "unsure": a hedged yes
    units: tuple[AnswerUnit, ...] = ()

    @property
    def has_leftover(self) -> bool:
        """Whether something remains to be handled."""
        return self.leftover[1] > self.leftover[0]

    @property
    def opening(self) -> AnswerUnit | None:
        """The agreement or refusal that the turn opens with: all of an answer, or a plain word
        such as "no" before something else; None without one."""
        kind = {"yes": "agree", "no": "refuse"}.get(self.leading)
        unit = next((unit for unit in self.units if unit.kind == kind), None)
        if unit is None or self.kind in {"yes", "no"}:
            return unit
        return unit if unit.words.split()[0] in _NO_WORDS | _YES_WORDS | _WEAK_WORDS else None

    def units_of(self, *kinds: UnitKind) -> tuple[AnswerUnit, ...]:
        """The units of these kinds, in order."""
        return tuple(unit for unit in self.units if unit.kind in kinds)


@lru_cache(maxsize=1024)
def read_answer(
    text: str,
    values: tuple[tuple[int, int], ...] = (),
    topic_words: frozenset[str] = frozenset(),
    new_words: frozenset[str] = frozenset(),
) -> YesNoAnswer:
    """The answer that `text` gives to a yes/no question.

    `values` are the places of values that the question itself named, and `topic_words` its other
    plain words: both may be said again beside a yes. `new_words` say something that it did not
    name, so they are never mere politeness.
    """
    words = plain_words(text)
    units = tuple(_cut(words[:MAX_WORDS], values, topic_words, new_words))
    if len(words) > MAX_WORDS:
        units = (*units, AnswerUnit("content", "", len(text) - 1, len(text)))
    spoken = [unit for unit in units if unit.kind != "filler"]
    if not spoken:
        return YesNoAnswer("nothing", units=units)
    spoken = _after_turnaround(spoken)
    kind = _decide(spoken)
    if kind == "yes" and (_is_left_open(units) or _is_ironic(units)):
        return YesNoAnswer("unsure", "yes", _span(spoken), leans_to_yes=True, units=units)
    deciding = [unit for unit in spoken if unit.kind not in _LEFTOVERS | _SILENT_UNITS]
    left = [unit for unit in spoken if unit.kind in _LEFTOVERS]
    return YesNoAnswer(
        kind,
        _leading(spoken),
        _span(deciding or spoken),
        _span(left),
        is_weak=kind == "yes" and all(u.words in _WEAK_WORDS for u in spoken if u.kind == "agree"),
        leans_to_yes=kind == "unsure" and not any(u.kind == "refuse" for u in spoken)
        and any(u.kind == "agree" or u.words.split()[-1] in _LEANING_WORDS for u in spoken),
        units=units,
    )  # fmt: skip


def _after_turnaround(units: list[AnswerUnit]) -> list[AnswerUnit]:
    """What counts of a turn in which the customer corrects themselves: "actually, yes" says yes and
    "ok, actually don't" says no. A yes counts only where nothing stood before the correction, and
    nothing but an answer may follow it."""
    turn = max((i for i, unit in enumerate(units) if unit.words in _TURNAROUNDS), default=-1)
    rest = units[turn + 1 :]
    kinds = {unit.kind for unit in rest}
    answers = {"agree", "refuse", "cancel", "wait"}
    is_answer = bool(kinds & answers) and kinds <= answers | {"value"}
    if turn < 0 or not is_answer or {"agree", "refuse"} <= kinds:
        return units
    return units if "agree" in kinds and turn > 0 else rest


_LEANING_WORDS = frozenset(
    ["guess", "suppose", "think", "believe", "so", "is", "yes", "probably", "it", "reckon"]
)


def _decide(units: Sequence[AnswerUnit]) -> YesNoKind:
    kinds = {unit.kind for unit in units}
    has_leftover = bool(kinds & _LEFTOVERS)
    if units[0].kind == "wait" and kinds <= {"wait", "content", "value", "filler"}:
        return "wait"  # with its reason: "one second, somebody is at the door"
    if "cancel" in kinds and not kinds & {"content", "condition", "question"}:
        return "cancel"
    if "question" in kinds:
        asks = _leading(units) != "no" or any(u.words == "?" for u in units) or "agree" in kinds
        return "question" if asks else "no"  # "no, leave it where it is"
    if kinds & {"content", "condition"} or "cancel" in kinds:
        return "no" if _leading(units) == "no" and "agree" not in kinds else "other"
    if "postpone" in kinds:
        return "later"
    if "wait" in kinds:
        return _decide_with_wait(units, kinds)
    if has_leftover:
        return "no" if _leading(units) == "no" and "agree" not in kinds else "other"
    if "unsure" in kinds:
        return "unsure"
    if "agree" in kinds and "refuse" in kinds:
        return _decide_mixed([unit for unit in units if unit.kind in {"agree", "refuse"}])
    if "refuse" in kinds:
        return "no"
    return "yes" if "agree" in kinds else "other"


def _is_left_open(units: Sequence[AnswerUnit]) -> bool:
    """Whether the turn breaks off behind its yes."""
    said = [unit for unit in units if unit.words != ","]
    return said[-1].kind == "filler" and said[-1].words in _OPEN_ENDS


def _is_ironic(units: Sequence[AnswerUnit]) -> bool:
    """Whether an exclamation stands beside words that agree only when they are meant."""
    agreed = [unit.words for unit in units if unit.kind == "agree"]
    exclaims = any(unit.kind == "filler" and unit.words in _EXCLAMATIONS for unit in units)
    return exclaims and all(words in _WEAK_WORDS | _PRAISE for words in agreed)


def _decide_with_wait(units: Sequence[AnswerUnit], kinds: set[UnitKind]) -> YesNoKind:
    """Of "ok, wait" and "wait, no" the later unit counts; a yes after a wait is asked again."""
    if "refuse" in kinds:
        return "no"
    if "steer" in kinds:
        return "other"
    last = next(unit.kind for unit in reversed(units) if unit.kind not in _SILENT_UNITS)
    return "wait" if last in {"wait", "unsure"} else "unsure"


def _decide_mixed(units: Sequence[AnswerUnit]) -> YesNoKind:
    """Yes and no in one turn. "No, yeah, that's right" says yes: the first word only takes up what
    was said before. It needs a plain yes and a sentence that agrees after it."""
    if units[-1].kind == "refuse":
        return "no"
    first_yes = next(i for i, unit in enumerate(units) if unit.kind == "agree")
    before, after = units[:first_yes], units[first_yes:]
    takes_up = all(unit.words in _NO_WORDS for unit in before)
    confirms = after[0].words.split()[0] in _YES_WORDS and (
        len(after) > 1 or len(after[0].words.split()) > 1
    )
    is_all_yes = all(unit.kind == "agree" for unit in after)
    return "yes" if before and takes_up and confirms and is_all_yes else "unsure"


def _leading(units: Sequence[AnswerUnit]) -> Literal["yes", "no", ""]:
    first = next((unit for unit in units if unit.kind not in {"wait", "value", "unsure"}), None)
    if first is None or first.kind not in {"agree", "refuse"}:
        return ""
    return "yes" if first.kind == "agree" else "no"


def _span(units: Sequence[AnswerUnit]) -> tuple[int, int]:
    return (units[0].start, units[-1].end) if units else (0, 0)


def _cut(
    words: tuple[PlainWord, ...],
    values: tuple[tuple[int, int], ...],
    topic_words: frozenset[str],
    new_words: frozenset[str],
) -> Iterable[AnswerUnit]:
    """The units of a turn, in order and without gaps."""
    text = " ".join(word.text for word in words)
    starts: list[int] = []
    at = 0
    for word in words:
        starts.append(at)
        at += len(word.text) + 1
    known_words = (topic_words | GLUE_WORDS) - new_words
    i = 0
    while i < len(words):
        value_end = next((end for start, end in values if start <= words[i].start < end), 0)
        if value_end:
            kind: UnitKind = "value"
            j = next((k for k in range(i, len(words)) if words[k].start >= value_end), len(words))
        elif phrase := _longest_phrase(text, starts[i], _next_value(words, starts, i, values)):
            kind, end = phrase
            j = next((k for k in range(i, len(words)) if starts[k] >= end), len(words))
        else:
            kind = "value" if words[i].text in known_words else "content"
            j = i + 1
        said = " ".join(word.text for word in words[i:j])
        if kind == "filler" and not new_words.isdisjoint(said.split()):
            kind = "content"
        yield AnswerUnit(kind, said, words[i].start, words[j - 1].end)
        i = j


def _next_value(
    words: tuple[PlainWord, ...],
    starts: list[int],
    i: int,
    values: tuple[tuple[int, int], ...],
) -> int:
    """Where the next value after word `i` begins in the plain text; its length without one."""
    after = (k for k in range(i + 1, len(words)) if any(s <= words[k].start < e for s, e in values))
    return next((starts[k] - 1 for k in after), starts[-1] + len(words[-1].text))


def _longest_phrase(text: str, start: int, limit: int) -> tuple[UnitKind, int] | None:
    """The kind of the longest phrase at `start` and where it ends, before `limit`; None without
    any."""
    text = text[:limit]
    ends = [
        (match.end(), kind)
        for kind, pattern in patterns_for(text[start : start + 1])
        if (match := pattern.match(text, start))
    ]
    end, kind = max(ends, key=lambda one: one[0], default=(start, "content"))
    return (kind, end) if end > start else None
