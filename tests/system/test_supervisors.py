"""Supervisors look on, whisper and take over; and what everybody sees: lists, sound, all of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dialogs.values import Evidence
from tests.support.consoles import (
    TRANSFER,
    Console,
    Message,
    accepted,
    customer,
    desk,
    noon,
    outcome,
    queued,
    settle,
    waiting,
)
from tests.support.packs import bank_pack
from tests.support.scripted_models import ScriptedMind

pytestmark = pytest.mark.socket

LONG = ("word " * 799).strip()
MOST = 3000  # of them: more than a connection holds on its way


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with desk(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def ada(house):
    with Console(house.page, "Ada") as console:
        yield console


@pytest.fixture
def grace(house):
    """A supervisor."""
    with Console(house.page, "Grace", "s") as console:
        yield console


# -- supervisors -------------------------------------------------------------------------------


def test_a_supervisor_takes_over_from_a_person_who_is_told(house, ada, grace):
    with waiting(house) as client:
        accepted(ada, client.resumption.session)
        grace.send("take_over", session=client.resumption.session)
        assert grace.wait_for("opened")["name"] == "Grace"
        told = ada.wait_for("owner", lambda one: one["name"] != "Ada")
        assert (told["owner"], told["name"]) == ("supervisor", "Grace")
        ada.send("say", session=client.resumption.session, text="One moment")
        assert ada.wait_for("error")["code"] == "not_yours"
        client.say("who is this?")
        grace.item("customer", "who is this?")
        assert "who is this?" not in json.dumps(ada.sync())
        grace.send("say", session=client.resumption.session, text="This is Grace.")
        assert client.wait_for("agent")["name"] == "Grace"


def test_what_a_supervisor_has_taken_nobody_accepts(house, ada, grace):
    with waiting(house) as client:
        entry = queued(ada, client.resumption.session)
        grace.send("take_over", session=client.resumption.session)
        grace.wait_for("opened")
        ada.send("accept", session=client.resumption.session, id=entry["id"])
        assert ada.wait_for("error")["code"] == "too_late"
        grace.send("hand_back", session=client.resumption.session)
        while client.wait_for("owner")["owner"] != "bot":
            pass
        assert outcome(house, client.resumption.session) == ("ended", "handed_back")


@pytest.mark.parametrize("type", ["watch", "accept", "say", "take_over", "close", "whisper"])
def test_of_a_session_that_is_not_there(grace, type):
    text = {"text": "x"}
    more = {"accept": {"id": 1}, "say": text, "whisper": text, "close": {"outcome": "other"}}
    grace.send(type, session="0" * 16, **more.get(type, {}))
    assert grace.wait_for("error")["code"] == "no_session"


def test_a_whisper_is_heard_by_the_person_alone(house, ada, grace):
    with waiting(house) as client:
        grace.send("whisper", session=client.resumption.session, text="psst")
        assert grace.wait_for("error")["code"] == "nobody"
        accepted(ada, client.resumption.session)
        grace.send("whisper", session=client.resumption.session, text="offer a refund")
        for console in (ada, grace):
            heard = console.wait_for("whisper")
            assert (heard["name"], heard["text"]) == ("Grace", "offer a refund")
        ada.send("say", session=client.resumption.session, text="Let me see.")
        client.wait_for("agent")
        settle(house)
        rows = house.server.services.store.read_rows(client.resumption.session)
        assert "Let me see." in "".join(row.input for row in rows)
        assert "refund" not in "".join(row.input for row in rows)
        client.end()
        assert "refund" not in json.dumps([*client.messages(quiet_s=20)])


def test_a_supervisor_sees_every_conversation(house, grace):
    with customer(house, TRANSFER) as client:

        def mine(said):
            return [one for one in said["live"] if one["session"] == client.resumption.session]

        (one,) = mine(
            grace.wait_for("sessions", lambda said: mine(said) and mine(said)[0]["turns"])
        )
        assert (one["owner"], one["intent"], one["present"]) == ("bot", "transfer_money", True)
        assert one["upset"] == one["moods"][0][1] == 0.1
        assert one["alert"] == ""
        for _ in range(3):
            client.say("flurble")
            client.wait_for("reply")
        grace.wait_for("sessions", lambda said: mine(said) and mine(said)[0]["alert"] == "stuck")


def test_whoever_opens_late_sees_what_was_seen_by_who_followed(house, grace):
    with customer(house) as client:
        grace.send("watch", session=client.resumption.session)
        opened = grace.wait_for("opened")
        for text in (TRANSFER, "100421", "4471", "agent"):
            client.say(text)
            client.wait_for("understanding")
        while client.wait_for("handoff")["state"] != "queued":
            pass
        grace.item("handoff", "Place")
        with Console(house.page, "Hedy", "s") as hedy:
            hedy.send("watch", session=client.resumption.session)
            late = hedy.wait_for("opened")
    lines = {one["n"]: one for one in opened["items"]}
    lines |= {one["item"]["n"]: one["item"] for one in grace.got if one["type"] == "item"}
    moods = [[m["at"], m["upset"], m["turn"]] for m in grace.got if m["type"] == "mood"]
    claims = [one["claims"] for one in grace.got if one["type"] == "claims"]
    assert [*lines.values()] == late["items"]
    assert moods == [mood[:3] for mood in late["moods"]]
    assert claims[-1] == late["claims"]
    assert {link["turn"] for one in late["claims"] for link in one["links"]}


def test_nothing_is_missing_and_nothing_is_twice_when_opened_while_much_happens(house, grace):
    with customer(house) as client:
        session = client.resumption.session
        for number in range(40):
            client.say(f"flurble {number}")
            if number % 5 == 0:
                grace.send("watch", session=session)
        for _ in range(40):
            client.wait_for("received", timeout_s=20)
        settle(house)
        grace.sync()
        grace.send("watch", session=session)
        fresh = grace.wait_for("opened")["items"]
    lines: list[Message] = []
    for said in grace.got[:-1]:
        if said["type"] == "opened":
            lines = list(said["items"])
        elif said["type"] == "item":
            n = said["item"]["n"]
            assert 1 <= n <= len(lines) + 1
            lines[n - 1 : n] = [said["item"]]
    assert lines == fresh
    assert len([one for one in lines if one["kind"] == "customer"]) == 40


class Clock:
    """The clock on the wall, moved by hand."""

    def __init__(self):
        self.now = noon()

    def __call__(self):
        return self.now


def test_who_waits_long_is_an_alert(tmp_path):
    clock = Clock()
    with (
        desk(tmp_path, today=clock) as house,
        Console(house.page, "Grace", "s") as grace,
        waiting(house) as client,
    ):
        session = client.resumption.session
        assert queued(grace, session)["waited_s"] == 0
        clock.now += timedelta(seconds=151)  # more than half of what the pack lets them wait
        client.say("hello?")
        grace.wait_for("sessions", lambda said: alerts(said) == {session: "waiting_long"})
        grace.send("take_over", session=session)
        grace.wait_for("sessions", lambda said: alerts(said) == {session: ""})


def alerts(said):
    return {one["session"]: one["alert"] for one in said["live"]}


class Feeling(ScriptedMind):
    """Finds out by one word that somebody is upset, and why."""

    def understand(self, text, spoken, expect, *more, **rest):
        found = super().understand(text, spoken, expect, *more, **rest)
        if "furious" not in text:
            return found
        why = (Evidence("furious", 2.5, 1, 0.5, "said furious"),)
        return replace(found, upset=0.95, upset_spread=0.05, evidence=why)


def test_an_upset_customer_is_an_alert_and_the_reasons_are_shown(tmp_path):
    with desk(tmp_path, Feeling(bank_pack())) as house, customer(house) as client:
        session = client.resumption.session
        with Console(house.page, "Grace", "s") as grace:
            grace.send("watch", session=session)
            grace.wait_for("opened")
            client.say("I am furious about my balance")
            mood = grace.wait_for("mood")
            assert (mood["session"], mood["upset"]) == (session, 0.95)
            assert mood["evidence"][0] | {"turn": 0, "at": 0} == {
                "term": "furious",
                "weight": 2.5,
                "turn": 0,
                "at": 0,
                "detail": "said furious",
            }
            said = [one["item"] for one in grace.got if one["type"] == "item"]
            assert [one for one in said if one["kind"] == "customer"][-1]["upset"] == 0.95
            grace.wait_for("sessions", lambda said: alerts(said) == {session: "upset"})


# -- sound -------------------------------------------------------------------------------------

PCM = {"encoding": "pcm_s16le", "rate": 16000, "channels": 1}
SECOND = 32000  # bytes


def test_a_person_and_a_customer_hear_each_other(house, ada, grace):
    with waiting(house, channel="voice", audio=PCM, speak=True) as client:
        session = client.resumption.session
        assert accepted(ada, session)["voice"]
        ada.send("voice", session=session, on=True)
        grace.send("voice", session=session, on=True)
        assert grace.wait_for("error")["code"] == "not_yours"
        noise = bytes(range(2, 250, 2)) * 300
        for _ in client.stream_audio(noise, 640):
            pass
        heard = b""
        while len(heard) < SECOND:
            heard += ada.wait_for("sound")["data"]
        for _ in range(10):
            ada.raw(b"\x01\x02" * 320)
        begins = client.wait_for("speech")
        while begins.get("by") != "Ada":
            begins = client.wait_for("speech")
        assert begins["state"] == "start"
        told = b"".join(client.wait_for("audio")["data"] for _ in range(10))
        assert told == b"\x01\x02" * 3200
        ada.send("voice", session=session, on=False)
        assert client.wait_for("speech")["state"] == "end"
        ada.sync()
        assert house.server.registry[session].audio_listeners._queues == set()


def test_the_voice_of_a_person_is_kept_nowhere_and_no_model_hears_it(house, ada):
    with waiting(house, channel="voice", audio=PCM, speak=True) as client:
        session = client.resumption.session
        accepted(ada, session)
        ada.send("voice", session=session, on=True)
        for _ in range(50):
            ada.raw(bytes(range(2, 250, 2)) * 10)
        ada.send("say", session=session, text="Did you hear me?")
        client.wait_for("agent")
        settle(house)
        store = house.server.services.store
        kinds = {json.loads(row.input)["type"] for row in store.read_rows(session)}
        assert "Said" in kinds
        assert not kinds & {"Heard", "Partial"}
        assert store.read_audio(session) == []


def test_nobody_hears_who_has_been_taken_over(house, ada, grace):
    with waiting(house, channel="voice", audio=PCM, speak=True) as client:
        session = client.resumption.session
        accepted(ada, session)
        ada.send("voice", session=session, on=True)
        ada.raw(b"\x01\x02" * 320)
        while client.wait_for("speech").get("by") != "Ada":
            pass
        grace.send("take_over", session=session)
        while (ends := client.wait_for("speech")).get("by") != "Ada":
            pass
        assert ends["state"] == "end"
        ada.raw(b"\x01\x02" * 320)
        ada.sync()
        grace.send("say", session=session, text="This is Grace.")
        while (told := client.wait_for("agent", "audio"))["type"] == "audio":
            assert b"\x01\x02" * 320 not in told["data"]  # it is the bot, who says who is there
        assert house.server.registry[session].audio_listeners._queues == set()


def test_who_writes_has_no_voice(house, ada):
    with waiting(house) as client:
        assert not accepted(ada, client.resumption.session)["voice"]
        ada.send("voice", session=client.resumption.session, on=True)
        assert ada.wait_for("error")["code"] == "no_voice"


# -- who does not keep up ----------------------------------------------------------------------


def test_a_console_that_does_not_read_is_told_that_it_has_lost_something(tmp_path):
    with (
        desk(tmp_path, max_outbox=32, write_s=60) as house,
        Console(house.page, "Grace", "s", receive=4096) as grace,
        Console(house.page, "Ada") as ada,
        waiting(house) as client,
    ):
        session, metrics = client.resumption.session, house.server.services.metrics
        accepted(ada, session)
        grace.send("watch", session=session)
        grace.wait_for("opened")
        client.drop_connection()
        count = 0
        while b'"lost"' not in metrics.exposition() and count < MOST:
            count += 1
            ada.send("say", session=session, text="x" * count)
            ada.send("say", session=session, text=LONG)
            ada.item("person", LONG)
        grace.wait_for("lost")
        grace.wait_for("queue")
        grace.send("watch", session=session)
        items = grace.wait_for("opened")["items"]
        said = [len(one["text"]) for one in items if one["kind"] == "person"]
        assert said[::2] == [*range(1, count + 1)]
        assert said[1::2] == [len(LONG)] * count
