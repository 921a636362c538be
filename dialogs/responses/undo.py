"""Undoing what was done: the inverse action of the pack, after a yes to its own read-back.

Each action is undone at most once, and what cannot be undone is said, never passed over. Held by
tests/dialogs/responses/test_undo.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dialogs.interpretation.polarity import topic_of
from dialogs.pack.model import Step
from dialogs.responses.consent import is_undoable
from dialogs.responses.fallback import ask_again, offer_person
from dialogs.responses.flow_steps import advance, mark_nothing_in_progress
from dialogs.state import DoneAction, PendingAction, Task
from dialogs.turn_draft import TurnDraft

MAX_DONE_ACTIONS = 12  # actions that are kept to be undone
RECENT_TURNS = 4  # turns within which "never mind" still means what was just done


def remember_done(draft: TurnDraft, pending: PendingAction, step: Step, task: Task) -> None:
    """Keep a finished action that changed something, or mark the one that this one undid."""
    if not step.needs_consent:
        return
    done = draft.state.done_actions
    if task.undo_of:
        done = tuple(replace(d, is_undone=True) if d.key == task.undo_of else d for d in done)
    elif draft.context.pack.flows[task.flow].undoes == "":
        kept = DoneAction(pending.call.key, pending.step_index, task, draft.turn)
        done = (*done, kept)[-MAX_DONE_ACTIONS:]
    draft.state = replace(draft.state, done_actions=done)


def find_done(draft: TurnDraft, text: str = "") -> DoneAction | None:
    """The action that `text` wants undone: the latest of the kind that it names, else the latest
    of all."""
    done = draft.state.done_actions
    named = topic_of(draft.context.pack, text) if text else frozenset()
    of_kind = [one for one in done if one.task.flow in named]
    standing = [one for one in done if not one.is_undone]
    return (
        _latest([one for one in of_kind if one in standing])
        or _latest(standing)
        or _latest(of_kind)
        or _latest(done)
    )


def find_recent(draft: TurnDraft) -> DoneAction | None:
    """The action that was done just now and still stands, None for none."""
    one = _latest([d for d in draft.state.done_actions if not d.is_undone])
    return one if one is not None and draft.turn - one.turn <= RECENT_TURNS else None


def find_done_by(draft: TurnDraft, task: Task) -> DoneAction | None:
    """What an unfinished task has done already and still stands; None for nothing."""
    return _latest(
        [
            one
            for one in draft.state.done_actions
            if not one.is_undone
            and (one.task.flow, one.task.start_turn) == (task.flow, task.start_turn)
            and one.step_index in task.finished_steps
        ]
    )


def was_said_impossible(draft: TurnDraft) -> bool:
    """Whether the customer was told just now that what they want undone cannot be."""
    return any(reply.step == "undo.impossible" for reply in draft.state.last_replies)


def _latest(done: Sequence[DoneAction]) -> DoneAction | None:
    return done[-1] if done else None


def begin_undo(draft: TurnDraft, done: DoneAction) -> None:
    """Read the inverse action back, or say that there is none."""
    pack, state = draft.context.pack, draft.state
    step = pack.flows[done.task.flow].steps[done.step_index]
    title = {"rest": pack.flows[done.task.flow].title}
    if done.is_undone:
        draft.say("undo.already", title)
        _go_on(draft)
        return
    inverse = pack.flows[step.undo_flow].steps[-1] if step.undo_flow else None
    known = done.task.values
    if (
        inverse is None
        or not is_undoable(step, done.task, draft.context.today)
        or any(source not in known for _, source in inverse.arguments)
    ):
        draft.say("undo.impossible", title)
        if step.final_reply and not step.undo_flow:
            draft.say(step.final_reply)
        if state.tasks or state.waiting_for_person:
            _go_on(draft)
        else:
            offer_person(draft, "offer_colleague")
        return
    tasks = tuple(task for task in state.tasks if task.undo_of != done.key)
    undo = Task(
        step.undo_flow,
        slots=done.task.slots,
        fill_order=done.task.fill_order,
        result_values=done.task.result_values,
        start_turn=draft.turn,
        undo_of=done.key,
    )
    draft.state = replace(state, tasks=(*tasks, undo))
    advance(draft)


def undo_last(draft: TurnDraft, text: str) -> None:
    """Offer to undo what `text` names of what was done, else the last of it."""
    if (done := find_done(draft, text)) is not None:
        begin_undo(draft, done)
    else:
        draft.say("nothing_to_cancel")
        if draft.state.question.kind in {"which", "intent"}:
            ask_again(draft, draft.state)
        else:
            _go_on(draft)


def _go_on(draft: TurnDraft) -> None:
    if draft.state.tasks:
        advance(draft)
    else:
        mark_nothing_in_progress(draft)
