"""What must a person know who takes over, so that the customer need not repeat it?

Everything is an extract with the turn it comes from; nothing is concluded. Secrets are left out
(tests/dialogs/test_summary.py).
"""

from __future__ import annotations

import re
from datetime import date

from dialogs.extraction.slots import NUMBER
from dialogs.pack.model import Pack
from dialogs.rendering import shown
from dialogs.state import DialogueState, Task
from dialogs.values import Conversation, Understanding

MOODS = 5
HARMLESS = frozenset({"amount", "date", "time"})  # may be as long as a secret


def summarise(
    pack: Pack, state: DialogueState, talk: Conversation, what: Understanding, turn: int
) -> str:
    lines = [
        _wants(state),
        *(_task(pack, state, task) for task in state.tasks if task.flow != pack.verify_with),
        _further(pack, state),
        _done(state),
        _identity(state),
        _mood(talk, what, turn),
        _promises(state),
    ]
    # A customer's own line breaks must not make lines that look like ours.
    return "\n".join(" ".join(line.split()) for line in lines if line)


# A run of digits, perhaps in groups; no amount ("$250") and no part of a date ("11/24/2026").
_DIGITS = re.compile(r"(?<![\d$.,/-])\d(?:[ -]?\d)*(?![\d/-]|[.,]\d)")


def masked(text: str, pack: Pack, what: Understanding) -> str:
    """The customer's words without what they said to prove who they are, and without anything
    as long as that, unless it is an amount, a day or a time."""
    slots = (*what.slots, *(slot for request in what.also for slot in request.slots))
    lengths = {spec.length for spec in pack.slots.values() if spec.secret and spec.length}
    for slot in slots:
        spec = pack.slots.get(slot.name)
        bare = slot.name == NUMBER and len(slot.value) in lengths
        if bare or slot.name == "digits" or (spec and spec.secret):
            low = text.lower()
            at = low.find(slot.said)
            if slot.said and at >= 0:
                text = f"{text[:at]}[digits]{text[at + len(slot.said) :]}"
    harmless = [s.said for s in slots if (p := pack.slots.get(s.name)) and p.type in HARMLESS]

    def mask(run: re.Match[str]) -> str:
        long = sum(c.isdigit() for c in run.group()) in lengths
        said = any(run.group() in words for words in harmless)
        return "[digits]" if long and not said else run.group()

    return _DIGITS.sub(mask, text)


def _wants(state: DialogueState) -> str:
    said = [f'"{want.text}" (turn {want.turn})' for want in state.wants[-4:]]
    return f"Wants: {'; '.join(said)}" if said else ""


def _task(pack: Pack, state: DialogueState, task: Task) -> str:
    flow = pack.flows[task.flow]
    known: list[str] = []
    for name in task.order:
        spec, filled = pack.slots[name], task.slots[name]
        if not spec.secret:
            kind = "text" if spec.type == "date" else spec.type
            value = filled.value if kind == "text" else _plain(filled.value, kind)
            where = f"turn {filled.turn}" if filled.turn else "assumed"
            known.append(f"{spec.label} {value} ({where})")
    missing = [
        pack.slots[step.name].label
        for step in flow.steps
        if step.kind == "ask" and step.name not in task.slots and not step.when and not step.default
    ]
    parts = [f"In progress: {flow.title}"]
    parts += [f"known: {', '.join(known)}"] if known else []
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    return "; ".join(parts)


def _further(pack: Pack, state: DialogueState) -> str:
    said = [f'"{masked(w.what.text, pack, w.what)}" (turn {w.turn})' for w in state.further]
    return f"Asked for too, not begun: {'; '.join(said)}" if said else ""


def _plain(value: str, kind: str) -> str:
    return shown(value, kind, "chat", date.min)


def _done(state: DialogueState) -> str:
    said = [
        f"{d.action.replace('_', ' ')} {'done' if d.ok else f'refused, {d.reason}'} (turn {d.turn})"
        for d in state.done
        if d.action != "verify_customer" or d.ok
    ]
    if state.pending:
        said.append(f"{state.pending.call.name.replace('_', ' ')} under way")
    return f"Bank: {'; '.join(said)}" if said else ""


def _identity(state: DialogueState) -> str:
    if state.verified:
        return f"Identity: confirmed, {state.known.get('customer_name', 'customer')}"
    wrong = state.failed_verifications
    return f"Identity: not confirmed{f', {wrong} wrong answers' if wrong else ''}"


def _mood(talk: Conversation, what: Understanding, turn: int) -> str:
    seen = [(t.number, t.heard) for t in talk.turns if t.leg == "customer" and t.number < turn]
    known = [(n, u) for n, u in [*seen, (turn, what)] if u.upset_spread < 0.5]
    said = [f"{u.upset:.2f} (turn {n})" for n, u in known[-MOODS:]]
    return f"Upset, 0 to 1: {', '.join(said)}" if said else "Upset: not known"


def _promises(state: DialogueState) -> str:
    said = [f'"{promise.text}" (turn {promise.turn})' for promise in state.promises[-4:]]
    return f"Told the customer: {'; '.join(said)}" if said else ""
