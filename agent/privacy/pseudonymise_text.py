"""Pseudonymisation of one text: private values are replaced by surrogates of the same shape.

Every span that agent/privacy/detection.py finds is replaced and added to the redaction log. A
surrogate that is already in the text is not replaced again (tests/agent/privacy/test_vault.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from agent.privacy.detection import LABELS, PrivateSpan, detect
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import SurrogateFormat
from agent.privacy.text_folding import blank_out
from audio.types import Expectation
from dialogs.pack.model import Pack
from dialogs.values import ActionResult

NO_EXPECTATION = Expectation()
OUTCOME_KINDS = frozenset({"card", "ssn", "email", "phone"})  # searched in outcomes of actions
MIN_KEYED_DIGITS = 3  # fewer telephone keys are a menu choice


class TextPseudonymiser:
    """Replaces private values in the texts of one session.

    Each replacement is appended to the `redaction_log` that a method is given.
    """

    def __init__(self, pack: Pack, surrogate_format: SurrogateFormat) -> None:
        self.surrogate_format = surrogate_format
        self._pack = pack

    def private_spans(self, text: str, expectation: Expectation, is_raw: bool) -> list[PrivateSpan]:
        """The private spans of `text`, left to right. With `is_raw` the text comes straight from
        the customer and holds no surrogates; otherwise surrogates in it are left out."""
        if is_raw:
            return list(detect(text, expectation, self._pack))
        surrogate_bounds = [
            (s.start, s.end)
            for s in self.surrogate_format.find_surrogates(text, include_codes=True)
        ]
        candidates = detect(blank_out(text, surrogate_bounds), expectation, self._pack)
        return [span for span in candidates if not self.surrogate_format.is_surrogate(span.value)]

    def pseudonymise(
        self,
        text: str,
        expectation: Expectation,
        where: str,
        redaction_log: list[Redaction],
        is_raw: bool,
    ) -> str:
        """`text` with surrogates for its private values; `where` names the text in the log."""
        return self.substitute_spans(
            text, self.private_spans(text, expectation, is_raw), where, redaction_log
        )

    def substitute_spans(
        self, text: str, spans: Sequence[PrivateSpan], where: str, redaction_log: list[Redaction]
    ) -> str:
        """`text` with a surrogate for each of the spans, which are in order and do not overlap."""
        return substitute_spans(text, spans, where, redaction_log, self.surrogate_format.substitute)

    def pseudonymise_keys(
        self, digits: str, expectation: Expectation, redaction_log: list[Redaction]
    ) -> str:
        """Telephone keys (DTMF) with surrogates. Three digits or more are a private code, unless
        the customer was asked for an amount, a date or a choice."""
        text = self.pseudonymise(digits, expectation, "text", redaction_log, is_raw=True)
        run = digits.strip("*#")
        if "code" not in self._pack.privacy.redacted_kinds:
            return text
        if (
            redaction_log
            or expectation.kind in {"amount", "date", "choice"}
            or len(run) < MIN_KEYED_DIGITS
        ):
            return text
        if not (run.isascii() and run.isdigit()):
            return text
        start = digits.index(run)
        span = PrivateSpan(start, start + len(run), "code", run, LABELS["code"])
        return self.substitute_spans(digits, [span], "text", redaction_log)

    def pseudonymise_outcome(
        self, outcome: ActionResult, redaction_log: list[Redaction]
    ) -> ActionResult:
        """The back end's answer with surrogates: for values already known to be private, and for
        text that has the pattern of a card, SSN, e-mail address or phone number."""
        values: dict[str, str] = {}
        for name, value in outcome.values.items():
            spans = [
                s
                for s in self.private_spans(value, NO_EXPECTATION, is_raw=False)
                if s.kind in OUTCOME_KINDS
            ]
            with_surrogates = self.substitute_spans(value, spans, f"outcome:{name}", redaction_log)
            without_known = self.surrogate_format.replace_known_numbers(with_surrogates)
            if without_known != with_surrogates:
                label = LABELS["account"]
                redaction_log.append(
                    Redaction("account", f"outcome:{name}", 0, len(without_known), label)
                )
            values[name] = without_known
        return replace(outcome, values=values)


def substitute_spans(
    text: str,
    spans: Iterable[PrivateSpan],
    where: str,
    redaction_log: list[Redaction],
    substitute: Callable[[str, str], str],
) -> str:
    """`text` with what `substitute` makes of each span's fragment and value. The spans are in order
    and do not overlap."""
    result, copied_until = "", 0
    for span in spans:
        result += text[copied_until : span.start]
        surrogate = substitute(text[span.start : span.end], span.value)
        redaction_log.append(
            Redaction.from_span(span, where, len(result), len(result) + len(surrogate))
        )
        result, copied_until = result + surrogate, span.end
    return result + text[copied_until:]
