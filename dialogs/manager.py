"""Dialogue manager: maps each event of a conversation to a `Decision`.

Pure: the same pack, inputs and times always give the same decisions; no clock, no randomness, no
I/O. No task that needs an identity starts before the identity is confirmed, and no action key is
ever used for two different actions (tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.care.responses import (
    care_unanswered,
    respond_with_care,
    without_care,
)
from dialogs.escalation.callback import is_person_unavailable, remind_of_ticket
from dialogs.escalation.handoff import maybe_escalate, with_interpreted_intent
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.interpretation.dialogue_acts import COMMAND_INTENTS, interpret
from dialogs.interpretation.scope_acts import wants_to_stop
from dialogs.interpretation.slot_filling import with_identity_named
from dialogs.pack.model import Pack, normalise_text
from dialogs.pack.reserved_names import EXPLICIT_REQUEST_RULE, REPEATED_MISUNDERSTANDING_RULE
from dialogs.responses.action_results import apply_action_result
from dialogs.responses.by_act import respond
from dialogs.responses.callbacks import offer_due_callback
from dialogs.responses.commands import request_person
from dialogs.responses.fallback import reprompt
from dialogs.responses.flow_steps import remember_identity
from dialogs.responses.handback import nobody_came, person_done, person_joins, person_lost
from dialogs.responses.next_request import start_next_request
from dialogs.responses.offers import make_offer, record_offer_outcome
from dialogs.responses.other_language import respond_in_language
from dialogs.responses.progress import track_progress
from dialogs.responses.request_queue import (
    as_single_request,
    defer_requests,
    filter_requests,
    find_person_request,
    split_requests,
)
from dialogs.responses.rights import begin_rights_task, change_consent, find_right
from dialogs.state import (
    Decision,
    DeferredRequest,
    DialogueState,
    PeopleAvailability,
    UnmetHandoff,
    with_fresh_patience,
)
from dialogs.turn_draft import SessionContext, TurnDraft
from dialogs.values import (
    NOTHING_HEARD,
    ActionResult,
    Channel,
    ConsoleRole,
    History,
    PrivacyConsent,
    UnavailableReason,
    Understanding,
)

MAX_QUEUED_REQUESTS = 2  # requests queued while an action is running
UNPLACED_ACTS = frozenset({"unclear", "out_of_scope"})
SILENT_TURN = Understanding("", NOTHING_HEARD, 0.0)


class Dialogue:
    """The dialogue of one session.

    It holds no state: each method takes the state and the history so far, the time `at` in
    seconds of the session and the number `turn`, and returns a decision with the new state.
    """

    def __init__(
        self,
        pack: Pack,
        session_id: str,
        today: date,
        channel: Channel = "chat",
        session_draw: float | None = None,
    ) -> None:
        """`session_draw` is one uniform number in [0, 1), the source of every choice among offers;
        without it nothing is offered."""
        self.pack = pack
        self.today = today
        self.initial_state = DialogueState()
        self._context = SessionContext(pack, session_id, today, channel, session_draw)

    def on_opened(self, customer_name: str = "") -> Decision:
        """The greeting, with the customer's first name where known."""
        draft = TurnDraft(self._context, self.initial_state, 0, 0.0)
        name = f", {customer_name.split()[0]}" if customer_name.strip() else ""
        draft.ask(draft.open_question("greeting"), comma_name=name)
        return draft.decision()

    def on_understood(
        self,
        state: DialogueState,
        history: History,
        understanding: Understanding,
        at: float,
        turn: int,
    ) -> Decision:
        """The customer said or typed something that the models understood."""
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        if respond_with_care(draft, understanding):
            maybe_escalate(draft, history, replace(understanding, intent=""))
            return self._finish_turn(draft, history)
        if respond_in_language(draft, understanding):
            maybe_escalate(draft, history, replace(understanding, intent="", trouble=0.0))
            return self._finish_turn(draft, history)
        if change_consent(draft, understanding):
            maybe_escalate(draft, history, replace(understanding, intent=""))
            return self._finish_turn(draft, history)
        if state.pending_action is not None:
            self._defer_during_action(draft, understanding)
            return draft.decision()
        self._react(draft, history, understanding)
        return self._finish_turn(draft, history, understanding)

    def on_action_result(
        self, state: DialogueState, history: History, result: ActionResult, at: float, turn: int
    ) -> Decision:
        """The back end answered an action.

        An answer with another key than that of the pending action changes nothing.
        """
        pending = state.pending_action
        if state.is_over or pending is None or result.key != pending.call.key:
            return Decision(state, expectation=state.question.expectation)
        draft = TurnDraft(self._context, replace(state, pending_action=None), turn, at)
        apply_action_result(draft, pending, result)
        maybe_escalate(draft, history, replace(SILENT_TURN, intent=""))
        while (
            draft.state.queued_requests
            and draft.state.pending_action is None
            and not draft.ends_session
        ):
            first, *rest = draft.state.queued_requests
            draft.state = replace(draft.state, queued_requests=tuple(rest))
            self._answer_deferred(draft, history, first)
        start_next_request(draft)
        return self._finish_turn(draft, history)

    def on_silence(self, state: DialogueState, history: History, at: float, turn: int) -> Decision:
        """The customer said nothing for a while."""
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        if state.pending_action is not None:
            draft.say("one_moment")
        else:
            record_offer_outcome(draft, DialogueAct("nothing"))
            respond(draft, DialogueAct("nothing"), SILENT_TURN)
        return self._finish_turn(draft, history)

    def on_understanding_failed(
        self, state: DialogueState, history: History, at: float, turn: int, typed_text: str = ""
    ) -> Decision:
        """The customer said something, but the models returned no understanding.

        `typed_text` is what they typed: danger is recognised without models.
        """
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        unread = replace(SILENT_TURN, text=typed_text, intent="")
        if respond_with_care(draft, unread):
            maybe_escalate(draft, history, unread)
            return self._finish_turn(draft, history)
        if state.pending_action is not None:
            draft.say("one_moment")
            return draft.decision()
        reprompt(draft, "missed")
        track_progress(draft, state, DialogueAct("unheard"))
        offered = (
            draft.state.question.kind in {"person", "callback"} or draft.state.waiting_for_person
        )
        if not offered and self._context.channel != "call" and draft.state.misses > 1:
            draft.say("typed")
        maybe_escalate(draft, history, SILENT_TURN)
        return self._finish_turn(draft, history)

    def on_handed_back(
        self,
        state: DialogueState,
        history: History,
        at: float,
        turn: int,
        is_lost: bool = False,
    ) -> Decision:
        """A person handed the conversation back; unfinished tasks are asked about.

        `is_lost`: they were cut off instead, so that what care has locked stays locked.
        """
        ended_causes = state.active_causes & {
            EXPLICIT_REQUEST_RULE,
            REPEATED_MISUNDERSTANDING_RULE,
        }
        state = replace(
            with_fresh_patience(state),
            waiting_for_person=False,
            handoff_urgency="",
            silences=0,
            active_causes=state.active_causes - ended_causes,
            unmet_handoff=None,
        )
        state = state if is_lost else without_care(state)
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        person_done(draft)
        return self._finish_turn(draft, history)

    def on_person_unavailable(
        self,
        state: DialogueState,
        history: History,
        reason: UnavailableReason,
        ticket: str,
        next_opening: str,
        at: float,
        turn: int,
    ) -> Decision:
        """No person is available. `ticket` is the number of the call-back, `next_opening` says
        when a person is available again ("tomorrow at 9 AM"); either may be empty."""
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        unmet = UnmetHandoff(reason, ticket, next_opening, state.handoff_urgency or "normal", at)
        if not care_unanswered(draft, unmet):
            nobody_came(draft, unmet)
        return self._finish_turn(draft, history)

    def on_availability(self, state: DialogueState, people: PeopleAvailability) -> DialogueState:
        """The state once it is known whether a person could take over. Nothing is said."""
        return replace(state, people=people)

    def on_consent(self, state: DialogueState, consent: PrivacyConsent) -> DialogueState:
        """The state once the customer has agreed to this. Nothing is said."""
        return replace(state, privacy_consent=consent)

    def on_person_joined(
        self,
        state: DialogueState,
        name: str,
        role: ConsoleRole,
        at: float,
        turn: int,
    ) -> Decision:
        """A person takes over; their name is announced to the customer."""
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        person_joins(draft, name, role)
        return draft.decision()

    def on_person_lost(self, state: DialogueState, name: str, at: float, turn: int) -> Decision:
        """The person lost the connection; the customer waits for another one."""
        if state.is_over:
            return Decision(state)
        draft = TurnDraft(self._context, state, turn, at)
        person_lost(draft, name)
        return draft.decision()

    def _react(self, draft: TurnDraft, history: History, understanding: Understanding) -> None:
        if begin_rights_task(draft, understanding):
            maybe_escalate(draft, history, replace(understanding, intent=""))
            return
        before = draft.state
        named = with_identity_named(self.pack, draft.state, understanding.slots)
        understanding = replace(understanding, slots=named)
        understanding, act = interpret_turn(self.pack, draft.state, understanding)
        if act.kind in {"nothing", "unheard"}:
            understanding = replace(understanding, also=())
        else:
            defer_requests(draft, understanding)
        if act.kind != "nothing":
            draft.state = replace(draft.state, silences=0)
            draft.update_tone(understanding)
            _remember_name(draft, understanding)
            further = (slot for request in understanding.also for slot in request.slots)
            remember_identity(draft, (*understanding.slots, *further))
        draft.nothing_in_progress = False
        record_offer_outcome(draft, act)
        respond(draft, act, understanding)
        if (
            (person_request := find_person_request(self.pack, understanding))
            and not draft.ends_session
            and not draft.forced_rule
        ):
            self._answer_person_request(draft, as_single_request(understanding, person_request))
        start_next_request(draft)
        track_progress(draft, before, act)
        maybe_escalate(draft, history, with_interpreted_intent(understanding, act))

    def _answer_person_request(self, draft: TurnDraft, understanding: Understanding) -> None:
        """Answer a request for a person that came beside another request.

        The other request goes on when no person is available.
        """
        if is_person_unavailable(draft):
            remind_of_ticket(draft)
        else:
            request_person(draft, understanding)

    def _finish_turn(
        self, draft: TurnDraft, history: History, understanding: Understanding = SILENT_TURN
    ) -> Decision:
        """The decision of this turn.

        With no task left it first makes an offer or asks whether there is anything else; this
        comes last, because it depends on everything else in the turn.
        """
        if draft.nothing_in_progress and not draft.ends_session:
            if not (
                draft.state.waiting_for_person
                or offer_due_callback(draft)
                or make_offer(draft, history, understanding)
            ):
                draft.ask(draft.open_question("more"))
            if draft.state.waiting_for_person and not draft.replies:
                draft.say("waiting")
        return draft.decision()

    def _defer_during_action(self, draft: TurnDraft, understanding: Understanding) -> None:
        """Answer what is said while an action is running: a wish to stop or correct it is met
        after its result, and a new request is queued, so that nothing starts twice."""
        pending, task = draft.state.pending_action, draft.state.task
        assert pending is not None
        assert task is not None
        has_effect = self.pack.flows[task.flow].steps[pending.step_index].needs_consent
        if wants_to_stop(self.pack, draft.state, understanding, has_effect):
            self._defer_stop(draft, understanding, has_effect)
            return
        if normalise_text(understanding.text) and understanding.intent != NOTHING_HEARD:
            draft.update_tone(understanding)
            parts = split_requests(filter_requests(self.pack, draft.state, understanding))
            request = next((part for part in parts if self._is_deferrable(draft.state, part)), None)
            if request is not None and len(draft.state.queued_requests) < MAX_QUEUED_REQUESTS:
                deferred = DeferredRequest(request, draft.at, draft.turn)
                draft.state = replace(
                    draft.state, queued_requests=(*draft.state.queued_requests, deferred)
                )
        draft.say("one_moment")

    def _defer_stop(self, draft: TurnDraft, understanding: Understanding, has_effect: bool) -> None:
        """An effect is undone afterwards; after a check the task is stopped before its effect."""
        state = draft.state
        deferred = DeferredRequest(understanding, draft.at, draft.turn)
        if has_effect:
            draft.state = replace(state, stop_request=deferred)
            draft.say("stop_working")
            return
        stop = replace(understanding, intent="cancel", confidence=1.0, slots=(), also=())
        queued = (replace(deferred, understanding=stop), *state.queued_requests)
        draft.state = replace(state, queued_requests=queued[:MAX_QUEUED_REQUESTS])
        draft.say("stop_checking")

    def _is_deferrable(self, state: DialogueState, understanding: Understanding) -> bool:
        """Whether this is a request to answer after the action, and not yet under way."""
        text = normalise_text(understanding.text)
        intent = self.pack.intent_by_example.get(text, understanding.intent)
        confidence = 1.0 if text in self.pack.intent_by_example else understanding.confidence
        spec = self.pack.intents.get(intent)
        is_request = intent in COMMAND_INTENTS or (
            spec is not None and spec.kind in {"task", "question"}
        )
        is_under_way = spec is not None and any(spec.flow == task.flow for task in state.tasks)
        if find_right(self.pack, state, understanding) is not None:
            return True
        return (
            is_request
            and not is_under_way
            and intent != "repeat"
            and confidence >= self.pack.intent_thresholds.act_from
        )

    def _answer_deferred(
        self, draft: TurnDraft, history: History, deferred: DeferredRequest
    ) -> None:
        """Answer a request that was made while the action was running."""
        intent = self.pack.intent_by_example.get(
            normalise_text(deferred.understanding.text), deferred.understanding.intent
        )
        if intent in {"cancel", "start_over"} and not draft.state.tasks:
            draft.say("too_late")
            return
        self._react(draft, history, deferred.understanding)


def interpret_turn(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> tuple[Understanding, DialogueAct]:
    """The first part of a turn that has a place in the dialogue, with its act."""
    understanding = filter_requests(pack, state, understanding)
    readings = [(part, interpret(pack, state, part)) for part in split_requests(understanding)]
    placed_readings = (reading for reading in readings if reading[1].kind not in UNPLACED_ACTS)
    return next(placed_readings, readings[0])  # words before it were no request


def _remember_name(draft: TurnDraft, understanding: Understanding) -> None:
    """Store the name a customer gives in passing: a claim, not a confirmed identity."""
    for slot in understanding.slots:
        spec = draft.context.pack.slots.get(slot.name)
        if spec is not None and spec.type == "name":
            draft.state = replace(
                draft.state, customer_facts={**draft.state.customer_facts, "name": slot.value}
            )
