"""What a person is told is what was said, with the turn it was said in."""

from __future__ import annotations

import pytest

from dialogs.escalation.summary import mask_secrets
from tests.support.scripted_mind import Bot, understood


def test_everything_that_matters_is_there_and_no_secret(pack):
    bot = Bot(pack)
    bot.says("balance of savings please, my passcode is 4471", upset=0.2, upset_spread=0.1)
    bot.says("100421")
    bot.says("4471")
    bot.bank(customer="100421", customer_name="Patricia Miller", tier="standard")
    bot.bank(balance="106.00")
    bot.says("move fifty dollars to savings", upset=0.8, upset_spread=0.15)
    bot.says("this is ridiculous, agent", upset=0.9, upset_spread=0.1)
    (escalation,) = bot.escalations
    assert escalation.summary.splitlines() == [
        'Wants: "balance of savings please, my passcode is [digits]" (turn 1); '
        '"move fifty dollars to savings" (turn 4); "this is ridiculous, agent" (turn 5)',
        "In progress: transfer; known: amount $50.00 (turn 4), "
        "account the money goes to savings (turn 4); missing: account the money comes from",
        "Bank: verify customer done (turn 3); balance done (turn 3)",
        "Identity: confirmed, Patricia Miller",
        "Upset, 0 to 1: 0.20 (turn 1), 0.10 (turn 2), 0.10 (turn 3), 0.80 (turn 4), 0.90 (turn 5)",
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("my passcode is 4471", "my passcode is [digits]"),
        ("Pin four four seven one, thanks", "Pin [digits], thanks"),
        ("my customer number is 100421 agent", "my customer number is [digits] agent"),
        ("move $4471 to savings", "move $4471 to savings"),
        ("move 4471 dollars to savings", "move 4471 dollars to savings"),
        ("on december 3 2026", "on december 3 2026"),
        ("by 11/24/2026 please", "by 11/24/2026 please"),
        ("order 12 boxes", "order 12 boxes"),
    ],
)
def test_secret_slots_are_left_out_of_quotes_and_nothing_else(pack, said, kept):
    """That any other private number is a surrogate is the vault's (tests/agent/privacy)."""
    assert mask_secrets(said, pack, understood(pack, said)) == kept


def test_promises_and_refusals_are_told(pack):
    bot = Bot(pack)
    bot.says("i need a new debit card")
    bot.identifies()
    bot.says("yes")
    bot.bank(arrives="2026-12-03")
    bot.says("balance of savings")
    bot.bank(ok=False, reason="unavailable")
    bot.says("agent")
    summary = bot.escalations[0].summary
    assert "replace card done (turn 4)" in summary
    assert "balance refused, unavailable (turn 5)" in summary
    assert 'Told the customer: "Your new debit card is ordered.' in summary


def test_a_mood_nobody_knows_is_not_called_neutral(pack):
    bot = Bot(pack)
    bot.says("agent", upset=0.5, upset_spread=1.0)
    assert "Upset: not known" in bot.escalations[0].summary


def test_an_action_under_way_is_told(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings", upset=0.9, upset_spread=0.1)
    bot.identifies()
    bot.says("yes do it", upset=0.95, upset_spread=0.05)
    if not bot.escalations:
        bot.bank(reference="1")
        bot.says("agent")
    assert "transfer" in bot.escalations[0].summary


def test_wrong_answers_are_counted_and_an_action_under_way_is_told(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    bot.says("100421")
    bot.says("1111")
    bot.bank(ok=False, reason="no_match")
    bot.says("100421")
    bot.says("4471")
    bot.says("agent")
    bot.bank(ok=False, reason="no_match")
    assert "not confirmed, 2 wrong answers" in bot.escalations[0].summary
