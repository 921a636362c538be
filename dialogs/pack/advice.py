"""Advice on a pack: wordings that will sound wrong and actions not read back, though it works.

Unlike a fault (dialogs/pack/checks.py) it refuses nothing; `hearken doctor` prints it. Held by
tests/dialogs/pack/test_advice.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dialogs.pack.model import Pack, Wording

# Said only where the customer speaks, so that hearing may be spoken of.
SPOKEN_REPLIES = frozenset(
    ["unheard", "still_there", "still_there_menu", "silent_end", "keypad"],
)
# Said by the engine whenever it has to ask or refuse once more.
REPEATED_REPLIES = frozenset(
    ["unclear", "unheard", "missed", "keypad", "typed", "menu", "choices", "offer_person", "sure"]
    + ["change", "out_of_scope", "still_there", "waiting", "waiting_money", "no_answer"]
    + ["nothing_to_cancel", "nothing_to_go_back", "few_words", "yes_or_no", "wrong.length"]
    + ["wrong.zero", "wrong.too_much", "wrong.past", "wrong.future", "wrong.same"]
)
# Hearing and speaking between the customer and us; that others say something can be read as well.
_WORDS_OF_SPEECH = re.compile(
    r"\b(?:hear|hears|heard|hearing|listen|listening|loud|louder|aloud"
    r"|speak (?:up|more|slower|slowly|clearly|again)"
    r"|(?:you|please|just|you can|you could|you may|could you please|can you please) say"
    r"|say (?:it|that|this) (?:again|once|differently|another|in|more|slowly)|say (?:yes|no))\b",
    re.IGNORECASE,
)


def wording_advice(pack: Pack) -> list[str]:
    """One sentence for each reply that will sound wrong in a chat, or be said twice in one
    wording, and for each action that nothing reads back."""
    return [
        *_speech_in_typed_wordings(pack),
        *_single_wordings(pack),
        *_actions_without_read_back(pack),
    ]


def _actions_without_read_back(pack: Pack) -> Iterator[str]:
    """Actions that change something, before which a bare "Shall I go ahead?" is asked."""
    for name, flow in pack.flows.items():
        for index, step in enumerate(flow.steps):
            yes_slots = {slot for slot, value in step.conditions if value == "yes"}
            is_asked = any(
                one.kind == "confirm" or (one.kind == "ask" and one.name in yes_slots)
                for one in flow.steps[:index]
            )
            if step.needs_consent and not is_asked:
                yield (
                    f"flows.yaml, {name}: {step.name} changes something and is not read back: put "
                    "a `confirm` before it, or say `effect: none` or `effect: report`"
                )


def _speech_in_typed_wordings(pack: Pack) -> Iterator[str]:
    for name, wording in pack.replies.items():
        if name in SPOKEN_REPLIES:
            continue
        for line in (*wording.neutral, *wording.apologetic, *wording.brief):
            if match := _WORDS_OF_SPEECH.search(line):
                yield (
                    f'replies.yaml, {name}: "{match.group()}" is said in chats too: word it for '
                    "reading, and what is spoken under `voice`"
                )
                break


def _single_wordings(pack: Pack) -> Iterator[str]:
    for name in sorted(_repeatable(pack)):
        if _wording_count(pack.replies[name]) < 2:
            yield (
                f"replies.yaml, {name}: may be said twice in a row, and has one wording only: "
                "give it a second one"
            )


def _repeatable(pack: Pack) -> set[str]:
    names = {name for name in REPEATED_REPLIES if name in pack.replies}
    for spec in pack.slots.values():
        names |= {spec.ask_reply, spec.reask_reply}
    for flow in pack.flows.values():
        for step in flow.steps:
            names |= {step.name} if step.kind == "confirm" else set()
            names |= {one.reply for _, one in step.failures if one.slots_to_reask}
    return names


def _wording_count(wording: Wording) -> int:
    """How many different wordings there are in the channel that has fewer."""
    spoken = wording.voice or wording.neutral
    return min(len({*one, *wording.brief}) for one in (wording.neutral, spoken))
