"""People at consoles and customers at the other end, over real sockets and a real store."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from agent.client import Client
from agent.store.tables import handoffs
from dialogs.pack import Pack
from tests.consoles import Console
from tests.mortal import ScriptedMind
from tests.serving import serving

pytestmark = [pytest.mark.socket, pytest.mark.model]

TRANSFER = "transfer 50 dollars from checking to savings"


def noon() -> datetime:
    """A moment at which people are there: a Tuesday, 10 AM in New York."""
    return datetime(2026, 11, 24, 15, 0, tzinfo=UTC)


@contextmanager
def desk(state, **settings):
    tokens = {"agent_token": "a", "supervisor_token": "s"}
    mind = ScriptedMind(Pack.load())
    with serving(state, mind, today=noon, **{**tokens, **settings}) as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with desk(tmp_path_factory.mktemp("state")) as running:
        yield running


@contextmanager
def customer(house, *said, id="100421"):
    """A customer who has said something and been answered, each time."""
    with Client(house.url, customer={"id": id}) as client:
        client.session = client.wait_for("ready")["session"]
        client.wait_for("reply")
        for text in said:
            client.say(text)
            client.wait_for("reply")
        yield client
        client.end()


@contextmanager
def waiting(house, *before):
    """A customer who has asked for a person."""
    with customer(house, *before) as client:
        client.say("I want to talk to a person")
        while client.wait_for("handoff")["state"] != "queued":
            pass
        yield client


def queued(console, session):
    """The entry of this session in the queue, once it is there."""

    def there(said):
        return [one for one in said["waiting"] if one["session"] == session]

    (entry,) = there(console.wait_for("queue", there))
    return entry


def accepted(console, session):
    entry = queued(console, session)
    console.send("accept", session=session, id=entry["id"])
    return console.wait_for("opened")


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


def test_a_person_accepts_and_both_talk(house):
    with Console(house.page, "Ada") as ada, waiting(house, TRANSFER) as client:
        entry = queued(ada, client.session)
        assert (entry["here"], entry["present"], entry["channel"]) == (True, True, "chat")
        assert (entry["customer"], entry["rule"]) == ("100421", "explicit_request")
        assert TRANSFER in entry["summary"]
        ada.send("accept", session=client.session, id=entry["id"])
        opened = ada.wait_for("opened")
        assert (opened["owner"], opened["name"]) == ("person", "Ada")
        assert client.wait_for("owner")["name"] == "Ada"
        client.say("hello, who is there?")
        assert ada.item("customer", "who is there")["text"] == "hello, who is there?"
        ada.send("say", session=client.session, text="This is Ada.")
        told = client.wait_for("agent")
        assert (told["name"], told["text"]) == ("Ada", "This is Ada.")
        assert ada.item("person")["text"] == "This is Ada."


def test_of_two_who_accept_at_once_one_gets_it(house):
    with Console(house.page, "Ada") as ada, Console(house.page, "Bob") as bob:
        for _ in range(3):
            with waiting(house) as client:
                entry = queued(ada, client.session)
                for console in (ada, bob):
                    console.send("accept", session=client.session, id=entry["id"])
                answers = [decided(console) for console in (ada, bob)]
                codes = [one.get("code", one["type"]) for one in answers]
                assert sorted(codes) == ["opened", "too_late"]
                winner = (ada, bob)[codes.index("opened")]
                assert client.wait_for("owner", timeout_s=20)["name"] == winner.name


def decided(console):
    while (said := console.next())["type"] not in ("opened", "error"):
        pass
    return said


def outcome(house, session):
    """State and outcome of a session's only hand-over, once what was asked for is written."""
    server = house.server
    done = asyncio.run_coroutine_threadsafe(written(server.house.journal), house.loop)
    done.result(20)
    with server.house.store.engine.connect() as books:
        wanted = select(handoffs.c.state, handoffs.c.outcome).where(handoffs.c.session == session)
        return tuple(books.execute(wanted).one())


async def written(journal):
    await journal.do(lambda: None)


def test_handed_back_the_bot_goes_on_where_it_was(house):
    with Console(house.page, "Ada") as ada, waiting(house, TRANSFER) as client:
        accepted(ada, client.session)
        ada.send("hand_back", session=client.session)
        assert ada.wait_for("owner")["owner"] == "bot"
        while "go on with your transfer" not in client.wait_for("reply")["text"]:
            pass
        assert outcome(house, client.session) == ("ended", "handed_back")
        for text in ("yes", "100421", "4471"):
            client.say(text)
            client.wait_for("understanding")
        while "$50.00" not in (said := client.wait_for("reply")["text"]):
            pass
        assert "checking" in said
        assert "savings" in said


def test_a_person_closes_the_conversation_with_an_outcome(house):
    with Console(house.page, "Ada") as ada, waiting(house) as client:
        accepted(ada, client.session)
        ada.send("close", session=client.session, outcome="follow_up")
        assert "Ada has ended" in client.wait_for("bye")["reason"]
        assert "Ada has ended" in ada.wait_for("closed")["reason"]
        assert outcome(house, client.session) == ("ended", "follow_up")
        ada.send("say", session=client.session, text="Are you still there?")
        assert ada.wait_for("error")["code"] == "no_session"


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
def test_what_is_not_theirs_nobody_can_touch(house, type, more, code):
    with Console(house.page, "Eve") as eve, customer(house) as client:
        eve.send(type, session=client.session, **more)
        assert eve.wait_for("error")["code"] == code
        client.say("what is my balance")
        assert client.wait_for("reply", "agent", "owner")["type"] == "reply"


def test_what_another_person_has_nobody_can_touch(house):
    with Console(house.page, "Ada") as ada, Console(house.page, "Eve") as eve:
        with waiting(house) as client:
            accepted(ada, client.session)
            for type, more in (("watch", {}), ("say", {"text": "I am Ada"}), ("hand_back", {})):
                eve.send(type, session=client.session, **more)
                wrong = eve.wait_for("error")
                assert wrong["code"] == "not_yours"
            assert not [one for one in eve.got if one["type"] in ("opened", "item")]


@pytest.mark.parametrize("type", ["watch", "accept", "say", "take_over", "close"])
def test_of_a_session_that_is_not_there(house, type):
    more = {"accept": {"id": 1}, "say": {"text": "x"}, "close": {"outcome": "other"}}
    with Console(house.page, "Grace", "s") as grace:
        grace.send(type, session="0" * 16, **more.get(type, {}))
        assert grace.wait_for("error")["code"] == "no_session"


def test_a_mistake_is_told_and_too_many_end_it(house):
    with Console(house.page, "Eve") as eve:
        eve.raw("{")
        assert eve.wait_for("error")["code"] == "bad_json"
        eve.send("accept", session="x", id="many")
        assert "id" in eve.wait_for("error")["message"]
        for _ in range(20):
            eve.send("hello", protocol=1, name="Eve", token="a")
        assert eve.closed()[0] == 1008


# -- consoles that come and go -----------------------------------------------------------------


def test_who_is_cut_off_and_stays_away_loses_the_conversation(tmp_path):
    with desk(tmp_path, console_s=0) as hasty, Console(hasty.page, "Bob") as bob:
        with Console(hasty.page, "Ada") as ada, waiting(hasty) as client:
            number = accepted(ada, client.session)["id"]
            client.wait_for("owner")
            ada.drop()
            assert client.wait_for("owner")["owner"] == "queued"
            while (stands := client.wait_for("handoff"))["state"] != "queued":
                pass
            assert stands["position"] == 1
            assert accepted(bob, client.session)["id"] == number
            while client.wait_for("owner")["name"] != "Bob":
                pass


def test_who_logs_in_again_in_time_keeps_the_conversation(house):
    with waiting(house) as client:
        with Console(house.page, "Ada") as ada:
            accepted(ada, client.session)
            ada.drop()
        client.say("are you there?")
        with Console(house.page, "Ada") as again:
            assert again.wait_for("ready")["recovered"] == [client.session]
            again.send("watch", session=client.session)
            opened = again.wait_for("opened")
            assert (opened["owner"], opened["name"]) == ("person", "Ada")
            again.send("say", session=client.session, text="I am back.")
            assert client.wait_for("agent")["text"] == "I am back."


def test_the_later_console_of_a_name_replaces_the_earlier(house):
    with Console(house.page, "Ada") as first, waiting(house) as client:
        accepted(first, client.session)
        with Console(house.page, "Ada") as second:
            assert second.wait_for("ready")["recovered"] == [client.session]
            assert first.closed()[0] == 4001
            second.send("say", session=client.session, text="Here I am.")
            assert client.wait_for("agent")["text"] == "Here I am."


def test_nobody_is_there_and_a_call_back_is_noted(tmp_path):
    with desk(tmp_path, nobody_s=0) as empty, customer(empty) as client:
        client.say("I want to talk to a person")
        while (over := client.wait_for("handoff"))["state"] != "callback":
            pass
        with Console(empty.page, "Ada") as ada:
            there = ada.wait_for("calls_back", lambda said: said["tickets"])
            (ticket,) = there["tickets"]
        assert (ticket["ticket"], ticket["why"]) == (over["ticket"], "nobody")
        assert ticket["session"] == client.session


def test_when_somebody_comes_to_work_those_who_wait_get_more_patience(tmp_path):
    with desk(tmp_path, nobody_s=40) as empty, waiting(empty) as client:
        live = empty.server.lives[client.session]
        (before,) = live._late_at.values()
        with Console(empty.page, "Ada") as ada:
            queued(ada, client.session)
            (after,) = live._late_at.values()
        assert after - before == pytest.approx(300 - 40)


# -- supervisors -------------------------------------------------------------------------------


def test_a_supervisor_takes_over_from_a_person_who_is_told(house):
    with both(house, Console(house.page, "Grace", "s")) as (ada, grace, client):
            accepted(ada, client.session)
            grace.send("take_over", session=client.session)
            assert grace.wait_for("opened")["name"] == "Grace"
            told = ada.wait_for("owner", lambda one: one["name"] != "Ada")
            assert (told["owner"], told["name"]) == ("supervisor", "Grace")
            ada.send("say", session=client.session, text="One moment")
            assert ada.wait_for("error")["code"] == "not_yours"
            client.say("who is this?")
            grace.item("customer", "who is this?")
            assert "who is this?" not in json.dumps(ada.sync())
            grace.send("say", session=client.session, text="This is Grace.")
            assert client.wait_for("agent")["name"] == "Grace"


def test_what_a_supervisor_has_taken_nobody_accepts(house):
    with both(house, Console(house.page, "Grace", "s")) as (ada, grace, client):
            entry = queued(ada, client.session)
            grace.send("take_over", session=client.session)
            grace.wait_for("opened")
            ada.send("accept", session=client.session, id=entry["id"])
            assert ada.wait_for("error")["code"] == "too_late"
            grace.send("hand_back", session=client.session)
            while client.wait_for("owner")["owner"] != "bot":
                pass
            assert outcome(house, client.session) == ("ended", "handed_back")


def test_a_whisper_is_heard_by_the_person_alone(house):
    with both(house, Console(house.page, "Grace", "s")) as (ada, grace, client):
            grace.send("whisper", session=client.session, text="psst")
            assert grace.wait_for("error")["code"] == "nobody"
            accepted(ada, client.session)
            grace.send("whisper", session=client.session, text="offer a refund")
            for console in (ada, grace):
                heard = console.wait_for("whisper")
                assert (heard["name"], heard["text"]) == ("Grace", "offer a refund")
            ada.send("say", session=client.session, text="Let me see.")
            client.wait_for("agent")
            client.end()
            told = [*client.messages(quiet_s=20)]
            assert "refund" not in json.dumps(told)
        rows = house.server.house.store.rows(client.session)
        assert "refund" not in "".join(row.input for row in rows)


def test_a_supervisor_sees_every_conversation(house):
    with Console(house.page, "Grace", "s") as grace, customer(house, TRANSFER) as client:

        def mine(said):
            return [one for one in said["live"] if one["session"] == client.session]

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


def test_whoever_opens_late_sees_what_was_seen_by_who_followed(house):
    with Console(house.page, "Grace", "s") as grace, Console(house.page, "Hedy", "s") as hedy:
        with customer(house) as client:
            grace.send("watch", session=client.session)
            opened = grace.wait_for("opened")
            for text in (TRANSFER, "100421", "4471", "agent"):
                client.say(text)
                client.wait_for("understanding")
            while client.wait_for("handoff")["state"] != "queued":
                pass
            grace.item("handoff", "Place")
            hedy.send("watch", session=client.session)
            late = hedy.wait_for("opened")
    lines = {one["n"]: one for one in opened["items"]}
    lines |= {one["item"]["n"]: one["item"] for one in grace.got if one["type"] == "item"}
    moods = [[m["at"], m["upset"], m["turn"]] for m in grace.got if m["type"] == "mood"]
    claims = [one["claims"] for one in grace.got if one["type"] == "claims"]
    assert [*lines.values()] == late["items"]
    assert moods == [mood[:3] for mood in late["moods"]]
    assert claims[-1] == late["claims"]
    assert {link["turn"] for one in late["claims"] for link in one["links"]}
