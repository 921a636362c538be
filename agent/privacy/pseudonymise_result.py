"""Pseudonymisation of a model's answer: its text, slots, evidence and timed words.

A value gets the same surrogate in all of these parts (tests/agent/privacy/test_vault.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.core.inputs import TurnUnderstood
from agent.privacy.detection import PrivateSpan
from agent.privacy.pseudonymise_text import NO_EXPECTATION, TextPseudonymiser
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import MIN_DISTINCTIVE_DIGITS, Substitution
from agent.privacy.timed_words import join_words, sample_span, substitute_in_words
from audio.types import Expectation, Transcript
from dialogs.pack.model import Pack
from dialogs.pack.privacy_rules import PiiKind
from dialogs.pack.reserved_names import DIGITS_SLOT, NUMBER_SLOT
from dialogs.values import Evidence, Slot, Understanding

CENTS_SUFFIX = ".00"


class UnderstandingPseudonymiser:
    """Replaces private values in the understanding and transcript of a turn."""

    def __init__(self, pack: Pack, text_pseudonymiser: TextPseudonymiser) -> None:
        self._pack = pack
        self._text_pseudonymiser = text_pseudonymiser
        self._surrogate_format = text_pseudonymiser.surrogate_format
        self._secret_slots = {name for name, spec in pack.slots.items() if spec.is_secret}

    def pseudonymise(
        self, event: TurnUnderstood, expectation: Expectation, redaction_log: list[Redaction]
    ) -> TurnUnderstood:
        """The event with surrogates; the same object where nothing is private.

        Typed words were pseudonymised before the models saw them, so surrogates in them stay.
        Spoken words come raw from the transcriber.
        """
        is_spoken = event.transcript is not None
        private = self._text_pseudonymiser.private_spans(
            event.understanding.text, expectation, is_spoken
        )
        pairs = [(event.understanding.text[s.start : s.end], s.value) for s in private]
        result = self._understanding(
            event.understanding, private, pairs, expectation, redaction_log, is_spoken
        )
        transcript = event.transcript
        if transcript is not None:
            pseudonymised = self._transcript(transcript, expectation, redaction_log)
            is_unplaced = any(r.where == "slot" for r in redaction_log) and not any(
                r.where == "transcript" for r in redaction_log
            )
            if is_unplaced:
                redaction_log.append(Redaction.unplaced())
            transcript = pseudonymised
        return (
            replace(event, understanding=result, transcript=transcript) if redaction_log else event
        )

    def _understanding(
        self,
        understanding: Understanding,
        spans: Sequence[PrivateSpan],
        fragments: list[tuple[str, str]],
        expectation: Expectation,
        redaction_log: list[Redaction],
        is_spoken: bool,
    ) -> Understanding:
        text = self._text_pseudonymiser.substitute_spans(
            understanding.text, spans, "text", redaction_log
        )
        fragments = sorted(fragments, key=lambda pair: -len(pair[0]))
        further_requests = tuple(
            replace(
                request,
                text=self._derived_text(request.text, fragments, "also", redaction_log),
                slots=self._slots(request.slots, fragments, expectation, redaction_log, is_spoken),
            )
            for request in understanding.also
        )
        return replace(
            understanding,
            text=text,
            slots=self._slots(
                understanding.slots, fragments, expectation, redaction_log, is_spoken
            ),
            also=further_requests,
            evidence=self._evidence(understanding.evidence, fragments, redaction_log),
            trouble_evidence=self._evidence(
                understanding.trouble_evidence, fragments, redaction_log
            ),
        )

    def _derived_text(
        self,
        text: str,
        fragments: list[tuple[str, str]],
        where: str,
        redaction_log: list[Redaction],
    ) -> str:
        """Words derived from a text whose private fragments (text, value) are known, replaced."""
        for fragment, value in fragments:
            text = self._surrogate_format.replace_fragment(text, fragment, value)
        return self._text_pseudonymiser.pseudonymise(
            text, NO_EXPECTATION, where, redaction_log, is_raw=False
        )

    def _slots(
        self,
        slots: Sequence[Slot],
        fragments: list[tuple[str, str]],
        expectation: Expectation,
        redaction_log: list[Redaction],
        is_spoken: bool,
    ) -> tuple[Slot, ...]:
        return tuple(
            self._slot(slot, fragments, expectation, redaction_log, is_spoken) for slot in slots
        )

    def _slot(
        self,
        slot: Slot,
        fragments: list[tuple[str, str]],
        expectation: Expectation,
        redaction_log: list[Redaction],
        is_spoken: bool,
    ) -> Slot:
        number = slot.value.removesuffix(CENTS_SUFFIX)
        if number != slot.value and any(number == value for _, value in fragments):
            slot = replace(slot, value=number)  # parsed as an amount, but it is a private number
        is_digits = slot.value.isascii() and slot.value.isdigit()
        is_inside = any(slot.said and slot.said.lower() in said.lower() for said, _ in fragments)
        is_private = (
            slot.name in self._secret_slots
            or any(slot.value == value for _, value in fragments)
            or (slot.name in {NUMBER_SLOT, DIGITS_SLOT} and is_inside)
        )
        if slot.name == DIGITS_SLOT and expectation.kind == "digits" and len(slot.value) > 2:
            is_private = is_private or "code" in self._pack.privacy.redacted_kinds
        if (
            is_digits
            and is_private
            and (is_spoken or not self._surrogate_format.is_surrogate(slot.value))
        ):
            label = (
                self._pack.slots[slot.name].label if slot.name in self._secret_slots else "number"
            )
            kind: PiiKind = "account" if len(slot.value) >= MIN_DISTINCTIVE_DIGITS else "code"
            redaction_log.append(Redaction(kind, "slot", 0, len(slot.value), label))
            value = self._surrogate_format.surrogate_for(slot.value)
            said = slot.said
            for fragment, fragment_value in fragments:
                said = self._surrogate_format.replace_fragment(said, fragment, fragment_value)
            if said == slot.said:
                said = self._surrogate_format.substitute(slot.said, slot.value)
            return replace(slot, value=value, said=said)
        if is_digits or not (fragments or "@" in slot.value):
            return slot
        said = self._derived_text(slot.said, fragments, "slot", redaction_log)
        return replace(
            slot, said=said, value=self._derived_text(slot.value, fragments, "slot", redaction_log)
        )

    def _evidence(
        self,
        evidence: Sequence[Evidence],
        fragments: list[tuple[str, str]],
        redaction_log: list[Redaction],
    ) -> tuple[Evidence, ...]:
        if not fragments:  # details quote the turn's words and our own figures only
            return tuple(evidence)
        details = {  # many say the same: "2 turns ago"
            detail: self._derived_text(detail, fragments, "evidence", redaction_log)
            for detail in dict.fromkeys(one.detail for one in evidence if one.detail)
        }
        return tuple(
            replace(one, detail=details[one.detail]) if one.detail else one for one in evidence
        )

    def _transcript(
        self, transcript: Transcript, expectation: Expectation, redaction_log: list[Redaction]
    ) -> Transcript:
        transcript_redactions: list[Redaction] = []
        text = self._text_pseudonymiser.pseudonymise(
            transcript.text, expectation, "transcript", transcript_redactions, is_raw=True
        )
        joined_text = join_words(transcript.words)
        spans = self._text_pseudonymiser.private_spans(joined_text, expectation, is_raw=True)
        substitutions = [
            Substitution(
                one.start,
                one.end,
                self._surrogate_format.substitute(joined_text[one.start : one.end], one.value),
            )
            for one in spans
        ]
        words = substitute_in_words(transcript.words, substitutions)
        sample_spans = [sample_span(transcript.words, one.start, one.end) for one in spans]
        if len(sample_spans) == len(transcript_redactions):
            transcript_redactions = [
                replace(one, from_sample=start, to_sample=end)
                for one, (start, end) in zip(transcript_redactions, sample_spans, strict=True)
            ]
        elif sample_spans:
            transcript_redactions.append(Redaction.unplaced())
        redaction_log += transcript_redactions
        return replace(transcript, text=text, words=words) if transcript_redactions else transcript
