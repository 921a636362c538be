"""Who writes in another language is told what is possible in it, and gets a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.pack.language_rules import plain_answer
from dialogs.state import PeopleAvailability
from tests.support.scripted_mind import Bot

SPANISH = "quiero transferir dinero a mi cuenta"


def test_the_offer_is_made_in_that_language_and_a_yes_in_it_calls_a_person(pack):
    bot = Bot(pack)
    assert "solo hablo ingl\u00e9s" in bot.says(SPANISH, language="es")
    assert not bot.escalations
    said = bot.says("S\u00ed, por favor.")
    assert "compa\u00f1ero" in said
    (escalation,) = bot.escalations
    assert escalation.rule == "explicit_request"
    assert ("Language", "Spanish") in [(one.label, one.text) for one in escalation.claims]
    assert SPANISH in escalation.summary


def test_an_english_yes_does_as_well(pack):
    bot = Bot(pack)
    bot.says(SPANISH, language="es")
    bot.says("yes")
    assert bot.escalations


@pytest.mark.parametrize("words", ["no english", "No speak English sorry", "no entiendo"])
def test_who_says_that_they_have_no_english_is_asked_again(pack, words):
    bot = Bot(pack)
    offer = bot.says(SPANISH, language="es")
    assert bot.says(words) == offer
    assert bot.state.question.kind == "person"
    bot.says("si")
    assert bot.escalations


def test_after_a_no_nobody_is_called(pack):
    bot = Bot(pack)
    bot.says("ich brauche hilfe mit meinem konto", language="de")
    bot.says("nein danke")
    assert not bot.escalations
    assert bot.state.question.kind == "open"


def test_nothing_is_begun_by_words_that_look_like_ours(pack):
    bot = Bot(pack)
    bot.says("transfer 50 euros zu savings bitte", language="de")
    assert not bot.state.tasks
    assert bot.last.action_call is None


def test_nobody_is_offered_who_cannot_come(pack):
    bot = Bot(pack)
    state = replace(bot.state, people=PeopleAvailability(is_available=False))
    bot.last = replace(bot.last, state=state)
    said = bot.says("je voudrais parler \u00e0 quelqu'un", language="fr")
    assert "personne ne peut" in said
    assert bot.state.question.kind != "person"


def test_while_waiting_they_are_told_so_in_their_language(pack):
    bot = Bot(pack)
    bot.says(SPANISH, language="es")
    bot.says("si")
    assert "compa\u00f1ero" in bot.says("cu\u00e1nto tarda esto", language="es")
    assert len(bot.escalations) == 1


def test_a_language_without_words_of_its_own_is_answered_in_ours(pack):
    bot = Bot(pack)
    assert "only speak English" in bot.says("szeretn\u00e9k p\u00e9nzt k\u00fcldeni", language="hu")
    bot.says("yes")
    assert "code hu of ISO 639-1" in bot.escalations[0].summary


def test_a_yes_alone_is_no_other_language(pack):
    bot = Bot(pack)
    bot.says("transfer 50 dollars from checking to savings")
    bot.identifies()
    bot.says("si")
    assert not bot.state.other_language


@pytest.mark.parametrize(
    ("text", "plain"),
    [("\u00a1S\u00ed!", "s\u00ed"), ("\u306f\u3044\u3002", "\u306f\u3044"),
     ("\u0939\u093e\u0901", "\u0939\u093e\u0901"), (" Ja, bitte. ", "ja bitte")],
)  # fmt: skip
def test_answers_are_compared_without_punctuation(text, plain):
    assert plain_answer(text) == plain


def test_every_language_has_words_for_yes_and_no(pack):
    for language in pack.languages.languages.values():
        assert language.yes_words
        assert language.no_words
        assert not language.yes_words & language.no_words
