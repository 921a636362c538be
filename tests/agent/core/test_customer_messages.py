"""Messages to the customer: what effects become, and that stored ones are read for ever."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from agent.core import customer_messages as m
from agent.core.effects import (
    AnnounceOwner,
    CloseSession,
    DiscardTurn,
    ForwardPersonText,
    NotifyClient,
    SayReplies,
    ShowPartialText,
    ShowTurn,
    StopSpeech,
    UpdateHandoff,
)
from agent.core.event_json import EventFormatError
from agent.core.message_json import MESSAGE_TAGS, message_from_json, message_to_json
from audio.types import AcousticCues, Prosody, Transcript, Word
from dialogs.values import (
    Claim,
    DocumentSource,
    Escalation,
    Evidence,
    FurtherRequest,
    Reply,
    Slot,
    Understanding,
)

STORED = Path(__file__).parent / "messages_version_2.jsonl"
CUES = AcousticCues({"angry": 0.7}, 0.8, None, Prosody(210.4, 5.0, -18.2, None, 0.1, 1.4), 2.0, 0.9)
WORDS = Transcript("my card", 0.8, (Word("my", 320, 4800, 0.9), Word("card", 4800, 6400, 0.7)))
WHY = Escalation(
    "upset_over_turns",
    0.8,
    1.4,
    (Evidence("voice: angry", 1.4, 3, 7.2),),
    "high",
    (Claim("Wants", '"my card is gone" (turn 3)', (3,)), Claim("Identity", "not confirmed")),
)
MEANING = Understanding(
    "my card is gone",
    "report_lost_card",
    0.91,
    (("replace_card", 0.05),),
    sentiment=-0.4,
    upset=0.62,
    upset_spread=0.2,
    slots=(Slot("card_type", "debit", "card"),),
    cues=CUES,
    also=(FurtherRequest("and my balance", "check_balance", 0.8),),
    possible=("report_lost_card", "replace_card"),
)
REPLY = Reply("Nine to five.", suggestions=("Map",), source=DocumentSource("d1", "Hours"))
EFFECTS = [
    ShowPartialText(3, "customer", "my ca"),
    ShowTurn(3, "customer", WORDS, MEANING, 6912),
    ShowTurn(4, "agent", WORDS, None),
    SayReplies(3, (REPLY, Reply("Anything else?")), speak=True),
    StopSpeech(3),
    UpdateHandoff(1, "queued", WHY, 2, 240),
    UpdateHandoff(1, "callback", WHY, ticket="C00001"),
    AnnounceOwner("person", "Dana"),
    NotifyClient("gap", "Half a second is missing."),
    ForwardPersonText("Dana", "Hello, Dana here."),
    CloseSession(1000, "the conversation has ended"),
]
MESSAGES = [one for of_effect in m.messages_of(EFFECTS) for one in of_effect]


def test_every_kind_of_message_is_made_and_has_a_tag_of_its_own():
    kinds = set(get_args(m.CustomerMessage))
    assert {type(one) for one in MESSAGES} == kinds == set(MESSAGE_TAGS)
    assert len({tag for tag, _ in MESSAGE_TAGS.values()}) == len(kinds)


def test_stored_messages_are_read_for_ever():
    """The lines of `messages_version_2.jsonl` were written once; renaming a class or a field in the
    code must not change a byte of them."""
    lines = STORED.read_text(encoding="utf-8").splitlines()
    assert [message_to_json(1.25, one) for one in MESSAGES] == lines
    read = [message_from_json(seq, line) for seq, line in enumerate(lines, 1)]
    assert read == [m.SequencedMessage(seq, 1.25, one) for seq, one in enumerate(MESSAGES, 1)]


@pytest.mark.parametrize(
    "line", ["", "[]", "{}", '{"type":"reply","at":1}', '{"type":"hush","at":1.0,"turn":3}']
)
def test_anything_else_is_an_error(line):
    with pytest.raises(EventFormatError):
        message_from_json(1, line)


def test_replies_that_are_only_spoken_again_are_no_new_message():
    again = SayReplies(3, (REPLY,), speak=True, is_repeat=True)
    assert m.messages_of([again, DiscardTurn(1)]) == [[], []]


def test_a_summary_is_its_claims_one_a_line():
    assert WHY.summary.splitlines() == [
        'Wants: "my card is gone" (turn 3)',
        "Identity: not confirmed",
    ]
