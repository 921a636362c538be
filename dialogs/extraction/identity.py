"""Digits that identify a customer: numbers and codes of the pack's digit slots.

A cue ("customer number", "... is my passcode") names the slot in any turn. Without one, digits
count only where digits were asked for, and not within another sentence ("transfer 5000 to
savings"). Two slots said in one go are told apart by the gap between them: ten digits in one piece
or in a telephone number's groups are one number. One number of each slot's length, side by side and
claimed by nothing else, are the slots, in any order. What is read here is also what is hidden
(agent/privacy/detection.py). Held by tests/dialogs/extraction/test_identity.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from audio.types import Expectation
from dialogs.extraction.amount_words import CENTS, CURRENCY_AFTER, WORDS_AFTER
from dialogs.extraction.numbers import Number, find_numbers
from dialogs.extraction.self_repair import SlotSpan
from dialogs.extraction.time_words import UNITS, YEARS
from dialogs.extraction.tokens import word_set
from dialogs.pack.model import SlotSpec
from dialogs.pack.reserved_names import DIGITS_SLOT
from dialogs.values import Slot

MIN_DIGITS = 3  # of a number that a cue names while nothing was asked
# Words before or behind digits that belong to another sentence.
_ACTING = word_set(
    "pay transfer move send wire put take withdraw deposit spend spent owe want need order "
    "book have reference ref invoice ticket case ending ends in charge charged phone telephone "
    "cell mobile tracking confirmation zip area tax routing check cheque policy flight room"
)
# Names for a number that say nothing of whose it is: they need the length, and no other noun.
_GENERIC = ("number|no|num|nr|nbr|id", "code|pass|secret")  # of the first slot, of the last
_FREE = word_set(
    "my the our and is are with plus a it's its here's that's also then so or hi hello hey yes ok "
    "okay um uh well use by"
)
_BESIDE = word_set(
    "and then with plus my the our is it's its here also number no num nr id of a i have am in"
)
_GOING_ON = frozenset(["to", "from", "into", "for", "on", "at", "of", "towards", "each"])
_PHONE_GROUPS = ((3, 3, 4), (1, 3, 3, 4))
_LINK = r"(?:\s*(?:is|it's|its|was|:|,|#|=|no\.?|num|nr|number|number is)\s*)*"


@dataclass(frozen=True, slots=True)
class IdentityReader:
    """Reads the digit slots of folded text. `is_heard`: its words come from speech recognition."""

    folded: str
    specs: Sequence[SlotSpec]
    expectation: Expectation
    is_heard: bool

    def read(self) -> Iterator[SlotSpan]:
        """The digit slots said; runs of digits of no known slot are called DIGITS_SLOT."""
        is_asked = self.expectation.kind == "digits"
        runs = find_numbers(self.folded, "digits" if is_asked and self.is_heard else "")
        runs = [run for run in runs if not self._has_currency(run)]
        cued = [(run, self._cued_spec(run)) for run in runs]
        if both := self._one_of_each(cued):
            yield from both
            return
        if pair := self._pair(
            [run for run, spec in cued if spec is None or not is_asked], is_asked
        ):
            yield from pair
            return
        plain = [run for run, spec in cued if spec is None and self._is_answer(run)]
        for run, spec in cued:
            if spec is not None:
                yield self._span(run, spec.name)
        if is_asked:
            yield from self._asked_digits(plain, any(spec for _, spec in cued))
            return
        for run in plain:
            if (
                len(run.groups) > 2
                and len(run.digits) >= 3
                and all(len(g) == 1 for g in run.groups)
            ):
                yield self._span(run, DIGITS_SLOT)

    def _asked_digits(self, runs: list[Number], is_cued: bool) -> Iterator[SlotSpan]:
        """The answer to a question for digits."""
        length = self.expectation.length
        if len(runs) > 1 and not is_cued and sum(len(run.digits) for run in runs) == length:
            groups = tuple(group for run in runs for group in run.groups)
            runs = [Number(runs[0].start, runs[-1].end, groups, True)]
        # Four of six expected digits are no passcode, unless a run of full length is there too.
        is_complete = not length or any(len(run.digits) == length for run in runs)
        for run in runs:
            count = len(run.digits)
            named = is_complete or count == length
            spec = next((s for s in self.specs if named and s.length and s.length == count), None)
            if not (is_cued and spec is None):
                yield self._span(run, spec.name if spec else DIGITS_SLOT)

    def _span(self, run: Number, name: str) -> SlotSpan:
        said = self.folded[run.start : run.end]
        return SlotSpan(Slot(name, run.digits, said), run.start, run.end)

    def _has_currency(self, run: Number) -> bool:
        after = re.match(r"\s*([a-z$]+)", self.folded[run.end : run.end + 20])
        before = self.folded[max(0, run.start - 4) : run.start].rstrip()[-1:]
        is_behind = after is not None and after.group(1) in CURRENCY_AFTER | CENTS
        return is_behind or before in {"$", "\u20ac", "\u00a3"}

    def _cued_spec(self, run: Number) -> SlotSpec | None:
        """The slot that the words beside the run name."""
        is_asked = self.expectation.kind == "digits"
        count = len(run.digits)
        before = self.folded[max(0, run.start - 60) : run.start]
        behind = self.folded[run.end : run.end + 40]
        cues = [(spec, cue) for spec in self.specs for cue in spec.cues]
        for spec, cue in cues:  # "4471 is my pin" belongs to what follows, whatever stands before
            if cue not in behind:
                continue
            others = {s.length for s in self.specs if s is not spec}
            fits = count == spec.length or (is_asked and count not in others)
            # without "my" only a number of that length: "100421 customer" counts no customers
            is_bare = count == spec.length and not re.search(r"\d{3}", behind)
            own = r"(?:(?:my|the|our)\s+)" + ("?" if is_bare else "")
            if fits and re.match(rf"\W*(?:is|as|was|for)?\s*{own}{re.escape(cue)}\b", behind):
                return spec
        for spec, cue in cues:
            if cue not in before:
                continue
            named = re.escape(cue)
            fits = is_asked or count == spec.length or self._is_number(run, spec)
            fits = fits and not re.search(rf"\d\W*(?:is|as)\s+(?:my|the)\s+{named}\W*$", before)
            if fits and re.search(rf"\b{named}{_LINK}\s*$", before):
                return spec
        return self._generic_spec(run, before)

    def _generic_spec(self, run: Number, before: str) -> SlotSpec | None:
        """The slot of a number that is only called "the number" or "the code". Its length must
        fit, unless digits were asked for, and no other noun may own it ("zip code")."""
        is_asked = self.expectation.kind == "digits"
        for names, spec in zip(_GENERIC, (self.specs[:1], self.specs[-1:]), strict=True):
            match = re.search(rf"([a-z']+)?(\W*)\b(?:{names})\b({_LINK})\s*$", before)
            if match is None or not spec:
                continue
            owner, gap, link = match.groups()
            is_free = not owner or owner in _FREE or bool(set(gap) & set(".,;/!?"))
            is_refusal = not owner and before.strip().startswith("no") and link.strip() in {"", ","}
            fits = len(run.digits) == spec[0].length or is_asked
            if is_free and fits and not is_refusal:
                return spec[0]
        return None

    def _is_number(self, run: Number, spec: SlotSpec) -> bool:
        """Whether a number of another length is meant for the slot: too short or too long."""
        return len(run.digits) >= MIN_DIGITS and (not spec.length or len(run.digits) < 10)

    def _is_answer(self, run: Number) -> bool:
        """Whether the words beside a run leave it an answer, and no part of another sentence."""
        before = re.findall(r"[a-z']+$", self.folded[: run.start].rstrip()[-20:])
        behind = re.match(r"\s+([a-z']+)", self.folded[run.end : run.end + 20])
        if before and before[0] in _ACTING:
            return False
        if len(run.digits) < MIN_DIGITS and behind and behind.group(1) not in WORDS_AFTER:
            return False  # "2 boxes"
        return self.is_heard or behind is None or behind.group(1) not in _GOING_ON

    def _one_of_each(self, cued: list[tuple[Number, SlotSpec | None]]) -> list[SlotSpan]:
        """One number of each slot's length, where words name it or it stands beside the other."""
        if len(self.specs) < 2 or len({spec.length for spec in self.specs}) < len(self.specs):
            return []
        found: list[tuple[Number, SlotSpec, bool]] = []
        for spec in self.specs:
            fits = [
                (run, named is not None)
                for run, named in cued
                if len(run.digits) == spec.length and named in {None, spec}
            ]
            fits = [one for one in fits if one[1]] or fits
            if len(fits) != 1 or not spec.length:
                return []
            found.append((fits[0][0], spec, fits[0][1]))
        found.sort(key=lambda one: one[0].start)
        is_named = all(named for _, _, named in found)
        if not is_named and not self._are_neighbours([run for run, _, _ in found]):
            return []
        if any(not named and self._is_claimed(run) for run, _, named in found):
            return []
        return [self._span(run, spec.name) for run, spec, _ in found]

    def _are_neighbours(self, runs: list[Number]) -> bool:
        """Whether nothing but links and names of the slots stands between the numbers."""
        cue_words = {word for spec in self.specs for cue in spec.cues for word in cue.split()}
        cue_words |= set("|".join(_GENERIC).split("|"))
        between = [self.folded[a.end : b.start] for a, b in pairwise(runs)]
        return all(
            word in cue_words | _BESIDE for gap in between for word in re.findall(r"[a-z']+", gap)
        )

    def _is_claimed(self, run: Number) -> bool:
        """Whether the words beside a number make it something else: an amount, a year, a count."""
        near = self.folded[max(0, run.start - 60) : run.start]
        before = re.sub(rf"\b(?:{_GENERIC[0]}|is|of)\b|[#:.\s]", " ", near)
        word = re.search(r"([a-z']+)\s*$", before[-40:])
        if word and word.group(1) in _ACTING:
            return True
        behind = re.match(r"\s*([a-z'%]+)", self.folded[run.end : run.end + 20])
        follows = behind.group(1) if behind else ""
        is_year = YEARS[0] <= int(run.digits) <= YEARS[1]
        return follows in _GOING_ON | UNITS.keys() | {"%", "percent"} or (is_year and bool(follows))

    def _pair(self, runs: list[Number], is_asked: bool) -> list[SlotSpan]:
        """Both slots said in one go, split where a gap is; empty for anything else."""
        lengths = [spec.length for spec in self.specs]
        total = "".join(run.digits for run in runs)
        if len(lengths) < 2 or not all(lengths) or len(total) != sum(lengths):
            return []
        if not all(self._is_answer(run) for run in runs):
            return []
        groups = [len(group.replace(".", "")) for run in runs for group in run.groups]
        is_spelled = is_asked and all(size == 1 for size in groups)
        is_phone = tuple(groups) in _PHONE_GROUPS or (is_spelled and _is_phone_number(total))
        ends, at = set(), 0
        for size in groups:
            ends.add(at := at + size)
        specs = list(self.specs)
        cuts = _cuts(specs)
        if not ends.issuperset(cuts):
            specs.reverse()  # the passcode first
            cuts = _cuts(specs)
        if is_phone or not ends.issuperset(cuts):
            return []
        # Where nothing was asked, only a turn that is nothing else: no other is hidden as one.
        if not is_asked and not re.fullmatch(r"\d+[\s,/]+\d+", self.folded.strip(" .!")):
            return []
        start, end = runs[0].start, runs[-1].end
        said = self.folded[start:end]
        places = [*range(start, start + len(cuts)), end]  # the last one takes the rest
        return [
            SlotSpan(
                Slot(spec.name, total[cut - spec.length : cut], said), places[i], places[i + 1]
            )
            for i, (spec, cut) in enumerate(zip(specs, cuts, strict=True))
        ]


def _cuts(specs: Sequence[SlotSpec]) -> list[int]:
    """Where the digits of each slot end, in this order."""
    return [sum(spec.length for spec in specs[: i + 1]) for i in range(len(specs))]


def _is_phone_number(digits: str) -> bool:
    """Whether ten digits have the form of a North American telephone number."""
    return len(digits) == 10 and digits[0] in "23456789" and digits[3] in "23456789"
