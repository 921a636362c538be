"""People at consoles take conversations over, over real sockets and with a real store."""

from __future__ import annotations

import urllib.error
import urllib.request
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from agent.client import Client
from tests.support.consoles import (
    TRANSFER,
    Console,
    accepted,
    customer,
    desk,
    outcome,
    queued,
    waiting,
)

pytestmark = pytest.mark.socket


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with desk(tmp_path_factory.mktemp("state")) as running:
        yield running


@pytest.fixture
def ada(house):
    with Console(house.page, "Ada") as console:
        yield console


@pytest.fixture
def bob(house):
    with Console(house.page, "Bob") as console:
        yield console


@pytest.fixture
def eve(house):
    """A person who tries what is not theirs."""
    with Console(house.page, "Eve") as console:
        yield console


# -- the way in --------------------------------------------------------------------------------


def test_a_role_follows_from_the_token(house):
    with Console(house.page, "Ada") as ada:
        ready = ada.wait_for("ready")
        assert (ready["role"], ready["name"], ready["recovered"]) == ("person", "Ada", [])
        assert "resolved" in ready["outcomes"]
        assert ada.wait_for("queue")["waiting"] == []
        assert ada.wait_for("calls_back")["tickets"] == []
    with Console(house.page, "Grace", "s") as grace:
        assert grace.wait_for("ready")["role"] == "supervisor"
        assert grace.wait_for("sessions")["live"] == []


def test_a_wrong_token_opens_nothing(house):
    with Console(house.page, "Eve", "guess") as eve:
        assert eve.wait_for("error")["code"] == "bad_token"
        assert eve.closed()[0] == 1008


def test_without_tokens_there_is_no_console(tmp_path):
    with desk(tmp_path, agent_token="", supervisor_token="") as closed:
        with pytest.raises(InvalidStatus) as refused:
            connect(closed.page.replace("http", "ws") + "/v1/console")
        assert refused.value.response.status_code == 403
        assert b"agent_token" in refused.value.response.body


def test_a_site_that_is_not_listed_may_not_log_in(tmp_path):
    with desk(tmp_path, origins=("https://bank.example",)) as strict:
        address = strict.page.replace("http", "ws") + "/v1/console"
        with pytest.raises(InvalidStatus, match="403"):
            connect(address, origin="https://elsewhere.example")
        with connect(address, origin="https://bank.example"):
            pass


def test_the_page_is_there_and_the_address_wants_a_websocket(house):
    with urllib.request.urlopen(house.page + "/console", timeout=10) as answer:
        assert "text/html" in answer.headers["Content-Type"]
    with pytest.raises(urllib.error.HTTPError, match="426"):
        urllib.request.urlopen(house.page + "/v1/console", timeout=10)


# -- taking over -------------------------------------------------------------------------------


def test_a_person_accepts_and_both_talk(house, ada):
    with waiting(house, TRANSFER) as client:
        entry = queued(ada, client.resumption.session)
        assert (entry["here"], entry["present"], entry["channel"]) == (True, True, "chat")
        assert (entry["customer"], entry["rule"]) == ("100421", "explicit_request")
        assert TRANSFER in entry["summary"]
        ada.send("accept", session=client.resumption.session, id=entry["id"])
        opened = ada.wait_for("opened")
        assert (opened["owner"], opened["name"]) == ("person", "Ada")
        assert client.wait_for("owner")["name"] == "Ada"
        client.say("hello, who is there?")
        assert ada.item("customer", "who is there")["text"] == "hello, who is there?"
        ada.send("say", session=client.resumption.session, text="This is Ada.")
        told = client.wait_for("agent")
        assert (told["name"], told["text"]) == ("Ada", "This is Ada.")
        assert ada.item("person")["text"] == "This is Ada."


def test_of_two_who_accept_at_once_one_gets_it(house, ada, bob):
    for _ in range(3):
        with waiting(house) as client:
            entry = queued(ada, client.resumption.session)
            for console in (ada, bob):
                console.send("accept", session=client.resumption.session, id=entry["id"])
            answers = [decided(console) for console in (ada, bob)]
            codes = [one.get("code", one["type"]) for one in answers]
            assert sorted(codes) == ["opened", "too_late"]
            winner = (ada, bob)[codes.index("opened")]
            assert client.wait_for("owner", timeout_s=20)["name"] == winner.name


def decided(console):
    while (said := console.next())["type"] not in ("opened", "error"):
        pass
    return said


def test_handed_back_the_bot_goes_on_where_it_was(house, ada):
    with waiting(house, TRANSFER) as client:
        accepted(ada, client.resumption.session)
        ada.send("hand_back", session=client.resumption.session)
        assert ada.wait_for("owner")["owner"] == "bot"
        while "go on with your transfer" not in client.wait_for("reply")["text"]:
            pass
        assert outcome(house, client.resumption.session) == ("ended", "handed_back")
        for text in ("yes", "100421", "4471"):
            client.say(text)
            client.wait_for("understanding")
        while "$50.00" not in (said := client.wait_for("reply")["text"]):
            pass
        assert "checking" in said
        assert "savings" in said


def test_a_person_closes_the_conversation_with_an_outcome(house, ada):
    with waiting(house) as client:
        accepted(ada, client.resumption.session)
        ada.send("close", session=client.resumption.session, outcome="follow_up")
        assert "Ada has ended" in client.wait_for("bye")["reason"]
        assert "Ada has ended" in ada.wait_for("closed")["reason"]
        assert outcome(house, client.resumption.session) == ("ended", "follow_up")
        ada.send("say", session=client.resumption.session, text="Are you still there?")
        assert ada.wait_for("error")["code"] == "no_session"


def test_whoever_did_not_wait_can_be_taken_out_of_the_queue(house, ada):
    with waiting(house, TRANSFER) as client:
        client.consent(recording=True, emotion=False)
    gone = ada.wait_for(
        "queue",
        lambda said: [
            one
            for one in said["waiting"]
            if one["session"] == client.resumption.session
            and not one["here"]  # known at once
            and not one["present"]  # known to all processes, once it is written
        ],
    )
    (entry,) = (one for one in gone["waiting"] if one["session"] == client.resumption.session)
    ada.send("accept", session=client.resumption.session, id=entry["id"])
    opened = ada.wait_for("opened")
    assert TRANSFER in [one["text"] for one in opened["items"]]
    assert "has left" in ada.wait_for("closed")["reason"]
    ada.wait_for(
        "queue",
        lambda said: client.resumption.session not in [one["session"] for one in said["waiting"]],
    )
    assert outcome(house, client.resumption.session) == ("ended", "gone")


def test_the_customer_leaves_a_person(house, ada):
    with waiting(house) as client:
        accepted(ada, client.resumption.session)
        client.end()
        assert "has left" in ada.wait_for("closed")["reason"]
        assert outcome(house, client.resumption.session) == ("ended", "left")


# -- what somebody may not do ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "more", "code"),
    [
        ("watch", {}, "not_yours"),
        ("say", {"text": "hello"}, "not_yours"),
        ("hand_back", {}, "not_yours"),
        ("close", {"outcome": "resolved"}, "not_yours"),
        ("voice", {"on": True}, "not_yours"),
        ("take_over", {}, "not_allowed"),
        ("whisper", {"text": "hello"}, "not_allowed"),
        ("accept", {"id": 1}, "too_late"),
    ],
)
def test_what_is_not_theirs_nobody_can_touch(house, eve, type, more, code):
    with customer(house) as client:
        eve.send(type, session=client.resumption.session, **more)
        assert eve.wait_for("error")["code"] == code
        client.say("what is my balance")
        assert client.wait_for("reply", "agent", "owner")["type"] == "reply"


def test_what_another_person_has_nobody_can_touch(house, ada, eve):
    with waiting(house) as client:
        accepted(ada, client.resumption.session)
        for type, more in (("watch", {}), ("say", {"text": "I am Ada"}), ("hand_back", {})):
            eve.send(type, session=client.resumption.session, **more)
            wrong = eve.wait_for("error")
            assert wrong["code"] == "not_yours"
        assert not [one for one in eve.got if one["type"] in ("opened", "item")]


def test_a_mistake_is_told_and_too_many_end_it(house, eve):
    eve.raw("{")
    assert eve.wait_for("error")["code"] == "bad_json"
    eve.send("accept", session="x", id="many")
    assert "id" in eve.wait_for("error")["message"]
    with suppress(ConnectionClosed):
        for _ in range(20):
            eve.send("hello", protocol=1, name="Eve", token="a")
    assert eve.closed()[0] == 1008


# -- consoles that come and go -----------------------------------------------------------------


def test_who_is_cut_off_and_stays_away_loses_the_conversation(tmp_path):
    with (
        desk(tmp_path, console_resume_s=0) as hasty,
        waiting(hasty) as client,
        Console(hasty.page, "Bob") as bob,
        Console(hasty.page, "Ada") as ada,
    ):
        number = accepted(ada, client.resumption.session)["id"]
        client.wait_for("owner")
        ada.drop()
        assert client.wait_for("owner")["owner"] == "queued"
        while (stands := client.wait_for("handoff"))["state"] != "queued":
            pass
        assert stands["position"] == 1
        assert accepted(bob, client.resumption.session)["id"] == number
        while client.wait_for("owner")["name"] != "Bob":
            pass


def test_who_logs_in_again_in_time_keeps_the_conversation(house):
    with waiting(house) as client:
        with Console(house.page, "Ada") as ada:
            accepted(ada, client.resumption.session)
            ada.drop()
        client.say("are you there?")
        with Console(house.page, "Ada") as again:
            assert again.wait_for("ready")["recovered"] == [client.resumption.session]
            again.send("watch", session=client.resumption.session)
            opened = again.wait_for("opened")
            assert (opened["owner"], opened["name"]) == ("person", "Ada")
            again.send("say", session=client.resumption.session, text="I am back.")
            assert client.wait_for("agent")["text"] == "I am back."


def test_the_later_console_of_a_name_replaces_the_earlier(house):
    with Console(house.page, "Ada") as first, waiting(house) as client:
        accepted(first, client.resumption.session)
        with Console(house.page, "Ada") as second:
            assert second.wait_for("ready")["recovered"] == [client.resumption.session]
            assert first.closed()[0] == 4001
            second.send("say", session=client.resumption.session, text="Here I am.")
            assert client.wait_for("agent")["text"] == "Here I am."


def test_after_a_restart_somebody_else_can_take_the_conversation(tmp_path):
    with (
        desk(tmp_path) as first,
        Client(first.url) as client,
        Console(first.page, "Ada") as ada,
    ):
        session = client.wait_for("ready")["session"]
        client.say("I want to talk to a person")
        accepted(ada, session)
        ada.send("say", session=session, text="This is Ada.")
        client.wait_for("agent")
        at = client.resumption
    with desk(tmp_path) as second, Client(second.url, resume=at) as client:
        while client.wait_for("handoff")["state"] != "queued":
            pass
        with Console(second.page, "Bob") as bob:
            opened = accepted(bob, session)
            assert opened["name"] == "Bob"
            assert "This is Ada." in [one["text"] for one in opened["items"]]


def told(client: Client, *words: str) -> str:
    """The next reply with one of these words."""
    text = ""
    while not any(one in text for one in words):
        text = client.wait_for("reply")["text"]
    return text


def test_nobody_is_there_and_a_call_back_is_noted_with_its_contact_and_done(tmp_path):
    with desk(tmp_path, no_agent_s=0) as empty, customer(empty) as client:
        client.say("I want to talk to a person")
        while (over := client.wait_for("handoff"))["state"] != "callback":
            pass
        assert not over.get("ticket"), "nothing is promised yet"
        with Console(empty.page, "Ada") as ada:
            assert ada.wait_for("calls_back")["tickets"] == []
            told(client, "call you back", "call back")
            client.say("yes please")
            told(client, "number")
            client.say("it is 415-555-0123")
            told(client, "ask for")
            client.say("my name is Ada Lovelace")
            assert "0123" in told(client, "Is that right")
            client.say("yes")
            noted = told(client, "Your number for that is")
            (ticket,) = ada.wait_for("calls_back", lambda said: said["tickets"])["tickets"]
            assert ticket["ticket"] in noted
            assert (ticket["contact"], ticket["why"]) == ("+1 415-555-0123", "nobody")
            assert ticket["name"] == "Ada Lovelace"
            assert "Wants:" in ticket["summary"]
            assert ticket["session"] == client.resumption.session
            rows = empty.server.services.store.read_rows(ticket["session"])
            assert "555-0123" not in str(rows), "the conversation itself holds surrogates only"
            ada.send("call_back_done", ticket=ticket["ticket"])
            ada.wait_for("calls_back", lambda said: not said["tickets"])
            ada.send("call_back_done", ticket=ticket["ticket"])
            assert ada.wait_for("error")["code"] == "too_late"


def test_when_somebody_comes_to_work_those_who_wait_get_more_patience(tmp_path):
    with desk(tmp_path, no_agent_s=40) as empty, waiting(empty) as client:
        live = empty.server.registry[client.resumption.session]
        (before,) = live._timers._queue_deadlines.values()
        with Console(empty.page, "Ada") as ada:
            queued(ada, client.resumption.session)
            (after,) = live._timers._queue_deadlines.values()
        assert after - before == pytest.approx(300 - 40)
