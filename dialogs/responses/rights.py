"""Responses to customers who ask what is kept of them and watched: carried out and said in words.

Recording and the use of the voice stop from the turn on that asks for it, whatever is going on.
What is said is true of this conversation: it follows from the pack's rules and from what the
customer agreed to. Held by tests/dialogs/responses/test_rights.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dialogs.interpretation.dialogue_acts import is_free_text_asked
from dialogs.pack.model import Pack
from dialogs.pack.schema import RightsRequest
from dialogs.responses.commands import remember_request
from dialogs.responses.fallback import resume_task
from dialogs.responses.flow_steps import advance, begin_task
from dialogs.state import DialogueState
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding

ConsentSubject = Literal["recording", "emotion"]
_SUBJECTS: tuple[ConsentSubject, ...] = ("recording", "emotion")


def find_right(
    pack: Pack, state: DialogueState, understanding: Understanding
) -> RightsRequest | None:
    """The request that the turn makes; in an account in free words only one that takes effect at
    once."""
    if pack.rights is None or (request := pack.rights.find(understanding.text)) is None:
        return None
    is_task = request in pack.rights.flows
    return None if is_task and is_free_text_asked(pack, state) else request


def change_consent(draft: TurnDraft, understanding: Understanding) -> bool:
    """Answer a question about recording or the use of the voice, or switch it; whether it did."""
    request = find_right(draft.context.pack, draft.state, understanding)
    if request is None:
        return False
    subject = next((one for one in _SUBJECTS if request.startswith(one)), None)
    if subject is None:
        return False
    draft.update_tone(understanding)
    draft.state = replace(draft.state, silences=0, misses=0)
    draft.say(f"rights.{subject}_{_outcome(draft, subject, request.removeprefix(f'{subject}_'))}")
    if draft.state.pending_action is None:
        resume_task(draft)
    return True


def begin_rights_task(draft: TurnDraft, understanding: Understanding) -> bool:
    """Begin the task by which a request is carried out; whether the turn was one."""
    rights = draft.context.pack.rights
    request = find_right(draft.context.pack, draft.state, understanding)
    if rights is None or request is None or request not in rights.flows:
        return False
    draft.update_tone(understanding)
    draft.state = replace(draft.state, silences=0, misses=0)
    remember_request(draft, understanding)
    begin_task(draft, rights.flows[request], (), understanding.text)
    advance(draft)
    return True


def _outcome(draft: TurnDraft, subject: ConsentSubject, wish: str) -> str:
    """What became of the wish, by which the reply is named; the consent is changed."""
    rule = getattr(draft.context.pack.privacy, subject)
    given = draft.state.privacy_consent
    is_on = rule == "always" or (rule == "ask" and getattr(given, subject))
    match wish:
        case "question":
            return ("always" if rule == "always" else "is_on") if is_on else "is_off"
        case "off":
            if rule == "always":
                return "always"
            _set_consent(draft, subject, False)
            return "stopped" if is_on else "was_off"
        case _:
            if rule == "never":
                return "never"
            _set_consent(draft, subject, True)
            return "was_on" if is_on else "started"


def _set_consent(draft: TurnDraft, subject: ConsentSubject, is_given: bool) -> None:
    state = draft.state
    consent = (
        replace(state.privacy_consent, recording=is_given)
        if subject == "recording"
        else replace(state.privacy_consent, emotion=is_given)
    )
    if consent != state.privacy_consent:
        draft.state = replace(state, privacy_consent=consent)
        draft.privacy_consent = consent
