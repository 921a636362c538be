"""Privacy rules of a pack: which values are hidden, what needs consent, and retention.

privacy.yaml sets them; without the file all kinds of private values are hidden, recording needs
consent, and all stored data has a retention period (tests/dialogs/pack/test_privacy_rules.py).
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
    """`redacted_kinds` are the kinds of private values that are hidden before storage; secret slots
    always are. `recording` and `emotion` say when consent is needed. `keep_days` is the retention
    in days by kind of record."""

    redacted_kinds: frozenset[PiiKind] = frozenset(PII_KINDS)
    recording: ConsentRule = "ask"
    emotion: ConsentRule = "ask"
    keep_days: Mapping[str, int] = field(default_factory=lambda: DEFAULT_KEEP_DAYS)

    def may_record(self, has_consented: bool) -> bool:
        """Whether words and audio may be stored, given whether the customer has consented."""
        return _is_allowed(self.recording, has_consented)

    def may_infer_emotion(self, has_consented: bool) -> bool:
        """Whether emotion may be inferred, given whether the customer has consented."""
        return _is_allowed(self.emotion, has_consented)


def _is_allowed(rule: ConsentRule, has_consented: bool) -> bool:
    return rule == "always" or (rule == "ask" and has_consented)
