"""What in these words is private: which numbers and addresses nobody else needs to see?

Found are cards, accounts, social security numbers, e-mail addresses, telephone numbers and codes,
typed or spoken ("four one one one", "double five"). Amounts, days, times and years are never
private. Where it is not clear what a number is, its length and what had been asked decide
(tests/agent/test_redaction.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from phonenumbers import PhoneNumberMatcher
from stdnum import luhn

from agent.privacy.allow_list import (
    dates,
    days,
    everybodys,
    money,
    not_a_number,
    of_money,
    quantity,
)
from agent.privacy.context_cues import Cue, after_cue, cued
from agent.privacy.email_addresses import addresses
from agent.privacy.text_folding import folded, without
from audio.types import Expectation
from dialogs.extraction.numbers import Number, find
from dialogs.pack.model import Pack, SlotSpec
from dialogs.pack.privacy_rules import Kind

LABELS: dict[Kind, str] = {
    "card": "card number", "account": "account number", "ssn": "social security number",
    "email": "e-mail address", "phone": "phone number", "code": "code",
}  # fmt: skip
CARD, LONGEST_CARD = 13, 19  # digits
ACCOUNT = 6  # digits: a bare number of as many is nothing else, an amount says so
CODE, LONGEST_CODE = 4, 8


@dataclass(frozen=True, slots=True)
class Span:
    """Private: `text[start:end]`. `value` is what was meant, however written: digits only, or an
    address in lower case. `label` says what it is."""

    start: int
    end: int
    kind: Kind
    value: str = ""
    label: str = ""


def spans(text: str, asked: Expectation, pack: Pack, growing: bool = False) -> tuple[Span, ...]:
    """What is private in `text`, left to right, never overlapping: the kinds that the pack wants
    hidden, and its secret slots whatever it says.

    `growing`: more may follow, so a number at the end that is no private one yet counts too.
    """
    low = folded(text)
    if not _MAY_BE.search(low):
        return ()
    taken = [*_emails(low)]
    written_days = dates(low)
    taken += _long(without(low, [*_places(taken), *written_days]))
    open_text = without(low, _places(taken))
    harmless = [*written_days, *money(open_text), *days(open_text, asked)]
    open_text = without(open_text, harmless)
    taken += _patterned(open_text)
    open_text = without(open_text, _places(taken))
    taken += _numbers(open_text, asked, pack, growing)
    wanted = (one for one in taken if one.kind in pack.privacy.redact or _secret(one, asked, pack))
    named = (replace(one, label=one.label or LABELS[one.kind]) for one in wanted)
    return tuple(sorted(named, key=lambda one: one.start))


def _secret(span: Span, asked: Expectation, pack: Pack) -> bool:
    """Whether it may be what the pack calls secret: by its name, its length, or what was asked."""
    if not span.value.isdigit():
        return False
    for spec in secrets(pack):
        if span.label == spec.label or len(span.value) == spec.length:
            return True
        if asked.kind == "digits" and asked.length in {0, spec.length}:
            return True
    return False


def secrets(pack: Pack) -> list[SlotSpec]:
    """The numbers that a pack calls secret."""
    return [spec for spec in pack.slots.values() if spec.secret and spec.type == "digits"]


# A zero between pauses: "one, oh, one".
_LONE_OH = re.compile(r"(?<=[\s,.;-])oh(?=[\s,.;-]|$)")
# Nothing is found in words that hold neither a digit, nor a digit's name, nor an address.
_MAY_BE = re.compile(r"[\d@]|\bdot\b|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
                     r"|twelve|teen|twenty|thirty|forty|fifty|hundred|oh\b")  # fmt: skip
_LONG = re.compile(rf"(?<!\d)\d(?:[\s.\-_/]{{0,3}}\d){{{CARD - 1},}}(?!\d)")
_SSN = re.compile(r"(?<!\d)\d{3}([ -])\d\d\1\d{4}(?!\d)")
_GAP = re.compile(r"[\s,.;-]*(?:(?:uh|um|er|and|then|dash|hyphen|space|slash|next)\b[\s,.;-]*)*")
_FILLER = re.compile(
    r"(?:(?:yes|yeah|sure|ok|okay|it's|its|it|is|that's|that|here|um|uh|thanks|thank|you|please|the"
    r"|my|and|then|sir)\b|[\s\0.,:;!?#*-])*"
)


def _places(found: list[Span]) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in found]


def _emails(low: str) -> Iterator[Span]:
    for start, end, address in addresses(low):
        yield Span(start, end, "email", address)


def _long(low: str) -> list[Span]:
    """Runs that are long enough for a card, also those said with pauses."""
    found = []
    for match in _LONG.finditer(low):
        found.append(_card(match.start(), match.end(), re.sub(r"\D", "", match.group())))
    for chain in _chains(without(low, _places(found))):
        digits = "".join(number.digits for number in chain)
        if len(digits) >= CARD and (len(chain) > 1 or len(chain[0].parts) > 1):
            end = chain[-1].end + low.startswith("oh", chain[-1].end - 1)
            found.append(_card(chain[0].start, end, digits))
    return found


def _card(start: int, end: int, digits: str) -> Span:
    card = len(digits) <= LONGEST_CARD or luhn.is_valid(digits)
    return Span(start, end, "card" if card else "account", digits)


def _chains(low: str) -> Iterator[list[Number]]:
    """Numbers with nothing but pauses between them."""
    low = _LONE_OH.sub("0 ", low)
    chain: list[Number] = []
    for number in find(low):
        if of_money(low, number):
            continue
        if chain and not _GAP.fullmatch(low[chain[-1].end : number.start]):
            yield chain
            chain = []
        chain.append(number)
    if chain:
        yield chain


def _patterned(low: str) -> list[Span]:
    found = [
        Span(match.start(), match.end(), "ssn", re.sub(r"\D", "", match.group()))
        for match in _SSN.finditer(low)
    ]
    rest = without(low, _places(found))
    for match in PhoneNumberMatcher(rest, "US"):
        digits = re.sub(r"\D", "", match.raw_string)
        if len(digits) != len(match.raw_string) or len(digits) > 9:
            found.append(Span(match.start, match.end, "phone", digits))
    return found


def _numbers(low: str, asked: Expectation, pack: Pack, growing: bool) -> Iterator[Span]:
    runs = find(low, "digits" if asked.kind == "digits" else "")
    specs = secrets(pack)
    alone = _alone(low, runs)
    cues = [cued(low[: run.start], specs) or after_cue(low[run.end :], specs) for run in runs]
    joined = "".join(run.digits for run in runs)
    if asked.kind == "digits" and len(runs) > 1 and not any(cues) and len(joined) == asked.length:
        yield Span(runs[0].start, runs[-1].end, _kind(joined), joined)
        return
    for run, cue in zip(runs, cues, strict=True):
        last = growing and not low[run.end :].strip(" \0.,")
        kind = _judged(low, run, cue, asked, alone)
        if kind is None and last and len(run.digits) >= 3:
            kind = _kind(run.digits)
        if kind is not None:
            label = cue.label if cue else ""
            yield from _apart(low, Span(run.start, run.end, kind, run.digits, label), specs)


def _judged(low: str, run: Number, cue: Cue | None, asked: Expectation, alone: bool) -> Kind | None:
    """What a run of digits is, None when it is not private."""
    count = len(run.digits)
    if everybodys(low, run):
        return None
    if cue is not None and count >= cue.least:
        return (
            "ssn" if cue.kind == "ssn" else _kind(run.digits) if cue.kind == "account" else "code"
        )
    if not_a_number(low, run):
        return None
    if asked.kind == "digits" and (count >= 3 or (alone and count > 1)):
        return _kind(run.digits)
    some = asked.kind in {"amount", "date"} or quantity(low, run)
    if some and (count < CARD or len(run.parts) == 1):
        return None if not run.parts[3:] or asked.kind in {"amount", "date"} else _kind(run.digits)
    one_by_one = len(run.parts) >= CODE and all(len(part) == 1 for part in run.parts)
    if count >= ACCOUNT and (run.written or one_by_one or len(run.parts) > 2):
        return _kind(run.digits)
    if asked.kind == "choice":
        return None
    code = CODE <= count <= LONGEST_CODE
    return "code" if code and (one_by_one or alone) else None


def _kind(digits: str) -> Kind:
    if CARD <= len(digits) <= LONGEST_CARD:
        return "card"
    return "account" if len(digits) >= ACCOUNT else "code"


def _alone(low: str, runs: list[Number]) -> bool:
    """Whether the message is nothing but numbers."""
    rest = without(low, [(run.start, run.end) for run in runs])
    return bool(runs) and _FILLER.fullmatch(rest) is not None


def _apart(low: str, span: Span, specs: list[SlotSpec]) -> Iterator[Span]:
    """Several secrets in one breath are told apart by their lengths, as the dialogue does."""
    digits, lengths = span.value, [spec.length for spec in specs]
    if len(lengths) < 2 or len(digits) != sum(lengths) or span.kind != "account":
        yield span
        return
    ends = [sum(lengths[: i + 1]) for i in range(len(lengths))]
    begins, cuts = [0, *ends[:-1]], _cuts(low, span)
    if not all(at in cuts for at in (*ends, *begins)):
        yield span
        return
    for begin, end, spec in zip(begins, ends, specs, strict=True):
        value = digits[begin:end]
        yield Span(cuts[begin][0], cuts[end][1], _kind(value), value, spec.label)


def _cuts(low: str, span: Span) -> dict[int, tuple[int, int]]:
    """How many digits were said -> where the next one starts, and where the last one ended."""
    cuts = {0: (span.start, span.start)}
    for match in re.finditer(r"\d|[a-z]+", low[span.start : span.end]):
        start, end = span.start + match.start(), span.start + match.end()
        before, upto = _count(low[span.start : start]), _count(low[span.start : end])
        if before in cuts:
            cuts[before] = (start, cuts[before][1])
        cuts[upto] = (end, end)
    return cuts


def _count(low: str) -> int:
    return sum(len(number.digits) for number in find(low, "digits"))
