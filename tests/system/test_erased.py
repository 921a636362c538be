"""Who is erased while they talk is gone: the conversation ends, and nothing more is kept of it."""

from __future__ import annotations

import json
from contextlib import closing

import pytest
from typer.testing import CliRunner

from agent.cli.main import app
from agent.client import Client
from agent.store import Store
from tests.support.packs import bank_pack
from tests.support.scripted_models import DeafAnalyser, ScriptedMind
from tests.support.serving import serving

pytestmark = pytest.mark.socket


@pytest.fixture
def house(tmp_path):
    mind, analyser = ScriptedMind(bank_pack()), DeafAnalyser()
    with serving(tmp_path / "state", mind, analyser=analyser) as running:
        yield running


def erased(tmp_path, whose, *options):
    file = tmp_path / "hearken.toml"
    file.write_text(f'state = "{tmp_path / "state"}"\n')
    return CliRunner().invoke(app, ["erase", whose, "--yes", "--config", str(file), *options])


def test_a_conversation_that_is_erased_ends(house, tmp_path):
    customer = {"id": "ann", "name": "Ann"}
    with Client(house.url, customer=customer) as client, Client(house.url) as other:
        client.wait_for("reply")
        client.consent(recording=True, emotion=True)
        client.say("what is the fee for quokkas")
        client.wait_for("reply")
        told = erased(tmp_path, "ann", "--json")
        receipt = json.loads(told.stdout)
        assert receipt["overwritten"]
        assert receipt["rows"]["sessions"] == 1
        client.say("and for quokkas abroad")
        assert "erased" in client.wait_for("bye")["reason"]
        other.say("hello")
        assert other.wait_for("reply")["text"]
        with closing(Store(tmp_path / "state" / "hearken.sqlite3")) as store:
            assert store.find_session(client.resumption.session) is None
            assert (
                store.read_rows(client.resumption.session)
                == store.read_turn_notes(client.resumption.session)
                == []
            )
        with Client(house.url, resume=client.resumption) as again:
            assert not again.wait_for("ready").get("resumed")
    for file in (tmp_path / "state").iterdir():
        assert b"quokkas" not in file.read_bytes(), file


def test_the_receipt_says_whether_anything_is_left(house, tmp_path):
    with Client(house.url, customer={"id": "ann", "name": ""}) as client:
        client.wait_for("reply")
        told = erased(tmp_path, "ann")
    assert told.exit_code == 0
    assert "Nothing of it is left in the database's files." in " ".join(told.stdout.split())


def test_it_says_so_while_somebody_reads(house, tmp_path, monkeypatch):
    monkeypatch.setattr("agent.store.database.BUSY_TIMEOUT_S", 0.2)
    with Client(house.url, customer={"id": "ann", "name": ""}) as client:
        client.wait_for("reply")
        reader = Store(tmp_path / "state" / "hearken.sqlite3")
        with closing(reader), reader.engine.connect() as books:
            books.exec_driver_sql("select count(*) from inputs").scalar()
            told = erased(tmp_path, "ann")
    assert "Not yet overwritten" in " ".join(told.stdout.split())


def test_nobody_is_erased_who_is_not_there(house, tmp_path):
    told = erased(tmp_path, "nobody")
    assert told.exit_code != 0
