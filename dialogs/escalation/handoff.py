"""Does a person take over after this turn, and what is the customer told?

What the bank reported and what was answered is still said; what was about to be asked is not,
except where going on makes an account safe. Held by tests/dialogs/test_escalation.py.
"""

from __future__ import annotations

from dataclasses import replace

from dialogs.escalation.scoring import Heard, Judgement, insist, judge
from dialogs.interpretation.dialogue_acts import Meaning
from dialogs.state import Question
from dialogs.turn_draft import Draft
from dialogs.values import Conversation, Escalation, Understanding

STILL = frozenset({"nothing", "active", "too_few_turns"})


def hand_over(draft: Draft, talk: Conversation, what: Understanding) -> None:
    """Weigh whether a person should take over, and tell the customer when it is so."""
    pack = draft.house.pack
    now = Heard(draft.turn, draft.at, what)
    judged = judge(pack, draft.state, talk, now)
    escalation = judged.escalation
    rule = pack.rules.get(draft.demanded)
    if rule is not None and not draft.state.waiting:
        escalation = insist(rule, pack, draft.state, talk, now)
    draft.demanded = ""
    _note(draft, judged, escalation)
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
    _tell(draft, escalation.rule, pack.rules[escalation.rule].say)


def _note(draft: Draft, judgement: Judgement, escalation: Escalation | None) -> None:
    """What each rule came to. Of several looks in one turn the one that changed something stays."""
    for one in judgement.judged:
        if escalation is not None and one.rule == escalation.rule:
            one = replace(one, led_to="handed_over")
        before = draft.judged.get(one.rule)
        if before is None or one.led_to not in STILL or before.led_to in STILL:
            draft.judged[one.rule] = one


def _tell(draft: Draft, rule: str, reply: str) -> None:
    """Say that a person comes. What makes an account safe goes on meanwhile; what was to come
    after it is for the person."""
    after = [reply for reply in draft.replies if reply.step != "noted"]
    goes_on = bool(rule == "risky_intent" and draft.state.tasks)
    draft.replies = [] if goes_on else [r for r in after if r.source or _reports(r.step)]
    draft.say(reply)
    if goes_on:
        draft.replies += after
    elif draft.state.pending is None:
        draft.state = replace(draft.state, question=Question("waiting", reply="waiting"))


def _reports(step: str) -> bool:
    """Replies that tell what happened are kept when a person is called in the same turn."""
    return step.endswith((".done", ".unavailable", ".uncertain"))


def as_meant(what: Understanding, meaning: Meaning) -> Understanding:
    """The understanding with the intent it had here: an answer is no request."""
    if meaning.kind in {"task", "maybe", "which", "picked"} or meaning.intent == "complaint":
        return replace(what, intent=meaning.intent, confidence=meaning.confidence)
    if meaning.kind == "person":
        return replace(what, intent="talk_to_person", confidence=meaning.confidence)
    return replace(what, intent="")
