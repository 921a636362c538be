"""Customers ask in words what is kept of them and watched: carried out, and said as it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialogs.values import PrivacyConsent
from tests.support.scripted_mind import Bot

AGREED = PrivacyConsent(recording=True, emotion=True)


def bot_of(pack, consent: PrivacyConsent = AGREED, **rules: str) -> Bot:
    bot = Bot(replace(pack, privacy=replace(pack.privacy, **rules)))
    state = bot.dialogue.on_consent(bot.state, consent)
    bot.last = replace(bot.last, state=state)
    return bot


@pytest.mark.parametrize(
    ("consent", "rules", "says"),
    [
        (AGREED, {}, "Yes, this conversation is recorded"),
        (PrivacyConsent(), {}, "No, this conversation isn't recorded"),
        (AGREED, {"recording": "never"}, "No, this conversation isn't recorded"),
        (PrivacyConsent(), {"recording": "always"}, "always recorded"),
    ],
)
def test_the_question_is_answered_truthfully(pack, consent, rules, says):
    assert says in bot_of(pack, consent, **rules).says("are you recording this?")


def test_recording_stops_with_the_turn_that_asks_for_it(pack):
    bot = bot_of(pack)
    assert "nothing of this conversation is recorded" in bot.says("stop recording me")
    assert bot.last.privacy_consent == PrivacyConsent(recording=False, emotion=True)
    assert "isn't recorded" in bot.says("am i being recorded")
    bot.says("stop recording me")
    assert bot.last.privacy_consent is None


def test_recording_begins_again_with_consent(pack):
    bot = bot_of(pack, PrivacyConsent())
    assert "is recorded" in bot.says("you can record this")
    assert bot.last.privacy_consent == PrivacyConsent(recording=True)


def test_what_the_business_always_records_is_not_said_to_be_stopped(pack):
    bot = bot_of(pack, recording="always")
    assert "can't switch that off" in bot.says("stop recording me")
    assert bot.last.privacy_consent is None


def test_the_use_of_the_voice_stops(pack):
    bot = bot_of(pack)
    assert "don't use how your voice sounds" in bot.says("stop analysing my emotions")
    assert bot.last.privacy_consent == PrivacyConsent(recording=True, emotion=False)


def test_it_works_while_an_action_runs_and_the_task_goes_on_after_it(pack):
    bot = bot_of(pack)
    bot.says("what is my balance")
    bot.says("100421")
    assert "customer number" not in bot.says("stop recording me")
    assert "passcode" in bot.text
    bot.says("4471")
    assert bot.last.action_call is not None
    bot.says("i don't want to be recorded")
    bot.says("you can record this")
    assert bot.last.privacy_consent.recording
    assert bot.state.pending_action is not None


def test_an_erasure_needs_the_identity_and_a_yes_to_its_read_back(pack):
    bot = bot_of(pack)
    assert "customer number" in bot.says("delete all my data")
    said = bot.identifies()
    assert "can't be undone" in said
    assert [call.name for call in bot.calls] == ["verify_customer"]
    bot.says("yes")
    assert bot.calls[-1].name == "request_erasure"
    assert bot.calls[-1].arguments["customer"] == "100421"
    assert "R00001" in bot.bank(reference="R00001")


def test_without_a_yes_nothing_is_erased(pack):
    bot = bot_of(pack)
    bot.says("please erase everything you have on me")
    bot.identifies()
    bot.says("no")
    assert bot.calls[-1].name == "verify_customer"


@pytest.mark.parametrize(
    ("text", "action"),
    [("send me a copy of my data", "request_copy"),
     ("i object to the processing of my data", "request_objection")],
)  # fmt: skip
def test_a_copy_and_an_objection_are_noted(pack, text, action):
    bot = bot_of(pack)
    bot.says(text)
    bot.identifies()
    if bot.last.action_call is None or bot.last.action_call.name != action:
        bot.says("yes")
    assert bot.last.action_call.name == action
    assert "R00007" in bot.bank(reference="R00007")


def test_a_request_made_while_an_action_runs_is_answered_after_it(pack):
    bot = bot_of(pack)
    bot.says("what is my checking balance")
    bot.says("100421")
    bot.says("4471")
    bot.says("delete all my data")
    bot.bank(customer="100421", customer_name="Patricia Miller", tier="standard")
    bot.bank(balance="12.00")
    assert any(task.flow == "erase_data" for task in bot.state.tasks)


def test_an_account_in_free_words_is_no_request(pack):
    bot = bot_of(pack)
    bot.says("i want to dispute a charge")
    bot.identifies()
    bot.says("they said delete all my data to cancel")
    assert not any(task.flow == "erase_data" for task in bot.state.tasks)
