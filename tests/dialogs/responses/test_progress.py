"""Turns that lead nowhere: counted, and never for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.scripted_mind import Bot

NO = {"sure": 0.95, "intent": "deny"}
OK = {"sure": 0.95, "intent": "affirm"}


def kinds(bot: Bot, said: str, times: int, **heard: object) -> list[str]:
    """The kinds of question after each of so many turns of the same words."""
    asked = []
    for _ in range(times):
        bot.says(said, **heard)
        asked.append(bot.state.question.kind)
    return asked


@pytest.mark.parametrize(("said", "heard"), [("no", NO), ("ok", OK), ("hello", {}), ("hm ok", OK)])
def test_after_three_idle_turns_a_choice_and_after_five_a_person(pack, said, heard):
    asked = kinds(Bot(pack), said, 5, **heard)
    assert asked == ["open", "open", "menu", "menu", "person"]


def test_the_same_answer_that_does_not_fit_leads_to_a_person(pack):
    bot = Bot(pack)
    bot.says("balance of checking")
    asked = kinds(bot, "12345", 5)
    assert asked == ["slot"] * 4 + ["person"]
    kinds(bot, "12345", 4)
    assert [one.rule for one in bot.escalations] == ["repeated_misunderstanding"]


def test_identity_that_does_not_fit_is_no_failed_attempt_and_has_a_way_out(pack):
    bot = Bot(pack)
    bot.says("balance of checking")
    kinds(bot, "12345", 3)
    assert bot.state.failed_verifications == 0
    assert "branches, appointments and questions" in bot.text or "don't have it" in bot.text


def test_in_a_task_it_is_said_what_is_known(pack):
    bot = Bot(pack)
    bot.says("transfer fifty dollars")
    bot.identifies()
    kinds(bot, "hello", 3)
    assert "amount: $50.00" in bot.text
    assert bot.last.expectation.kind == "choice"


def test_at_a_read_back_a_yes_or_a_no_is_asked_for(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    kinds(bot, "hello", 3)
    assert "yes or" in bot.text.lower()
    assert bot.state.question.kind == "confirm"
    bot.says("yes")
    assert bot.last.action_call.name == "transfer"


def test_who_declines_a_person_gets_other_ways(pack):
    bot = Bot(pack)
    asked = kinds(bot, "no", 14, **NO)
    assert asked.count("person") == 1
    assert "menu" in asked[6:]


def test_progress_is_a_value_a_step_an_answer_or_a_new_task(pack):
    bot = Bot(pack)
    for said in ("transfer money", "100421", "4471"):
        bot.says("hello")
        assert bot.state.stalled_turns
        bot.says(said)
        assert not bot.state.stalled_turns
    bot.bank(customer="100421", customer_name="Patricia Miller", tier="standard")
    bot.says("hello")
    bot.says("what is the overdraft fee")
    assert bot.state.stalled_turns == 0
    bot.says("what is the overdraft fee")
    assert bot.state.stalled_turns == 1


def test_the_same_task_begun_again_and_again_is_no_progress(pack):
    bot = Bot(pack)
    for _ in range(3):
        bot.says("transfer money")
        bot.says("cancel")
    assert bot.state.stalled_turns == 2


def test_who_waits_for_a_person_makes_no_progress_and_needs_none(pack):
    bot = Bot(pack)
    bot.says("agent")
    kinds(bot, "hello", 6)
    assert bot.state.stalled_turns == 0
    assert len(bot.escalations) == 1


def test_the_limits_are_the_packs(pack):
    patient = replace(
        pack,
        retry_limits=replace(pack.retry_limits, stalled_before_change=5, stalled_before_person=7),
    )
    asked = kinds(Bot(patient), "no", 7, **NO)
    assert asked == ["open"] * 4 + ["menu", "menu", "person"]
