"""Nobody is felt and nothing is kept of them but as the pack and the customer allow."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from agent.core.effects import FeedEncoder, StoreNote, UnderstandTurn
from agent.core.inputs import (
    AudioReceived,
    ConsentChanged,
    DeadlineReached,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
)
from agent.core.session import Session, SessionRules
from agent.core.turn_notes import TurnNote
from audio.types import VOICE_HOP
from dialogs.manager import Dialogue
from dialogs.pack.privacy_rules import PrivacyRules
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
TODAY = date(2026, 11, 24)
WORD = tuple([0.0] * 12 + [0.95] * 20)

RULES = pytest.mark.parametrize(
    ("rule", "at_first", "refused", "agreed"),
    [
        ("ask", False, False, True),
        ("never", False, False, False),
        ("always", True, True, True),
    ],
)


def opened(channel="call", **rules):
    pack = replace(PACK, privacy=PrivacyRules(**rules))
    session = Session(Dialogue(pack, "s1", TODAY, channel), SessionRules())
    legs = ("customer", "agent") if channel == "call" else ()
    session.receive(SessionOpened(0.0, channel, legs))
    return session


def felt(session, at, leg="customer"):
    """Whether it may be judged how somebody feels who speaks now."""
    sound = np.full(len(WORD) * VOICE_HOP, 0.1, np.float32)
    effects = session.receive(AudioReceived(at, leg, sound, WORD))
    heard = {one.infer_emotion for one in effects if isinstance(one, FeedEncoder)}
    session.receive(DeadlineReached(at + 5.0))
    (feel,) = heard
    return feel


@RULES
def test_a_mood_is_judged_as_the_pack_and_the_customer_allow(rule, at_first, refused, agreed):
    session = opened(emotion=rule)
    assert felt(session, 10.0) == at_first
    for at, emotion, expected in ((20.0, False, refused), (40.0, True, agreed)):
        session.receive(ConsentChanged(at, recording=True, emotion=emotion))
        assert felt(session, at + 10) == expected
    session.receive(ConsentChanged(60.0, recording=True, emotion=False))
    assert felt(session, 70.0) == refused


@pytest.mark.parametrize("rule", ["ask", "never", "always"])
def test_an_employee_is_never_felt(rule):
    session = opened(emotion=rule)
    session.receive(ConsentChanged(1.0, recording=True, emotion=True))
    assert not felt(session, 10.0, "agent")


def noted(session, at, text):
    """The words that are kept of a turn."""
    (ask,) = [
        one for one in session.receive(TextReceived(at, text)) if isinstance(one, UnderstandTurn)
    ]
    effects = session.receive(
        TurnUnderstood(at, ask.request_id, understood(PACK, text, ask.expectation))
    )
    (note,) = [
        one.note for one in effects if isinstance(one, StoreNote) and isinstance(one.note, TurnNote)
    ]
    return note.words


@RULES
def test_words_are_noted_as_the_pack_and_the_customer_allow(rule, at_first, refused, agreed):
    session = opened("chat", recording=rule)
    assert bool(noted(session, 1.0, "what are your hours")) == at_first
    for at, recording, expected in ((2.0, False, refused), (4.0, True, agreed)):
        session.receive(ConsentChanged(at, recording=recording, emotion=False))
        assert bool(noted(session, at + 1, "what are your hours")) == expected


def test_one_consent_is_not_the_other():
    session = opened("call")
    session.receive(ConsentChanged(1.0, recording=True, emotion=False))
    assert not felt(session, 10.0)
