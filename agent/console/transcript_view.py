"""Read model of one conversation for consoles: its journal rows as transcript, moods and claims.

A `TranscriptView` takes the rows of one conversation, each once and in order, and returns what they
change. A console that opens the conversation late therefore shows
the same as one that followed it from the start (tests/agent/console/test_transcript_view.py).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from agent.console.linked_claims import LinkedClaim, link_claims
from agent.console.transcript_items import (
    ItemKind,
    MoodPoint,
    TranscriptItem,
    handoff_text,
    owner_text,
)
from agent.core import customer_messages as m
from agent.core.event_json import JournalRow, event_from_json
from agent.core.inputs import (
    ActionCompleted,
    ConnectionLost,
    ConnectionResumed,
    ConsentChanged,
    CustomerLeft,
    DigitsReceived,
    Input,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.message_json import message_from_json
from dialogs.values import Understanding

MAX_UPSET_SPREAD = 0.5  # a mood with a larger spread is too uncertain to be shown


@dataclass(frozen=True, slots=True)
class ClaimsUpdate:
    """The claims of the handoff with this number."""

    handoff: int
    claims: tuple[LinkedClaim, ...]


@dataclass(frozen=True, slots=True)
class OwnerUpdate:
    """The conversation has a new owner."""

    owner: str
    name: str


# What a row changes: an item that is new or replaces one with its number, a mood, claims, an owner.
ViewUpdate = TranscriptItem | MoodPoint | ClaimsUpdate | OwnerUpdate


class TranscriptView:
    """What consoles show of one conversation."""

    def __init__(self, speaks_replies: bool = False) -> None:
        """`speaks_replies`: the bot's replies are spoken, not only shown."""
        self.owner = "bot"
        self.owner_name = ""
        self.open_handoff: int | None = None  # number of the last handoff, while it is open
        self.last_row = 0  # number of the last row applied
        self.last_understood_turn = 0  # the customer's last turn that was understood
        self.end_reason = ""  # why the conversation is over; empty while it is not
        self.items: list[TranscriptItem] = []
        self.moods: list[MoodPoint] = []
        self.claims: tuple[LinkedClaim, ...] = ()
        self._speaks_replies = speaks_replies
        self._item_index_of_turn: dict[int, int] = {}  # turn -> index of its item
        self._turn_times: dict[int, float] = {}  # turn -> its session second
        # indices of typed items whose turn is not known yet
        self._items_without_turn: list[int] = []
        self._requests: list[tuple[int, str]] = []  # turn and leg of each request to the models
        self._understandings: dict[int, Understanding | None] = {}  # by turn
        self._emotions: dict[int, str] = {}  # by turn
        self._action_names: dict[str, str] = {}  # key -> name

    def apply_row(self, row: JournalRow) -> list[ViewUpdate]:
        """Apply the next row; returns what it changes. EventFormatError when it cannot be read."""
        self.last_row = row.n
        updates = self._apply_input(event_from_json(row.input))
        row_decisions = json.loads(row.decisions)
        updates += self._assign_turns([one for one in row_decisions if one["kind"] == "turn"])
        for line in row.messages:
            numbered = message_from_json(0, line)
            updates += self._apply_message(numbered.at, numbered.message)
        for one in row_decisions:
            if one["kind"] == "action":
                self._action_names[one["key"]] = one["name"]
                action_text = _as_words(one["name"])
                if consent := one.get("consent"):
                    action_text += f', agreed with "{consent["words"]}"'
                updates += self._add_item(row.at, "action", action_text, state="begun")
        return updates

    def snapshot(self) -> dict[str, object]:
        """Everything shown so far, for a console that opens the conversation now."""
        moods = [(m.at, m.upset, m.turn, m.emotion, m.as_dict()["evidence"]) for m in self.moods]
        return {
            "owner": self.owner,
            "name": self.owner_name,
            "claims": [claim.as_dict() for claim in self.claims],
            "items": [item.as_dict() for item in self.items],
            "moods": moods,
        }

    def add_notice(self, text: str) -> None:
        """Add a notice of our own at the beginning."""
        self._add_item(0.0, "notice", text)

    # -- inputs --------------------------------------------------------------------------------

    def _apply_input(self, event: Input) -> list[ViewUpdate]:
        match event:
            case TextReceived(at, text) | DigitsReceived(at, text):
                self._items_without_turn.append(len(self.items))
                return self._add_item(at, "customer", text)
            case TurnUnderstood(_, request_id, understanding):
                return self._apply_answer(request_id, understanding, 0.0)
            case UnderstandingFailed(at, request_id):
                return self._apply_answer(request_id, None, at)
            case ActionCompleted(at, outcome):
                action_name = _as_words(self._action_names.get(outcome.key, "what was begun"))
                action_state = "done" if outcome.ok else "refused"
                reason_text = f" ({_as_words(outcome.reason)})" if outcome.reason else ""
                return self._add_item(
                    at, "action", f"{action_name}: {action_state}{reason_text}", state=action_state
                )
            case ConsentChanged(at, recording):
                may = "agrees to be recorded" if recording else "does not want to be recorded"
                return self._add_item(at, "notice", f"The customer {may}.")
            case ConnectionLost(at):
                return self._add_item(at, "notice", "The customer's connection is gone.")
            case ConnectionResumed(at):
                return self._add_item(at, "notice", "The customer is connected again.")
            case CustomerLeft(at, said_end):
                leaving_text = "has left" if said_end else "did not come back"
                self.end_reason = f"The customer {leaving_text}."
                return self._add_item(at, "notice", self.end_reason)
        return []

    def _apply_answer(
        self, request_id: int, understanding: Understanding | None, at: float
    ) -> list[ViewUpdate]:
        """Only the first answer for a turn counts. A missing answer gets a notice only while a
        person has the conversation: otherwise the bot itself tells the customer."""
        turn, _ = (
            self._requests[request_id - 1] if 0 < request_id <= len(self._requests) else (0, "")
        )
        if turn in self._understandings:
            return []
        self._understandings[turn] = understanding
        is_person_speaking = understanding is None and self.owner in ("person", "supervisor")
        if not is_person_speaking or turn in self._item_index_of_turn:
            return []
        return self._add_item(
            at, "notice", "The customer said something that could not be transcribed."
        )

    def _assign_turns(self, turn_decisions: list[dict[str, Any]]) -> list[ViewUpdate]:
        """Note the requests to the models, in their order, and give typed items their turn."""
        updates: list[ViewUpdate] = []
        for one in turn_decisions:
            self._requests.append((one["turn"], one["leg"]))
            if "typed" in one:
                unplaced, self._items_without_turn = self._items_without_turn, []
                for index in unplaced:
                    self._item_index_of_turn[one["turn"]] = index
                    self._turn_times.setdefault(one["turn"], self.items[index].at)
                    updates += self._update_item(index, turn=one["turn"])
        return updates

    # -- messages to the customer --------------------------------------------------------------

    def _apply_message(self, at: float, message: m.CustomerMessage) -> list[ViewUpdate]:
        match message:
            case m.FinalTranscript():
                return self._apply_transcript(at, message)
            case m.TurnCues(turn, cues) if cues.emotion:
                self._emotions[turn] = max(cues.emotion.items(), key=_second)[0]
            case m.TurnMeaning():
                return self._apply_meaning(at, message)
            case m.BotReply(turn, reply):
                self._turn_times.setdefault(turn, at)
                spoken = True if self._speaks_replies else None
                where = {"flow": reply.flow or None, "step": reply.step or None}
                return self._add_item(at, "bot", reply.text, turn=turn, spoken=spoken, **where)
            case m.HandoffStatus():
                return self._apply_handoff(at, message)
            case m.OwnerNotice(owner, name):
                return self._apply_owner(at, owner, name)
            case m.PersonText(name, text):
                return self._add_item(at, "person", text, name=name)
            case m.ClientNotice(_, text):
                return self._add_item(at, "notice", text)
            case m.Goodbye(reason) if not self.end_reason:
                self.end_reason = reason
                return self._add_item(at, "notice", reason)
        return []

    def _apply_transcript(self, at: float, message: m.FinalTranscript) -> list[ViewUpdate]:
        turn, text = message.turn, message.transcript.text
        if message.leg != "customer":
            return self._add_item(at, "person", text, turn=turn, spoken=True)
        self._item_index_of_turn[turn] = len(self.items)
        self._turn_times.setdefault(turn, at)
        return self._add_item(at, "customer", text, turn=turn, spoken=True)

    def _apply_meaning(self, at: float, message: m.TurnMeaning) -> list[ViewUpdate]:
        turn, is_upset_certain = message.turn, message.upset_spread < MAX_UPSET_SPREAD
        self.last_understood_turn = turn
        emotion = self._emotions.pop(turn, None)
        upset = round(message.upset, 3) if is_upset_certain else None
        understanding = self._understandings.get(turn)
        self._understandings[turn] = None  # frees a large value that nothing needs any more
        updates: list[ViewUpdate] = []
        if (index := self._item_index_of_turn.get(turn)) is not None:
            updates += self._update_item(
                index,
                upset=upset,
                emotion=emotion,
                intent=message.intent,
                confidence=round(message.confidence, 3),
            )
        if upset is not None:
            evidence = understanding.evidence if understanding else ()
            at_turn = round(self._turn_times.get(turn, at), 3)
            self.moods.append(MoodPoint(at_turn, turn, upset, emotion, evidence))
            updates.append(self.moods[-1])
        return updates

    def _apply_handoff(self, at: float, status: m.HandoffStatus) -> list[ViewUpdate]:
        updates: list[ViewUpdate] = []
        if status.state == "requested":
            self.open_handoff = status.id
            self.claims = link_claims(status.escalation.claims, self._turn_times)
            updates.append(ClaimsUpdate(status.id, self.claims))
        elif status.state in ("ended", "callback") and self.open_handoff == status.id:
            self.open_handoff = None
        rule = status.escalation.rule
        text = handoff_text(status)
        return updates + self._add_item(at, "handoff", text, rule=rule, state=status.state)

    def _apply_owner(self, at: float, owner: str, name: str) -> list[ViewUpdate]:
        self.owner, self.owner_name = owner, name
        item = self._add_item(at, "owner", owner_text(owner, name), name=name or None, state=owner)
        return [OwnerUpdate(owner, name), *item]

    # -- items ---------------------------------------------------------------------------------

    def _add_item(self, at: float, kind: ItemKind, text: str, **more: Any) -> list[ViewUpdate]:
        self.items.append(TranscriptItem(len(self.items) + 1, round(at, 3), kind, text, **more))
        return [self.items[-1]]

    def _update_item(self, index: int, **more: Any) -> list[ViewUpdate]:
        self.items[index] = replace(self.items[index], **more)
        return [self.items[index]]


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


def _as_words(name: str) -> str:
    return name.replace("_", " ")
