"""Conversations as scripts: the session between a microphone, a mind and the bank's dialogue.

The dialogue and its pack are the real ones; the mind is scripted, and time is a number.
"""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.effects import (
    AnnounceOwner,
    ChangeConsent,
    CloseSession,
    DiscardTurn,
    FeedEncoder,
    ForwardPersonText,
    PerformAction,
    SayReplies,
    ShowPartialText,
    ShowTurn,
    StopSpeech,
    StoreNote,
    UnderstandTurn,
    UpdateHandoff,
)
from agent.core.inputs import (
    ActionCompleted,
    AudioReceived,
    ConsentChanged,
    CustomerLeft,
    DeadlineReached,
    DigitsReceived,
    HandoffQueued,
    PartialTextReceived,
    PersonHandedBack,
    PersonTextReceived,
    PersonTookOver,
    SessionOpened,
    SpeechPlayed,
    SpeechSent,
    TextReceived,
    TurnUnderstood,
    UnderstandingFailed,
)
from agent.core.session import Session, SessionRules
from agent.core.understanding_requests import MAX_JOINED_TEXT
from audio.text_endpointing import TurnEndings
from audio.turns import TurnRules
from audio.turns import hop_count as hops_in
from audio.types import VOICE_HOP, Expectation, Transcript
from dialogs.manager import Dialogue
from dialogs.values import NOTHING_HEARD, ActionResult, History, Turn, Understanding
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
TODAY = date(2026, 11, 24)
BOTH = ("customer", "agent")
WORD = [0.0] * 12 + [0.95] * 20
QUIET = [0.0] * 60


def opened(channel="chat", legs=(), speak=False, **rules):
    session = Session(Dialogue(PACK, "s1", TODAY, channel), SessionRules(**rules))
    return session, session.receive(SessionOpened(0.0, channel, legs, speak))


def of(effects, kind):
    return [effect for effect in effects if isinstance(effect, kind)]


def heard(at, hops, leg="customer", level=0.1):
    return AudioReceived(at, leg, np.full(len(hops) * VOICE_HOP, level, np.float32), tuple(hops))


def answer(ask, text, at, transcript=False, **more):
    result = understood(PACK, text, ask.expectation, **more)
    return TurnUnderstood(at, ask.request_id, result, Transcript(text, 0.9) if transcript else None)


def type_and_answer(session, text, at):
    (ask,) = of(session.receive(TextReceived(at, text)), UnderstandTurn)
    return session.receive(answer(ask, text, at + 0.01))


def test_a_session_greets_and_then_waits():
    session, effects = opened()
    assert of(effects, SayReplies)[0].replies
    assert session.deadline == 600.0


def test_a_typed_question_is_asked_of_the_mind_and_answered():
    session, _ = opened()
    (ask,) = session.receive(TextReceived(1.0, "check my balance"))
    assert (ask.text, ask.stream, ask.leg) == ("check my balance", None, "customer")
    show, note, say = session.receive(answer(ask, "check my balance", 1.1))
    assert isinstance(note, StoreNote)
    assert show.understanding.intent == "check_balance"
    assert say.replies
    assert not say.speak


def test_speech_is_listened_to_and_understood_with_what_was_asked():
    session, _ = opened("voice", ("customer",), speak=True)
    began = session.receive(heard(1.0, WORD))
    assert of(began, FeedEncoder)[0].stream == of(began, FeedEncoder)[-1].stream
    (ask,) = of(session.receive(heard(2.0, QUIET)), UnderstandTurn)
    assert ask.stream == of(began, FeedEncoder)[0].stream
    assert ask.expectation.kind == "open"
    said = session.receive(answer(ask, "check my balance", 2.1, transcript=True))
    assert of(said, SayReplies)[0].speak
    assert session.expectation == Expectation("digits", 6)  # the customer number comes next


def test_what_was_spoken_is_shown_with_the_position_at_which_it_was_over():
    session, _ = opened("voice", ("customer",))
    session.receive(heard(1.0, WORD))
    (ask,) = of(session.receive(heard(2.0, QUIET)), UnderstandTurn)
    (show,) = of(session.receive(answer(ask, "thanks", 2.1, transcript=True)), ShowTurn)
    silence = hops_in(TurnRules().silence["open"])
    assert show.end == (len(WORD) + silence) * VOICE_HOP
    (typed,) = of(session.receive(TextReceived(3.0, "thanks")), UnderstandTurn)
    (show,) = of(session.receive(answer(typed, "thanks", 3.1)), ShowTurn)
    assert show.end is None


def test_partials_are_captions_while_the_turn_lasts():
    session, _ = opened("voice", ("customer",))
    (stream,) = {one.stream for one in of(session.receive(heard(1.0, WORD)), FeedEncoder)}
    assert session.receive(PartialTextReceived(1.1, stream, "check")) == [
        ShowPartialText(stream, "customer", "check")
    ]
    session.receive(heard(2.0, QUIET))
    assert session.receive(PartialTextReceived(2.1, stream, "check my")) == []


@pytest.mark.parametrize(("text", "ends"), [("check my", False), ("thanks", True)])
def test_the_words_so_far_say_whether_a_silence_ends_the_turn(text, ends):
    rules = TurnRules(complete=0.5, incomplete=2.0, endings=TurnEndings.load())
    session, _ = opened("voice", ("customer",), turn_rules=rules)
    (stream,) = {one.stream for one in of(session.receive(heard(1.0, WORD)), FeedEncoder)}
    session.receive(PartialTextReceived(1.1, stream, text))
    half_a_second = session.receive(heard(1.5, [0.0] * 16))
    assert bool(of(half_a_second, UnderstandTurn)) == ends


def test_barge_in_hushes_the_reply_once():
    session, effects = opened("voice", ("customer",), speak=True)
    turn = of(effects, SayReplies)[0].turn
    session.receive(SpeechSent(0.1, turn, 4000))
    assert of(session.receive(heard(1.0, WORD)), StopSpeech) == [StopSpeech(turn)]
    assert of(session.receive(heard(2.0, QUIET + WORD)), StopSpeech) == []


def test_a_reply_that_was_heard_out_is_not_hushed():
    session, effects = opened("voice", ("customer",), speak=True)
    turn = of(effects, SayReplies)[0].turn
    session.receive(SpeechSent(0.1, turn, 900))
    session.receive(SpeechPlayed(1.0, turn, 900))
    assert of(session.receive(heard(2.0, WORD)), StopSpeech) == []


def test_silence_is_counted_from_the_end_of_our_own_speech():
    session, effects = opened("voice", ("customer",), speak=True)
    session.receive(SpeechSent(1.0, of(effects, SayReplies)[0].turn, 5000))
    assert session.deadline == 1.0 + 5.0 + 9.0
    assert session.receive(DeadlineReached(14.9)) == []
    assert of(session.receive(DeadlineReached(15.0)), SayReplies)


def test_a_line_that_goes_mute_in_the_middle_of_a_turn_ends_it():
    session, _ = opened("voice", ("customer",))
    session.receive(heard(1.0, WORD))
    assert session.deadline == pytest.approx(2.2)
    assert of(session.receive(DeadlineReached(2.2)), UnderstandTurn)


def test_a_chat_left_alone_is_closed():
    session, _ = opened()
    (close,) = session.receive(DeadlineReached(600.0))
    assert close.code == 1000
    assert session.deadline == math.inf
    assert session.receive(TextReceived(601.0, "hello?")) == []


@settings(max_examples=30)
@given(st.permutations([0, 1, 2]))
def test_answers_are_spoken_in_question_order(order):
    session, _ = opened(max_requests_in_flight=3)
    texts = ["what are your hours", "are you a robot", "thank you"]
    asks = [of(session.receive(TextReceived(1.0, text)), UnderstandTurn)[0] for text in texts]
    shown = []
    for index in order:
        done = session.receive(answer(asks[index], texts[index], 2.0))
        shown += [one.understanding.text for one in of(done, ShowTurn)]
    assert shown == texts


def test_texts_typed_faster_than_we_answer_are_joined():
    session, _ = opened(max_requests_in_flight=1)
    (first,) = session.receive(TextReceived(1.0, "check"))
    assert session.receive(TextReceived(1.1, "my")) == []
    assert session.receive(TextReceived(1.2, "balance")) == []
    effects = session.receive(answer(first, "check", 1.3))
    assert of(effects, UnderstandTurn)[0].text == "my balance"


def test_texts_are_joined_up_to_the_length_of_one_and_none_is_lost():
    session, _ = opened(max_requests_in_flight=1)
    (request,) = session.receive(TextReceived(1.0, "first"))
    texts = [letter * 1900 for letter in "abcde"]
    for text in texts:
        assert session.receive(TextReceived(1.1, text)) == []
    asked = []
    for _ in range(3):
        effects = session.receive(answer(request, request.text, 1.3))
        (request,) = of(effects, UnderstandTurn)
        asked.append(request.text)
    assert max(map(len, asked)) <= MAX_JOINED_TEXT
    assert " ".join(asked).split() == texts
    assert of(session.receive(answer(request, request.text, 1.4)), UnderstandTurn) == []


def test_a_missed_turn_has_something_to_say():
    session, _ = opened()
    (ask,) = session.receive(TextReceived(1.0, "check my balance"))
    note, say = session.receive(UnderstandingFailed(6.0, ask.request_id, "late"))
    assert note.code == "missed"
    assert say.replies
    assert session.receive(answer(ask, "check my balance", 7.0)) == []  # too late now


def test_a_cough_is_not_an_answer_but_mumbling_is_asked_about():
    session, _ = opened("voice", ("customer",))
    nothing = Understanding("", NOTHING_HEARD, 0.0)
    for hops, replies in (([0.0] * 12 + [0.95] * 8, 0), (WORD, 1)):
        (ask,) = of(session.receive(heard(1.0, hops + QUIET)), UnderstandTurn)
        effects = session.receive(TurnUnderstood(1.1, ask.request_id, nothing, Transcript("", 0.1)))
        assert len(of(effects, SayReplies)) == replies


def test_a_reply_that_a_cough_interrupted_is_said_again():
    session, effects = opened("voice", ("customer",), speak=True)
    (greeting,) = of(effects, SayReplies)
    session.receive(SpeechSent(0.1, greeting.turn, 4000))
    effects = session.receive(heard(1.0, [0.0] * 12 + [0.95] * 8 + QUIET))
    assert of(effects, StopSpeech)
    (ask,) = of(effects, UnderstandTurn)
    nothing = Understanding("", NOTHING_HEARD, 0.0)
    (again,) = session.receive(TurnUnderstood(1.1, ask.request_id, nothing, Transcript("", 0.1)))
    assert (again.replies, again.is_repeat) == (greeting.replies, True)
    assert again.turn > greeting.turn


def test_an_employee_is_transcribed_never_felt_never_answered():
    session, _ = opened("call", BOTH)
    session.receive(ConsentChanged(0.5, recording=False, emotion=True))
    ours = session.receive(heard(1.0, WORD, leg="agent"))
    theirs = session.receive(heard(1.0, WORD))
    assert {one.infer_emotion for one in of(ours, FeedEncoder)} == {False}
    assert {one.infer_emotion for one in of(theirs, FeedEncoder)} == {True}
    (ask,) = of(session.receive(heard(2.0, QUIET, leg="agent")), UnderstandTurn)
    assert ask.expectation == Expectation()
    result = Understanding("how can i help you", "", 0.0)
    effects = session.receive(
        TurnUnderstood(2.1, ask.request_id, result, Transcript("how can i", 0.9))
    )
    assert of(effects, ShowTurn) == effects
    shown = (effects[0].turn, effects[0].leg, effects[0].transcript, effects[0].understanding)
    assert shown == (ask.turn, "agent", Transcript("how can i", 0.9), None)


def test_what_the_customer_says_about_recording_and_voice_holds_from_then_on():
    session, _ = opened("voice", ("customer",))
    session.receive(ConsentChanged(0.5, recording=True, emotion=True))
    effects = type_and_answer(session, "stop recording me", 1.0)
    assert of(effects, ChangeConsent) == [ChangeConsent(recording=False, emotion=True)]
    (note,) = of(effects, StoreNote)
    assert note.note.words == ""
    effects = type_and_answer(session, "stop analysing my voice", 2.0)
    assert of(effects, ChangeConsent) == [ChangeConsent(recording=False, emotion=False)]
    assert not of(session.receive(heard(3.0, WORD)), FeedEncoder)[0].infer_emotion


def test_danger_is_answered_when_the_models_give_no_answer():
    session, _ = opened()
    (ask,) = session.receive(TextReceived(1.0, "my father is not breathing"))
    effects = session.receive(UnderstandingFailed(6.0, ask.request_id, "late"))
    (requested,) = of(effects, UpdateHandoff)
    assert requested.escalation.rule == "care.medical"


def test_a_handoff_that_nobody_needs_any_more_ends():
    session, _ = opened()
    effects = type_and_answer(session, "call an ambulance, he is dying", 1.0)
    assert [one.state for one in of(effects, UpdateHandoff)] == ["requested"]
    effects = type_and_answer(session, "no i meant my phone is dying", 2.0)
    assert [one.state for one in of(effects, UpdateHandoff)] == ["ended"]
    assert [one.owner for one in of(effects, AnnounceOwner)] == ["bot"]


def test_nobody_is_felt_without_consent():
    session, _ = opened("voice", ("customer",))
    assert not of(session.receive(heard(1.0, WORD)), FeedEncoder)[0].infer_emotion


def test_an_action_is_asked_for_once_and_its_outcome_is_told():
    session, _ = opened()
    type_and_answer(session, "check my balance", 1.0)
    type_and_answer(session, "100421", 2.0)
    (act,) = of(type_and_answer(session, "4471", 3.0), PerformAction)
    assert act.call.name == "verify_customer"
    who = {"customer": "100421", "customer_name": "Patricia Miller", "tier": "standard"}
    outcome = ActionResult(act.call.key, True, who)
    first = session.receive(ActionCompleted(3.2, outcome))
    assert first
    keys = {one.call.key for one in of(first, PerformAction)}
    assert act.call.key not in keys
    assert not of(session.receive(ActionCompleted(3.3, outcome)), SayReplies)


def test_asking_for_a_person_hands_over_and_tells_the_customer():
    session, _ = opened()
    effects = type_and_answer(session, "talk to a person", 1.0)
    (over,) = of(effects, UpdateHandoff)
    assert (over.state, over.id) == ("requested", 1)
    assert over.escalation.summary
    assert of(effects, SayReplies)[0].replies
    (queued,) = session.receive(HandoffQueued(1.2, 1, position=2, wait_s=240))
    assert (queued.state, queued.position) == ("queued", 2)


def test_while_a_person_owns_the_conversation_we_are_silent():
    session, _ = opened()
    type_and_answer(session, "talk to a person", 1.0)
    assert [
        one.state for one in of(session.receive(PersonTookOver(5.0, "Ana")), UpdateHandoff)
    ] == ["accepted"]
    assert session.receive(PersonTextReceived(6.0, "Ana", "Good morning")) == [
        ForwardPersonText("Ana", "Good morning")
    ]
    assert not of(type_and_answer(session, "check my balance", 7.0), SayReplies)
    back = session.receive(PersonHandedBack(9.0))
    assert [one.state for one in of(back, UpdateHandoff)] == ["ended"]
    assert of(type_and_answer(session, "check my balance", 10.0), SayReplies)


def test_what_the_bank_did_meanwhile_is_told_when_we_may_speak_again():
    session, _ = opened()
    type_and_answer(session, "check my balance", 1.0)
    type_and_answer(session, "100421", 2.0)
    (act,) = of(type_and_answer(session, "4471", 3.0), PerformAction)
    session.receive(PersonTookOver(3.1, "Ana"))
    assert (
        session.receive(ActionCompleted(3.2, ActionResult(act.call.key, False, reason="no_match")))
        == []
    )
    assert len(of(session.receive(PersonHandedBack(9.0)), SayReplies)) == 2


def test_a_chat_that_waits_for_a_person_is_not_closed_for_silence():
    session, _ = opened()
    type_and_answer(session, "talk to a person", 1.0)
    assert session.receive(DeadlineReached(700.0)) == []
    assert session.deadline == 1300.0


def test_goodbye_closes_after_the_reply():
    session, _ = opened()
    effects = type_and_answer(session, "bye", 1.0)
    assert [type(effect) for effect in effects][-2:] == [SayReplies, CloseSession]


def test_who_leaves_in_the_middle_of_a_turn_leaves_no_stream():
    session, _ = opened("voice", ("customer",))
    (stream,) = {one.stream for one in of(session.receive(heard(1.0, WORD)), FeedEncoder)}
    assert session.receive(CustomerLeft(1.5)) == [DiscardTurn(stream)]


def play(inputs):
    session, effects = opened("voice", ("customer",), speak=True)
    for event in inputs:
        effects += session.receive(event)
        for ask in of(effects[-6:], UnderstandTurn):
            effects += session.receive(answer(ask, "check my balance", event.at, transcript=True))
    return [str(effect) for effect in effects if not isinstance(effect, FeedEncoder)]


def test_the_same_inputs_lead_to_the_same_effects():
    inputs = [
        heard(1.0, WORD),
        heard(3.0, QUIET),
        DigitsReceived(5.0, "100421"),
        DeadlineReached(30.0),
    ]
    assert play(inputs) == play(inputs)


def test_a_question_tells_what_was_said_and_told_before():
    session, _ = opened()
    type_and_answer(session, "hello", 1.0)
    type_and_answer(session, "what is my balance", 2.0)
    (ask,) = of(session.receive(TextReceived(3.0, "it is 100421")), UnderstandTurn)
    assert ask.previous_turns == ("hello", "what is my balance")
    assert len(ask.previous_replies) == len(ask.previous_turns) + 1
    assert ask.previous_replies[0] == ""  # the greeting answered nobody
    assert "six-digit" in ask.previous_replies[-1]


@given(st.integers(0, 12), st.integers(1, 5))
def test_what_was_told_is_always_one_longer_than_what_was_said(turns, most):
    heard = [
        Turn(at, "customer", float(at), Understanding(f"turn {at}", "", 0.0)) for at in range(turns)
    ]
    said, told = History("chat", tuple(heard)).recent_texts(most)
    assert said == tuple(f"turn {at}" for at in range(max(0, turns - most), turns))
    assert len(told) == len(said) + 1
