"""Decisions of a conversation: its effects as flat dictionaries, for people and for comparison.

Each decision has its `kind` and the `turn` it belongs to (0: none yet); probabilities are rounded
to three digits. An effect that only passes audio or words on, or depends on the audio itself (how
loud it was), is not a decision: a recording may lack the audio of a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agent.core.effects import (
    AnnounceOwner,
    ChangeConsent,
    CloseSession,
    Effect,
    FeedEncoder,
    ForwardPersonText,
    NotifyClient,
    PerformAction,
    SayReplies,
    ShowTurn,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.event_json import effects_digest
from agent.core.turn_notes import TurnNote
from dialogs.values import RuleScore

DecisionRecord = dict[str, Any]
# Fields that say why something was decided. A recording made before they were written down is
# compared without them.
REASON_FIELDS = frozenset({"consent"})
ROUND_DIGITS = 3  # digits of probabilities and weights


def decisions(effects: Sequence[Effect]) -> list[DecisionRecord]:
    """The decisions in these effects, in their order."""
    records: list[DecisionRecord] = []
    turn = 0
    for effect in effects:
        turn = int(getattr(effect, "turn", turn))
        records += [{"kind": kind, "turn": turn} | values for kind, values in _decisions_of(effect)]
    return records


def without_reasons(records: Sequence[DecisionRecord]) -> list[DecisionRecord]:
    """The records with what was decided alone."""
    return [{k: v for k, v in one.items() if k not in REASON_FIELDS} for one in records]


def comparable_digest(effects: Sequence[Effect]) -> str:
    """The digest of the effects that do not depend on the audio; rows are compared by it."""
    return effects_digest([effect for effect in effects if not _depends_on_audio(effect)])


def _depends_on_audio(effect: Effect) -> bool:
    return isinstance(effect, FeedEncoder) or (
        isinstance(effect, NotifyClient) and effect.code == "clipping"
    )


def _decisions_of(effect: Effect) -> list[tuple[str, DecisionRecord]]:
    if _depends_on_audio(effect):
        return []
    match effect:
        case UnderstandTurn(leg=leg, stream=None, text=text):
            return [("turn", {"leg": leg, "typed": text, "ask": effect.request_id})]
        case UnderstandTurn(leg=leg, spoke_until=until):
            return [("turn", {"leg": leg, "until": until, "ask": effect.request_id})]
        case ShowTurn():
            return _turn_decisions(effect)
        case SayReplies(replies=replies, is_repeat=is_repeat):
            repeat_mark = {"again": True} if is_repeat else {}
            return [
                ("reply", {"text": one.text, "flow": one.flow, "step": one.step} | repeat_mark)
                for one in replies
            ]
        case PerformAction(call):
            arguments = dict(sorted(call.arguments.items()))
            action = {"name": call.name, "arguments": arguments, "key": call.key}
            consent = {"consent": asdict(call.consent)} if call.consent else {}
            return [("action", action | consent)]
        case UpdateHandoff(id, "requested", escalation):
            requested = {"rule": escalation.rule, "probability": _round(escalation.probability)}
            return [("escalation", requested | {"urgency": escalation.urgency, "id": id})]
        case UpdateHandoff(id, state, escalation, ticket=ticket):
            handoff = {"state": state, "rule": escalation.rule, "id": id, "ticket": ticket}
            return [("hand_over", handoff)]
        case AnnounceOwner(owner, name):
            return [("owner", {"owner": owner, "name": name})]
        case StopSpeech():
            return [("hush", {})]
        case NotifyClient(code):
            return [("notice", {"code": code})]
        case ForwardPersonText(name, text):
            return [("person", {"name": name, "text": text})]
        case StoreNote(TurnNote() as note):
            return [("rule", _rule_decision(one)) for one in note.judged]
        case ChangeConsent(recording, emotion):
            return [("consent", {"recording": recording, "emotion": emotion})]
        case CloseSession(code, reason):
            return [("close", {"code": code, "reason": reason})]
    return []


def _rule_decision(judgement: RuleScore) -> DecisionRecord:
    """An escalation rule's result, with the summed weight of each term."""
    terms: dict[str, float] = {}
    for term in judgement.terms:  # the same term may count for several turns
        terms[term.term] = round(terms.get(term.term, 0.0) + term.weight, ROUND_DIGITS)
    return {
        "rule": judgement.rule,
        "probability": _round(judgement.probability),
        "enter": _round(judgement.enter),
        "led_to": judgement.led_to,
        "terms": terms,
    }


def _turn_decisions(show: ShowTurn) -> list[tuple[str, DecisionRecord]]:
    decisions_found: list[tuple[str, DecisionRecord]] = []
    if show.end is not None:
        decisions_found.append(("turn_end", {"leg": show.leg, "end": show.end}))
    if show.transcript is not None:
        decisions_found.append(("transcript", {"leg": show.leg, "text": show.transcript.text}))
    if (understanding := show.understanding) is None:
        return decisions_found
    decisions_found.append(
        ("intent", {"intent": understanding.intent, "confidence": _round(understanding.confidence)})
    )
    decisions_found += [
        ("slot", {"name": slot.name, "value": slot.value}) for slot in understanding.slots
    ]
    mood: DecisionRecord = {"upset": _round(understanding.upset)}
    if understanding.cues is not None and understanding.cues.emotion:
        mood["emotion"] = max(understanding.cues.emotion.items(), key=lambda one: one[1])[0]
    return [*decisions_found, ("mood", mood)]


def _round(probability: float) -> float:
    return round(float(probability), ROUND_DIGITS)
