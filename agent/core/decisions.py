"""What did a conversation decide? Effects as a person would name them, small enough to compare.

Each decision is a flat dictionary with its `kind` and the `turn` it belongs to (0: none yet);
probabilities are rounded to what matters. What only passes sound or words on, or hangs on the
sound itself (how loud it was), is no decision: a recording may lack the sound of a turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agent.core import events as e
from agent.core.event_json import digest
from agent.core.turn_notes import TurnNote
from dialogs.values import Judged

Decision = dict[str, Any]
DIGITS = 3  # of a probability, and of a weight


def decisions(effects: Sequence[e.Effect]) -> list[Decision]:
    """The decisions among these effects, in their order."""
    found: list[Decision] = []
    turn = 0
    for effect in effects:
        turn = int(getattr(effect, "turn", turn))
        found += [{"kind": kind, "turn": turn} | what for kind, what in _of(effect)]
    return found


def footprint(effects: Sequence[e.Effect]) -> str:
    """The digest by which a row's effects are compared: of all that does not hang on the sound."""
    return digest([effect for effect in effects if not _of_sound(effect)])


def _of_sound(effect: e.Effect) -> bool:
    return isinstance(effect, e.Listen) or (
        isinstance(effect, e.Notify) and effect.code == "clipping"
    )


def _of(effect: e.Effect) -> list[tuple[str, Decision]]:
    if _of_sound(effect):
        return []
    match effect:
        case e.Understand(leg=leg, stream=None, text=text):
            return [("turn", {"leg": leg, "typed": text, "ask": effect.ask})]
        case e.Understand(leg=leg, spoke_until=until):
            return [("turn", {"leg": leg, "until": until, "ask": effect.ask})]
        case e.Show():
            return _shown(effect)
        case e.Say(replies=replies, again=again):
            more = {"again": True} if again else {}
            return [
                ("reply", {"text": one.text, "flow": one.flow, "step": one.step} | more)
                for one in replies
            ]
        case e.Act(call):
            given = dict(sorted(call.arguments.items()))
            return [("action", {"name": call.name, "arguments": given, "key": call.key})]
        case e.HandOver(id, "requested", why):
            sure = {"rule": why.rule, "probability": _round(why.probability)}
            return [("escalation", sure | {"urgency": why.urgency, "id": id})]
        case e.HandOver(id, state, why, ticket=ticket):
            return [("hand_over", {"state": state, "rule": why.rule, "id": id, "ticket": ticket})]
        case e.Owned(owner, name):
            return [("owner", {"owner": owner, "name": name})]
        case e.Hush():
            return [("hush", {})]
        case e.Notify(code):
            return [("notice", {"code": code})]
        case e.Relay(name, text):
            return [("person", {"name": name, "text": text})]
        case e.Remember(TurnNote() as note):
            return [("rule", _judged(one)) for one in note.judged]
        case e.Close(code, reason):
            return [("close", {"code": code, "reason": reason})]
    return []


def _judged(one: Judged) -> Decision:
    """What a rule of escalation came to, term by term, where that was worth noting."""
    terms: dict[str, float] = {}
    for term in one.terms:  # the same term may count for several turns
        terms[term.term] = round(terms.get(term.term, 0.0) + term.weight, DIGITS)
    return {
        "rule": one.rule,
        "probability": _round(one.probability),
        "enter": _round(one.enter),
        "led_to": one.led_to,
        "terms": terms,
    }


def _shown(show: e.Show) -> list[tuple[str, Decision]]:
    out: list[tuple[str, Decision]] = []
    if show.end is not None:
        out.append(("turn_end", {"leg": show.leg, "end": show.end}))
    if show.transcript is not None:
        out.append(("transcript", {"leg": show.leg, "text": show.transcript.text}))
    if (heard := show.understanding) is None:
        return out
    out.append(("intent", {"intent": heard.intent, "confidence": _round(heard.confidence)}))
    out += [("slot", {"name": slot.name, "value": slot.value}) for slot in heard.slots]
    mood: Decision = {"upset": _round(heard.upset)}
    if heard.cues is not None and heard.cues.emotion:
        mood["emotion"] = max(heard.cues.emotion.items(), key=lambda one: one[1])[0]
    return [*out, ("mood", mood)]


def _round(probability: float) -> float:
    return round(float(probability), DIGITS)
