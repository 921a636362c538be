"""A mind for tests: it finds the intent by words, and the slots with the real extractor.

`Bot` plays a conversation and keeps the turns as a session would.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from audio.types import Expectation
from dialogs.extraction.slots import extract
from dialogs.manager import Dialogue
from dialogs.pack.model import Pack, normalise_text
from dialogs.state import Decision
from dialogs.values import ActionResult, History, Turn, Understanding

TODAY = date(2026, 11, 24)  # a Tuesday


def opening_time() -> datetime:
    """That Tuesday at 8:30 in New York, where the built-in bank is."""
    return datetime(2026, 11, 24, 13, 30, tzinfo=UTC)


# The first words that fit decide, so the more special ones stand first.
WORDS = (
    ("talk_to_person", ("person", "human being", "agent", "representative", "operator")),
    ("start_over", ("start over", "start again")),
    ("cancel", ("cancel", "never mind", "forget it")),
    ("repeat", ("say that again", "repeat")),
    ("goodbye", ("bye", "that's all")),
    ("report_lost_card", ("lost my", "stolen")),
    ("replace_card", ("replacement card", "new card", "replace my")),
    ("report_fraud", ("fraud", "scammed")),
    ("dispute_charge", ("dispute",)),
    ("transfer_money", ("transfer", "move ")),
    ("check_balance", ("balance",)),
    ("reset_password", ("password",)),
    ("order_checks", ("order checks", "checkbook")),
    ("branch_hours", ("hours", "are you open")),
    ("schedule_appointment", ("appointment",)),
    ("pay_bill", ("pay ", "bill")),
    ("are_you_human", ("robot",)),
    ("complaint", ("ridiculous", "fed up")),
    ("help", ("what can you do",)),
    ("question", ("fee", "how many", "what is the", "how do i")),
    ("thanks", ("thank",)),
    ("out_of_scope", ("weather", "pizza")),
    ("greeting", ("hello",)),
)


def understood(
    pack: Pack,
    text: str,
    expect: Expectation | None = None,
    sure: float = 0.9,
    is_heard: bool = False,
    **more: object,
) -> Understanding:
    low = text.lower()
    intent = next((name for name, words in WORDS if any(w in low for w in words)), "")
    intent = intent or pack.intent_by_example.get(normalise_text(text), "inform")
    slots = extract(text, pack, expect or Expectation(), TODAY, is_heard)
    made = Understanding(text, intent, sure, upset=0.1, upset_spread=0.15, slots=slots)
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass
class Bot:
    pack: Pack
    channel: str = "chat"
    name: str = ""
    chance: float | None = None
    talk: History = field(default_factory=History)
    turn: int = 0
    calls: list = field(default_factory=list)
    escalations: list = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dialogue = Dialogue(self.pack, "s1", TODAY, self.channel, self.chance)
        self.last = self.dialogue.on_opened(self.name)

    @property
    def state(self):
        return self.last.state

    @property
    def text(self) -> str:
        return " ".join(reply.text for reply in self.last.replies)

    def says(self, text: str, sure: float = 0.9, **more: object) -> str:
        """The customer says something; returns what the bot answers."""
        self.turn += 1
        what = understood(self.pack, text, self.last.expectation, sure, **more)
        return self._keep(
            self.dialogue.on_understood(self.state, self.talk, what, float(self.turn), self.turn),
            what,
        )

    def bank(self, ok: bool = True, reason: str = "", key: str = "", **values: str) -> str:
        """The bank answers the last action."""
        outcome = ActionResult(key or self.calls[-1].key, ok, values, reason)
        return self._keep(
            self.dialogue.on_action_result(
                self.state, self.talk, outcome, float(self.turn), self.turn
            )
        )

    def nothing(self) -> str:
        self.turn += 1
        return self._keep(
            self.dialogue.on_silence(self.state, self.talk, float(self.turn), self.turn)
        )

    def misses(self) -> str:
        self.turn += 1
        return self._keep(
            self.dialogue.on_understanding_failed(
                self.state, self.talk, float(self.turn), self.turn
            )
        )

    def returns(self) -> str:
        return self._keep(
            self.dialogue.on_handed_back(self.state, self.talk, float(self.turn), self.turn)
        )

    def unreached(self, why: str = "closed", ticket: str = "C-17", when: str = "") -> str:
        """Nobody comes."""
        return self._keep(
            self.dialogue.on_person_unavailable(
                self.state, self.talk, why, ticket, when, float(self.turn), self.turn
            )
        )

    def loses(self, name: str = "Dana") -> str:
        """The person who took over is cut off."""
        return self._keep(
            self.dialogue.on_person_lost(self.state, name, float(self.turn), self.turn)
        )

    def identifies(self) -> str:
        self.says("100421")
        self.says("4471")
        return self.bank(customer="100421", customer_name="Patricia Miller", tier="standard")

    def _keep(self, decision: Decision, what: Understanding | None = None) -> str:
        self.last = decision
        if decision.action_call:
            self.calls.append(decision.action_call)
        if decision.escalation:
            self.escalations.append(decision.escalation)
        escalations = tuple(self.escalations)
        turns = self.talk.turns
        if what is not None:
            turns = (*turns, Turn(self.turn, "customer", float(self.turn), what))
        self.talk = replace(self.talk, turns=turns, escalations=escalations)
        return self.text
