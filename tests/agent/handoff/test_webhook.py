"""A helpdesk that fails, is slow, is busy or dies learns of every hand-over all the same, once."""

from __future__ import annotations

import asyncio
import json
import logging
import queue
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from agent.core.effects import UpdateHandoff
from agent.core.records import SessionRecord
from agent.handoff.webhook import (
    CLAIM_LEASE_S,
    GIVE_UP_AFTER_S,
    MAX_CONCURRENT_HANDOFFS,
    MAX_RETRY_S,
    DeliveryRound,
    Webhook,
    WebhookError,
)
from agent.store import Store
from dialogs.pack.model import Pack
from dialogs.values import Claim, Escalation, Evidence
from tests.support.helpdesks import SECRET, WAIT_S, Helpdesk, helpdesk, kinds
from tests.support.packs import bank_pack

WHY = Escalation(
    "explicit_request", 0.95, 2.9, (Evidence("asked_for_person", 5.9, 3, 8.0, "agent"),),
    "normal", (Claim("Wants", '"agent" (turn 3)', (3,)),),
)  # fmt: skip


pytestmark = pytest.mark.socket


@pytest.fixture
def desk() -> Iterator[Helpdesk]:
    with helpdesk() as desk:
        yield desk


@pytest.fixture(scope="module")
def pack() -> Pack:
    return bank_pack()


@pytest.fixture
def store(tmp_path) -> Iterator[Store]:
    store = Store(tmp_path / "store.sqlite")
    for id in ("s1", "s2"):
        store.create_session(record(id))
    yield store
    store.close()


def record(id: str) -> SessionRecord:
    return SessionRecord(
        id=id, began_at="2026-11-24T21:00:00+00:00", channel="chat", customer="c-9",
        today="2026-11-24", legs=(), speak=False, pack="", settings={}, models={}, token="",
        state="live", recording=False, ended_at="", last_at="2026-11-24T21:00:00+00:00",
        sealed="", audio=None,
    )  # fmt: skip


class Clock:
    """The wall's time, which passes when a test says so."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hook(store, pack, desk, clock) -> Webhook:
    return Webhook(store, pack, desk.url, SECRET, clock)


def post(hook: Webhook) -> DeliveryRound:
    async def once() -> DeliveryRound:
        async with httpx.AsyncClient() as client:
            return await hook.deliver_due(client)

    return asyncio.run(once())


def note(
    hook: Webhook, clock: Clock, state: str = "requested", session: str = "s1", **more
) -> None:
    hook.notify(session, "c-9", UpdateHandoff(1, state, WHY, **more), clock())


def test_a_hand_over_is_told_once_and_signed(hook, desk, clock):
    note(hook, clock)
    assert post(hook).accepted == 1
    (event,) = desk.events()
    assert event["type"] == "hearken.handoff.requested.v1"
    assert event["data"]["channel"] == "chat"
    assert event["data"]["evidence"][0]["turn"] == 3
    assert post(hook) == DeliveryRound(0, 0, 0, 30.0)
    assert desk.events() == []


@pytest.mark.parametrize("trouble", [500, 503, 429, 408, "dies"])
def test_what_fails_for_now_is_tried_again_under_the_same_id(hook, desk, clock, trouble):
    desk.answers = [trouble, trouble]
    note(hook, clock)
    assert post(hook).later == 1
    assert post(hook) == DeliveryRound(0, 0, 0, 5.0), "not at once"
    clock.passes(5)
    assert post(hook).later == 1
    clock.passes(10)
    assert post(hook).accepted == 1
    first, second, third = desk.events()
    assert first == second == third


def test_a_slow_helpdesk_is_tried_again(store, pack, desk, clock):
    released = threading.Event()
    desk.answers = [released]
    hook = Webhook(store, pack, desk.url, SECRET, clock, timeout_s=0.2)
    note(hook, clock)
    assert post(hook).later == 1
    released.set()
    clock.passes(5)
    assert post(hook).accepted == 1
    first, second = desk.events()
    assert first == second


def test_nobody_answers_at_all(store, pack, clock):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    hook = Webhook(store, pack, f"http://127.0.0.1:{port}/", SECRET, clock)
    note(hook, clock)
    assert post(hook).later == 1


@pytest.mark.parametrize("dated", [True, False])
def test_a_helpdesk_says_when_to_come_back(hook, desk, clock, dated):
    when = format_datetime(clock() + timedelta(seconds=20), usegmt=True) if dated else "20"
    desk.answers = [(429, {"Retry-After": when})]
    note(hook, clock)
    assert post(hook) == DeliveryRound(0, 1, 0, 20.0)
    clock.passes(19)
    assert post(hook) == DeliveryRound(0, 0, 0, 1.0)
    clock.passes(1)
    assert post(hook).accepted == 1


def test_no_helpdesk_puts_us_off_for_ever(hook, desk, clock):
    desk.answers = [(503, {"Retry-After": "9" * 30}), (503, {"Retry-After": "some day"})]
    note(hook, clock)
    assert post(hook).later == 1
    clock.passes(MAX_RETRY_S + 1)
    assert post(hook).later == 1
    clock.passes(MAX_RETRY_S + 1)
    assert post(hook).accepted == 1


@pytest.mark.parametrize("refused", [400, 401, 404, 410, (302, {"Location": "/elsewhere"})])
def test_what_is_refused_is_given_up_and_said_so(hook, desk, clock, caplog, refused):
    desk.answers = [refused]
    note(hook, clock)
    assert post(hook).given_up == 1
    (said,) = [one for one in caplog.records if one.levelname == "ERROR"]
    assert (said.session, said.event) == ("s1", desk.events()[0]["id"])
    clock.passes(GIVE_UP_AFTER_S)
    assert post(hook).given_up == 0
    assert desk.events() == []


def test_after_a_day_it_is_given_up(hook, desk, clock, caplog):
    desk.answers = [500] * 200
    note(hook, clock)
    rounds = [post(hook)]
    while not rounds[-1].given_up:
        assert len(rounds) < 60
        clock.passes(min(3600.0, 5.0 * 2 ** len(rounds)))
        rounds.append(post(hook))
    assert "could not be delivered" in caplog.text
    clock.passes(GIVE_UP_AFTER_S)
    assert post(hook) == DeliveryRound(0, 0, 0, 30.0)


def test_what_was_not_told_before_a_stop_is_told_after_it(store, pack, hook, desk, clock, tmp_path):
    desk.answers = ["dies"]
    note(hook, clock)
    post(hook)
    store.close()
    again = Store(tmp_path / "store.sqlite")
    clock.passes(5)
    assert post(Webhook(again, pack, desk.url, SECRET, clock)).accepted == 1
    again.close()
    first, second = desk.events()
    assert first == second


def test_the_states_of_one_hand_over_come_in_their_order(hook, desk, clock):
    desk.answers = [500]
    note(hook, clock)
    assert post(hook).later == 1
    clock.passes(2)
    note(hook, clock, "accepted")
    note(hook, clock, session="s2")
    done = post(hook)
    assert (done.accepted, done.later) == (1, 0), "of another conversation at once"
    clock.passes(1)
    note(hook, clock, "ended")
    clock.passes(10)
    assert post(hook).accepted == 3
    told = [event for event in desk.events() if event["data"]["conversation_id"] == "s1"]
    assert kinds(told) == ["requested", "requested", "accepted", "ended"]


def test_a_call_back_carries_its_ticket_and_a_place_in_the_queue_is_not_told(hook, desk, clock):
    note(hook, clock, "queued", position=1)
    note(hook, clock, "callback", ticket="C-17")
    assert post(hook).accepted == 1
    assert desk.events()[0]["data"]["ticket"] == "C-17"


def test_the_same_thing_noted_twice_is_told_once(hook, desk, clock):
    note(hook, clock)
    note(hook, clock)
    assert post(hook).accepted == 1


def test_a_conversation_nobody_knows_is_not_told(hook, desk, clock):
    note(hook, clock, session="erased")
    assert post(hook) == DeliveryRound(0, 0, 0, 30.0)


def test_more_than_fit_into_one_round_are_told_at_once_all_the_same(store, hook, desk, clock):
    for number in range(MAX_CONCURRENT_HANDOFFS + 1):
        store.create_session(record(f"more{number}"))
        note(hook, clock, session=f"more{number}")
    assert post(hook) == DeliveryRound(MAX_CONCURRENT_HANDOFFS, 0, 0, 0.0)
    assert post(hook) == DeliveryRound(1, 0, 0, 30.0)


def test_what_a_process_had_in_hand_when_it_died_is_told_by_another(store, hook, desk, clock):
    note(hook, clock)
    now, until = (clock() + timedelta(seconds=s) for s in (0, CLAIM_LEASE_S))
    (lost,) = store.claim_due(now.isoformat(), until.isoformat(), MAX_CONCURRENT_HANDOFFS)
    clock.passes(1)
    note(hook, clock, "accepted")
    assert post(hook) == DeliveryRound(0, 0, 0, 30.0), "in order, so not before the first"
    clock.passes(CLAIM_LEASE_S)
    assert post(hook).accepted == 2
    first, second = desk.events()
    assert (first["id"], kinds([second])) == (lost.id, ["accepted"])


@pytest.mark.parametrize(
    ("said", "by"),
    [
        (b'{"accepted_by": " Dana "}', ["Dana"]),
        (b'{"accepted_by": ["x"]}', []),
        (b"ok", []),
        (b'{"accepted_by": "Dana"' + b" " * 70_000 + b"}", []),
    ],
)
def test_a_helpdesk_may_say_who_takes_over(store, pack, desk, clock, said, by):
    heard: list[tuple[str, int, str]] = []
    hook = Webhook(store, pack, desk.url, SECRET, clock, on_accepted=lambda *who: heard.append(who))
    desk.answers = [said]
    note(hook, clock)
    assert post(hook).accepted == 1
    assert heard == [("s1", 1, name) for name in by]


def test_running_it_posts_what_is_noted_at_once(store, pack, desk):
    hook = Webhook(store, pack, desk.url, SECRET, lambda: datetime.now(UTC))

    async def life() -> None:
        running = asyncio.create_task(hook.run())
        for state in ("requested", "accepted"):
            effect = UpdateHandoff(1, state, WHY)
            await asyncio.to_thread(hook.notify, "s1", "", effect, datetime.now(UTC))
            got = await asyncio.to_thread(desk.got.get, True, WAIT_S)
            assert kinds([desk.verified(*got)]) == [state]
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(life())


class Noticed(logging.Handler):
    """Waits for a line of the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: queue.Queue[str] = queue.Queue()

    def emit(self, record: logging.LogRecord) -> None:
        self.said.put(record.getMessage())


def test_a_database_in_trouble_does_not_end_it(store, pack, desk, tmp_path):
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as books:
        books.execute("alter table outbox rename to elsewhere")
    hook = Webhook(store, pack, desk.url, SECRET, lambda: datetime.now(UTC))
    noticed = Noticed()
    logging.getLogger("hearken.webhook").addHandler(noticed)

    async def life() -> None:
        running = asyncio.create_task(hook.run())
        said = await asyncio.to_thread(noticed.said.get, True, WAIT_S)
        assert "cannot be read" in said
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])

    asyncio.run(life())
    logging.getLogger("hearken.webhook").removeHandler(noticed)


@pytest.mark.parametrize("url", ["", "helpdesk.example/hook", "ftp://x/y", "http://", "http://[x"])
def test_an_address_that_is_none(store, pack, url):
    with pytest.raises(WebhookError, match="webhook_url"):
        Webhook(store, pack, url, SECRET, lambda: datetime.now(UTC))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_A"])
def test_a_secret_that_is_none(store, pack, secret):
    with pytest.raises(WebhookError, match="webhook_secret"):
        Webhook(store, pack, "https://x/y", secret, lambda: datetime.now(UTC))


def test_bodies_are_kept_as_they_are_sent(store, hook, desk, clock, tmp_path):
    note(hook, clock)
    post(hook)
    with closing(sqlite3.connect(tmp_path / "store.sqlite")) as books:
        ((kept,),) = books.execute("select body from outbox")
    assert json.loads(kept) == desk.events()[0]
