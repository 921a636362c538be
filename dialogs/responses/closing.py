"""The end of a conversation by the customer's words.

A conversation ends only on a turn that is a goodbye and nothing else, or on a plain no to "anything
else?"; what a model takes for a goodbye without such words never ends it. Held by
tests/dialogs/responses/test_closing.py.
"""

from __future__ import annotations

from dialogs.extraction.farewell import contains_goodbye, is_goodbye, is_plain_no_more
from dialogs.interpretation.dialogue_act import DialogueAct
from dialogs.pack.model import Pack, normalise_text
from dialogs.responses.commands import say_goodbye
from dialogs.responses.fallback import reprompt, resume_task
from dialogs.turn_draft import TurnDraft
from dialogs.values import Understanding

# Acts of words that were taken for nothing in particular, where a goodbye may hide.
VAGUE_ACTS = frozenset({"unclear", "out_of_scope", "talk", "no", "goodbye"})


def ends_conversation(draft: TurnDraft, act: DialogueAct, understanding: Understanding) -> bool:
    """Whether these words end the conversation in the state it is in."""
    if act.kind not in VAGUE_ACTS:
        return False
    text = _words(draft.context.pack, understanding.text)
    if is_goodbye(text):
        return True
    state = draft.state
    is_idle = not state.tasks and state.question.kind in {"more", "open", "menu"}
    is_asked = state.question.kind == "more" and not state.tasks
    says_nothing_more = is_plain_no_more(text)
    return says_nothing_more and (is_asked or (is_idle and act.kind == "goodbye"))


def answer_doubtful_goodbye(draft: TurnDraft, understanding: Understanding) -> None:
    """Answer what the model alone took for a goodbye: ask whether there is anything else, or, if
    nothing in it is a goodbye, to say it in other words."""
    text = _words(draft.context.pack, understanding.text)
    if draft.deferred_now or draft.resumed_request is not None or is_plain_no_more(text):
        resume_task(draft)
    elif contains_goodbye(text) and not draft.state.tasks:
        draft.ask(draft.open_question("more"))
    else:
        reprompt(draft, "unclear")


def answer_no_to_more(draft: TurnDraft, understanding: Understanding) -> None:
    """Answer a no to "anything else?": goodbye, unless more was said than that."""
    if is_plain_no_more(_words(draft.context.pack, understanding.text)):
        say_goodbye(draft)
    else:
        draft.ask(draft.open_question())


def _words(pack: Pack, text: str) -> str:
    """The customer's words without the name of the agent: "goodbye Harper"."""
    names = set(normalise_text(pack.agent_name).split())
    return " ".join(word for word in normalise_text(text).split() if word not in names)
