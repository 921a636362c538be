"""What a helpdesk outside is told of a hand-over, in any state, is one whole event."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import fsum, isclose

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from agent.core.effects import UpdateHandoff
from agent.handoff.webhook_event import (
    PUBLISHED_STATES,
    SENTIMENT_TERMS,
    HandoffConversation,
    handoff_event,
)
from dialogs.values import Claim, Escalation, Evidence
from tests.support.packs import bank_pack

PACK = bank_pack()
ABOUT = HandoffConversation("5e55", "voice", "c-9", recording=True)
NOW = datetime(2026, 11, 24, 21, 30, 0, 250_000, UTC)
WHY = Escalation(
    rule="upset_over_turns",
    probability=0.4,
    score=-0.4,
    evidence=(
        Evidence("baseline", -3.6, 4, 20.0, "what is true of most customers"),
        Evidence("upset", 1.8, 4, 20.0, "upset 0.90, give or take 0.10: fed up"),
        Evidence("upset", 1.0, 2, 9.0, "upset 0.90, give or take 0.10"),
        Evidence("complaint", 0.4, 4, 20.0, "this is ridiculous"),
    ),
    urgency="normal",
    claims=(Claim("Wants", '"my balance" (turn 2)', (2,)),),
)

numbers = st.floats(-1e6, 1e6)
evidence = st.builds(
    Evidence,
    st.sampled_from([*SENTIMENT_TERMS, *PACK.intents, "baseline"]),
    numbers,
    st.integers(1, 99),
    st.floats(0, 1e5),
    st.text(),
)
escalations = st.builds(
    Escalation,
    st.one_of(st.sampled_from(sorted(PACK.rules)), st.text(min_size=1)),
    st.floats(0, 1),
    numbers,
    st.lists(evidence, max_size=5).map(tuple),
    st.sampled_from(["low", "normal", "high"]),
    st.lists(st.builds(Claim, st.text(), st.text()), max_size=3).map(tuple),
)
hand_overs = st.builds(
    UpdateHandoff,
    st.integers(1, 9),
    st.sampled_from(PUBLISHED_STATES),
    escalations,
    ticket=st.text(),
)
abouts = st.builds(
    HandoffConversation,
    st.text("0123456789abcdef", min_size=1, max_size=16),
    st.sampled_from(["chat", "voice", "call"]),
    st.text(),
    st.booleans(),
)
moments = st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))


@given(abouts, hand_overs, moments)
def test_any_hand_over_is_an_event_that_others_can_read(about, effect, now):
    told = handoff_event(PACK, about, effect, now)
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, told.body.encode())
    read = from_http(message, JSONFormat())
    assert read.get_id() == told.id
    assert read.get_type() == f"hearken.handoff.{effect.state}.v1"
    assert read.get_specversion() == "1.0"
    assert read.get_time() == now
    data = read.get_data()
    assert data["handoff_id"] == read.get_subject() == f"{about.id}/{effect.id}"
    assert [one["turn"] for one in data["evidence"]] == [
        one.turn for one in effect.escalation.evidence
    ]
    felt = [one.weight for one in effect.escalation.evidence if one.term in SENTIMENT_TERMS]
    assert isclose(fsum(data["sentiment"].values()), fsum(felt), abs_tol=1e-6)
    assert data["consent"] == {"recording": about.recording}
    assert data["ticket"] == (effect.ticket or None)


@given(abouts, hand_overs, moments, st.integers(-23, 23))
def test_the_same_moment_is_the_same_event_wherever_the_clock_hangs(about, effect, now, hours):
    elsewhere = now.astimezone(timezone(timedelta(hours=hours)))
    assert handoff_event(PACK, about, effect, now) == handoff_event(PACK, about, effect, elsewhere)
    later = handoff_event(PACK, about, effect, now + timedelta(microseconds=1))
    assert later.id != handoff_event(PACK, about, effect, now).id


def test_what_is_told():
    told = handoff_event(PACK, ABOUT, UpdateHandoff(2, "callback", WHY, ticket="C-17"), NOW)
    whole = json.loads(told.body)
    data = whole.pop("data")
    assert whole == {
        "specversion": "1.0",
        "id": told.id,
        "source": "/conversations/5e55",
        "type": "hearken.handoff.callback.v1",
        "subject": "5e55/2",
        "time": "2026-11-24T21:30:00.250000Z",
        "datacontenttype": "application/json",
    }
    assert len(data.pop("evidence")) == 4
    assert data == {
        "handoff_id": "5e55/2",
        "conversation_id": "5e55",
        "state": "callback",
        "channel": "voice",
        "created_at": "2026-11-24T21:30:00.250000Z",
        "reason_code": "upset_over_turns",
        "reason_text": "upset over turns: upset 0.90, give or take 0.10: fed up",
        "trigger": {
            "rule": "upset_over_turns",
            "score": -0.4,
            "probability": 0.4,
            "threshold": PACK.rules["upset_over_turns"].enter,
        },
        "intent": "complaint",
        "sentiment": {"upset": pytest.approx(2.8), "complaint": 0.4},
        "summary": 'Wants: "my balance" (turn 2)',
        "customer": {"id": "c-9"},
        "priority": "normal",
        "consent": {"recording": True},
        "ticket": "C-17",
    }


def test_a_place_in_the_queue_is_nobodys_business():
    assert handoff_event(PACK, ABOUT, UpdateHandoff(1, "queued", WHY, 3, 120), NOW) is None


def test_a_customer_without_a_name_stays_unknown():
    about = replace(ABOUT, customer="")
    told = handoff_event(PACK, about, UpdateHandoff(1, "requested", WHY), NOW)
    assert json.loads(told.body)["data"]["customer"] == {}
