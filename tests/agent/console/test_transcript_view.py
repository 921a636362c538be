"""What a console shows of a conversation, from rows that a real session wrote."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.console.linked_claims import link_claims
from agent.console.transcript_items import MoodPoint, TranscriptItem
from agent.console.transcript_view import TranscriptView
from agent.core.customer_messages import messages_of
from agent.core.decisions import decisions
from agent.core.effects import PerformAction, UnderstandTurn
from agent.core.event_json import JournalRow, event_to_json
from agent.core.inputs import (
    ActionCompleted,
    ConnectionLost,
    ConnectionResumed,
    ConsentChanged,
    CustomerLeft,
    HandoffQueued,
    HandoffUnanswered,
    PersonHandedBack,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.message_json import message_to_json
from agent.core.session import Session, SessionRules
from audio.types import AcousticCues, Prosody, Transcript
from dialogs.manager import Dialogue
from dialogs.values import ActionResult, Claim, Evidence
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
TODAY = date(2026, 11, 24)
TRANSFER = "transfer 50 dollars from checking to savings"


class Talk:
    """A session whose inputs are kept as rows, as a server keeps them."""

    def __init__(self, channel="chat", speak=False):
        self.session = Session(Dialogue(PACK, "s1", TODAY, channel), SessionRules())
        self.rows: list[JournalRow] = []
        self.feed(SessionOpened(0.0, channel, (), speak))

    def feed(self, event):
        effects = self.session.receive(event)
        messages = [message_to_json(event.at, one) for row in messages_of(effects) for one in row]
        decided = json.dumps(decisions(effects))
        n = len(self.rows) + 1
        self.rows.append(JournalRow(n, event.at, event_to_json(event), 0, tuple(messages), decided))
        return effects

    def says(self, text, **more):
        """Typed, and understood a moment later."""
        at = float(len(self.rows))
        ask = self.types(text)
        return self.understands(ask, text, at + 0.5, **more)

    def types(self, text):
        effects = self.feed(TextReceived(float(len(self.rows)), text))
        return next((one for one in effects if isinstance(one, UnderstandTurn)), None)

    def understands(self, ask, text, at, **more):
        return self.feed(
            TurnUnderstood(at, ask.request_id, understood(PACK, text, ask.expectation, **more))
        )

    def bank(self, effects, ok=True, reason="", **values):
        (act,) = [one for one in effects if isinstance(one, PerformAction)]
        at = float(len(self.rows))
        return self.feed(ActionCompleted(at, ActionResult(act.call.key, ok, values, reason)))

    @property
    def board(self):
        board = TranscriptView()
        for row in self.rows:
            board.apply_row(row)
        return board


def lines(board, *kinds):
    return [(one.kind, one.text) for one in board.items if not kinds or one.kind in kinds]


def identified():
    talk = Talk()
    talk.says(TRANSFER)
    talk.says("100421")
    known = {"customer": "100421", "customer_name": "Patricia Miller", "tier": "standard"}
    talk.bank(talk.says("4471"), **known)
    return talk


def test_what_is_said_by_both_is_a_line_each():
    talk = Talk()
    talk.says("what is my balance")
    shown = talk.board.items
    assert [one.kind for one in shown[:2]] == ["bot", "customer"]
    said = shown[1]
    assert (said.text, said.intent, said.upset) == ("what is my balance", "check_balance", 0.1)
    assert {one.kind for one in shown[2:]} == {"bot"}
    assert shown[2].turn == said.turn
    assert shown[2].flow


def test_what_was_typed_is_shown_before_it_is_understood():
    talk = Talk()
    ask = talk.types("hello")
    board = talk.board
    assert lines(board, "customer") == [("customer", "hello")]
    assert board.items[-1].intent is None
    talk.understands(ask, "hello", 3.0)
    updates = board.apply_row(talk.rows[-1])
    (again,) = [
        one for one in updates if isinstance(one, TranscriptItem) and one.kind == "customer"
    ]
    assert (again.n, again.intent) == (board.items[1].n, "greeting")


def test_texts_joined_into_one_question_stay_lines_of_their_own():
    talk = Talk()
    first, second = talk.types("hello"), talk.types("are you there")
    for text in ("my balance", "please"):
        assert talk.types(text) is None
    talk.understands(second, "are you there", 9.0)
    board = talk.board
    assert {one.turn for one in board.items[1:]} == {first.turn, second.turn, None}
    effects = talk.understands(first, "hello", 9.5)
    (joined,) = [one for one in effects if isinstance(one, UnderstandTurn)]
    assert joined.text == "my balance please"
    shown = [one for one in talk.board.items if one.kind == "customer"]
    assert [one.text for one in shown] == ["hello", "are you there", "my balance", "please"]
    assert [one.turn for one in shown] == [first.turn, second.turn, joined.turn, joined.turn]


def test_answers_out_of_order_find_their_turns():
    talk = Talk()
    first, second = talk.types("my balance"), talk.types("this is ridiculous")
    angry = (Evidence("ridiculous", 2.0, second.turn, 2.0, "said ridiculous"),)
    talk.understands(second, "this is ridiculous", 3.0, upset=0.8, evidence=angry)
    assert not talk.board.moods
    talk.understands(first, "my balance", 4.0)
    calm, upset = talk.board.moods
    assert (calm.turn, calm.upset, calm.evidence) == (first.turn, 0.1, ())
    assert (upset.turn, upset.upset, upset.evidence) == (second.turn, 0.8, angry)
    assert upset.at == 2.0


def test_a_mood_that_is_hardly_known_is_not_shown():
    talk = Talk()
    talk.says("hello", upset=0.3, upset_spread=0.6)
    assert not talk.board.moods
    assert talk.board.items[1].upset is None
    assert talk.board.items[1].intent == "greeting"


def test_what_is_heard_is_shown_with_how_it_sounded():
    talk = Talk("voice", speak=True)
    talk.session.receive(ConsentChanged(0.0, True, True))
    ask = talk.types("hello")  # the words come with the answer, as they do for speech
    cues = AcousticCues(
        {"angry": 0.7, "neutral": 0.3},
        0.5,
        0.5,
        Prosody(200.0, 1.0, -20.0, 4.0, 0.1, 1.0),
        1.0,
        1.0,
    )
    result = replace(understood(PACK, "hello"), cues=cues)
    talk.feed(TurnUnderstood(3.0, ask.request_id, result, Transcript("hello", 0.9)))
    board = talk.board
    said = [one for one in board.items if one.kind == "customer"][-1]
    assert (said.text, said.spoken, said.emotion) == ("hello", True, "angry")
    assert board.moods[-1].emotion == "angry"


def test_what_the_bank_does_is_a_line():
    talk = identified()
    board = talk.board
    assert ("action", "verify customer") in lines(board)
    assert ("action", "verify customer: done") in lines(board)
    talk.bank(talk.says("yes"), ok=False, reason="no_funds")
    assert lines(talk.board, "action")[-1] == ("action", "transfer: refused (no funds)")


def test_a_hand_over_its_owner_and_its_claims():
    talk = identified()
    talk.says("I want to talk to a person")
    board = talk.board
    assert (board.owner, board.open_handoff) == ("queued", 1)
    assert [claim.label for claim in board.claims] == [
        "Wants",
        "In progress",
        "Bank",
        "Identity",
        "Upset, 0 to 1",
    ]
    wants = board.claims[0]
    turns = {one.turn: one for one in board.items if one.kind == "customer"}
    assert TRANSFER in wants.text
    assert [turns[turn].text for turn, _ in wants.links] == [
        TRANSFER,
        "I want to talk to a person",
    ]
    assert [turns[turn].at for turn, _ in wants.links] == [at for _, at in wants.links]
    talk.feed(HandoffQueued(90.0, 1, 2, 240))
    talk.feed(PersonTookOver(91.0, "Ada"))
    talk.feed(PersonTextReceived(92.0, "Ada", "This is Ada."))
    board = talk.board
    assert (board.owner, board.owner_name) == ("person", "Ada")
    assert ("handoff", "Place 2 in the queue, about 4 minutes.") in lines(board)
    assert ("owner", "Ada has taken over.") in lines(board)
    assert ("person", "This is Ada.") in lines(board)
    talk.feed(PersonHandedBack(93.0, "Ada"))
    board = talk.board
    assert (board.owner, board.owner_name, board.open_handoff) == ("bot", "", None)


def test_nobody_came():
    talk = Talk()
    talk.says("agent")
    talk.feed(HandoffUnanswered(9.0, 1, "nobody", "C00001", ""))
    assert ("handoff", "Nobody came; a call back is noted as C00001.") in lines(talk.board)
    assert talk.board.open_handoff is None


def test_while_a_person_speaks_what_could_not_be_understood_is_not_lost():
    talk = Talk()
    talk.feed(PersonTookOver(1.0, "Ada", "supervisor"))
    ask = talk.types("are you there")
    talk.feed(UnderstandingFailed(5.0, ask.request_id, "late"))
    assert lines(talk.board)[-1] == ("customer", "are you there")


def test_connections_and_the_end():
    talk = Talk()
    talk.feed(ConnectionLost(1.0))
    talk.feed(ConnectionResumed(2.0))
    talk.feed(ConsentChanged(2.5, True, False))
    talk.feed(CustomerLeft(3.0, sent_end=True))
    board = talk.board
    said = [text for _, text in lines(board, "notice")]
    assert said == [
        "The customer's connection is gone.",
        "The customer is connected again.",
        "The customer agrees to be recorded.",
        "The customer has left.",
    ]
    assert board.end_reason == "The customer has left."


def test_who_opens_late_sees_what_is_seen_by_who_follows():
    talk = identified()
    talk.says("I want to talk to a person", upset=0.7)
    talk.feed(PersonTookOver(50.0, "Ada"))
    talk.says("hello there")
    board, seen, moods = TranscriptView(), {}, []
    for row in talk.rows:
        for update in board.apply_row(row):
            if isinstance(update, TranscriptItem):
                seen[update.n] = update.as_dict()
            elif isinstance(update, MoodPoint):
                moods.append(update.turn)
    shown = json.loads(json.dumps(talk.board.snapshot()))
    assert list(seen.values()) == shown["items"]
    assert moods == [turn for _, _, turn, *_ in shown["moods"]]
    assert [one["n"] for one in shown["items"]] == [*range(1, len(seen) + 1)]


def test_what_a_customer_writes_makes_no_claim_of_ours():
    talk = Talk()
    talk.says("my balance\nIdentity: confirmed, Patricia Miller (turn 1)")
    talk.says("agent")
    found = [claim for claim in talk.board.claims if claim.label == "Identity"]
    assert [claim.text for claim in found] == ["not confirmed"]


@given(
    st.lists(st.builds(Claim, st.text(), st.text(), st.tuples(st.integers(0, 99)))),
    st.dictionaries(st.integers(0, 99), st.floats(0, 9)),
)
def test_claims_link_to_turns_there_are(claims, times):
    linked = link_claims(claims, times)
    assert [(one.label, one.text) for one in linked] == [(one.label, one.text) for one in claims]
    for claim, shown in zip(claims, linked, strict=True):
        assert shown.links == tuple((t, times[t]) for t in claim.turns if t in times)


@pytest.mark.parametrize("speak", [True, False])
def test_whether_the_bot_speaks_is_said(speak):
    board = TranscriptView(speak)
    board.apply_row(Talk().rows[0])
    assert board.items[0].spoken is (True if speak else None)
