"""How are private values covered by others of the same shape, text by text?

What is found to be private (agent/privacy/detection.py) is replaced by what stands for it, and
noted. Words that come from words covered before stay as they are (tests/agent/test_vault.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent.privacy import redaction_record as redactions
from agent.privacy.detection import LABELS, Span, spans
from agent.privacy.redaction_record import Redaction
from agent.privacy.surrogate_format import Disguise
from agent.privacy.text_folding import without
from audio.types import Expectation
from dialogs.pack.model import Pack
from dialogs.values import Outcome

OPEN = Expectation()
PATTERNS = frozenset({"card", "ssn", "email", "phone"})  # private in what the bank answers
KEYS = 3  # keys of a telephone that are a number of the customer's, not a choice


class Cover:
    """What covers the texts of one session. `found` gets what is replaced."""

    def __init__(self, pack: Pack, disguise: Disguise) -> None:
        self.disguise = disguise
        self._pack = pack

    def private(self, text: str, asked: Expectation, new: bool) -> list[Span]:
        """What is to be covered. `new`: straight from the customer, so nothing is a surrogate."""
        if new:
            return list(spans(text, asked, self._pack))
        covered = [(s.start, s.end) for s in self.disguise.revealing(text, short=True)]
        found = spans(without(text, covered), asked, self._pack)
        return [span for span in found if not self.disguise.is_one(span.value)]

    def text(
        self, text: str, asked: Expectation, where: str, found: list[Redaction], new: bool
    ) -> str:
        return self.replaced(text, self.private(text, asked, new), where, found)

    def replaced(
        self, text: str, private: Sequence[Span], where: str, found: list[Redaction]
    ) -> str:
        out, done = "", 0
        for span in private:
            out += text[done : span.start]
            hidden = self.disguise.of(text[span.start : span.end], span.value)
            found.append(redactions.of(span, where, len(out), len(out) + len(hidden)))
            out, done = out + hidden, span.end
        return out + text[done:]

    def keys(self, digits: str, asked: Expectation, found: list[Redaction]) -> str:
        """Keys of a telephone: three or more are a number of the customer's, unless something
        harmless was asked for."""
        text = self.text(digits, asked, "text", found, new=True)
        run = digits.strip("*#")
        if "code" not in self._pack.privacy.redact:
            return text
        if found or asked.kind in {"amount", "date", "choice"} or len(run) < KEYS:
            return text
        if not (run.isascii() and run.isdigit()):
            return text
        start = digits.index(run)
        span = Span(start, start + len(run), "code", run, LABELS["code"])
        return self.replaced(digits, [span], "text", found)

    def outcome(self, outcome: Outcome, found: list[Redaction]) -> Outcome:
        """What the bank answered: values that are known to be private, and what looks like it."""
        values: dict[str, str] = {}
        for name, value in outcome.values.items():
            private = [s for s in self.private(value, OPEN, new=False) if s.kind in PATTERNS]
            told = self.replaced(value, private, f"outcome:{name}", found)
            hidden = self.disguise.known_ones(told)
            if hidden != told:
                label = LABELS["account"]
                found.append(Redaction("account", f"outcome:{name}", 0, len(hidden), label))
            values[name] = hidden
        return replace(outcome, values=values)
