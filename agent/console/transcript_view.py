"""What does somebody see who looks on at a conversation?

A `Board` is fed one conversation's rows, each once and in order, and tells what a console shows for
it: lines of the transcript, moods with what they rest on, claims of the summary. So whoever opens a
conversation late sees what those have seen who followed it (tests/agent/test_board.py).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from agent.console.summary_claims import Claim, claims
from agent.console.transcript_items import Item, Kind, Mood, standing, taken
from agent.core import events as e
from agent.core.event_json import Row, read
from agent.wire.console import encode
from dialogs.values import Understanding

CERTAIN = 0.5  # a mood that is known less well than within this is not shown


class Board:
    """One conversation as it is shown."""

    def __init__(self, session: str, speaks: bool = False) -> None:
        """`speaks`: what the bot says is spoken."""
        self.session = session
        self.owner = "bot"
        self.name = ""
        self.asked: int | None = None  # the last hand-over, while it is open
        self.seen = 0  # the number of the last row
        self.understood = 0  # the last turn of the customer's that was understood
        self.reason = ""  # why it is over
        self.items: list[Item] = []
        self.moods: list[Mood] = []
        self.claims: tuple[Claim, ...] = ()
        self._speaks = speaks
        self._said: dict[int, int] = {}  # turn -> its item
        self._times: dict[int, float] = {}  # turn -> when it was
        self._unplaced: list[int] = []  # items typed whose turn is not known yet
        self._asks: list[tuple[int, str]] = []  # turn and leg of each question to the models
        self._answers: dict[int, Understanding | None] = {}  # by turn
        self._emotions: dict[int, str] = {}  # by turn
        self._actions: dict[str, str] = {}  # key -> name

    def push(self, row: Row) -> list[str]:
        """What this row changes, as messages for a console."""
        self.seen = row.n
        told = self._heard(read(row.input))
        decided = json.loads(row.decisions)
        told += self._placed([one for one in decided if one["kind"] == "turn"])
        for message in row.messages:
            told += self._message(json.loads(message))
        for one in decided:
            if one["kind"] == "action":
                self._actions[one["key"]] = one["name"]
                told += self._add(row.at, "action", _plain(one["name"]), state="begun")
        return told

    def picture(self) -> dict[str, object]:
        """All of it, for a console that opens it now."""
        moods = [(m.at, m.upset, m.turn, m.emotion, m.written()["evidence"]) for m in self.moods]
        return {
            "owner": self.owner,
            "name": self.name,
            "claims": [claim.written() for claim in self.claims],
            "items": [item.written() for item in self.items],
            "moods": moods,
        }

    # -- what came in --------------------------------------------------------------------------

    def _heard(self, event: e.Input) -> list[str]:
        match event:
            case e.Typed(at, text) | e.Digits(at, text):
                self._unplaced.append(len(self.items))
                return self._add(at, "customer", text)
            case e.Understood(_, ask, result):
                return self._answered(ask, result, 0.0)
            case e.Missed(at, ask):
                return self._answered(ask, None, at)
            case e.Acted(at, outcome):
                what = _plain(self._actions.get(outcome.key, "what was begun"))
                ended = "done" if outcome.ok else "refused"
                why = f" ({_plain(outcome.reason)})" if outcome.reason else ""
                return self._add(at, "action", f"{what}: {ended}{why}", state=ended)
            case e.Consented(at, recording):
                may = "agrees to be recorded" if recording else "does not want to be recorded"
                return self._add(at, "notice", f"The customer {may}.")
            case e.Dropped(at):
                return self._add(at, "notice", "The customer's connection is gone.")
            case e.Resumed(at):
                return self._add(at, "notice", "The customer is connected again.")
            case e.Left(at, said_end):
                gone = "has left" if said_end else "did not come back"
                self.reason = f"The customer {gone}."
                return self._add(at, "notice", self.reason)
        return []

    def _answered(self, ask: int, result: Understanding | None, at: float) -> list[str]:
        """The first answer to a question counts. Of one that is missing the bot speaks itself."""
        turn, _ = self._asks[ask - 1] if 0 < ask <= len(self._asks) else (0, "")
        if turn in self._answers:
            return []
        self._answers[turn] = result
        silent = result is None and self.owner in ("person", "supervisor")
        if not silent or turn in self._said:
            return []
        return self._add(at, "notice", "Something was said that could not be written down.")

    def _placed(self, turns: list[dict[str, Any]]) -> list[str]:
        """Questions to the models, in their order: what they are about gets its turn."""
        told: list[str] = []
        for one in turns:
            self._asks.append((one["turn"], one["leg"]))
            if "typed" in one:
                unplaced, self._unplaced = self._unplaced, []
                for index in unplaced:
                    self._said[one["turn"]] = index
                    self._times.setdefault(one["turn"], self.items[index].at)
                    told += self._known(index, turn=one["turn"])
        return told

    # -- what was sent to the customer ---------------------------------------------------------

    def _message(self, said: dict[str, Any]) -> list[str]:
        at = said["at"]
        match said["type"]:
            case "transcript":
                return self._transcript(at, said)
            case "cues" if said["emotion"]:
                self._emotions[said["turn"]] = max(said["emotion"].items(), key=_second)[0]
            case "understanding":
                return self._meant(at, said)
            case "reply":
                self._times.setdefault(said["turn"], at)
                spoken = True if self._speaks else None
                where = {"flow": said["flow"] or None, "step": said["step"] or None}
                return self._add(at, "bot", said["text"], turn=said["turn"], spoken=spoken, **where)
            case "handoff":
                return self._hand_over(at, said)
            case "owner":
                return self._owned(at, said)
            case "agent":
                return self._add(at, "person", said["text"], name=said["name"])
            case "error":
                return self._add(at, "notice", said["message"])
            case "bye" if not self.reason:
                self.reason = said["reason"]
                return self._add(at, "notice", said["reason"])
        return []

    def _transcript(self, at: float, said: dict[str, Any]) -> list[str]:
        turn = said["turn"]
        if said["leg"] != "customer":
            return self._add(at, "person", said["text"], turn=turn, spoken=True)
        self._said[turn] = len(self.items)
        self._times.setdefault(turn, at)
        return self._add(at, "customer", said["text"], turn=turn, spoken=True)

    def _meant(self, at: float, said: dict[str, Any]) -> list[str]:
        turn, certain = said["turn"], said["upset_spread"] < CERTAIN
        self.understood = turn
        emotion, upset = self._emotions.pop(turn, None), said["upset"] if certain else None
        result = self._answers.get(turn)
        self._answers[turn] = None  # long, and not needed any more
        told: list[str] = []
        if (index := self._said.get(turn)) is not None:
            meant = {"intent": said["intent"], "confidence": said["confidence"]}
            told += self._known(index, upset=upset, emotion=emotion, **meant)
        if certain:
            evidence = result.evidence if result else ()
            mood = Mood(round(self._times.get(turn, at), 3), turn, said["upset"], emotion, evidence)
            self.moods.append(mood)
            told.append(encode("mood", session=self.session, **mood.written()))
        return told

    def _hand_over(self, at: float, said: dict[str, Any]) -> list[str]:
        id, state = said["id"], said["state"]
        told: list[str] = []
        if state == "requested":
            self.asked = id
            self.claims = claims(said["summary"], self._times)
            shown = [claim.written() for claim in self.claims]
            told.append(encode("claims", session=self.session, id=id, claims=shown))
        elif state in ("ended", "callback") and self.asked == id:
            self.asked = None
        return told + self._add(at, "handoff", standing(said), rule=said["rule"], state=state)

    def _owned(self, at: float, said: dict[str, Any]) -> list[str]:
        self.owner, self.name = said["owner"], said.get("name", "")
        owned = encode("owner", session=self.session, owner=self.owner, name=self.name)
        named = {"name": self.name or None, "state": self.owner}
        return [owned, *self._add(at, "owner", taken(self.owner, self.name), **named)]

    # -- lines ---------------------------------------------------------------------------------

    def _add(self, at: float, kind: Kind, text: str, **more: Any) -> list[str]:
        self.items.append(Item(len(self.items) + 1, round(at, 3), kind, text, **more))
        return [self._line(self.items[-1])]

    def _known(self, index: int, **more: Any) -> list[str]:
        self.items[index] = replace(self.items[index], **more)
        return [self._line(self.items[index])]

    def _line(self, item: Item) -> str:
        return encode("item", session=self.session, item=item.written())


def _second(pair: tuple[str, float]) -> float:
    return pair[1]


def _plain(name: str) -> str:
    return name.replace("_", " ")
