"""How is what a model understood covered: its text, its slots, its evidence, its words in time?

All of them speak of the same values, so that one surrogate stands for a value everywhere
(tests/agent/test_vault.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.core import events as e
from agent.privacy import redaction_record as redactions
from agent.privacy.detection import Span
from agent.privacy.pseudonymise_text import OPEN, Cover
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import SHORT, Swap
from agent.privacy.timed_words import joined, samples, swapped
from audio.types import Expectation, Transcript
from dialogs.extraction.slots import NUMBER
from dialogs.pack.model import Pack
from dialogs.pack.privacy_rules import Kind
from dialogs.values import Evidence, Slot, Understanding

CENTS = ".00"


class CoveredAnswers:
    """The answers of models, covered."""

    def __init__(self, pack: Pack, cover: Cover) -> None:
        self._pack = pack
        self._cover = cover
        self._disguise = cover.disguise
        self._secret = {name for name, spec in pack.slots.items() if spec.secret}

    def understood(
        self, event: e.Understood, asked: Expectation, found: list[Redaction]
    ) -> e.Understood:
        """Of typed words only those are left that were hidden before, unless they were spoken."""
        spoken = event.transcript is not None
        private = self._cover.private(event.result.text, asked, spoken)
        pairs = [(event.result.text[s.start : s.end], s.value) for s in private]
        result = self._meaning(event.result, private, pairs, asked, found, spoken)
        transcript = event.transcript
        if transcript is not None:
            heard = self._transcript(transcript, asked, found)
            unplaced = any(r.where == "slot" for r in found) and not any(
                r.where == "transcript" for r in found
            )
            if unplaced:
                found.append(redactions.unplaced())
            transcript = heard
        return replace(event, result=result, transcript=transcript) if found else event

    def _meaning(
        self,
        what: Understanding,
        private: Sequence[Span],
        pairs: list[tuple[str, str]],
        asked: Expectation,
        found: list[Redaction],
        spoken: bool,
    ) -> Understanding:
        text = self._cover.replaced(what.text, private, "text", found)
        pairs = sorted(pairs, key=lambda pair: -len(pair[0]))
        also = tuple(
            replace(
                request,
                text=self._again(request.text, pairs, "also", found),
                slots=self._slots(request.slots, pairs, asked, found, spoken),
            )
            for request in what.also
        )
        return replace(
            what,
            text=text,
            slots=self._slots(what.slots, pairs, asked, found, spoken),
            also=also,
            evidence=self._evidence(what.evidence, pairs, found),
            trouble_evidence=self._evidence(what.trouble_evidence, pairs, found),
        )

    def _again(
        self, text: str, pairs: list[tuple[str, str]], where: str, found: list[Redaction]
    ) -> str:
        """Words taken from a text whose private parts are known."""
        for said, value in pairs:
            text = self._disguise.swapped(text, said, value)
        return self._cover.text(text, OPEN, where, found, new=False)

    def _slots(
        self,
        slots: Sequence[Slot],
        pairs: list[tuple[str, str]],
        asked: Expectation,
        found: list[Redaction],
        spoken: bool,
    ) -> tuple[Slot, ...]:
        return tuple(self._slot(slot, pairs, asked, found, spoken) for slot in slots)

    def _slot(
        self,
        slot: Slot,
        pairs: list[tuple[str, str]],
        asked: Expectation,
        found: list[Redaction],
        spoken: bool,
    ) -> Slot:
        number = slot.value.removesuffix(CENTS)
        if number != slot.value and any(number == value for _, value in pairs):
            slot = replace(slot, value=number)  # taken for an amount, but it is none
        digits = slot.value.isascii() and slot.value.isdigit()
        inside = any(slot.said and slot.said.lower() in said.lower() for said, _ in pairs)
        private = (
            slot.name in self._secret
            or any(slot.value == value for _, value in pairs)
            or (slot.name in {NUMBER, "digits"} and inside)
        )
        if slot.name == "digits" and asked.kind == "digits" and len(slot.value) > 2:
            private = private or "code" in self._pack.privacy.redact
        if digits and private and (spoken or not self._disguise.is_one(slot.value)):
            label = self._pack.slots[slot.name].label if slot.name in self._secret else "number"
            kind: Kind = "account" if len(slot.value) >= SHORT else "code"
            found.append(Redaction(kind, "slot", 0, len(slot.value), label))
            value = self._disguise.digits(slot.value)
            said = slot.said
            for fragment, meant in pairs:
                said = self._disguise.swapped(said, fragment, meant)
            if said == slot.said:
                said = self._disguise.of(slot.said, slot.value)
            return replace(slot, value=value, said=said)
        if digits or not (pairs or "@" in slot.value):
            return slot
        said = self._again(slot.said, pairs, "slot", found)
        return replace(slot, said=said, value=self._again(slot.value, pairs, "slot", found))

    def _evidence(
        self, given: Sequence[Evidence], pairs: list[tuple[str, str]], found: list[Redaction]
    ) -> tuple[Evidence, ...]:
        if not pairs:  # it is made of the turn's words, and of numbers of ours
            return tuple(given)
        return tuple(
            replace(one, detail=self._again(one.detail, pairs, "evidence", found))
            if one.detail
            else one
            for one in given
        )

    def _transcript(
        self, heard: Transcript, asked: Expectation, found: list[Redaction]
    ) -> Transcript:
        there: list[Redaction] = []
        text = self._cover.text(heard.text, asked, "transcript", there, new=True)
        said = joined(heard.words)
        private = self._cover.private(said, asked, new=True)
        swaps = [
            Swap(one.start, one.end, self._disguise.of(said[one.start : one.end], one.value))
            for one in private
        ]
        words = swapped(heard.words, swaps)
        places = [samples(heard.words, one.start, one.end) for one in private]
        if len(places) == len(there):
            there = [
                replace(one, from_sample=start, to_sample=end)
                for one, (start, end) in zip(there, places, strict=True)
            ]
        elif places:
            there.append(redactions.unplaced())
        found += there
        return replace(heard, text=text, words=words) if there else heard
