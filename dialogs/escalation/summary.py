"""Handoff summary for the person who takes over, and masking of secrets.

Every claim is an extract with its turns; there are no conclusions and no secrets
(tests/dialogs/escalation/test_summary.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from dialogs.pack.model import Pack
from dialogs.pack.reserved_names import CUSTOMER_NAME_VALUE, SERVER_ACTIONS
from dialogs.rendering import format_value
from dialogs.state import DialogueState, Task
from dialogs.values import Claim, History, Understanding

MAX_MOODS = 5
MAX_CARE_SIGNALS = 4
CARE_LABEL = "Care"  # of the claim that consoles mark


def summarise(
    pack: Pack, state: DialogueState, history: History, understanding: Understanding, turn: int
) -> tuple[Claim, ...]:
    """The claims of the summary, in the order a person reads them; topics without content are left
    out."""
    claims = summarise_state(pack, state)
    *before, promises = claims if state.promises else (*claims, None)
    mood = _mood_claim(history, understanding, turn)
    return _single_lines([*before, mood, promises])


def summarise_state(pack: Pack, state: DialogueState) -> tuple[Claim, ...]:
    """The claims about what was asked, done and promised; the promises come last."""
    internal = {pack.verification_flow, pack.opening_hours.callback_flow}
    return _single_lines(
        [
            _care_claim(pack, state),
            _language_claim(pack, state),
            _requests_claim(state),
            *(_task_claim(pack, state, task) for task in state.tasks if task.flow not in internal),
            _deferred_claim(pack, state),
            _actions_claim(pack, state),
            _identity_claim(state),
            _promises_claim(state),
        ]
    )


def _single_lines(claims: Iterable[Claim | None]) -> tuple[Claim, ...]:
    # Line breaks in quotes must not create lines that look like lines of the summary.
    return tuple(replace(one, text=" ".join(one.text.split())) for one in claims if one)


def mask_secrets(text: str, pack: Pack, understanding: Understanding) -> str:
    """The customer's words with "[digits]" for the values of secret slots.

    `text` is that of the understanding, or of one of its further requests. All private values in it
    are surrogates by now (agent/privacy/vault.py). That of a secret is left out nevertheless: who
    reads it would take it for the secret.
    """
    for slot in (
        *understanding.slots,
        *(slot for request in understanding.also for slot in request.slots),
    ):
        spec = pack.slots.get(slot.name)
        at = text.lower().find(slot.said) if spec and spec.is_secret and slot.said else -1
        if at >= 0:
            text = f"{text[:at]}[digits]{text[at + len(slot.said) :]}"
    return text


def _requests_claim(state: DialogueState) -> Claim | None:
    wants = state.customer_requests[-4:]
    return _quotes_claim("Wants", [(one.text, one.turn) for one in wants])


def _care_claim(pack: Pack, state: DialogueState) -> Claim | None:
    """The danger or distress that was recognised, by its words, and what is stopped by it."""
    if pack.care is None or not state.care_signals:
        return None
    parts = [
        f'{pack.care.kinds[one.kind].label}: "{one.words}" (turn {one.turn})'
        f"{'' if one.is_open else ', taken back or settled'}"
        for one in state.care_signals[-MAX_CARE_SIGNALS:]
    ]
    parts += ["nothing moves money until you hand back"] if state.is_money_locked else []
    return Claim(CARE_LABEL, "; ".join(parts), _distinct([one.turn for one in state.care_signals]))


def _language_claim(pack: Pack, state: DialogueState) -> Claim | None:
    if pack.languages is None or not state.other_language:
        return None
    language = pack.languages.find(state.other_language)
    return Claim("Language", language.name or f"code {state.other_language} of ISO 639-1")


def _task_claim(pack: Pack, state: DialogueState, task: Task) -> Claim:
    flow = pack.flows[task.flow]
    known: list[str] = []
    turns: list[int] = []
    for name in task.fill_order:
        spec, filled = pack.slots[name], task.slots[name]
        if not spec.is_secret:
            kind = "text" if spec.type == "date" else spec.type
            value = filled.value if kind == "text" else _chat_text(filled.value, kind)
            where = f"turn {filled.turn}" if filled.turn else "assumed"
            known.append(f"{spec.label} {value} ({where})")
            turns += [filled.turn] if filled.turn else []
    missing = [
        pack.slots[step.name].label
        for step in flow.steps
        if step.kind == "ask"
        and step.name not in task.slots
        and not step.conditions
        and not step.default
    ]
    parts = [flow.title]
    parts += [f"known: {', '.join(known)}"] if known else []
    parts += [f"missing: {', '.join(missing)}"] if missing else []
    return Claim("In progress", "; ".join(parts), _distinct(turns))


def _deferred_claim(pack: Pack, state: DialogueState) -> Claim | None:
    quotes = [
        (mask_secrets(one.understanding.text, pack, one.understanding), one.turn)
        for one in state.further_requests
    ]
    return _quotes_claim("Asked for too, not begun", quotes)


def _chat_text(value: str, kind: str) -> str:
    return format_value(value, kind, "chat", date.min)


def _actions_claim(pack: Pack, state: DialogueState) -> Claim | None:
    """Results of actions; failed attempts to verify the identity are in the claim on identity."""
    records = [
        one
        for one in state.action_records
        if (one.ok or one.action not in pack.verifying_actions) and one.action not in SERVER_ACTIONS
    ]
    actions = [
        f"{one.action.replace('_', ' ')} {'done' if one.ok else f'refused, {one.reason}'} "
        f"(turn {one.turn})"
        for one in records
    ]
    if state.pending_action:
        actions.append(f"{state.pending_action.call.name.replace('_', ' ')} under way")
    turns = _distinct([one.turn for one in records])
    return Claim("Bank", "; ".join(actions), turns) if actions else None


def _identity_claim(state: DialogueState) -> Claim:
    if state.identity_verified:
        name = state.customer_facts.get(CUSTOMER_NAME_VALUE, "customer")
        return Claim("Identity", f"confirmed, {name}")
    wrong = state.failed_verifications
    return Claim("Identity", f"not confirmed{f', {wrong} wrong answers' if wrong else ''}")


def _mood_claim(history: History, understanding: Understanding, turn: int) -> Claim:
    earlier_turns = [
        (t.number, t.understanding)
        for t in history.turns
        if t.leg == "customer" and t.number < turn
    ]
    certain_turns = [
        (n, u) for n, u in [*earlier_turns, (turn, understanding)] if u.upset_spread < 0.5
    ][-MAX_MOODS:]
    if not certain_turns:
        return Claim("Upset", "not known")
    moods = [f"{u.upset:.2f} (turn {n})" for n, u in certain_turns]
    return Claim("Upset, 0 to 1", ", ".join(moods), _distinct([n for n, _ in certain_turns]))


def _promises_claim(state: DialogueState) -> Claim | None:
    promises = state.promises[-4:]
    return _quotes_claim("Told the customer", [(one.text, one.turn) for one in promises])


def _quotes_claim(label: str, quotes: list[tuple[str, int]]) -> Claim | None:
    """A claim of texts, each with the turn it was said in; None when there are none."""
    text = "; ".join(f'"{quote}" (turn {turn})' for quote, turn in quotes)
    return Claim(label, text, _distinct([turn for _, turn in quotes])) if quotes else None


def _distinct(turns: list[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(turns))
