"""Decision after each turn whether to escalate to a person, and the replies that go with it.

Reports of action results and quoted answers are still said; the next question is not, unless the
task secures an account. Held by tests/dialogs/escalation/test_scoring.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import (
    EscalationAssessment,
    ScoredTurn,
    assess_escalation,
    forced_escalation,
)
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.pack.reserved_names import (
    CARE_PREFIX,
    COMPLAINT_INTENT,
    FAILED_VERIFICATION_RULE,
    PERSON_INTENT,
    RISKY_INTENT_RULE,
)
from dialogs.state import Question
from dialogs.turn_draft import TurnDraft
from dialogs.values import Escalation, History, Understanding

UNCHANGED_OUTCOMES = frozenset({"nothing", "active", "too_few_turns"})


def maybe_escalate(draft: TurnDraft, history: History, understanding: Understanding) -> None:
    """Score the escalation rules of this turn; on an escalation, wait for a person and say so."""
    pack = draft.context.pack
    current = ScoredTurn(draft.turn, draft.at, understanding)
    assessment = assess_escalation(pack, draft.state, history, current)
    escalation = assessment.escalation
    rule = pack.rules.get(draft.forced_rule)
    if rule is not None and not _is_requested_already(draft, rule.name):
        escalation = forced_escalation(rule, pack, draft.state, history, current)
    draft.forced_rule = ""
    _record_rule_scores(draft, assessment, escalation)
    draft.state = replace(
        draft.state, active_causes=assessment.active_causes, accepted_person_offer=False
    )
    if escalation is None:
        return
    draft.state = replace(
        draft.state,
        waiting_for_person=True,
        handoff_urgency=escalation.urgency,
        active_causes=assessment.active_causes | {escalation.rule},
    )
    draft.escalation, draft.evidence = escalation, escalation.evidence
    _announce_handoff(draft, escalation.rule, _announcement(draft, escalation.rule))


def _is_requested_already(draft: TurnDraft, rule: str) -> bool:
    """Whether a person was called who knows enough: of danger they are told beside all else."""
    knows_of_care = any(cause.startswith(CARE_PREFIX) for cause in draft.state.active_causes)
    return draft.state.waiting_for_person and (knows_of_care or not rule.startswith(CARE_PREFIX))


def _record_rule_scores(
    draft: TurnDraft, assessment: EscalationAssessment, escalation: Escalation | None
) -> None:
    """Store each rule's score. Of several in one turn, the one that changed the rule stays."""
    for rule_score in assessment.rule_scores:
        if escalation is not None and rule_score.rule == escalation.rule:
            rule_score = replace(rule_score, led_to="handed_over")
        earlier = draft.rule_scores.get(rule_score.rule)
        if (
            earlier is None
            or rule_score.led_to not in UNCHANGED_OUTCOMES
            or earlier.led_to in UNCHANGED_OUTCOMES
        ):
            draft.rule_scores[rule_score.rule] = rule_score


def _announcement(draft: TurnDraft, rule: str) -> str:
    """The reply that says what happens now: that a person comes, unless nobody seems to be there.
    Then it is only looked for one; if none is found, the customer is told."""
    spec, hours = draft.context.pack.rules[rule], draft.context.pack.opening_hours
    reaches_somebody = draft.state.people.is_available or (
        spec.urgency == "high" and hours.urgent_always_reachable
    )
    is_general = rule not in {RISKY_INTENT_RULE, FAILED_VERIFICATION_RULE}
    return "person.search" if is_general and not reaches_somebody else spec.reply


def _announce_handoff(draft: TurnDraft, rule: str, reply: str) -> None:
    """Say that a person comes. A task of the rule `risky_intent` goes on in the meantime, because
    it secures an account; any other is left to the person."""
    after = [reply for reply in draft.replies if reply.step != "noted"]
    if draft.says_in_language:
        draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))
        return
    if draft.has_cared:  # what was said to somebody in danger stands, and stands first
        draft.say(reply)
        if draft.state.is_paused or not draft.state.tasks:
            draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))
        return
    goes_on = bool(rule == RISKY_INTENT_RULE and draft.state.tasks)
    draft.replies = [] if goes_on else [r for r in after if r.source or _is_report(r.step)]
    draft.say(reply)
    if goes_on:
        draft.replies += after
    elif draft.state.pending_action is None:
        draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))


def _is_report(step: str) -> bool:
    """Whether a reply reports an action result; such replies stay when a person is called."""
    return step.endswith((".done", ".unavailable", ".uncertain"))


def with_interpreted_intent(understanding: Understanding, act: DialogueAct) -> Understanding:
    """The understanding with the intent of its dialogue act; empty for an answer, no request."""
    if act.kind in {"task", "maybe", "which", "picked"} or act.intent == COMPLAINT_INTENT:
        return replace(understanding, intent=act.intent, confidence=act.confidence)
    if act.kind == "person":
        return replace(understanding, intent=PERSON_INTENT, confidence=act.confidence)
    return replace(understanding, intent="")
