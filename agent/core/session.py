"""What does one conversation do next?

`Session.receive` takes an `Input` and returns the `Effect`s it leads to. It has no clock, no
socket and no model: time comes with the inputs, voice probabilities come with the audio, and a
model's answer is an input like any other. Feeding the same inputs again gives the same effects,
and answers are applied in the order of the questions (tests/agent/test_session.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agent.core import events as e
from agent.core.ownership import Ownership
from agent.core.pending_turns import Ask, Asks
from agent.core.turn_notes import Privacy
from agent.core.turn_taking import Began, Dropped, Ended, LegHearing, TurnChange
from audio.turns import TurnRules
from audio.types import RATE, Expectation, Leg
from dialogs.manager import Dialogue
from dialogs.values import Conversation, Decision, Reply, Turn, Understanding

LOOK_BACK = 8  # turns that a model is told of beside the one to be understood
NOISE_S = 0.5  # a turn without words and with less voice than this was not speech


@dataclass(frozen=True, slots=True)
class SessionRules:
    """Patience, in seconds, and bounds."""

    silence_s: float = 9.0  # voice: nothing said after our question
    idle_s: float = 600.0  # chat: nothing typed
    muted_s: float = 1.2  # packets stopped in the middle of a turn
    asks_in_flight: int = 2  # texts typed beyond this are joined into one question
    turns: TurnRules = TurnRules()


class Session:
    """One customer's conversation. See the module's docstring for the contract."""

    def __init__(self, dialogue: Dialogue, rules: SessionRules) -> None:
        self.dialogue = dialogue
        self.rules = rules
        self.talk = Conversation()
        self.state = dialogue.start
        self.expect = Expectation()
        self.ownership = Ownership()
        self.closed = False
        self._aloud = False
        self._feel = dialogue.pack.privacy.may_feel(agreed=False)
        self._legs: dict[Leg, LegHearing] = {}
        self._asks = Asks()
        self._unasked: list[str] = []  # typed while too many questions were open
        self._speaking: int | None = None
        self._said: tuple[Reply, ...] = ()
        self._away = False  # the customer's connection is gone for now
        self._interrupted = False  # by what may yet turn out to be no speech
        self._quiet_until = math.inf  # when silence becomes our turn to speak
        self._turns = 0
        recording = dialogue.pack.privacy.may_record(agreed=False)
        self._privacy = Privacy(dialogue.pack, self.talk.channel, recording)

    @property
    def deadline(self) -> float:
        """When this session wants a `Tick`, in session seconds; infinite when it never does."""
        if self.closed:
            return math.inf
        muted = [leg.heard_at + self.rules.muted_s for leg in self._legs.values() if leg.turn]
        return min([self._quiet_until, *muted])

    def receive(self, event: e.Input) -> list[e.Effect]:
        """Take one input; return what must be done about it, in order."""
        if self.closed:
            return []
        match event:
            case e.Opened():
                return self._open(event)
            case e.Heard():
                leg = self._legs[event.leg]
                return self._follow(leg, leg.push(event, self._may_feel(event.leg)), event.at)
            case e.Typed(at, text) | e.Digits(at, text):
                return self._typed(at, text)
            case e.Partial():
                return self._partial(event)
            case e.Understood() | e.Missed():
                return self._answered(event)
            case e.Acted():
                return self._acted(event)
            case e.Speaking(at, turn, ms):
                self._speaking = turn
                self._patience(at + ms / 1000)
                return []
            case e.Played(at, turn, _):
                if turn == self._speaking:
                    self._speaking = None
                    self._patience(at)
                return []
            case e.Consented(_, recording, emotion):
                rules = self.dialogue.pack.privacy
                self._privacy = replace(self._privacy, recording=rules.may_record(recording))
                self._feel = rules.may_feel(emotion)
                return []
            case e.TookOver() | e.Said() | e.HandedBack() | e.Abandoned() | e.Finished():
                return self._person(event)
            case e.Queued():
                return self.ownership.queued(event)
            case e.Unreached():
                return self._unreached(event)
            case e.Dropped(at):
                return self._dropped(at)
            case e.Resumed():
                return self._resumed(event)
            case e.Tick(at):
                return self._tick(at)
            case e.Left(_, said_end):
                return self._left(said_end)

    # -- opening, leaving, waiting -------------------------------------------------------------

    def _open(self, event: e.Opened) -> list[e.Effect]:
        self._aloud = event.speak
        self.talk = replace(self.talk, channel=event.channel)
        self._privacy = replace(self._privacy, channel=event.channel)
        self._legs = {leg: LegHearing(leg, self.rules.turns, self._number) for leg in event.legs}
        turn = self._number()
        return self._carry_out(self.dialogue.open(event.customer.name), event.at, turn)

    def _left(self, said_end: bool) -> list[e.Effect]:
        effects = self._close("the conversation has ended")
        return effects if said_end else effects[:-1]  # nobody is there to be told

    def _close(self, reason: str) -> list[e.Effect]:
        self.closed = True
        streams = [e.Forget(leg.turn) for leg in self._legs.values() if leg.turn]
        return [*streams, e.Close(1000, reason)]

    def _tick(self, at: float) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.turn and at >= leg.heard_at + self.rules.muted_s:
                effects += self._follow(leg, leg.cut(), at)
        if effects or at < self._quiet_until:
            return effects
        if self.ownership.person or self._asks:  # a person's turn to speak, or a model's
            self._patience(at)
            return []
        if not self._legs and self.state.waiting:  # for a person: that may take its time
            self._patience(at)
            return []
        if not self._legs:
            return self._close("nothing was typed for a while; say hello again to go on")
        turn = self._number()
        return self._carry_out(self.dialogue.silent(self.state, self.talk, at, turn), at, turn)

    def _patience(self, at: float) -> None:
        if self._away:
            return  # nobody is there to be silent
        self._quiet_until = at + (self.rules.silence_s if self._legs else self.rules.idle_s)

    def _number(self) -> int:
        self._turns += 1
        return self._turns

    # -- hearing and asking --------------------------------------------------------------------

    def _may_feel(self, leg: Leg) -> bool:
        return self._feel and leg == "customer"  # never on an employee's leg

    def _follow(
        self, leg: LegHearing, found: Sequence[e.Effect | TurnChange], at: float
    ) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for event in found:
            match event:
                case Began():
                    effects += self._barge_in() if leg.leg == "customer" else []
                case Ended():
                    effects.append(self._ask_spoken(event, leg.leg, at))
                case Dropped():
                    effects += self._noise(at)
                case _:
                    effects.append(event)
        return effects

    def _barge_in(self) -> list[e.Effect]:
        self._quiet_until = math.inf
        if self._speaking is None:
            return []
        hushed, self._speaking, self._interrupted = self._speaking, None, True
        return [e.Hush(hushed)]

    def _noise(self, at: float) -> list[e.Effect]:
        """What began was a cough, a sneeze, a door: go on as if it had not happened."""
        self._patience(at)
        if not self._interrupted:
            return []
        self._interrupted = False
        return [e.Say(self._number(), self._said, self._aloud, again=True)]

    def _partial(self, event: e.Partial) -> list[e.Effect]:
        for leg in self._legs.values():
            if leg.turn and leg.turn == event.stream:
                leg.partial(event.text)
                return [e.Caption(leg.turn, leg.leg, event.text)]
        return []  # the turn has ended meanwhile: its transcript is on the way

    def _typed(self, at: float, text: str) -> list[e.Effect]:
        effects = self._barge_in()
        if len(self._asks) >= self.rules.asks_in_flight:
            self._unasked.append(text)
            return effects
        return [*effects, self._ask_typed(text, at)]

    def _ask_typed(self, text: str, at: float) -> e.Understand:
        ask = self._asks.put(self._number(), "customer", at)
        said, told = self.talk.before(LOOK_BACK)
        where = self._context()
        return e.Understand(
            ask.id, ask.turn, "customer", None, text, self.expect, where, said=said, told=told
        )

    def _ask_spoken(self, ended: Ended, leg: Leg, at: float) -> e.Understand:
        turn = ended.turn
        ask = self._asks.put(turn, leg, at, ended.voiced_s, ended.end)
        expect = self.expect if leg == "customer" else Expectation()
        where, usual, spoke_until = self._context(), self.talk.usual, ended.spoke_until
        said, told = self.talk.before(LOOK_BACK)
        return e.Understand(
            ask.id, turn, leg, turn, "", expect, where, usual, spoke_until, said, told
        )

    def _context(self) -> str:
        return "/".join(self.state.where)

    # -- being answered, and deciding ----------------------------------------------------------

    def _answered(self, event: e.Understood | e.Missed) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for ask, answer in self._asks.answer(event):
            if not self.closed:
                effects += self._apply(ask, answer, event.at)
        if self._unasked and len(self._asks) < self.rules.asks_in_flight and not self.closed:
            text, self._unasked = " ".join(self._unasked), []
            effects.append(self._ask_typed(text, event.at))
        return effects

    def _apply(self, ask: Ask, answer: e.Understood | e.Missed, at: float) -> list[e.Effect]:
        if isinstance(answer, e.Missed):
            return self._missed(ask, answer)
        heard = answer.result
        if not heard.text and ask.voiced_s is not None and ask.voiced_s < NOISE_S:
            return self._noise(at)
        if ask.leg != "customer":
            self._add_turn(ask, heard, None)
            return [e.Show(ask.turn, ask.leg, answer.transcript, None, ask.end)]
        show = e.Show(ask.turn, ask.leg, answer.transcript, heard, ask.end)
        if self.ownership.person:
            self._add_turn(ask, heard, None)
            return [show]
        decision = self.dialogue.heard(self.state, self.talk, heard, at, ask.turn)
        self._add_turn(ask, heard, decision)
        return [show, *self._carry_out(decision, at, ask.turn, heard)]

    def _missed(self, ask: Ask, answer: e.Missed) -> list[e.Effect]:
        if ask.leg != "customer" or self.ownership.person:
            return []
        note = e.Notify("missed", f"Turn {ask.turn} could not be understood: {answer.why}.")
        decision = self.dialogue.missed(self.state, self.talk, answer.at, ask.turn)
        return [note, *self._carry_out(decision, answer.at, ask.turn)]

    def _acted(self, event: e.Acted) -> list[e.Effect]:
        if self.ownership.person:
            self.ownership.hold(event)
            return []
        turn = self._number()
        decision = self.dialogue.acted(self.state, self.talk, event.outcome, event.at, turn)
        return self._carry_out(decision, event.at, turn)

    def _add_turn(self, ask: Ask, heard: Understanding, decision: Decision | None) -> None:
        flow, step = decision.state.where if decision else ("", "")
        replies = decision.replies if decision else ()
        turn = Turn(ask.turn, ask.leg, ask.at, heard, flow, step, replies)
        self.talk = replace(self.talk, turns=(*self.talk.turns, turn))

    def _carry_out(
        self, decision: Decision, at: float, turn: int, heard: Understanding | None = None
    ) -> list[e.Effect]:
        self.state, self.expect = decision.state, decision.expect
        if "customer" in self._legs:
            self._legs["customer"].expect(self.expect)
        effects: list[e.Effect] = []
        if (note := self._privacy.note(turn, at, decision, heard)) is not None:
            effects.append(e.Remember(note))
        effects += [e.Remember(offer) for offer in decision.offers]
        if decision.replies:
            self._said, self._interrupted = decision.replies, False
            effects.append(e.Say(turn, decision.replies, self._aloud))
        if decision.act is not None:
            effects.append(e.Act(decision.act))
        if decision.escalation is not None:
            effects += self.ownership.ask(decision.escalation)
            escalations = (*self.talk.escalations, decision.escalation)
            self.talk = replace(self.talk, escalations=escalations)
        self._patience(at)
        return [*effects, *self._close("the conversation has ended")] if decision.ends else effects

    # -- people, and connections that come and go ------------------------------------------------

    def _person(
        self, event: e.TookOver | e.Said | e.HandedBack | e.Abandoned | e.Finished
    ) -> list[e.Effect]:
        match event:
            case e.TookOver(at, name, role):
                taken = self.ownership.take(name, role)
                return [*self._barge_in(), *taken, *self._introduced(at)] if taken else []
            case e.Said(_, name, text):
                return [e.Relay(name, text)] if self.ownership.owned_by(name) else []
            case e.HandedBack(at, name):
                back = self.ownership.give_back(name)
                return self._handed_back(at, *back) if back is not None else []
            case e.Abandoned(at, name):
                left = self.ownership.abandon(name)
                return [*left, *self._left_alone(at, name)] if left else []
            case e.Finished(_, name):
                if not self.ownership.owned_by(name):
                    return []
                ended, _ = self.ownership.give_back(name) or ([], [])
                return [*ended[:-1], *self._close(f"{name} has ended the conversation")]

    def _introduced(self, at: float) -> list[e.Effect]:
        """The customer is told who joins, aloud where we speak."""
        name, owner = self.ownership.name, self.ownership.owner
        role: Literal["person", "supervisor"] = "supervisor" if owner == "supervisor" else "person"
        turn = self._number()
        decision = self.dialogue.joined(self.state, name, role, at, turn)
        self.state = decision.state
        self._patience(at)
        return [e.Say(turn, decision.replies, self._aloud)] if decision.replies else []

    def _handed_back(self, at: float, ended: list[e.Effect], held: list[e.Acted]) -> list[e.Effect]:
        told = [effect for event in held for effect in self._acted(event)]
        return [*ended, *told, *self._goes_on(at)]

    def _left_alone(self, at: float, name: str) -> list[e.Effect]:
        """Who was here is gone; if nobody had been asked for, we go on ourselves."""
        if self.ownership.owner == "bot":
            return self._goes_on(at)
        turn = self._number()
        decision = self.dialogue.lost(self.state, name, at, turn)
        return [*self._carry_out(decision, at, turn), *self._held()]

    def _held(self) -> list[e.Effect]:
        return [effect for event in self.ownership.held() for effect in self._acted(event)]

    def _goes_on(self, at: float) -> list[e.Effect]:
        held, turn = self._held(), self._number()
        decision = self.dialogue.handed_back(self.state, self.talk, at, turn)
        return [*held, *self._carry_out(decision, at, turn)]

    def _unreached(self, event: e.Unreached) -> list[e.Effect]:
        told = self.ownership.unreached(event)
        if told is None:
            return []
        if self.ownership.owner == "queued":  # somebody may still come for another request
            return told
        turn = self._number()
        decision = self.dialogue.unreached(
            self.state, self.talk, event.why, event.ticket, event.when, event.at, turn
        )
        return [*told, *self._carry_out(decision, event.at, turn)]

    def _dropped(self, at: float) -> list[e.Effect]:
        """What was being said counts as said; then we wait, as long as it takes."""
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.turn:
                effects += self._follow(leg, leg.cut(), at)
        self._away, self._speaking, self._interrupted = True, None, False
        self._quiet_until = math.inf
        return effects

    def _resumed(self, event: e.Resumed) -> list[e.Effect]:
        effects: list[e.Effect] = []
        for leg in self._legs.values():
            if leg.turn:  # of a connection that was replaced before it was seen to be gone
                effects += self._follow(leg, leg.cut(), event.at)
            leg.skip(event.missed)
        self._away, self._speaking = False, None
        if self._legs and event.missed:
            gap = f"{event.missed / RATE:.1f} s of sound were lost while the connection was away."
            effects.append(e.Notify("gap", gap))
        if self._aloud and self._said and not self.ownership.person:
            effects.append(e.Say(self._number(), self._said, self._aloud, again=True))
        self._patience(event.at)
        return effects
