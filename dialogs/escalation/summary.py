"""Handoff summary for the person who takes over, and masking of secrets.

Every line is an extract with its turn; there are no conclusions and no secrets
(tests/dialogs/escalation/test_summary.py).
"""

from __future__ import annotations

import re
from datetime import date

from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import CUSTOMER_NAME_VALUE, DIGITS_SLOT, NUMBER_SLOT
from dialogs.rendering import format_value
from dialogs.state import DialogueState, Task
from dialogs.values import History, Understanding

MAX_MOODS = 5
PUBLIC_SLOT_TYPES = frozenset(
    {"amount", "date", "time"}
)  # digits of these slots may be as long as a secret


def summarise(
    pack: Pack, state: DialogueState, history: History, understanding: Understanding, turn: int
) -> str:
    """The summary, one line per topic; lines without content are left out."""
    lines = [
        _requests_line(state),
        *(
            _task_line(pack, state, task)
            for task in state.tasks
            if task.flow != pack.verification_flow
        ),
        _deferred_line(pack, state),
        _actions_line(pack, state),
        _identity_line(state),
        _mood_line(history, understanding, turn),
        _promises_line(state),
    ]
    # Line breaks in quotes must not create lines that look like lines of the summary.
    return "\n".join(" ".join(line.split()) for line in lines if line)


# A run of digits, perhaps in groups; no amount ("$250") and no part of a date ("11/24/2026").
_DIGIT_RUN = re.compile(r"(?<![\d$.,/-])\d(?:[ -]?\d)*(?![\d/-]|[.,]\d)")


def mask_secrets(text: str, pack: Pack, understanding: Understanding) -> str:
    """The customer's words with "[digits]" for secret slots, and for any digits as long as a
    secret that are no amount, date or time."""
    slots = (
        *understanding.slots,
        *(slot for request in understanding.also for slot in request.slots),
    )
    lengths = {spec.length for spec in pack.slots.values() if spec.is_secret and spec.length}
    for slot in slots:
        spec = pack.slots.get(slot.name)
        bare = slot.name == NUMBER_SLOT and len(slot.value) in lengths
        if bare or slot.name == DIGITS_SLOT or (spec and spec.is_secret):
            lowered = text.lower()
            at = lowered.find(slot.said)
            if slot.said and at >= 0:
                text = f"{text[:at]}[digits]{text[at + len(slot.said) :]}"
    public_texts = [
        s.said for s in slots if (p := pack.slots.get(s.name)) and p.type in PUBLIC_SLOT_TYPES
    ]

    def mask(run: re.Match[str]) -> str:
        long = sum(c.isdigit() for c in run.group()) in lengths
        said = any(run.group() in words for words in public_texts)
        return "[digits]" if long and not said else run.group()

    return _DIGIT_RUN.sub(mask, text)


def _requests_line(state: DialogueState) -> str:
    quotes = [f'"{want.text}" (turn {want.turn})' for want in state.customer_requests[-4:]]
    return f"Wants: {'; '.join(quotes)}" if quotes else ""


def _task_line(pack: Pack, state: DialogueState, task: Task) -> str:
    flow = pack.flows[task.flow]
    known: list[str] = []
    for name in task.fill_order:
        spec, filled = pack.slots[name], task.slots[name]
        if not spec.is_secret:
            kind = "text" if spec.type == "date" else spec.type
            value = filled.value if kind == "text" else _chat_text(filled.value, kind)
            where = f"turn {filled.turn}" if filled.turn else "assumed"
            known.append(f"{spec.label} {value} ({where})")
    missing = [
        pack.slots[step.name].label
        for step in flow.steps
        if step.kind == "ask"
        and step.name not in task.slots
        and not step.conditions
        and not step.default
    ]
    parts = [f"In progress: {flow.title}"]
    parts += [f"known: {', '.join(known)}"] if known else []
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    return "; ".join(parts)


def _deferred_line(pack: Pack, state: DialogueState) -> str:
    quotes = [
        f'"{mask_secrets(w.understanding.text, pack, w.understanding)}" (turn {w.turn})'
        for w in state.further_requests
    ]
    return f"Asked for too, not begun: {'; '.join(quotes)}" if quotes else ""


def _chat_text(value: str, kind: str) -> str:
    return format_value(value, kind, "chat", date.min)


def _actions_line(pack: Pack, state: DialogueState) -> str:
    """Results of actions; failed attempts to verify the identity are in the line on identity."""
    actions = [
        f"{d.action.replace('_', ' ')} {'done' if d.ok else f'refused, {d.reason}'} (turn {d.turn})"
        for d in state.action_records
        if d.ok or d.action not in pack.verifying_actions
    ]
    if state.pending_action:
        actions.append(f"{state.pending_action.call.name.replace('_', ' ')} under way")
    return f"Bank: {'; '.join(actions)}" if actions else ""


def _identity_line(state: DialogueState) -> str:
    if state.identity_verified:
        return f"Identity: confirmed, {state.customer_facts.get(CUSTOMER_NAME_VALUE, 'customer')}"
    failed_verifications = state.failed_verifications
    return f"Identity: not confirmed{f', {failed_verifications} wrong answers' if failed_verifications else ''}"


def _mood_line(history: History, understanding: Understanding, turn: int) -> str:
    earlier_turns = [
        (t.number, t.understanding)
        for t in history.turns
        if t.leg == "customer" and t.number < turn
    ]
    judged_turns = [
        (n, u) for n, u in [*earlier_turns, (turn, understanding)] if u.upset_spread < 0.5
    ]
    moods = [f"{u.upset:.2f} (turn {n})" for n, u in judged_turns[-MAX_MOODS:]]
    return f"Upset, 0 to 1: {', '.join(moods)}" if moods else "Upset: not known"


def _promises_line(state: DialogueState) -> str:
    quotes = [f'"{promise.text}" (turn {promise.turn})' for promise in state.promises[-4:]]
    return f"Told the customer: {'; '.join(quotes)}" if quotes else ""
