"""Consent to an action that changes something: a whole-turn yes to its own read-back.

Consent belongs to one task, to the question that was asked last and to the values that it named;
anything else that reaches the action, by whatever path, has the question asked first
(tests/dialogs/test_dialogue_laws.py).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from dialogs.pack.model import Flow, Pack, Step
from dialogs.state import DialogueState, GivenConsent, Question, Task
from dialogs.values import Consent


def asking_step(pack: Pack, flow: Flow, index: int) -> int:
    """The step whose yes the action at `index` needs: a yes/no slot in its `when`, else the last
    `confirm` before it, else the action itself, which then has to be asked about."""
    yes_slots = [
        name
        for name, value in flow.steps[index].conditions
        if value == "yes" and pack.slots[name].type == "yes_no"
    ]
    for i in range(index - 1, -1, -1):
        step = flow.steps[i]
        if step.kind == "confirm" or (step.kind == "ask" and step.name in yes_slots):
            return i
    return index


def find_consent(pack: Pack, task: Task, index: int) -> Consent | None:
    """The consent to the action at `index`, None unless it was given for the values it has now."""
    flow = pack.flows[task.flow]
    given = task.consents.get(asking_step(pack, flow, index))
    if given is None:
        return None
    needed = {name for _, name in flow.steps[index].arguments}
    now = task.values
    is_same = all(given.values.get(name) == now.get(name) for name in needed)
    return given.consent if is_same else None


def is_undoable(step: Step, task: Task, today: date) -> bool:
    """Whether the action of `step` can be undone with the values of `task`."""
    if not step.undo_flow:
        return False
    day = task.values.get(step.undo_before, "")
    return not step.undo_before or bool(day) and date.fromisoformat(day) > today


def record_consent(state: DialogueState, question: Question, turn: int, words: str) -> Task | None:
    """The active task with the consent that a yes to `question` gives; None when its values have
    changed since it was asked."""
    task = state.task
    if task is None or task.flow != question.flow or task.values != question.values:
        return None
    consent = GivenConsent(Consent(turn, words, question.reply), question.values)
    return replace(task, consents={**task.consents, int(question.name): consent})


def record_slot_consent(pack: Pack, task: Task, name: str, turn: int, words: str) -> Task:
    """The task after a yes to its yes/no slot `name`, which is a consent to what depends on it."""
    flow = pack.flows[task.flow]
    index = next(i for i, s in enumerate(flow.steps) if s.kind == "ask" and s.name == name)
    consent = GivenConsent(Consent(turn, words, pack.slots[name].ask_reply), task.values)
    return replace(task, consents={**task.consents, index: consent})


def without_consents_after(task: Task, index: int) -> Task:
    """The task without the consents to steps after `index`."""
    return replace(task, consents={i: c for i, c in task.consents.items() if i <= index})
