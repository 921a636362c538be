"""A customer loses nothing and hears nothing twice, whatever dies and whenever.

Real sockets, a real bank and a real store; the server is a process that is killed.
"""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import pytest

from agent.client import Client, Message, Resumption
from tests.support.consoles import desk, waiting
from tests.support.mortal import Death, mortal

pytestmark = pytest.mark.socket

SCRIPT = ("transfer 50 dollars from checking to savings", "100421", "4471", "yes", "thank you")
CONVERSATION = frozenset({"reply", "understanding", "owner", "handoff", "agent", "bye"})


class Customer:
    """Somebody who says the next thing when the last was answered, over as many connections as it
    takes."""

    def __init__(self) -> None:
        self.at: Resumption | None = None
        self.said = 0
        self.got: list[Message] = []  # what belongs to the conversation, in the order it came

    def goes_on(self, url: str) -> bool:
        """Until all is said (True) or the line is cut (False)."""
        with Client(url, resume=self.at) as client:
            self.at = client.resumption
            try:
                while not self._answered():
                    self._hear(client)
                while self.said < len(SCRIPT):
                    self.said += 1
                    client.say(SCRIPT[self.said - 1])
                    while not self._answered():
                        self._hear(client)
            except ConnectionError:
                return False
            return True

    def _hear(self, client: Client) -> None:
        message = client.wait_for(*CONVERSATION, timeout_s=30)
        self.got.append(message)

    def _answered(self) -> bool:
        """The greeting, then one answer each; what is done at the bank takes one more."""
        replies = [one for one in self.got if one["type"] == "reply"]
        understood = [one for one in self.got if one["type"] == "understanding"]
        return len(understood) >= self.said and bool(replies) and _settled(self.got)


def _settled(got: list[Message]) -> bool:
    last = [one for one in got if one["type"] == "reply"][-1]
    return not last["step"].endswith("one_moment") and got[-1]["type"] == "reply"


def told(got: list[Message]) -> list[tuple[int, str, str]]:
    """What they were told; what was offered to them hangs on chance."""
    return [(one["seq"], one["type"], _gist(one)) for one in got]


def _gist(one: Message) -> str:
    step = one.get("step") or ""
    if step == "more" or step.startswith("offer."):
        return "what else?"
    return str(one.get("text", one.get("intent", "")))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[list[tuple[int, str, str]], int, list[str]]:
    """What is told, how many rows it takes and what the bank did when nothing dies."""
    state = tmp_path_factory.mktemp("undisturbed")
    customer = Customer()
    with mortal(state) as url:
        assert customer.goes_on(url)
    return told(customer.got), rows(state), transfers(state)


def rows(state: Path) -> int:
    with sqlite3.connect(state / "hearken.sqlite3") as books:
        return books.execute("select count(*) from inputs").fetchone()[0]


def transfers(state: Path) -> list[str]:
    with sqlite3.connect(state / "bank.sqlite3") as books:
        found = books.execute("select arguments from ledger where action = 'transfer'")
        return [row[0] for row in found]


def test_killed_at_every_input_the_customer_notices_a_pause(undisturbed, tmp_path):
    messages, count, moved = undisturbed
    assert len(moved) == 1
    assert count > 8
    deaths = [Death(row, when) for row in range(1, count + 1) for when in ("before", "after")]
    with ThreadPoolExecutor(2) as pool:
        for death, got, done in pool.map(lambda one: survived(one, tmp_path), deaths):
            assert got == messages, death
            assert done == moved, death


def survived(death: Death, folder: Path) -> tuple[Death, list[tuple[int, str, str]], list[str]]:
    """What a customer is told and what the bank does when the server dies there."""
    state, customer = folder / f"{death.row}-{death.when}", Customer()
    with mortal(state, death) as url:
        through = customer.goes_on(url)
    with mortal(state) as url:
        assert through or customer.goes_on(url), death
    return death, told(customer.got), transfers(state)


@pytest.mark.parametrize("cuts", [1, 3])
def test_a_connection_that_is_cut_is_taken_up_again(cuts, tmp_path):
    with mortal(tmp_path) as url:
        at, replies = None, []
        for text in SCRIPT[: cuts + 1]:
            with Client(url, resume=at) as client:
                ready = client.wait_for("ready")
                assert bool(ready.get("resumed")) == (at is not None)
                if at is None:
                    replies.append(client.wait_for("reply")["seq"])
                client.say(text)
                replies.append(client.wait_for("reply")["seq"])
                client.drop_connection()
                at = client.resumption
    assert len(set(replies)) == len(replies)


def test_what_was_said_while_the_line_was_cut_is_said_once(tmp_path):
    with mortal(tmp_path) as url:
        with Client(url) as client:
            client.wait_for("reply")
            client.say(SCRIPT[0])
            client.wait_for("received")
            client.drop_connection()
            at = client.resumption
        at.last_seq = 1  # nothing of the answer was read
        at.sent_count += 1
        at.unacknowledged.append({"type": "text", "text": SCRIPT[1], "n": at.sent_count})
        at.unacknowledged.insert(
            0, {"type": "text", "text": SCRIPT[0], "n": 1}
        )  # sent again all the same
        with Client(url, resume=at) as client:
            seen = [client.wait_for("understanding"), client.wait_for("reply")]
            seen += [client.wait_for("understanding"), client.wait_for("reply")]
    assert [one["seq"] for one in seen] == sorted({one["seq"] for one in seen})


def test_a_token_that_is_not_the_sessions_opens_nothing(tmp_path):
    with mortal(tmp_path) as url:
        with Client(url) as client:
            client.wait_for("reply")
            client.drop_connection()
            at = client.resumption
        at.token = "x" * 32
        with Client(url, resume=at) as client:
            other = client.wait_for("ready")
            assert not other.get("resumed")
            assert client.wait_for("error")["code"] == "cannot_resume"


def test_who_waits_for_a_person_waits_no_longer_because_of_a_restart(tmp_path):
    with desk(tmp_path, no_agent_s=600) as house, waiting(house) as client:
        client.drop_connection()
        at = deepcopy(client.resumption)  # as it was, and without a goodbye
    with desk(tmp_path, no_agent_s=0) as house, Client(house.url, resume=at) as client:
        told = client.wait_for("handoff")
        assert (told["state"], told.get("ticket")) == ("callback", None)


def test_a_page_that_was_loaded_anew_gets_everything_however_much_it_was(tmp_path):
    with desk(tmp_path, max_outbox=16) as house, Client(house.url) as client:
        client.wait_for("reply")
        for _ in range(10):
            client.say("what are your opening hours")
            client.wait_for("understanding")
            client.wait_for("reply")
        client.drop_connection()
        at = client.resumption
    last, at.last_seq = at.last_seq, 0
    assert last > 16
    with desk(tmp_path, max_outbox=16) as house, Client(house.url, resume=at) as client:
        got = [client.wait_for(*CONVERSATION)["seq"] for _ in range(last)]
    assert got == list(range(1, last + 1))
