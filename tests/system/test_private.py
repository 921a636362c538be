"""Numbers planted in everything a customer can say are nowhere on disk, in no log, in no sound.

A real server with the real models: typed words, spoken words, keys, and the words of a person who
takes over. Everything it leaves behind is searched, also as it lies there when a server is killed.
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from agent.client import Client, Message
from agent.core.event_json import event_from_json
from agent.core.inputs import PersonTextReceived, PersonTookOver, TurnUnderstood
from agent.store import Store
from audio.speak import TtsVoice
from audio.types import RATE
from dialogs.extraction.numbers import UNIT_NAMES
from tests.support.packs import bank_pack
from tests.support.scripted_models import ScriptedMind
from tests.support.serving import Serving, serving
from tests.support.speaking import PCM, hears, leg

pytestmark = [pytest.mark.socket, pytest.mark.model]

DIGITS = UNIT_NAMES[:10]

# What is planted, and how it is cut into groups. None of it is in the bank's books.
TYPED = {
    "4929123456789015": (4, 4, 4, 4),  # a card
    "536904399": (3, 2, 4),  # a social security number
    "4155552671": (3, 3, 4),  # a telephone
    "8830197745": (5, 5),  # an account
    "815932": (3, 3),  # a customer number
    "1267": (2, 2),  # its passcode; no surrogate begins with a 1 or a 2
    "6011000990139424": (4, 4, 4, 4),  # a card that a person reads out
}
SPOKEN = {"5527184599423651": (4, 4, 4, 4), "682719": (3, 3), "37828224631": (4, 4, 3)}
KEYED = {"2157": (2, 2), "371449635398431": (4, 6, 5)}
BRANCHES = ("downtown", "riverside", "oak", "oak street", "university")
ADDRESS = ("quentin.zyx@planted.example", "quentin dot zyx at planted dot example", "quentin.zyx")


def said(digits: str, zero: str = "zero") -> str:
    return " ".join(zero if one == "0" else DIGITS[int(one)] for one in digits)


def forms(digits: str, sizes: tuple[int, ...]) -> list[str]:
    """The same number, however somebody would write it or say it."""
    ends = np.cumsum(sizes)
    groups = [digits[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    written = [between.join(groups) for between in ("", " ", "-", ".", ", ")]
    single = [between.join(digits) for between in (" ", "-", ", ")]
    return [*written, *single, said(digits), said(digits, "oh"), said(digits).replace(" ", ", ")]


@cache
def searched() -> tuple[bytes, ...]:
    numbers = {**TYPED, **SPOKEN, **KEYED}
    texts = {form for digits, sizes in numbers.items() for form in forms(digits, sizes)}
    return tuple(text.lower().encode() for text in (*texts, *ADDRESS))


def found_in(data: bytes) -> list[tuple[bytes, bytes]]:
    """All that is in there, in capitals or not, with what stands around it; alone, as a few digits
    may be in anything by chance."""
    data = data.lower()
    matches = (
        re.search(rb"(?<![0-9a-z.])%b(?![0-9a-z])" % re.escape(text), data)
        for text in searched()
        if text in data
    )
    return [(one[0], data[max(0, one.start() - 40) : one.end() + 40]) for one in matches if one]


def found(state: Path) -> list[tuple[str, tuple[bytes, bytes]]]:
    files = [path for path in state.rglob("*") if path.is_file()]
    assert any(path.name == "hearken.sqlite3" for path in files)
    return [(path.name, text) for path in files for text in found_in(path.read_bytes())]


def test_what_is_searched_for_would_be_found(tmp_path):
    (tmp_path / "hearken.sqlite3").write_bytes(
        b'"4929-1234-5678-9015" "1267", five five two seven one eight four five nine nine four two'
        b" three six five one; Quentin.Zyx"
    )
    assert len(found(tmp_path)) == 4


# -- two customers -----------------------------------------------------------------------------


def answered(client: Client, text: str) -> Message:
    client.say(text)
    return client.wait_for("reply", timeout_s=30)


def types(client: Client, house: Serving) -> None:
    client.wait_for("reply")
    client.consent(recording=True, emotion=True)
    answered(client, "my card is 4929 1234 5678 9015, my ssn is 536-90-4399, what is the fee")
    answered(client, "write to Quentin.Zyx@planted.example or call (415) 555-2671")
    answered(client, "quentin dot zyx at planted dot example")
    answered(client, "my account number is 8830197745 and 4929-1234-5678-9015 is the card")
    answered(client, f"once more, {said('4929123456789015')} and {said('8830197745', 'oh')}")
    answered(client, "check my balance")
    answered(client, "815932")
    answered(client, "1267")
    answered(client, "8 1 5 9 3 2")
    person_reads_out(client, house, "6011 0009 9013 9424")


def person_reads_out(client: Client, house: Serving, card: str) -> None:
    live = house.server.registry[client.resumption.session]
    for event in (
        lambda: PersonTookOver(live.now, "Dana", "supervisor"),
        lambda: PersonTextReceived(live.now, "Dana", f"The new card is {card}."),
    ):
        house.loop.call_soon_threadsafe(lambda event=event: live.apply(event()))
    assert client.wait_for("agent", timeout_s=30)["text"] == f"The new card is {card}."


def speaks(client: Client, house: Serving) -> None:
    client.wait_for("reply")
    client.consent(recording=True, emotion=True)
    voice = TtsVoice("en-us", 140)
    card = said("5527184599423651")
    assert hears(client, voice, f"my card number is {card}") == f"my card number is {card}"
    hears(client, voice, "branch hours")
    assert hears(client, voice, said("37828224631")) in BRANCHES, "a branch was asked for"
    hears(client, voice, "check my balance")
    assert hears(client, voice, said("682719")) == said("682719")
    client.send({"type": "digits", "digits": "2157#"})
    client.wait_for("reply", timeout_s=30)
    client.send({"type": "digits", "digits": "371449635398431"})
    client.wait_for("reply", timeout_s=30)


class Left:
    """What a server left: its state when it was stopped, and a copy from when customers were
    connected, as if it had been killed then."""

    def __init__(self, root: Path) -> None:
        self.state, self.killed = root / "stopped", root / "killed"
        self.session = ""

    def serve(self, talk: Callable[[Client, Serving], None], *hello: object, **more: object):
        with serving(self.state, **more) as house, Client(house.url, *hello) as client:
            talk(client, house)
            self.session = client.resumption.session
            shutil.copytree(self.state, self.killed)
            client.end()
            client.wait_for("bye", timeout_s=30)
        return self

    def store(self, state: Path) -> Store:
        return Store(state / "hearken.sqlite3")


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    """Of a customer who types and one who speaks; and the log of both."""
    log = io.StringIO()
    listener = logging.StreamHandler(log)
    logging.getLogger().addHandler(listener)
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.INFO)
    typing, speaking = (Left(tmp_path_factory.mktemp(name)) for name in ("typed", "spoken"))
    try:
        typing.serve(types)
        speaking.serve(speaks, "voice", PCM, mind=ScriptedMind(bank_pack()))
    finally:
        logging.getLogger().removeHandler(listener)
        logging.getLogger().setLevel(before)
    return typing, speaking, log.getvalue()


def test_nothing_private_is_in_any_file(left):
    for one in left[:2]:
        assert (one.killed / "hearken.sqlite3-wal").stat().st_size > 0
        assert found(one.killed) == []
        assert found(one.state) == []


def test_nothing_private_is_in_the_log(left, capfd):
    log = left[2].encode() + "".join(capfd.readouterr()).encode()
    assert found_in(log) == []


@pytest.mark.parametrize(("number", "said"), [(0, "what is the fee"), (1, "my card number is")])
def test_what_was_said_is_kept_all_the_same(left, number, said):
    one = left[number]
    for state, sealed in ((one.state, False), (one.killed, True)):
        with closing(one.store(state)) as store:
            assert said in "".join(row.input for row in store.read_rows(one.session))
            assert bool(store.find_session(one.session).sealed) == sealed, "for whoever may resume"


def test_private_sound_is_silence_and_the_rest_is_there(left):
    spoken = left[1]
    with closing(spoken.store(spoken.state)) as store:
        rows, sound = store.read_rows(spoken.session), leg(store, spoken.session)
    places = [
        (one["from_sample"], one["to_sample"])
        for row in rows
        for one in json.loads(row.redactions)
        if one.get("to_sample")
    ]
    assert len(places) >= 2
    for start, end in places:
        assert end - start > RATE, "six digits take more than a second"
        assert not np.isnan(sound[start:end]).any()
        assert not sound[start:end].any()
    words = [
        word
        for event in (event_from_json(row.input) for row in rows)
        if isinstance(event, TurnUnderstood) and event.transcript
        for word in event.transcript.words
    ]
    plain = [word for word in words if word.text in ("my", "card", "number", "is")]
    assert len(plain) >= 3
    for word in plain:
        assert sound[word.start : word.end].any(), word.text
    secret = [word for word in words if word.text in DIGITS]
    assert len(secret) >= 22
    for word in secret:
        assert not sound[word.start : word.end].any(), word.text
