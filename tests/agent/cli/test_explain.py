"""The ledger of a session: complete, adding up, and without a word nobody agreed to keep."""

from __future__ import annotations

import io
import sys
from datetime import date
from math import fsum, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from agent.cli.explain import print_explanation, print_sessions
from agent.cli.main import main
from agent.core.effects import Effect, PerformAction, StoreNote, UnderstandTurn
from agent.core.inputs import (
    ActionCompleted,
    ConsentChanged,
    SessionOpened,
    TextReceived,
    TurnUnderstood,
)
from agent.core.session import Session, SessionRules
from agent.core.turn_notes import TURN_NOTE_JSON, TurnNote
from agent.store import Store
from dialogs.manager import Dialogue
from dialogs.values import ActionResult, Understanding
from tests.support.packs import bank_pack
from tests.support.scripted_mind import understood

PACK = bank_pack()
ANGRY = {"upset": 0.9, "upset_spread": 0.1}


class Chat:
    """A session that is typed to; keeps the notes it wants remembered."""

    def __init__(self, recording: bool = False) -> None:
        dialogue = Dialogue(PACK, "s1", date(2026, 11, 24), "chat")
        self.session, self.at = Session(dialogue, SessionRules()), 0.0
        self.notes: list[TurnNote] = []
        self._take(self.session.receive(SessionOpened(0.0, "chat")))
        if recording:
            self.session.receive(ConsentChanged(0.0, recording=True, emotion=True))

    def says(self, text: str, sure: float = 0.9, **more: object) -> None:
        self.at += 1.0
        for effect in self.session.receive(TextReceived(self.at, text)):
            if isinstance(effect, UnderstandTurn):
                what = understood(PACK, text, effect.expectation, sure, **more)
                self._take(self.session.receive(TurnUnderstood(self.at, effect.request_id, what)))

    def _take(self, effects: list[Effect]) -> None:
        self.notes += [one.note for one in effects if isinstance(one, StoreNote)]
        for effect in effects:
            if isinstance(effect, PerformAction):
                outcome = ActionResult(effect.call.key, False, reason="no_match")
                self._take(self.session.receive(ActionCompleted(self.at, outcome)))


def printed(show, *arguments) -> str:
    out = io.StringIO()
    show(*arguments, Console(width=160, file=out))
    return out.getvalue()


def test_every_turn_of_the_customer_is_noted_and_weights_add_up():
    chat = Chat()
    chat.says("balance of savings", **ANGRY)
    chat.says("hello", upset=0.1, upset_spread=0.1)
    chat.says("let me talk to a person")
    assert [note.turn for note in chat.notes] == [2, 3, 4]
    for note in chat.notes:
        for judged in note.judged:
            assert isclose(fsum(term.weight for term in judged.terms), judged.score)
    assert chat.notes[-1].handoff_rules == ("explicit_request",)


def test_what_each_rule_led_to():
    chat = Chat()
    for _ in range(3):
        chat.says("hello", **ANGRY)
    upset = [next(j for j in note.judged if j.rule == "upset_over_turns") for note in chat.notes]
    assert [one.led_to for one in upset] == ["nothing", "handed_over", "active"]
    for _ in range(9):
        chat.says("hello", upset=0.05, upset_spread=0.1)
    last = [j.led_to for note in chat.notes[3:] for j in note.judged if j.rule == upset[0].rule]
    assert "left" in last
    assert last.count("left") == 1


def test_much_on_too_little_is_said_to_be_that():
    chat = Chat()
    chat.says("this is ridiculous", upset=1.0, upset_spread=0.0)
    assert chat.notes[0].judged[0].led_to in ("nothing", "too_few_turns")
    rule = PACK.rules["upset_over_turns"]
    assert rule.min_turns == 2


def test_an_answer_of_the_bank_is_noted_when_it_changed_something():
    chat = Chat()
    chat.says("balance of savings")
    for _ in range(3):
        chat.says("100421")
        chat.says("1111")
    banks = [note for note in chat.notes if note.upset is None]
    assert [note.handoff_rules for note in banks] == [("failed_verification",)]
    assert "1111" not in str(chat.notes)
    store = Store(":memory:")
    store.add_notes("s", chat.notes, "2026-11-24T10:00:00+00:00")
    assert "the bank answered" in printed(print_explanation, store, "s", None)


WORDS = st.text(alphabet="abcdefghij", min_size=5, max_size=12).filter(
    lambda word: word not in str(PACK.rules)
)


@settings(max_examples=40, deadline=None)
@given(
    WORDS,
    st.sampled_from(["agent {}", "i was scammed {}", "this is ridiculous {}", "{}", "balance {}"]),
    st.floats(0, 1),
)
def test_without_consent_not_a_word_is_kept(word, sentence, upset):
    chat = Chat()
    for _ in range(3):
        chat.says(sentence.format(word), upset=upset, upset_spread=0.05)
    assert len(chat.notes) == 3
    assert word not in str(chat.notes)


def test_with_consent_words_are_kept_and_secrets_are_not():
    chat = Chat(recording=True)
    chat.says("let me talk to an agent, my passcode is 4471")
    (note,) = chat.notes
    assert note.words == "let me talk to an agent, my passcode is [digits]"
    term = note.judged[0].terms[1]
    assert (term.term, term.detail) == ("asked_for_person", note.words)
    assert "4471" not in str(note)


def test_consent_taken_back_holds_from_then_on():
    chat = Chat(recording=True)
    chat.says("hello there")
    chat.session.receive(ConsentChanged(1.5, recording=False, emotion=False))
    chat.says("hello again")
    assert [bool(note.words) for note in chat.notes] == [True, False]


def test_a_note_comes_back_as_it_was():
    chat = Chat(recording=True)
    chat.says("agent", **ANGRY)
    for note in chat.notes:
        assert TURN_NOTE_JSON.validate_json(TURN_NOTE_JSON.dump_json(note)) == note


@pytest.fixture
def store():
    kept = Store(":memory:")
    chat = Chat(recording=True)
    chat.says("hello", **ANGRY)
    chat.says("let me talk to a person", **ANGRY)
    kept.add_notes("abc123", chat.notes, "2026-11-24T10:00:00+00:00")
    quiet = Chat()
    quiet.says("hello", **ANGRY)
    kept.add_notes("abd456", quiet.notes, "2026-11-24T11:00:00+00:00")
    return kept


def test_the_ledger_reads(store):
    text = printed(print_explanation, store, "abc123", None)
    assert '"let me talk to a person"' in text
    assert "a person was called" in text
    assert "+6.50 asked_for_person" in text
    assert "calls from 75.0%" in text
    one = printed(print_explanation, store, "abc", 2)
    assert "turn 2" in one
    assert "turn 3 " not in one
    assert "words not kept" in printed(print_explanation, store, "abd", None)


def test_the_list_says_when_how_long_and_what_came_of_it(store):
    lines = [line.split() for line in printed(print_sessions, store).splitlines()]
    assert lines[1] == ["abd456", "2026-11-24", "11:00", "chat", "1"]
    assert lines[2] == ["abc123", "2026-11-24", "10:00", "chat", "2", "1"]
    assert "No conversations" in printed(print_sessions, Store(":memory:"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["zzz"], "`hearken explain` lists"),
        (["ab"], "more of its id"),
        (["abc", "--turn", "9"], "has no turn 9"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments, says, tmp_path, monkeypatch, capsys, store):
    disk = Store(tmp_path / "hearken.sqlite3")
    for kept in store.noted_conversations():
        disk.add_notes(
            kept.session, store.read_turn_notes(kept.session), "2026-11-24T10:00:00+00:00"
        )
    disk.close()
    monkeypatch.setenv("HEARKEN_STATE", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["hearken", "explain", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err.replace("\n", " ")


def test_where_no_server_has_run_there_is_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEARKEN_STATE", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["hearken", "explain"])
    with pytest.raises(SystemExit):
        main()
    assert "no conversations are kept" in capsys.readouterr().err.replace("\n", " ")


def test_nothing_heard_is_a_turn_without_words():
    chat = Chat(recording=True)
    chat.says("x", intent="nothing_heard")
    assert isinstance(chat.notes[0].upset, float)
    assert Understanding("", "nothing_heard", 0.0).upset_spread == 1.0
