"""Given all that was said, what does the agent say and do next?

Pure: the same pack, inputs and times always give the same decisions; no clock, no chance, no
input or output. Nothing that needs an identity is started before it is confirmed, and no action
key is ever used for two different things (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.draft import Draft, House
from dialogs.escalation import Heard, insist, judge
from dialogs.interpret import STEERING, Meaning, interpret
from dialogs.outcomes import settle
from dialogs.pack import Pack, plain
from dialogs.recover import YES_NO, miss
from dialogs.respond import respond
from dialogs.state import DialogueState, Pending, Question, Waited
from dialogs.talk import (
    NOTHING_HEARD,
    Channel,
    Conversation,
    Decision,
    Outcome,
    Understanding,
)

QUEUE = 2  # wishes kept while the bank is at work
QUIET = Understanding("", NOTHING_HEARD, 0.0)


class Dialogue:
    """The whole dialogue of one session. Holds no state: that travels in the decisions."""

    def __init__(self, pack: Pack, session_id: str, today: date, channel: Channel = "chat") -> None:
        self.pack = pack
        self.today = today
        self.start = DialogueState()
        self._house = House(pack, session_id, today, channel)

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
            self._wait(draft, state.pending, what)
            return draft.decision()
        self._react(draft, talk, what)
        return draft.decision()

    def acted(
        self, state: DialogueState, talk: Conversation, outcome: Outcome, at: float, turn: int
    ) -> Decision:
        """An answer to an action that is not under way, or no longer, changes nothing."""
        pending = state.pending
        if state.ended or pending is None or outcome.key != pending.call.key:
            return Decision(state, expect=state.question.expect)
        draft = Draft(self._house, replace(state, pending=None), turn, at)
        settle(draft, pending, outcome)
        self._hand_over(draft, talk, replace(QUIET, intent=""))
        while draft.state.queue and draft.state.pending is None and not draft.ends:
            first, *rest = draft.state.queue
            draft.state = replace(draft.state, queue=tuple(rest))
            self._catch_up(draft, talk, first)
        return draft.decision()

    def silent(self, state: DialogueState, talk: Conversation, at: float, turn: int) -> Decision:
        """Nothing was said for a while."""
        if state.ended:
            return Decision(state)
        draft = Draft(self._house, state, turn, at)
        if state.pending is not None:
            draft.say("one_moment")
        else:
            respond(draft, Meaning("nothing"), QUIET)
        return draft.decision()

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
        self._hand_over(draft, talk, QUIET)
        return draft.decision()

    def handed_back(
        self, state: DialogueState, talk: Conversation, at: float, turn: int
    ) -> Decision:
        """A person has finished; what was begun before is kept, and asked about."""
        rested = state.active & {"explicit_request", "repeated_misunderstanding"}
        state = replace(state, waiting=False, urgency="", misses=0, silences=0,
                        active=state.active - rested)  # fmt: skip
        draft = Draft(self._house, state, turn, at)
        if state.ended:
            return Decision(state)
        draft.say("handed_back")
        if state.pending is not None:
            draft.say("one_moment")
            return draft.decision()
        tasks = tuple(t for t in state.tasks if t.flow != self.pack.verify_with)
        draft.state = replace(draft.state, tasks=tasks)
        if tasks:
            draft.ask(Question("resume", "", "go_on", YES_NO))
        else:
            draft.ask(draft.open_question("more"))
        return draft.decision()

    def _react(self, draft: Draft, talk: Conversation, what: Understanding) -> None:
        meaning = interpret(self.pack, draft.state, what)
        if meaning.kind != "nothing":
            draft.state = replace(draft.state, silences=0)
            draft.feel(what)
            _meet(draft, what)
        respond(draft, meaning, what)
        self._hand_over(draft, talk, _as_meant(what, meaning))

    def _hand_over(self, draft: Draft, talk: Conversation, what: Understanding) -> None:
        """Weigh whether a person should take over, and tell the customer when it is so."""
        now = Heard(draft.turn, draft.at, what)
        judged = judge(self.pack, draft.state, talk, now)
        escalation = judged.escalation
        rule = self.pack.rules.get(draft.demanded)
        if rule is not None and not draft.state.waiting:
            escalation = insist(rule, self.pack, draft.state, talk, now)
        draft.demanded = ""
        draft.state = replace(draft.state, active=judged.active, accepted_person=False)
        if escalation is None:
            return
        draft.state = replace(
            draft.state,
            waiting=True,
            urgency=escalation.urgency,
            active=judged.active | {escalation.rule},
        )
        draft.escalation, draft.evidence = escalation, escalation.evidence
        self._tell(draft, escalation.rule, self.pack.rules[escalation.rule].say)

    def _tell(self, draft: Draft, rule: str, reply: str) -> None:
        """Say that a person comes. What makes an account safe goes on meanwhile."""
        after = draft.replies
        goes_on = bool(rule == "risky_intent" and draft.state.tasks)
        draft.replies = [] if goes_on else [r for r in after if r.source or _reports(r.step)]
        draft.say(reply)
        if goes_on:
            draft.replies += after
        elif draft.state.pending is None:
            draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))

    def _wait(self, draft: Draft, pending: Pending, what: Understanding) -> None:
        """The bank is at work: never start anything twice, keep a new wish for afterwards."""
        text = plain(what.text)
        if text and what.intent != NOTHING_HEARD:
            draft.feel(what)
            intent = self.pack.exact.get(text, what.intent)
            sure = 1.0 if text in self.pack.exact else what.confidence
            known = self.pack.intents.get(intent)
            wish = intent in STEERING or (known is not None and known.kind in {"task", "question"})
            again = known is not None and any(known.flow == t.flow for t in draft.state.tasks)
            room = len(draft.state.queue) < QUEUE
            if (
                wish
                and room
                and not again
                and intent != "repeat"
                and sure >= self.pack.deciding.act_from
            ):
                waited = Waited(replace(what, intent=intent, confidence=sure), draft.at, draft.turn)
                draft.state = replace(draft.state, queue=(*draft.state.queue, waited))
        draft.say("one_moment")

    def _catch_up(self, draft: Draft, talk: Conversation, waited: Waited) -> None:
        """Now answer what was said while the bank was at work."""
        if waited.what.intent in {"cancel", "start_over"} and not draft.state.tasks:
            draft.say("too_late")
            return
        self._react(draft, talk, waited.what)


def _meet(draft: Draft, what: Understanding) -> None:
    """Keep the name a customer gives in passing. A claim, not an identity."""
    for slot in what.slots:
        spec = draft.house.pack.slots.get(slot.name)
        if spec is not None and spec.type == "name":
            draft.state = replace(draft.state, known={**draft.state.known, "name": slot.value})


def _reports(step: str) -> bool:
    """Replies that tell what happened are kept when a person is called in the same turn."""
    return step.endswith((".done", ".unavailable", ".uncertain"))


def _as_meant(what: Understanding, meaning: Meaning) -> Understanding:
    """The understanding with the intent it had here: an answer is no request."""
    if meaning.kind in {"task", "maybe"} or meaning.intent == "complaint":
        return replace(what, intent=meaning.intent, confidence=meaning.confidence)
    if meaning.kind == "person":
        return replace(what, intent="talk_to_person", confidence=meaning.confidence)
    return replace(what, intent="")
