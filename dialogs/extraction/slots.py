"""Slot extraction: the values in a customer's words, in normal form.

Amounts become "250.00", dates ISO 8601, times "15:00", digits only digits, choices the pack's own
word. A slot is named by its role where a cue gives it ("from checking"), else by its kind; a bare
number is called "number", and the slot filling, which knows the open question, assigns it. Values
taken back ("fifty, no, sixty", "not fifteen") are left out.
`tests/dialogs/extraction/test_slots.py` holds the forms, and `tests/bench/slots.py` measures them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from audio.types import Expectation
from dialogs.extraction.choices import find_choices, find_person_name
from dialogs.extraction.dates import DateText
from dialogs.extraction.numbers import Number, find_numbers
from dialogs.extraction.self_repair import SlotSpan, resolve_self_repairs
from dialogs.extraction.yes_no import yes_or_no
from dialogs.pack.model import Pack, SlotSpec
from dialogs.pack.reserved_names import DIGITS_SLOT, NUMBER_SLOT, YES_NO_SLOT
from dialogs.values import Slot

_MONEY_AFTER = re.compile(
    r"\s*(?:(?:us|u\.s\.|united states|american)\s+)?"
    r"(dollars?|bucks?|usd|quid|pounds?|euros?|€|£)(?![a-z])"
)
_CENT_AFTER = re.compile(r"\s*(?:cents?|pennies|penny)\b")
_MONEY_BEFORE = re.compile(r"[$€£]\s*$")


def extract(text: str, pack: Pack, expectation: Expectation, today: date) -> tuple[Slot, ...]:
    """All values in `text`, in their order, without overlaps.

    `expectation` is the answer that the open question expects; dates are relative to `today`.
    """
    lowered = text.lower().replace("\u2019", "'")
    spans: list[SlotSpan] = []
    for finder in FINDERS_FOR_DIGITS if expectation.kind == "digits" else FINDERS:
        for span in finder(lowered, pack, expectation, today, spans):
            if not any(span.start < other.end and other.start < span.end for other in spans):
                spans.append(span)
    spans.sort(key=lambda span: span.start)
    return tuple(span.slot for span in resolve_self_repairs(lowered, spans, pack))


def _slot_span(
    lowered: str, start: int, end: int, name: str, value: str, confidence: float = 1.0
) -> SlotSpan:
    return SlotSpan(Slot(name, value, lowered[start:end], confidence), start, end)


def _find_yes_no(
    lowered: str, _pack: Pack, expectation: Expectation, _today: date, _spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    if match := yes_or_no(lowered, is_expected=expectation.kind == "yes_no"):
        start, end, value = match
        yield _slot_span(lowered, start, end, YES_NO_SLOT, value)


def _find_digits(
    lowered: str, pack: Pack, expectation: Expectation, _today: date, _spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    specs = [spec for spec in pack.slots.values() if spec.type == "digits"]
    is_expected = expectation.kind == "digits"
    runs = [
        n
        for n in find_numbers(lowered, "digits" if is_expected else "")
        if not _is_money(lowered, n)
    ]
    cued = any(_cued_spec(lowered, number, specs) for number in runs)
    if is_expected and len(runs) > 1 and not cued:
        joined_run = Number(
            runs[0].start, runs[-1].end, tuple(p for n in runs for p in n.groups), True
        )
        if len(joined_run.digits) == expectation.length:
            runs = [joined_run]
    if is_expected and not cued and (several := _split_by_length(runs, specs)):
        start, end = runs[0].start, runs[-1].end
        for i, (name, digits) in enumerate(several):
            yield SlotSpan(Slot(name, digits, lowered[start:end]), start + i, start + i + 1)
        return
    # Four of six expected digits are no passcode, unless a run of full length is there too.
    complete = not expectation.length or any(len(n.digits) == expectation.length for n in runs)
    for number in runs:
        spec = _cued_spec(lowered, number, specs)
        if spec is None and (complete or len(number.digits) == expectation.length):
            spec = _spec_by_length(number, specs, expectation)
        if spec is not None:
            yield _slot_span(lowered, number.start, number.end, spec.name, number.digits)
        elif is_expected or (len(number.groups) > 2 and len(number.digits) >= 3):
            yield _slot_span(lowered, number.start, number.end, DIGITS_SLOT, number.digits)


def _split_by_length(runs: list[Number], specs: list[SlotSpec]) -> list[tuple[str, str]]:
    """All digit slots said in one go, split by their lengths; empty when the total differs."""
    digits = "".join(number.digits for number in runs)
    if len(specs) < 2 or len(digits) != sum(spec.length for spec in specs):
        return []
    ends = [sum(spec.length for spec in specs[: i + 1]) for i in range(len(specs))]
    return [(s.name, digits[end - s.length : end]) for s, end in zip(specs, ends, strict=True)]


def _cued_spec(lowered: str, number: Number, specs: list[SlotSpec]) -> SlotSpec | None:
    before = lowered[: number.start].rstrip(" :,#")
    before = re.sub(r"\s(?:is|it's|its)$", "", before).rstrip(" :,#")
    return next((s for s in specs if any(before.endswith(cue) for cue in s.cues)), None)


def _spec_by_length(
    number: Number, specs: list[SlotSpec], expectation: Expectation
) -> SlotSpec | None:
    """The digit slot of this length, only if digits were asked for: "transfer 1500" has none."""
    if expectation.kind != "digits":
        return None
    return next((s for s in specs if s.length and len(number.digits) == s.length), None)


def _find_choices(
    lowered: str, pack: Pack, expectation: Expectation, _today: date, _spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    roots = [s for s in pack.slots.values() if s.type == "choice" and s.name == s.family]
    for root in roots:
        for match in find_choices(lowered, root.choices or {}, expectation):
            role = _role_name(lowered, match.start, root, pack)
            yield _slot_span(lowered, match.start, match.end, role, match.value, match.confidence)


def _role_name(lowered: str, start: int, root: SlotSpec, pack: Pack) -> str:
    before = re.sub(r"\b(?:my|the|your|our|a)$", "", lowered[:start].rstrip()).rstrip()
    for spec in pack.slots.values():
        if spec.family == root.family and spec.name != root.name:
            for cue in spec.cues:
                if before.endswith(f" {cue}") or before == cue:
                    return spec.name
    return root.name


def _is_money(lowered: str, number: Number) -> bool:
    after, before = lowered[number.end :], lowered[: number.start]
    return bool(
        _MONEY_AFTER.match(after) or _CENT_AFTER.match(after) or _MONEY_BEFORE.search(before)
    )


def _find_money(
    lowered: str, _pack: Pack, expectation: Expectation, _today: date, spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    """Amounts: numbers with a currency beside them."""
    numbers = find_numbers(lowered, "amount" if expectation.kind == "amount" else "")
    used: set[int] = set()
    for i, number in enumerate(numbers):
        value = number.amount()
        money = _MONEY_AFTER.match(lowered, number.end)
        cents = _CENT_AFTER.match(lowered, number.end)
        if i in used or value is None or _overlaps(number, spans):
            continue
        start, end = number.start, number.end
        if before := _MONEY_BEFORE.search(lowered[:start]):
            start = before.start()
        elif money:
            end = money.end()
            following = numbers[i + 1] if i + 1 < len(numbers) else None
            if following and (extra := _cents_after(lowered, end, following)):
                value, end = value + extra[0], extra[1]
                used.add(i + 1)
        elif cents:
            value, end = value / 100, cents.end()
        else:
            continue
        yield _slot_span(lowered, start, end, "amount", f"{value:.2f}")


def _find_bare_amounts(
    lowered: str, _pack: Pack, expectation: Expectation, _today: date, spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    if expectation.kind != "amount":
        return
    for number in find_numbers(lowered, "amount"):
        value = number.amount()
        if value is None and all(len(part) == 1 for part in number.groups):
            value = Decimal(number.digits)  # "one five zero" for 150
        if value is not None and not _is_pronoun(lowered, number) and not _overlaps(number, spans):
            yield _slot_span(lowered, number.start, number.end, "amount", f"{value:.2f}")


def _cents_after(lowered: str, end: int, number: Number) -> tuple[Decimal, int] | None:
    """The cents after dollars, "[and] fifty [cents]", and where they end; None without."""
    gap, whole = lowered[end : number.start], number.whole_number
    if whole is None or whole > 99 or gap.strip() not in {"", "and"}:
        return None
    after = _CENT_AFTER.match(lowered, number.end)
    if not after and (_MONEY_AFTER.match(lowered, number.end) or gap.strip() == "and"):
        return None
    return Decimal(whole) / 100, after.end() if after else number.end


def _find_dates_and_times(
    lowered: str, _pack: Pack, expectation: Expectation, today: date, _spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    spelled = DateText(lowered)
    for span in spelled.times(is_expected=expectation.kind == "date"):
        yield _slot_span(lowered, span.start, span.end, "time", span.value)
    for span in spelled.dates(today, is_expected=expectation.kind == "date"):
        yield _slot_span(lowered, span.start, span.end, "date", span.value)


def _find_bare_numbers(
    lowered: str, _pack: Pack, _expect: Expectation, _today: date, spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    for number in find_numbers(lowered):
        value = number.amount()
        if value is not None and not _is_pronoun(lowered, number) and not _overlaps(number, spans):
            text = f"{value:f}"
            yield _slot_span(lowered, number.start, number.end, NUMBER_SLOT, text)


def _find_names(
    lowered: str, pack: Pack, expectation: Expectation, _today: date, _spans: list[SlotSpan]
) -> Iterator[SlotSpan]:
    spec = next((s for s in pack.slots.values() if s.type == "name"), None)
    if spec is None:
        return
    if match := find_person_name(lowered, spec.cues, is_expected=expectation.kind == "name"):
        start, end, name = match
        yield _slot_span(lowered, start, end, spec.name, name)


def _is_pronoun(lowered: str, number: Number) -> bool:
    """Whether "one" is a pronoun here, as in "the new one", and no number."""
    return lowered[number.start : number.end] == "one" and lowered.strip() != "one"


def _overlaps(number: Number, spans: list[SlotSpan]) -> bool:
    return any(number.start < other.end and other.start < number.end for other in spans)


FINDERS = (
    _find_yes_no,
    _find_choices,
    _find_money,
    _find_dates_and_times,
    _find_bare_amounts,
    _find_digits,
    _find_bare_numbers,
    _find_names,
)
FINDERS_FOR_DIGITS = (
    _find_yes_no,
    _find_digits,
    _find_choices,
    _find_money,
    _find_bare_numbers,
    _find_names,
)
