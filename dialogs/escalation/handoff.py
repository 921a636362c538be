"""Does a person take over after this turn, and what is the customer told?

What the bank reported and what was answered is still said; what was about to be asked is not,
except where going on makes an account safe. Held by tests/dialogs/test_escalation.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import (
    EscalationAssessment,
    ScoredTurn,
    assess_escalation,
    forced_escalation,
)
from dialogs.interpretation.dialogue_acts import DialogueAct
from dialogs.state import Question
from dialogs.turn_draft import TurnDraft
from dialogs.values import Escalation, History, Understanding

UNCHANGED_OUTCOMES = frozenset({"nothing", "active", "too_few_turns"})


def maybe_escalate(draft: TurnDraft, history: History, understanding: Understanding) -> None:
    """Weigh whether a person should take over, and tell the customer when it is so."""
    pack = draft.context.pack
    current = ScoredTurn(draft.turn, draft.at, understanding)
    assessment = assess_escalation(pack, draft.state, history, current)
    escalation = assessment.escalation
    rule = pack.rules.get(draft.forced_rule)
    if rule is not None and not draft.state.waiting_for_person:
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
    _announce_handoff(draft, escalation.rule, pack.rules[escalation.rule].reply)


def _record_rule_scores(
    draft: TurnDraft, assessment: EscalationAssessment, escalation: Escalation | None
) -> None:
    """What each rule came to. Of several looks in one turn the one that changed something stays."""
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


def _announce_handoff(draft: TurnDraft, rule: str, reply: str) -> None:
    """Say that a person comes. What makes an account safe goes on meanwhile; what was to come
    after it is for the person."""
    after = [reply for reply in draft.replies if reply.step != "noted"]
    goes_on = bool(rule == "risky_intent" and draft.state.tasks)
    draft.replies = [] if goes_on else [r for r in after if r.source or _is_report(r.step)]
    draft.say(reply)
    if goes_on:
        draft.replies += after
    elif draft.state.pending_action is None:
        draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))


def _is_report(step: str) -> bool:
    """Replies that tell what happened are kept when a person is called in the same turn."""
    return step.endswith((".done", ".unavailable", ".uncertain"))


def with_interpreted_intent(understanding: Understanding, act: DialogueAct) -> Understanding:
    """The understanding with the intent it had here: an answer is no request."""
    if act.kind in {"task", "maybe", "which", "picked"} or act.intent == "complaint":
        return replace(understanding, intent=act.intent, confidence=act.confidence)
    if act.kind == "person":
        return replace(understanding, intent="talk_to_person", confidence=act.confidence)
    return replace(understanding, intent="")
