"""Detection of private numbers and addresses in typed or transcribed text.

Detects cards, accounts, social security numbers, e-mail addresses, telephone numbers and codes,
typed or spoken ("four one one one", "double five"). Amounts, dates, times and years are never
private. Where the words do not say what a number is, its length and the question that the customer
was asked decide (tests/agent/privacy/test_detection.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from phonenumbers import PhoneNumberMatcher
from stdnum import luhn

from agent.privacy.allow_list import (
    find_amounts_of_money,
    find_dates_and_times,
    find_numeric_dates,
    has_currency,
    is_amount,
    is_grouped_or_years,
    is_public_number,
)
from agent.privacy.context_cues import MAX_CUE_DISTANCE, ContextCue, cue_after, cue_before
from agent.privacy.email_addresses import find_email_addresses
from agent.privacy.text_folding import blank_out, fold_text
from audio.types import Expectation
from dialogs.extraction.identity import IdentityReader
from dialogs.extraction.numbers import Number, find_numbers
from dialogs.pack.model import Pack, SlotSpec
from dialogs.pack.privacy_rules import PiiKind

LABELS: dict[PiiKind, str] = {
    "card": "card number", "account": "account number", "ssn": "social security number",
    "email": "e-mail address", "phone": "phone number", "code": "code",
}  # fmt: skip
MIN_CARD_DIGITS, MAX_CARD_DIGITS = 13, 19
MIN_ACCOUNT_DIGITS = 6  # of a bare number; an amount would be marked as one
MIN_CODE_DIGITS, MAX_CODE_DIGITS = 4, 8


@dataclass(frozen=True, slots=True)
class PrivateSpan:
    """A private value at `text[start:end]`. `value` is its normal form: digits only, or an e-mail
    address in lower case. `label` is its name for people."""

    start: int
    end: int
    kind: PiiKind
    value: str = ""
    label: str = ""


def detect(
    text: str, expectation: Expectation, pack: Pack, is_partial: bool = False
) -> tuple[PrivateSpan, ...]:
    """The private spans of `text`, left to right, never overlapping: the kinds that the pack's
    privacy rules name, and always its secret slots.

    With `is_partial` more words may follow, so a number at the end that may still become a private
    one counts, too.
    """
    low = fold_text(text)
    if not _CANDIDATE.search(low):
        return ()
    spans = [*_find_emails(low)]
    numeric_dates = find_numeric_dates(low)
    spans += _find_cards(blank_out(low, [*_bounds(spans), *numeric_dates]))
    open_text = blank_out(low, _bounds(spans))
    spans += _find_identity(open_text, expectation, pack)
    open_text = blank_out(low, _bounds(spans))
    public_bounds = [
        *numeric_dates,
        *find_amounts_of_money(open_text),
        *find_dates_and_times(open_text, expectation),
    ]
    open_text = blank_out(open_text, public_bounds)
    spans += _find_patterns(open_text)
    open_text = blank_out(open_text, _bounds(spans))
    spans += _find_numbers(open_text, expectation, pack, is_partial)
    wanted = (
        one
        for one in spans
        if one.kind in pack.privacy.redacted_kinds or _is_secret(one, expectation, pack)
    )
    named = (replace(one, label=one.label or LABELS[one.kind]) for one in wanted)
    return tuple(sorted(named, key=lambda one: one.start))


def _is_secret(span: PrivateSpan, expectation: Expectation, pack: Pack) -> bool:
    """Whether the span may be a secret slot of the pack: by its label, its length, or because the
    customer was asked for digits."""
    if not span.value.isdigit():
        return False
    for spec in secret_slots(pack):
        if span.label == spec.label or len(span.value) == spec.length:
            return True
        if expectation.kind == "digits" and expectation.length in {0, spec.length}:
            return True
    return False


def secret_slots(pack: Pack) -> list[SlotSpec]:
    """The slots of digits that the pack marks as secret."""
    return [spec for spec in pack.slots.values() if spec.is_secret and spec.type == "digits"]


# An "oh" between pauses, which means zero: "one, oh, one".
_LONE_OH = re.compile(r"(?<=[\s,.;-])oh(?=[\s,.;-]|$)")
# A quick test: without a digit, a name of a digit or a sign of an address nothing is private.
_CANDIDATE = re.compile(
    r"[\d@]|\bdot\b|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven"
    r"|twelve|teen|twenty|thirty|forty|fifty|hundred|thousand|oh\b"
)
_CARD_LENGTH_RUN = re.compile(rf"(?<!\d)\d(?:[\s.\-_/]{{0,3}}\d){{{MIN_CARD_DIGITS - 1},}}(?!\d)")
_SSN = re.compile(r"(?<!\d)\d{3}([ -])\d\d\1\d{4}(?!\d)")
_GAP = re.compile(r"[\s,.;-]*(?:(?:uh|um|er|and|then|dash|hyphen|space|slash|next)\b[\s,.;-]*)*")
_FILLER = re.compile(
    r"(?:(?:yes|yeah|sure|ok|okay|it's|its|it|is|that's|that|here|um|uh|thanks|thank|you|please|the"
    r"|my|and|then|sir)\b|[\s\0.,:;!?#*-])*"
)


def _bounds(private_spans: list[PrivateSpan]) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in private_spans]


def _find_emails(low: str) -> Iterator[PrivateSpan]:
    for start, end, address in find_email_addresses(low):
        yield PrivateSpan(start, end, "email", address)


def _find_cards(low: str) -> list[PrivateSpan]:
    """Runs of digits that are long enough for a card, also those spoken with pauses."""
    spans = []
    for match in _CARD_LENGTH_RUN.finditer(low):
        spans.append(_card_span(match.start(), match.end(), re.sub(r"\D", "", match.group())))
    for chain in _number_chains(blank_out(low, _bounds(spans))):
        digits = "".join(number.digits for number in chain)
        if len(digits) >= MIN_CARD_DIGITS and (len(chain) > 1 or len(chain[0].groups) > 1):
            end = chain[-1].end + low.startswith("oh", chain[-1].end - 1)
            spans.append(_card_span(chain[0].start, end, digits))
    return spans


def _card_span(start: int, end: int, digits: str) -> PrivateSpan:
    is_card = len(digits) <= MAX_CARD_DIGITS or luhn.is_valid(digits)
    return PrivateSpan(start, end, "card" if is_card else "account", digits)


def _number_chains(low: str) -> Iterator[list[Number]]:
    """Groups of numbers with nothing but pauses and fillers between them."""
    low = _LONE_OH.sub("0 ", low)
    chain: list[Number] = []
    for number in find_numbers(low):
        if has_currency(low, number):
            continue
        if chain and not _GAP.fullmatch(low[chain[-1].end : number.start]):
            yield chain
            chain = []
        chain.append(number)
    if chain:
        yield chain


def _find_identity(low: str, expectation: Expectation, pack: Pack) -> list[PrivateSpan]:
    """What the dialogue would read as a secret slot, whether typed or heard, is private.

    Two slots in one piece are left to `_split_secrets`, which knows where each begins.
    """
    specs = secret_slots(pack)
    labels = {spec.name: spec.label for spec in specs}
    found: dict[int, PrivateSpan] = {}
    for is_heard in (False, True):
        for span in IdentityReader(low, specs, expectation, is_heard).read():
            start, end, value = span.start, span.end, span.slot.value
            numbers = find_numbers(low[start:end], "digits" if is_heard else "")
            is_whole = "".join(number.digits for number in numbers) == value
            if span.slot.name in labels and is_whole:
                label = labels[span.slot.name]
                kind: PiiKind = "code" if len(value) < MIN_ACCOUNT_DIGITS else "account"
                found.setdefault(start, PrivateSpan(start, end, kind, value, label))
    return list(found.values())


def _find_patterns(low: str) -> list[PrivateSpan]:
    spans = [
        PrivateSpan(match.start(), match.end(), "ssn", re.sub(r"\D", "", match.group()))
        for match in _SSN.finditer(low)
    ]
    rest = blank_out(low, _bounds(spans))
    for match in PhoneNumberMatcher(rest, "US"):
        digits = re.sub(r"\D", "", match.raw_string)
        if len(digits) != len(match.raw_string) or len(digits) > 9:
            spans.append(PrivateSpan(match.start, match.end, "phone", digits))
    return spans


def _find_numbers(
    low: str, expectation: Expectation, pack: Pack, is_partial: bool
) -> Iterator[PrivateSpan]:
    runs = find_numbers(low, "digits" if expectation.kind == "digits" else "")
    specs = secret_slots(pack)
    is_only_numbers = _has_only_numbers(low, runs)
    cues = [_cue_beside(low, run, specs) for run in runs]
    joined = "".join(run.digits for run in runs)
    if (
        expectation.kind == "digits"
        and len(runs) > 1
        and not any(cues)
        and len(joined) == expectation.length
    ):
        yield PrivateSpan(runs[0].start, runs[-1].end, _kind_by_length(joined), joined)
        return
    for run, cue in zip(runs, cues, strict=True):
        is_unfinished = is_partial and run.end >= len(low.rstrip(" \0.,"))
        kind = _kind_in_context(low, run, cue, expectation, is_only_numbers)
        if kind is None and is_unfinished and len(run.digits) >= 3:
            kind = _kind_by_length(run.digits)
        if kind is not None:
            label = cue.label if cue else ""
            yield from _split_secrets(
                low, PrivateSpan(run.start, run.end, kind, run.digits, label), specs
            )


def _cue_beside(low: str, run: Number, specs: list[SlotSpec]) -> ContextCue | None:
    before = low[max(0, run.start - MAX_CUE_DISTANCE) : run.start]
    after = low[run.end : run.end + MAX_CUE_DISTANCE]
    return cue_before(before, specs) or cue_after(after, specs)


def _kind_in_context(
    low: str, run: Number, cue: ContextCue | None, expectation: Expectation, is_only_numbers: bool
) -> PiiKind | None:
    """The kind of a number, by its cue, its length and the question; None when not private."""
    count = len(run.digits)
    if is_public_number(low, run):
        return None
    if cue is not None and count >= cue.min_digits:
        return (
            "ssn"
            if cue.kind == "ssn"
            else _kind_by_length(run.digits)
            if cue.kind == "account"
            else "code"
        )
    if is_grouped_or_years(low, run):
        return None
    if expectation.kind == "digits" and is_amount(low, run) and not is_only_numbers:
        return None  # "transfer 500 to savings" is no answer, and its amount must stay
    if expectation.kind == "digits" and (count >= 3 or (is_only_numbers and count > 1)):
        return _kind_by_length(run.digits)
    is_amount_or_date = expectation.kind in {"amount", "date"} or is_amount(low, run)
    if is_amount_or_date and (count < MIN_CARD_DIGITS or len(run.groups) == 1):
        return (
            None
            if not run.groups[3:] or expectation.kind in {"amount", "date"}
            else _kind_by_length(run.digits)
        )
    is_spelled = len(run.groups) >= MIN_CODE_DIGITS and all(len(part) == 1 for part in run.groups)
    if count >= MIN_ACCOUNT_DIGITS and (run.has_digits or is_spelled or len(run.groups) > 2):
        return _kind_by_length(run.digits)
    if expectation.kind == "choice":
        return None
    has_code_length = MIN_CODE_DIGITS <= count <= MAX_CODE_DIGITS
    return "code" if has_code_length and (is_spelled or is_only_numbers) else None


def _kind_by_length(digits: str) -> PiiKind:
    if MIN_CARD_DIGITS <= len(digits) <= MAX_CARD_DIGITS:
        return "card"
    return "account" if len(digits) >= MIN_ACCOUNT_DIGITS else "code"


def _has_only_numbers(low: str, runs: list[Number]) -> bool:
    """Whether the text is nothing but numbers and fillers."""
    rest = blank_out(low, [(run.start, run.end) for run in runs])
    return bool(runs) and _FILLER.fullmatch(rest) is not None


def _split_secrets(low: str, span: PrivateSpan, specs: list[SlotSpec]) -> Iterator[PrivateSpan]:
    """The span, split into one per secret slot where its digits are exactly as many as those of
    all slots together; the dialogue splits them by the same rule."""
    digits, lengths = span.value, [spec.length for spec in specs]
    if len(lengths) < 2 or len(digits) != sum(lengths) or span.kind != "account":
        yield span
        return
    cuts = _digit_bounds(low, span)
    for order in (specs, specs[::-1]):  # the passcode may come first
        ends = list(accumulate(spec.length for spec in order))
        starts = [0, *ends[:-1]]
        if all(at in cuts for at in (*ends, *starts)):
            break
    else:
        yield span
        return
    for begin, end, spec in zip(starts, ends, order, strict=True):
        value = digits[begin:end]
        yield PrivateSpan(cuts[begin][0], cuts[end][1], _kind_by_length(value), value, spec.label)


def _digit_bounds(low: str, span: PrivateSpan) -> dict[int, tuple[int, int]]:
    """By digits said so far: (start of the next digit, end of the last digit)."""
    cuts = {0: (span.start, span.start)}
    for match in re.finditer(r"\d|[a-z]+", low[span.start : span.end]):
        start, end = span.start + match.start(), span.start + match.end()
        digits_before, digits_until = (
            _digit_count(low[span.start : start]),
            _digit_count(low[span.start : end]),
        )
        if digits_before in cuts:
            cuts[digits_before] = (start, cuts[digits_before][1])
        cuts[digits_until] = (end, end)
    return cuts


def _digit_count(low: str) -> int:
    return sum(len(number.digits) for number in find_numbers(low, "digits"))
