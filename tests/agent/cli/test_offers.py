"""What became of offers is counted honestly, and other ways of choosing are judged from the log."""

from __future__ import annotations

import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from agent.cli.main import app
from agent.cli.offers import offer_report, print_offer_report, wilson_interval
from agent.core.effects import PerformAction, StoreNote, UnderstandTurn
from agent.core.inputs import ActionCompleted, SessionOpened, TextReceived, TurnUnderstood
from agent.core.session import Session, SessionRules
from agent.core.turn_notes import LoggedOffer
from agent.store import Store
from dialogs.manager import Dialogue
from dialogs.values import ActionResult, OfferAnswered, OfferMade
from tests.support.packs import bank_pack
from tests.support.scripted_mind import TODAY, understood

NOW = "2026-11-24T10:00:00+00:00"


def made(number=1, chosen="a", propensity=0.5, **scores) -> OfferMade:
    context = {"just_done": "check_balance"}
    return OfferMade(number, 4, 9.0, context, scores or {"a": 1.0, "b": 0.5}, chosen, propensity)


def answered(outcome, number=1) -> OfferAnswered:
    return OfferAnswered(number, 5, 10.0, outcome)


def test_no_answer_is_ignored_and_later_changes_are_kept():
    store = Store(":memory:")
    store.add_notes("s", [made(1), made(2), made(3, chosen="")], NOW)
    store.add_notes("s", [answered("accepted"), answered("completed")], NOW)
    first, second, third = store.read_offers()
    assert (first.outcome, first.changes) == ("accepted", ("accepted", "completed"))
    assert (second.outcome, second.changes) == ("ignored", ())
    assert third.outcome == ""
    assert first.scores == {"a": 1.0, "b": 0.5}
    store.delete_older_than({"offers": "2026-12-01T00:00:00+00:00"})
    assert store.read_offers() == []


@pytest.mark.parametrize(
    ("accepted", "made", "low", "high"), [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (0, 0, 0, 1)]
)
def test_intervals_of_few_cases(accepted, made, low, high):
    assert wilson_interval(accepted, made) == pytest.approx((low, high), abs=0.001)


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_holds_its_share(accepted, made):
    accepted = min(accepted, made)
    low, high = wilson_interval(accepted, made)
    assert 0 <= low <= accepted / made + 1e-9
    assert accepted / made - 1e-9 <= high <= 1


def logged(choice, propensity, outcome, scores) -> LoggedOffer:
    return LoggedOffer("s", choice, propensity, scores, {}, outcome, ())


def test_another_way_of_choosing_is_judged_from_the_log():
    """Two offers, two kinds of customers; the top-scored is taken by 60 in 100 of them."""
    chance = random.Random(7)
    log = []
    for _ in range(20_000):
        top, other = ("a", "b") if chance.random() < 0.5 else ("b", "a")
        odds = {top: 0.56, other: 0.24, "": 0.2}
        (choice,) = chance.choices(list(odds), list(odds.values()))
        taken = chance.random() < {top: 0.6, other: 0.1, "": 0.0}[choice]
        outcome = ("accepted" if taken else "declined") if choice else ""
        log.append(logged(choice, odds[choice], outcome, {top: 1.0, other: 0.2}))
    found = offer_report(log)
    assert found.top_scored.low < 0.6 < found.top_scored.high
    assert found.as_logged.share == pytest.approx(0.56 * 0.6 + 0.24 * 0.1, abs=0.01)
    assert found.top_scored.high - found.top_scored.low < 0.03
    assert found.occasions == 20_000
    assert found.silent == sum(not one.chosen for one in log)


def test_nothing_that_agrees_is_nothing_known():
    found = offer_report([logged("b", 0.2, "accepted", {"a": 1.0, "b": 0.1})])
    assert (found.top_scored.low, found.top_scored.high) == (0.0, 1.0)
    assert found.top_scored.effective == 0.0


def printed(log, as_json=False) -> str:
    out = io.StringIO()
    print_offer_report(log, as_json, Console(width=120, file=out))
    return out.getvalue()


def test_what_is_shown():
    store = Store(":memory:")
    store.add_notes("s", [made(1), made(2, chosen="b"), made(3, chosen="", propensity=0.2)], NOW)
    store.add_notes("s", [answered("accepted"), answered("declined", 2)], NOW)
    text = printed(store.read_offers())
    assert "Occasions: 3; on 1 of them nothing was offered" in text
    assert "always the top-scored" in text
    found = json.loads(printed(store.read_offers(), as_json=True))
    assert [(o["offer"], o["accepted"], o["declined"]) for o in found["offers"]] == [
        ("a", 1, 0),
        ("b", 0, 1),
    ]
    assert "Nothing has been offered" in printed([])
    assert json.loads(printed([], as_json=True))["occasions"] == 0


def test_the_command_reads_the_server_s_store(tmp_path, monkeypatch):
    store = Store(tmp_path / "hearken.sqlite3")
    store.add_notes("s", [made(1)], NOW)
    store.close()
    monkeypatch.setenv("HEARKEN_STATE", str(tmp_path))
    done = CliRunner().invoke(app, ["offers"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "Occasions: 1;" in done.output


def test_a_session_has_its_offers_remembered():
    pack = bank_pack()
    session = Session(Dialogue(pack, "s1", TODAY, "chat", session_draw=0.9), SessionRules())
    session.receive(SessionOpened(0.0, "chat"))
    bank = [{"customer": "100421", "customer_name": "Patricia Miller", "tier": "standard"},
            {"balance": "1842.17"}]  # fmt: skip
    notes, at, waiting = [], 0.0, []

    def feed(event):
        for effect in session.receive(event):
            if isinstance(effect, StoreNote):
                notes.append(effect.note)
            elif isinstance(effect, PerformAction):
                waiting.append(effect.call.key)
            elif isinstance(effect, UnderstandTurn):
                what = understood(pack, effect.text, effect.expectation, upset_spread=0.05)
                feed(TurnUnderstood(at, effect.request_id, what))

    for text in ("what is my checking balance", "100421", "4471"):
        at += 1.0
        feed(TextReceived(at, text))
    while waiting:
        feed(ActionCompleted(at, ActionResult(waiting.pop(0), True, bank.pop(0))))
    (offer,) = [note for note in notes if isinstance(note, OfferMade)]
    assert set(offer.scores) == {"savings_advice"}
    if offer.chosen:
        feed(TextReceived(at, "yes"))
        (answer,) = [note for note in notes if isinstance(note, OfferAnswered)]
        assert answer.outcome == "accepted"
