"""Who asks for a person is told to a helpdesk outside, over real sockets and over a restart."""

from __future__ import annotations

import calendar
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.client import Client
from agent.handoff.webhook import CLAIM_LEASE_S
from dialogs.pack.loader import BANK_PACK
from tests.support.consoles import Console, customer, outcome, waiting
from tests.support.helpdesks import SECRET, Helpdesk, helpdesk, kinds
from tests.support.packs import pack_in
from tests.support.scripted_models import DeafAnalyser, ScriptedMind
from tests.support.serving import Serving, serving

pytestmark = pytest.mark.socket

Start = Callable[..., AbstractContextManager[Serving]]


class Wall:
    """The wall's clock, which a test may put forward. Signatures are good for some minutes only,
    so it begins at the true time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture(scope="module")
def always_open(tmp_path_factory) -> Path:
    """The built-in pack, without hours: people may come at any time."""
    folder = tmp_path_factory.mktemp("packs") / "bank"
    shutil.copytree(BANK_PACK, folder)
    (folder / "people.yaml").unlink()
    return folder


@pytest.fixture(scope="module")
def impatient(tmp_path_factory, always_open) -> Path:
    """The same, and nobody has to wait for more than a second."""
    folder = tmp_path_factory.mktemp("packs") / "bank"
    shutil.copytree(always_open, folder)
    days = "".join(f"  {day.lower()}: 00:00-24:00\n" for day in calendar.day_name)
    (folder / "people.yaml").write_text(f"zone: UTC\nhours:\n{days}longest_wait_s: 1\n")
    return folder


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def desk() -> Iterator[Helpdesk]:
    with helpdesk() as desk:
        yield desk


@pytest.fixture
def start(tmp_path, always_open, desk, wall) -> Start:
    """A server that tells the helpdesk, on the same state each time."""

    def started(**settings: object) -> AbstractContextManager[Serving]:
        hook = {"webhook_url": desk.url, "webhook_secret": SECRET, "pack": always_open}
        mind = ScriptedMind(pack_in(always_open))
        return serving(tmp_path, mind, today=wall, analyser=DeafAnalyser(), **hook | settings)

    return started


def test_without_a_console_people_are_reached_through_the_helpdesk(start, desk):
    with start() as house, waiting(house, "what is my balance") as client:
        event = desk.next()
        assert event["type"] == "hearken.handoff.requested.v1"
        assert event["data"]["conversation_id"] == client.resumption.session
        assert event["data"]["customer"] == {"id": "100421"}
        assert event["data"]["reason_code"] == "explicit_request"
        client.say("how many days does a wire transfer take")
        assert client.wait_for("reply")["text"], "we go on helping meanwhile"


def test_what_a_helpdesk_was_not_told_before_a_restart_it_is_told_after_it(start, desk, wall):
    desk.answers = [503]
    with start() as house, waiting(house) as client:
        first = desk.next()
        client.drop_connection()
        at = deepcopy(client.resumption)  # as it was, and without a goodbye
    wall.ahead = timedelta(seconds=CLAIM_LEASE_S + 1)
    with start() as house, Client(house.url, resume=at) as client:
        again = desk.next()
        assert again == first, "under the same id, too"
        assert client.wait_for("ready")["resumed"]
        client.end()
        assert client.wait_for("bye")
        assert kinds([desk.next()]) == ["ended"]
    assert desk.events() == []


def test_of_a_customer_who_does_not_come_back_the_request_is_withdrawn(start, desk):
    with start(resume_s=0) as house, waiting(house) as client:
        assert kinds([desk.next()]) == ["requested"]
        client.drop_connection()
        withdrawn = desk.next()
        assert kinds([withdrawn]) == ["ended"]
        assert withdrawn["data"]["conversation_id"] == client.resumption.session


def test_who_is_named_and_sits_at_a_console_has_it_at_once(start, desk):
    desk.answers = [b'{"accepted_by": "Dana"}']
    with start(agent_token="a") as house, Console(house.page, "Dana") as dana:
        dana.wait_for("ready")
        with customer(house) as client:
            client.say("I want to talk to a person")
            while client.wait_for("owner")["owner"] != "person":
                pass
            assert dana.wait_for("opened")["session"] == client.resumption.session
            dana.send("say", session=client.resumption.session, text="This is Dana.")
            assert client.wait_for("agent")["name"] == "Dana"
            assert kinds([desk.next(), desk.next()]) == ["requested", "accepted"]
            dana.send("hand_back", session=client.resumption.session)
            assert kinds([desk.next()]) == ["ended"]
            assert outcome(house, client.resumption.session) == ("ended", "handed_back")


def test_who_is_named_and_comes_later_finds_the_customer_waiting(start, desk):
    desk.answers = [b'{"accepted_by": "Dana"}']
    with start(agent_token="a") as house, waiting(house) as client:
        desk.next()
        with Console(house.page, "Dana") as dana:
            dana.send("accept", session=client.resumption.session, id=1)
            while client.wait_for("owner")["owner"] != "person":
                pass
            assert kinds([desk.next()]) == ["accepted"]


def test_who_is_named_and_never_comes_is_waited_for_once_then_called_back(start, desk, impatient):
    desk.answers = [b'{"accepted_by": "Zoe"}']
    with start(pack=impatient) as house, waiting(house) as client:
        desk.next()
        assert client.wait_for("handoff")["state"] == "callback"
        assert client.wait_for("owner")["owner"] == "bot"
        assert client.wait_for("reply")["text"]


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [("helpdesk.example", SECRET, "webhook_url"), ("https://helpdesk.example", "", "whsec_")],
)
def test_a_helpdesk_that_cannot_be_told_stops_the_start_in_one_sentence(
    tmp_path, monkeypatch, capsys, url, secret, words
):
    import server

    monkeypatch.setattr("sys.argv", ["hearken", "serve"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEARKEN_OWN_CORE", "false")  # the tests after this want both
    monkeypatch.setenv("HEARKEN_WEBHOOK_URL", url)
    monkeypatch.setenv("HEARKEN_WEBHOOK_SECRET", secret)
    with pytest.raises(SystemExit) as ended:
        server.main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert words in said
    assert "Traceback" not in said
