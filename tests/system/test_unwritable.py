"""What the database refuses ends one conversation, no other, and that one can be resumed."""

from __future__ import annotations

import sqlite3
import urllib.error
import urllib.request
from contextlib import closing

import pytest

from agent.client import Client
from tests.support.mortal import ScriptedMind
from tests.support.packs import bank_pack
from tests.support.serving import serving

pytestmark = [pytest.mark.socket, pytest.mark.model]

REFUSED = "plutonium"
TRIGGER = f"""
create trigger refuse before insert on inputs when new.input like '%{REFUSED}%'
begin select raise(abort, 'refused'); end
"""


def answers(client: Client) -> str:
    client.say("what are your opening hours")
    client.wait_for("understanding")
    return client.wait_for("reply")["text"]


def test_a_row_that_is_refused_ends_its_conversation_alone(tmp_path):
    with serving(tmp_path, ScriptedMind(bank_pack())) as house, Client(house.url) as other:
        other.wait_for("reply")
        with Client(house.url) as client:
            client.wait_for("reply")
            with closing(sqlite3.connect(tmp_path / "hearken.sqlite3")) as books:
                books.execute(TRIGGER)
            client.say(REFUSED)
            with pytest.raises(ConnectionError):
                client.wait_for("reply")
            assert client.close_status[0] == 1011
            at = client.resumption
        assert answers(other)
        with closing(sqlite3.connect(tmp_path / "hearken.sqlite3")) as books:
            books.execute("drop trigger refuse")
        with Client(house.url, resume=at) as again:
            assert again.wait_for("ready")["resumed"]
            assert again.wait_for("reply")["text"]  # to what could not be written before
            assert answers(again)
            numbers = "select n from inputs where session = ? order by n"
            with closing(sqlite3.connect(tmp_path / "hearken.sqlite3")) as books:
                rows = [n for (n,) in books.execute(numbers, (at.session,))]
            assert rows == list(range(1, len(rows) + 1))


def test_while_nothing_can_be_written_no_further_customers_are_sent_here(tmp_path, monkeypatch):
    def status() -> int:
        try:
            with urllib.request.urlopen(f"{house.page}/readyz", timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as refused:
            return refused.code

    monkeypatch.setattr("agent.store.journal.MAX_WRITE_S", 0.0)
    with serving(tmp_path, ScriptedMind(bank_pack())) as house:
        assert status() == 200
        with Client(house.url) as client:
            client.wait_for("reply")
            with closing(sqlite3.connect(tmp_path / "hearken.sqlite3")) as books:
                books.execute("begin immediate")
                client.say("hello")
                while status() == 200:
                    pass
                books.rollback()
            client.wait_for("understanding")
