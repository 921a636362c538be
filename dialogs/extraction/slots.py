"""Slot extraction: the values in a customer's words, in normal form.

Amounts become "250.00", dates ISO 8601, times "15:00", digits only digits, choices the pack's own
word. A slot is named by its role where a cue gives it ("from checking"), else by its kind; a bare
number is called "number", and the slot filling, which knows the open question, assigns it. An
expression that was not read whole is a slot with a problem and no value, so that it is asked about
and never guessed. Nothing is read twice: spans do not overlap. Values taken back ("fifty, no,
sixty", "not fifteen") are left out. `tests/dialogs/extraction/test_slots.py` holds the forms, and
`tests/bench/slots.py` measures them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from audio.types import Expectation
from dialogs.extraction.amounts import find_amounts
from dialogs.extraction.choices import find_choices
from dialogs.extraction.dates import find_dates
from dialogs.extraction.ear_repairs import HeardNumber
from dialogs.extraction.identity import IdentityReader
from dialogs.extraction.names import find_person_name
from dialogs.extraction.number_items import read_items
from dialogs.extraction.relative_amounts import find_relative_amounts
from dialogs.extraction.self_repair import SlotSpan, resolve_self_repairs
from dialogs.extraction.times import find_times, find_vague_time
from dialogs.extraction.tokens import fold_case
from dialogs.extraction.value_spans import ValueSpan, overlaps
from dialogs.extraction.yes_no import read_answer
from dialogs.pack.model import Pack, SlotSpec
from dialogs.pack.reserved_names import COUNT_SLOT, DIGITS_SLOT, NUMBER_SLOT, YES_NO_SLOT
from dialogs.values import Slot

MAX_CHARACTERS = 4000  # more is no answer, and is not read
MAX_SLOTS = 60  # values of one turn; what comes after them is not read
MIN_LONE_DIGITS = 4  # a lone number as long as this, not asked for, may be a code
_NUMBER_BEHIND = re.compile(r"\.?\s*(?:(?:is|was|[:=#])\s*)*\d{5,}")  # behind "no"
_ROLES = {"money": "amount", "amount": "amount", "count": COUNT_SLOT, "number": NUMBER_SLOT}


def extract(
    text: str, pack: Pack, expectation: Expectation, today: date, is_heard: bool = False
) -> tuple[Slot, ...]:
    """All values in `text`, in their order, without overlaps.

    `expectation` is the answer that the open question expects; dates are relative to `today`.
    `is_heard`: the words come from speech recognition, so they may be misheard.
    """
    reader = _SlotReader(text[:MAX_CHARACTERS], pack, expectation, today, is_heard)
    reader.read()
    spans = sorted(reader.spans, key=lambda span: span.start)
    return tuple(span.slot for span in resolve_self_repairs(reader.folded, spans, pack))


@dataclass(slots=True)
class _SlotReader:
    """The slots found so far in one text; each kind of value takes what no other has taken."""

    text: str
    pack: Pack
    expectation: Expectation
    today: date
    is_heard: bool
    spans: list[SlotSpan] = field(default_factory=list)
    folded: str = ""

    def read(self) -> None:
        self.folded = fold_case(self.text)
        if self.expectation.kind == "digits":
            self._take(self._identity())
        self._take(self._choices())
        if self.expectation.kind != "digits":
            self._take(self._identity(is_cued_only=True))
        self._numbers()
        self._take(self._identity())
        self._take(self._yes_no())
        self._take(self._name())

    def _take(self, found: Iterable[SlotSpan]) -> None:
        for span in found:
            if len(self.spans) == MAX_SLOTS:
                return
            if not any(span.start < other.end and other.start < span.end for other in self.spans):
                self.spans.append(span)

    def _slot(
        self,
        name: str,
        start: int,
        end: int,
        value: str,
        confidence: float = 1.0,
        problem: str = "",
    ) -> SlotSpan:
        said = self.folded[start:end]
        return SlotSpan(Slot(name, value, said, confidence, problem), start, end)

    def _yes_no(self) -> Iterator[SlotSpan]:
        """The yes or no that the turn opens with; the dialogue reads the whole turn again, knowing
        what was asked (dialogs/interpretation/yes_no_reply.py)."""
        answer = read_answer(self.folded)
        unit = answer.opening
        if unit is None or (answer.leading == "no" and _NUMBER_BEHIND.match(self.folded, unit.end)):
            return  # also "customer no. 100421"
        yield self._slot(YES_NO_SLOT, unit.start, unit.end, answer.leading)

    def _choices(self) -> Iterator[SlotSpan]:
        slots = self.pack.slots
        roots = [s for s in slots.values() if s.type == "choice" and s.name == s.family]
        for root in roots:
            for match in find_choices(self.folded, root.choices or {}, self.expectation):
                role = _role_name(self.folded, match.start, root, self.pack)
                yield self._slot(role, match.start, match.end, match.value, match.confidence)

    def _identity(self, is_cued_only: bool = False) -> Iterator[SlotSpan]:
        specs = [spec for spec in self.pack.slots.values() if spec.type == "digits"]
        for span in IdentityReader(self.folded, specs, self.expectation, self.is_heard).read():
            if not (is_cued_only and span.slot.name == DIGITS_SLOT):
                yield span

    def _numbers(self) -> None:
        """Days, times and amounts, from the same items, in this order."""
        is_day_asked = self.expectation.kind == "date"
        is_amount_asked = self.expectation.kind == "amount"
        heard: HeardNumber = "amount" if self.is_heard and is_amount_asked else ""
        items = read_items(self.text, heard)
        taken = [ValueSpan(span.start, span.end, "") for span in self.spans]
        items_free = [item for item in items if not overlaps(item.start, item.end, taken)]
        times = find_times(items_free, is_day_asked) if self.expectation.kind != "amount" else []
        times = [span for span in times if not overlaps(span.start, span.end, taken)]
        days = find_dates(items_free, self.today, times, is_day_asked)
        is_open = is_day_asked and not times and not any(span.value for span in days)
        if is_open and (vague := find_vague_time(items_free)):
            times = [vague]
            days = [span for span in days if not overlaps(span.start, span.end, times)]
        self._take(self._slot("date", s.start, s.end, s.value, problem=s.problem) for s in days)
        self._take(self._slot("time", s.start, s.end, s.value, problem=s.problem) for s in times)
        self._take(self._amounts(items, [*taken, *days, *times]))

    def _amounts(self, items: list, taken: list[ValueSpan]) -> Iterator[SlotSpan]:  # type: ignore[type-arg]
        is_asked = self.expectation.kind == "amount"
        amounts = [one for one in find_amounts(items, taken, is_asked) if one.role != "none"]
        if not any(one.role in {"money", "amount"} for one in amounts):
            relative = list(find_relative_amounts(self.folded, is_asked))
            for span in relative:
                yield self._slot("amount", span.start, span.end, "", problem=span.problem)
            if is_asked and amounts and not relative:  # a number was said, but no amount
                first = amounts.pop(0).span
                yield self._slot("amount", first.start, first.end, "", problem="unclear_amount")
        for one in amounts:
            span, name, value = one.span, _ROLES[one.role], one.span.value
            if span.problem and name == COUNT_SLOT:
                continue
            if value:
                value = f"{Decimal(value):.2f}" if name == "amount" else _plain(value)
            if name == NUMBER_SLOT and self._is_lone_code(span):
                name = DIGITS_SLOT
            yield self._slot(name, span.start, span.end, value, problem=span.problem)

    def _is_lone_code(self, span: ValueSpan) -> bool:
        """Whether a number is all that was said, and as long as a code: nobody asked for it."""
        said = self.folded[span.start : span.end]
        return said.isdigit() and len(said) >= MIN_LONE_DIGITS and said == self.folded.strip(" .!?")

    def _name(self) -> Iterator[SlotSpan]:
        spec = next((s for s in self.pack.slots.values() if s.type == "name"), None)
        if spec is None:
            return
        is_expected = self.expectation.kind == "name"
        if name := find_person_name(self.text, spec.cues, is_expected):
            yield self._slot(spec.name, name.start, name.end, name.value)


def _plain(value: str) -> str:
    """A number without zeros behind its decimal point."""
    return f"{Decimal(value).normalize():f}"


def _role_name(folded: str, start: int, root: SlotSpec, pack: Pack) -> str:
    """The slot of a choice by the cue before it: "to my savings" fills the account to move to."""
    before = re.sub(
        r"\b(?:my|the|your|our|a)$", "", folded[max(0, start - 60) : start].rstrip()
    ).rstrip()
    for spec in pack.slots.values():
        if spec.family == root.family and spec.name != root.name:
            for cue in spec.cues:
                if before.endswith(f" {cue}") or before == cue:
                    return spec.name
    return root.name
