"""What happens when somebody is in danger or distress: said, stopped, called, and gone on with."""

from __future__ import annotations

import pytest

from dialogs.responses.fallback import YES_NO_EXPECTATION
from tests.support.scripted_mind import Bot

TRANSFER = "transfer 50 dollars from checking to savings"
SCAM = "a man on the phone tells me to move my savings to a safe account"
SUICIDAL = "i don't want to live anymore"
MONEY_ACTIONS = {"transfer", "pay_bill"}


def at_read_back(pack) -> Bot:
    bot = Bot(pack)
    bot.says(TRANSFER)
    assert "Is that right?" in bot.identifies()
    return bot


def while_an_action_runs(pack) -> Bot:
    bot = Bot(pack)
    bot.says("i lost my debit card")
    bot.identifies()
    bot.says("yes")
    assert bot.last.action_call.name == "block_card"
    return bot


def while_waiting_for_a_person(pack) -> Bot:
    bot = Bot(pack)
    bot.says("agent")
    return bot


def at_a_free_text_question(pack) -> Bot:
    bot = Bot(pack)
    bot.says("i want to dispute a charge")
    bot.identifies()
    assert bot.state.question.name == "merchant"
    return bot


def at_digits(pack) -> Bot:
    bot = Bot(pack, channel="call")
    bot.says("what is my balance")
    return bot


STATES = [Bot, at_read_back, while_an_action_runs, while_waiting_for_a_person,
          at_a_free_text_question, at_digits]  # fmt: skip


@pytest.mark.parametrize("begin", STATES)
def test_danger_is_answered_in_every_state(pack, begin):
    bot = begin(pack)
    calls = len(bot.calls)
    said = bot.says(SUICIDAL, intent="cancel")
    assert "988" in said or "9 8 8" in said
    assert bot.escalations[-1].rule == "care.self_harm"
    assert bot.escalations[-1].urgency == "high"
    assert len(bot.calls) == calls
    assert bot.state.question.kind == "waiting"


@pytest.mark.parametrize("begin", [at_read_back, while_waiting_for_a_person])
def test_a_yes_after_it_belongs_to_nothing_that_was_asked_before(pack, begin):
    bot = begin(pack)
    bot.says(SUICIDAL)
    calls = len(bot.calls)
    bot.says("yes")
    assert len(bot.calls) == calls


def test_the_evidence_says_which_words_and_the_summary_says_it_first(pack):
    bot = at_read_back(pack)
    bot.says(SCAM)
    (escalation,) = bot.escalations
    assert [(one.term, one.turn) for one in escalation.evidence][1] == ("care.scam", bot.turn)
    assert "safe account" in escalation.evidence[1].detail
    first = escalation.claims[0]
    assert first.label == "Care"
    assert "Scam in progress" in first.text
    assert "nothing moves money" in first.text
    assert any(one.rule == "care.scam" for one in bot.last.rule_scores)


def test_the_same_reply_is_not_repeated_word_for_word(pack):
    bot = Bot(pack)
    replies = [bot.last.replies[0].text for _ in range(5) if bot.says(SUICIDAL)]
    assert all(one != other for one, other in zip(replies, replies[1:], strict=False))
    assert len(bot.escalations) == 1


def test_an_action_under_way_is_reported_and_nothing_of_its_task_goes_on(pack):
    bot = while_an_action_runs(pack)
    bot.says("my chest hurts and i can't breathe")
    said = bot.bank(last_four="1234")
    assert "is blocked" in said
    assert "replacement" not in said
    assert "replacement" in bot.says("i want a replacement for the debit card")


def test_while_a_scam_is_in_progress_nothing_moves_money(pack):
    bot = at_read_back(pack)
    bot.says(SCAM)
    for text in ("yes", TRANSFER, "yes", "pay 20 dollars to city water", "yes, do it now",
                 "it's fine, i was joking", TRANSFER, "yes"):  # fmt: skip
        bot.says(text)
        assert bot.last.action_call is None
    said = bot.unreached("nobody", "C-17")
    assert "nothing moves money" in said
    assert "shall we go on" not in said.lower()
    for text in (TRANSFER, "yes", "yes", "transfer 20 dollars from savings to checking", "yes"):
        assert "for your protection" in bot.says(text).lower() or text == "yes"
        assert bot.last.action_call is None


def test_after_a_person_hands_back_money_moves_again(pack):
    bot = at_read_back(pack)
    bot.says(SCAM)
    assert "go on with your transfer" in bot.returns()
    assert "Is that right?" in bot.says("yes")
    bot.says("yes")
    assert bot.last.action_call.name == "transfer"


def test_a_person_who_is_cut_off_unlocks_nothing(pack):
    bot = at_read_back(pack)
    bot.says(SCAM)
    decision = bot.dialogue.on_handed_back(bot.state, bot.talk, 9.0, 9, is_lost=True)
    assert decision.state.is_money_locked


def test_requests_made_while_an_action_runs_wait_and_move_nothing(pack):
    bot = while_an_action_runs(pack)
    bot.says(TRANSFER)
    bot.says(SCAM)
    bot.bank(last_four="1234")
    bot.unreached("nobody")
    for text in ("no", "yes", "yes", "yes"):
        bot.says(text)
        assert bot.last.action_call is None or bot.last.action_call.name not in MONEY_ACTIONS


def test_nobody_there_names_the_numbers_that_are_always_answered(pack):
    bot = Bot(pack)
    bot.says("i think i'm having a heart attack")
    said = bot.unreached("closed", "C-17", "tomorrow at 9 AM")
    assert "911" in said
    assert bot.state.question.kind == "open"
    assert "911" in bot.says("i can't breathe")
    assert len(bot.escalations) == 1


def test_another_meaning_lets_it_go_on_without_a_person(pack):
    bot = at_read_back(pack)
    bot.says("help someone is dying, call an ambulance")
    assert bot.state.waiting_for_person
    said = bot.says("no i meant my phone died")
    assert "go on with your transfer" in said
    assert bot.last.withdraws_handoff
    assert "Is that right?" in bot.says("yes")


def test_after_talk_of_suicide_the_person_still_comes(pack):
    bot = at_read_back(pack)
    bot.says(SUICIDAL)
    bot.says("no i meant my phone died")
    assert not bot.last.withdraws_handoff
    assert bot.state.waiting_for_person


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("my husband died last week", "care.bereavement"),
        ("i lost my job and can't make rent", "care.hardship"),
        ("i have power of attorney for my mother", "care.on_behalf"),
    ],
)
def test_a_person_is_offered_and_called_after_a_yes(pack, text, rule):
    bot = Bot(pack)
    assert "Shall I ask a colleague" in bot.says(text)
    assert not bot.escalations
    assert bot.last.expectation == YES_NO_EXPECTATION
    bot.says("yes")
    assert bot.escalations[0].rule == rule
    assert bot.escalations[0].claims[0].label == "Care"


def test_after_a_no_to_the_offer_it_goes_on(pack):
    bot = Bot(pack)
    bot.says("i got laid off and can't pay my rent")
    bot.says("no")
    assert not bot.escalations
    assert "customer number" in bot.says("what is my balance")


def test_danger_is_recognised_when_the_models_give_no_answer(pack):
    bot = Bot(pack)
    decision = bot.dialogue.on_understanding_failed(
        bot.state, bot.talk, 1.0, 1, "there is a bomb in the branch"
    )
    assert decision.escalation.rule == "care.violence"


def test_numbers_are_read_out_digit_by_digit(pack):
    assert "9 1 1" in Bot(pack, channel="call").says("my father is not breathing")
    assert "911" in Bot(pack).says("my father is not breathing")


def test_a_more_urgent_kind_calls_a_person_again(pack):
    bot = Bot(pack)
    bot.says("my husband died")
    bot.says("yes")
    bot.says("i want to kill myself")
    assert [one.rule for one in bot.escalations] == ["care.bereavement", "care.self_harm"]


def test_a_person_called_for_another_reason_is_told_of_danger(pack):
    bot = Bot(pack)
    bot.says("somebody scammed me", intent="report_fraud")
    assert bot.escalations[0].urgency == "high"
    bot.says("a man with a gun is in the branch")
    assert bot.escalations[-1].rule == "care.violence"
