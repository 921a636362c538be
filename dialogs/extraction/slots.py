"""Which values did the customer give, in normal form?

Amounts become "250.00", dates ISO 8601, times "15:00", digits only digits, choices the pack's own
word. A slot is named by its role where a cue tells it ("from checking"), by its kind where not;
a number nobody can place yet is called "number" and the dialogue, which knows what was asked,
places it. What was taken back ("fifty, no, sixty", "not fifteen") is left out.
`tests/dialogs/test_slots.py` holds the forms, and `tests/bench/slots.py` measures them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from audio.types import Expectation
from dialogs.extraction.choices import chosen, named
from dialogs.extraction.dates import Spelled
from dialogs.extraction.numbers import Number, find
from dialogs.extraction.self_repair import NUMBER, YES_NO, Found, repaired
from dialogs.extraction.yes_no import assent
from dialogs.pack.model import Pack, SlotSpec
from dialogs.values import Slot

__all__ = ["NUMBER", "YES_NO", "extract"]

_MONEY_AFTER = re.compile(
    r"\s*(?:(?:us|u\.s\.|united states|american)\s+)?"
    r"(dollars?|bucks?|usd|quid|pounds?|euros?|€|£)(?![a-z])"
)
_CENT_AFTER = re.compile(r"\s*(?:cents?|pennies|penny)\b")
_MONEY_BEFORE = re.compile(r"[$€£]\s*$")


def extract(text: str, pack: Pack, expect: Expectation, today: date) -> tuple[Slot, ...]:
    """All values in `text`, in the order they were said."""
    low = text.lower().replace("\u2019", "'")
    taken: list[Found] = []
    for finder in DIGITS_ASKED if expect.kind == "digits" else FINDERS:
        for found in finder(low, pack, expect, today, taken):
            if not any(found.start < other.end and other.start < found.end for other in taken):
                taken.append(found)
    taken.sort(key=lambda found: found.start)
    return tuple(found.slot for found in repaired(low, taken, pack))


def _said(low: str, start: int, end: int, name: str, value: str, confidence: float = 1.0) -> Found:
    return Found(Slot(name, value, low[start:end], confidence), start, end)


def _yes_no(
    low: str, _pack: Pack, expect: Expectation, _today: date, _taken: list[Found]
) -> Iterator[Found]:
    if found := assent(low, asked=expect.kind == "yes_no"):
        start, end, value = found
        yield _said(low, start, end, YES_NO, value)


def _digits(
    low: str, pack: Pack, expect: Expectation, _today: date, _taken: list[Found]
) -> Iterator[Found]:
    specs = [spec for spec in pack.slots.values() if spec.type == "digits"]
    asked = expect.kind == "digits"
    runs = [n for n in find(low, "digits" if asked else "") if not _is_money(low, n)]
    cued = any(_cue(low, number, specs) for number in runs)
    if asked and len(runs) > 1 and not cued:
        joined = Number(runs[0].start, runs[-1].end, tuple(p for n in runs for p in n.parts), True)
        if len(joined.digits) == expect.length:
            runs = [joined]
    if asked and not cued and (both := _one_breath(runs, specs)):
        start, end = runs[0].start, runs[-1].end
        for i, (name, digits) in enumerate(both):
            yield Found(Slot(name, digits, low[start:end]), start + i, start + i + 1)
        return
    # Four of six digits are no passcode; beside a whole customer number they may be one.
    complete = not expect.length or any(len(n.digits) == expect.length for n in runs)
    for number in runs:
        spec = _cue(low, number, specs)
        if spec is None and (complete or len(number.digits) == expect.length):
            spec = _by_length(number, specs, expect)
        if spec is not None:
            yield _said(low, number.start, number.end, spec.name, number.digits)
        elif asked or (len(number.parts) > 2 and len(number.digits) >= 3):
            yield _said(low, number.start, number.end, "digits", number.digits)


def _one_breath(runs: list[Number], specs: list[SlotSpec]) -> list[tuple[str, str]]:
    """Every number we ask for, said one after another: told apart by their lengths."""
    digits = "".join(number.digits for number in runs)
    if len(specs) < 2 or len(digits) != sum(spec.length for spec in specs):
        return []
    ends = [sum(spec.length for spec in specs[: i + 1]) for i in range(len(specs))]
    return [(s.name, digits[end - s.length : end]) for s, end in zip(specs, ends, strict=True)]


def _cue(low: str, number: Number, specs: list[SlotSpec]) -> SlotSpec | None:
    before = low[: number.start].rstrip(" :,#")
    before = re.sub(r"\s(?:is|it's|its)$", "", before).rstrip(" :,#")
    return next((s for s in specs if any(before.endswith(cue) for cue in s.cues)), None)


def _by_length(number: Number, specs: list[SlotSpec], expect: Expectation) -> SlotSpec | None:
    """Only where digits were asked for: "transfer 1500" holds no passcode."""
    if expect.kind != "digits":
        return None
    return next((s for s in specs if s.length and len(number.digits) == s.length), None)


def _choices(
    low: str, pack: Pack, expect: Expectation, _today: date, _taken: list[Found]
) -> Iterator[Found]:
    roots = [s for s in pack.slots.values() if s.type == "choice" and s.name == s.family]
    for root in roots:
        for pick in chosen(low, root.values or {}, expect):
            role = _role(low, pick.start, root, pack)
            yield _said(low, pick.start, pick.end, role, pick.value, pick.confidence)


def _role(low: str, start: int, root: SlotSpec, pack: Pack) -> str:
    before = re.sub(r"\b(?:my|the|your|our|a)$", "", low[:start].rstrip()).rstrip()
    for spec in pack.slots.values():
        if spec.family == root.family and spec.name != root.name:
            for cue in spec.cues:
                if before.endswith(f" {cue}") or before == cue:
                    return spec.name
    return root.name


def _is_money(low: str, number: Number) -> bool:
    after, before = low[number.end :], low[: number.start]
    return bool(
        _MONEY_AFTER.match(after) or _CENT_AFTER.match(after) or _MONEY_BEFORE.search(before)
    )


def _money(
    low: str, _pack: Pack, expect: Expectation, _today: date, taken: list[Found]
) -> Iterator[Found]:
    """Numbers with a currency beside them."""
    numbers = find(low, "amount" if expect.kind == "amount" else "")
    used: set[int] = set()
    for i, number in enumerate(numbers):
        value = number.amount()
        money = _MONEY_AFTER.match(low, number.end)
        cents = _CENT_AFTER.match(low, number.end)
        if i in used or value is None or _inside(number, taken):
            continue
        start, end = number.start, number.end
        if before := _MONEY_BEFORE.search(low[:start]):
            start = before.start()
        elif money:
            end = money.end()
            following = numbers[i + 1] if i + 1 < len(numbers) else None
            if following and (extra := _cents(low, end, following)):
                value, end = value + extra[0], extra[1]
                used.add(i + 1)
        elif cents:
            value, end = value / 100, cents.end()
        else:
            continue
        yield _said(low, start, end, "amount", f"{value:.2f}")


def _bare_amounts(
    low: str, _pack: Pack, expect: Expectation, _today: date, taken: list[Found]
) -> Iterator[Found]:
    if expect.kind != "amount":
        return
    for number in find(low, "amount"):
        value = number.amount()
        if value is None and all(len(part) == 1 for part in number.parts):
            value = Decimal(number.digits)  # "one five zero" for 150
        if value is not None and not _pronoun(low, number) and not _inside(number, taken):
            yield _said(low, number.start, number.end, "amount", f"{value:.2f}")


def _cents(low: str, end: int, number: Number) -> tuple[Decimal, int] | None:
    """ "twenty nine dollars [and] fifty [cents]" """
    gap, whole = low[end : number.start], number.whole
    if whole is None or whole > 99 or gap.strip() not in {"", "and"}:
        return None
    after = _CENT_AFTER.match(low, number.end)
    if not after and (_MONEY_AFTER.match(low, number.end) or gap.strip() == "and"):
        return None
    return Decimal(whole) / 100, after.end() if after else number.end


def _days(
    low: str, _pack: Pack, expect: Expectation, today: date, _taken: list[Found]
) -> Iterator[Found]:
    spelled = Spelled(low)
    for span in spelled.times(asked=expect.kind == "date"):
        yield _said(low, span.start, span.end, "time", span.value)
    for span in spelled.dates(today, asked=expect.kind == "date"):
        yield _said(low, span.start, span.end, "date", span.value)


def _numbers(
    low: str, _pack: Pack, _expect: Expectation, _today: date, taken: list[Found]
) -> Iterator[Found]:
    for number in find(low):
        value = number.amount()
        if value is not None and not _pronoun(low, number) and not _inside(number, taken):
            plain = f"{value:f}"
            yield _said(low, number.start, number.end, NUMBER, plain)


def _names(
    low: str, pack: Pack, expect: Expectation, _today: date, _taken: list[Found]
) -> Iterator[Found]:
    spec = next((s for s in pack.slots.values() if s.type == "name"), None)
    if spec is None:
        return
    if found := named(low, spec.cues, asked=expect.kind == "name"):
        start, end, name = found
        yield _said(low, start, end, spec.name, name)


def _pronoun(low: str, number: Number) -> bool:
    """ "the new one" counts nothing."""
    return low[number.start : number.end] == "one" and low.strip() != "one"


def _inside(number: Number, taken: list[Found]) -> bool:
    return any(number.start < other.end and other.start < number.end for other in taken)


FINDERS = (_yes_no, _choices, _money, _days, _bare_amounts, _digits, _numbers, _names)
DIGITS_ASKED = (_yes_no, _digits, _choices, _money, _numbers, _names)
