"""What does a business hide, record and keep of its customers?

A pack says so in privacy.yaml; without the file everything private is hidden, nothing is recorded
without consent, and what is kept has an end (tests/dialogs/test_privacy.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

PiiKind = Literal["card", "account", "ssn", "email", "phone", "code"]
ConsentRule = Literal["ask", "never", "always"]

PII_KINDS: tuple[PiiKind, ...] = get_args(PiiKind)
DEFAULT_KEEP_DAYS: Mapping[str, int] = {
    "recordings": 30, "judgements": 90, "offers": 365, "handovers": 90, "tickets": 90,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """`redact` are the kinds of numbers and addresses that are hidden before anything is kept;
    slots marked secret always are. `keep_days` says after how many days what is kept goes."""

    redacted_kinds: frozenset[PiiKind] = frozenset(PII_KINDS)
    recording: ConsentRule = "ask"
    emotion: ConsentRule = "ask"
    keep_days: Mapping[str, int] = field(default_factory=lambda: DEFAULT_KEEP_DAYS)

    def may_record(self, has_consented: bool) -> bool:
        """Whether words and sound may be kept of somebody who has agreed, or has not."""
        return _is_allowed(self.recording, has_consented)

    def may_infer_emotion(self, has_consented: bool) -> bool:
        """Whether it may be judged how somebody feels who has agreed, or has not."""
        return _is_allowed(self.emotion, has_consented)


def _is_allowed(rule: ConsentRule, has_consented: bool) -> bool:
    return rule == "always" or (rule == "ask" and has_consented)
