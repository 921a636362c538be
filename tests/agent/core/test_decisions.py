"""What effects decide is told in small, and nothing of a decision is lost."""

from __future__ import annotations

from agent.core.decisions import comparable_digest, decisions
from agent.core.effects import (
    AnnounceOwner,
    CloseSession,
    DiscardTurn,
    ForwardPersonText,
    NotifyClient,
    PerformAction,
    SayReplies,
    ShowTurn,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.turn_notes import TurnNote
from audio.types import AcousticCues, Expectation, Prosody, Transcript
from dialogs.values import (
    ActionCall,
    Escalation,
    Evidence,
    OfferAnswered,
    Reply,
    RuleScore,
    Slot,
    Understanding,
)

PROSODY = Prosody(110.0, 3.0, -20.0, 4.0, 0.2, 1.0)


def test_a_turn_from_its_end_to_what_is_done():
    feelings = {"neutral": 0.2, "angry": 0.8}
    cues = AcousticCues(feelings, 0.1, 0.2, PROSODY, heard_s=1.0, reliability=0.9)
    slots = (Slot("amount", "25.00", "twenty five"),)
    heard = Understanding("pay 25", "pay_bill", 0.91234, upset=0.4567, slots=slots, cues=cues)
    terms = (Evidence("baseline", -3.0, 3, 1.0), Evidence("upset", 1.23456, 3, 1.0))
    judged = RuleScore("upset_over_turns", -1.7, 0.1544, 1 / 6, 0.04, terms)
    found = decisions(
        [
            UnderstandTurn(1, 3, "customer", 3, "", Expectation("amount"), spoke_until=5120),
            ShowTurn(3, "customer", Transcript("pay 25", 0.9), heard, 9000),
            StoreNote(TurnNote(3, 1.0, "voice", (judged,))),
            SayReplies(3, (Reply("Done.", flow="pay", step="do"),), True),
            PerformAction(ActionCall("s1-1", "pay_bill", {"amount": "25.00"})),
        ]
    )
    assert [{"turn": 3} | one for one in found] == found
    assert [{name: one[name] for name in one if name != "turn"} for one in found] == [
        {"kind": "turn", "leg": "customer", "until": 5120, "ask": 1},
        {"kind": "turn_end", "leg": "customer", "end": 9000},
        {"kind": "transcript", "leg": "customer", "text": "pay 25"},
        {"kind": "intent", "intent": "pay_bill", "confidence": 0.912},
        {"kind": "slot", "name": "amount", "value": "25.00"},
        {"kind": "mood", "upset": 0.457, "emotion": "angry"},
        {
            "kind": "rule",
            "rule": "upset_over_turns",
            "probability": 0.154,
            "enter": 0.167,
            "led_to": "nothing",
            "terms": {"baseline": -3.0, "upset": 1.235},
        },
        {"kind": "reply", "text": "Done.", "flow": "pay", "step": "do"},
        {"kind": "action", "name": "pay_bill", "key": "s1-1", "arguments": {"amount": "25.00"}},
    ]


def test_people_and_ends():
    why = Escalation("explicit_request", 0.91239, 2.3, (), "normal", ())
    found = decisions(
        [
            StopSpeech(2),
            UpdateHandoff(1, "requested", why),
            UpdateHandoff(1, "callback", why, ticket="C00001"),
            AnnounceOwner("person", "Dana"),
            ForwardPersonText("Dana", "hello"),
            NotifyClient("missed", "a turn"),
            NotifyClient("clipping", "loud"),
            StoreNote(OfferAnswered(1, 2, 0.0, "accepted")),
            DiscardTurn(4),
            CloseSession(1000, "bye"),
        ]
    )
    rule = {"turn": 2, "rule": "explicit_request", "id": 1}
    assert found == [
        {"kind": "hush", "turn": 2},
        rule | {"kind": "escalation", "probability": 0.912, "urgency": "normal"},
        rule | {"kind": "hand_over", "state": "callback", "ticket": "C00001"},
        {"kind": "owner", "turn": 2, "owner": "person", "name": "Dana"},
        {"kind": "person", "turn": 2, "name": "Dana", "text": "hello"},
        {"kind": "notice", "turn": 2, "code": "missed"},
        {"kind": "close", "turn": 2, "code": 1000, "reason": "bye"},
    ]


def test_how_loud_it_was_is_no_decision():
    loud = NotifyClient("clipping", "9 % of turn 3 is clipped")
    assert decisions([loud]) == []
    assert comparable_digest([loud, StopSpeech(3)]) == comparable_digest([StopSpeech(3)])


def test_an_employee_is_never_judged():
    shown = ShowTurn(2, "agent", Transcript("one moment", 0.9), None, 100)
    assert {one["kind"] for one in decisions([shown])} == {"turn_end", "transcript"}
