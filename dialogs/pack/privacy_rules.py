"""What does a business hide, record and keep of its customers?

A pack says so in privacy.yaml; without the file everything private is hidden, nothing is recorded
without consent, and what is kept has an end (tests/dialogs/test_privacy.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

Kind = Literal["card", "account", "ssn", "email", "phone", "code"]
Consent = Literal["ask", "never", "always"]

KINDS: tuple[Kind, ...] = get_args(Kind)
DAYS: Mapping[str, int] = {
    "recordings": 30, "judgements": 90, "offers": 365, "handovers": 90, "tickets": 90,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PrivacyRules:
    """`redact` are the kinds of numbers and addresses that are hidden before anything is kept;
    slots marked secret always are. `keep_days` says after how many days what is kept goes."""

    redact: frozenset[Kind] = frozenset(KINDS)
    recording: Consent = "ask"
    emotion: Consent = "ask"
    keep_days: Mapping[str, int] = field(default_factory=lambda: DAYS)

    def may_record(self, agreed: bool) -> bool:
        """Whether words and sound may be kept of somebody who has agreed, or has not."""
        return _allows(self.recording, agreed)

    def may_feel(self, agreed: bool) -> bool:
        """Whether it may be judged how somebody feels who has agreed, or has not."""
        return _allows(self.emotion, agreed)


def _allows(rule: Consent, agreed: bool) -> bool:
    return rule == "always" or (rule == "ask" and agreed)
