"""Given all that was said, what does the agent say and do next?

Pure: the same pack, inputs and times always give the same decisions; no clock, no chance, no
input or output. Nothing that needs an identity is started before it is confirmed, and no action
key is ever used for two different things (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

from dialogs.escalation.callback import pointless, remind
from dialogs.escalation.handoff import as_meant, hand_over
from dialogs.interpretation.dialogue_acts import STEERING, Meaning, interpret
from dialogs.pack.model import Pack, plain
from dialogs.responses.action_results import settle
from dialogs.responses.by_act import respond
from dialogs.responses.commands import want_person
from dialogs.responses.fallback import miss
from dialogs.responses.handback import nobody_came, person_done, person_joins, person_lost
from dialogs.responses.next_request import take_up
from dialogs.responses.offers import heed, offer
from dialogs.responses.request_queue import alone, each, person_asked, remember, sorted_out
from dialogs.state import CallBack, DialogueState, Unreachable, Waited
from dialogs.turn_draft import Draft, House
from dialogs.values import (
    NOTHING_HEARD,
    Channel,
    Conversation,
    Decision,
    Outcome,
    Understanding,
)

QUEUE = 2  # wishes kept while the bank is at work
UNPLACED = frozenset({"unclear", "out_of_scope"})
QUIET = Understanding("", NOTHING_HEARD, 0.0)


class Dialogue:
    """The whole dialogue of one session. Holds no state: that travels in the decisions."""

    def __init__(
        self,
        pack: Pack,
        session_id: str,
        today: date,
        channel: Channel = "chat",
        chance: float | None = None,
    ) -> None:
        """`chance` is one number, even in [0, 1), that all choices among offers are drawn from;
        without it nothing is offered."""
        self.pack = pack
        self.today = today
        self.start = DialogueState()
        self._house = House(pack, session_id, today, channel, chance)

    def open(self, customer_name: str = "") -> Decision:
        draft = Draft(self._house, self.start, 0, 0.0)
        name = f", {customer_name.split()[0]}" if customer_name.strip() else ""
        draft.ask(draft.open_question("greeting"), comma_name=name)
        return draft.decision()

    def heard(
        self, state: DialogueState, talk: Conversation, what: Understanding, at: float, turn: int
    ) -> Decision:
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        if state.pending is not None:
            self._wait(draft, what)
            return draft.decision()
        self._react(draft, talk, what)
        return self._decided(draft, talk, what)

    def acted(
        self, state: DialogueState, talk: Conversation, outcome: Outcome, at: float, turn: int
    ) -> Decision:
        """An answer to an action that is not under way, or no longer, changes nothing."""
        pending = state.pending
        if state.ended or pending is None or outcome.key != pending.call.key:
            return Decision(state, expect=state.question.expect)
        draft = Draft(self._house, replace(state, pending=None), turn, at)
        settle(draft, pending, outcome)
        hand_over(draft, talk, replace(QUIET, intent=""))
        while draft.state.queue and draft.state.pending is None and not draft.ends:
            first, *rest = draft.state.queue
            draft.state = replace(draft.state, queue=tuple(rest))
            self._catch_up(draft, talk, first)
        take_up(draft)
        return self._decided(draft, talk)

    def silent(self, state: DialogueState, talk: Conversation, at: float, turn: int) -> Decision:
        """Nothing was said for a while."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        if state.pending is not None:
            draft.say("one_moment")
        else:
            heed(draft, Meaning("nothing"))
            respond(draft, Meaning("nothing"), QUIET)
        return self._decided(draft, talk)

    def missed(self, state: DialogueState, talk: Conversation, at: float, turn: int) -> Decision:
        """Something was said, but no model could say what."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        if state.pending is not None:
            draft.say("one_moment")
            return draft.decision()
        miss(draft, "missed")
        offered = draft.state.question.kind == "person" or draft.state.waiting
        if not offered and self._house.channel != "call" and draft.state.misses > 1:
            draft.say("typed")
        hand_over(draft, talk, QUIET)
        return self._decided(draft, talk)

    def handed_back(
        self, state: DialogueState, talk: Conversation, at: float, turn: int
    ) -> Decision:
        """A person has finished; what was begun before is kept, and asked about."""
        rested = state.active & {"explicit_request", "repeated_misunderstanding"}
        state = replace(state, waiting=False, urgency="", misses=0, silences=0,
                        active=state.active - rested, call_back=None)  # fmt: skip
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        person_done(draft)
        return self._decided(draft, talk)

    def unreached(
        self,
        state: DialogueState,
        talk: Conversation,
        why: Unreachable,
        ticket: str,
        when: str,
        at: float,
        turn: int,
    ) -> Decision:
        """Nobody comes. `ticket` is what a call back is noted under, `when` says in words when
        somebody is there again ("tomorrow at 9 AM"); either may be empty."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        nobody_came(draft, CallBack(why, ticket, when, state.urgency or "normal", at))
        return self._decided(draft, talk)

    def joined(
        self,
        state: DialogueState,
        name: str,
        role: Literal["person", "supervisor"],
        at: float,
        turn: int,
    ) -> Decision:
        """A person takes over: the customer hears who."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        person_joins(draft, name, role)
        return draft.decision()

    def lost(self, state: DialogueState, name: str, at: float, turn: int) -> Decision:
        """The person who was here is gone without a word, and another one is asked for."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        person_lost(draft, name)
        return draft.decision()

    def _react(self, draft: Draft, talk: Conversation, what: Understanding) -> None:
        what = sorted_out(self.pack, draft.state, what)
        readings = [(part, interpret(self.pack, draft.state, part)) for part in each(what)]
        placed = (reading for reading in readings if reading[1].kind not in UNPLACED)
        what, meaning = next(placed, readings[0])  # what stands before it was no request
        if meaning.kind in {"nothing", "unheard"}:
            what = replace(what, also=())
        else:
            remember(draft, what)
        if meaning.kind != "nothing":
            draft.state = replace(draft.state, silences=0)
            draft.feel(what)
            _meet(draft, what)
        draft.free = False
        heed(draft, meaning)
        respond(draft, meaning, what)
        if (asked := person_asked(self.pack, what)) and not draft.ends and not draft.demanded:
            self._person_beside(draft, alone(what, asked))
        take_up(draft)
        hand_over(draft, talk, as_meant(what, meaning))

    def _person_beside(self, draft: Draft, what: Understanding) -> None:
        """A person was asked for beside something else, which goes on when nobody can come."""
        if pointless(draft):
            remind(draft)
        else:
            want_person(draft, what)

    def _decided(self, draft: Draft, talk: Conversation, what: Understanding = QUIET) -> Decision:
        """What follows when nothing is in progress any more is asked last, when all is known."""
        if draft.free and not draft.ends:
            if not draft.state.waiting and not offer(draft, talk, what):
                draft.ask(draft.open_question("more"))
            if draft.state.waiting and not draft.replies:
                draft.say("waiting")
        return draft.decision()

    def _wait(self, draft: Draft, what: Understanding) -> None:
        """The bank is at work: never start anything twice, keep a new wish for afterwards."""
        if plain(what.text) and what.intent != NOTHING_HEARD:
            draft.feel(what)
            parts = each(sorted_out(self.pack, draft.state, what))
            wish = next((part for part in parts if self._wishes(draft.state, part)), None)
            if wish is not None and len(draft.state.queue) < QUEUE:
                waited = Waited(wish, draft.at, draft.turn)
                draft.state = replace(draft.state, queue=(*draft.state.queue, waited))
        draft.say("one_moment")

    def _wishes(self, state: DialogueState, what: Understanding) -> bool:
        """Something that can be met once the bank has answered, and is not under way already."""
        text = plain(what.text)
        intent = self.pack.exact.get(text, what.intent)
        sure = 1.0 if text in self.pack.exact else what.confidence
        known = self.pack.intents.get(intent)
        wish = intent in STEERING or (known is not None and known.kind in {"task", "question"})
        again = known is not None and any(known.flow == task.flow for task in state.tasks)
        return wish and not again and intent != "repeat" and sure >= self.pack.deciding.act_from

    def _catch_up(self, draft: Draft, talk: Conversation, waited: Waited) -> None:
        """Now answer what was said while the bank was at work."""
        intent = self.pack.exact.get(plain(waited.what.text), waited.what.intent)
        if intent in {"cancel", "start_over"} and not draft.state.tasks:
            draft.say("too_late")
            return
        self._react(draft, talk, waited.what)


def _meet(draft: Draft, what: Understanding) -> None:
    """Keep the name a customer gives in passing. A claim, not an identity."""
    for slot in what.slots:
        spec = draft.house.pack.slots.get(slot.name)
        if spec is not None and spec.type == "name":
            draft.state = replace(draft.state, known={**draft.state.known, "name": slot.value})
