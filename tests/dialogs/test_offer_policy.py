"""One offer, with its reason, at the right moment, to the right customer; drawn with known odds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.offer_policy import (
    NO_OFFER,
    OfferContext,
    ScoredOffer,
    choice_probabilities,
    draw_choice,
    eligible_offers,
    is_met,
    occasion_draw,
)
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Condition
from dialogs.pack.yaml_source import PackError
from dialogs.values import OfferAnswered, OfferMade
from tests.support.packs import bank_pack, copy_bank_pack
from tests.support.scripted_mind import Bot

PACK = bank_pack()
SURE = replace(PACK, offer_rules=replace(PACK.offer_rules, no_offer_share=0.0))
CALM = {"upset": 0.02, "upset_spread": 0.03}
RICH = {
    "finished_flow": "check_balance",
    "values": {"account": "checking", "balance": "1842.17"},
    "earlier_actions": ("balance",),
    "tier": "standard",
    "identity_verified": True,
    "channel": "chat",
}


class Shop(Bot):
    """A conversation in which something may be offered; keeps what was logged of that."""

    def __post_init__(self) -> None:
        self.chance = 0.5
        self.log: list[OfferMade | OfferAnswered] = []
        super().__post_init__()

    def _keep(self, decision, what=None) -> str:
        self.log += decision.offers
        return super()._keep(decision, what)

    def says(self, text: str, sure: float = 0.9, **more: object) -> str:
        return super().says(text, sure, **{**CALM, **more})

    def outcomes(self) -> list[str]:
        return [one.outcome for one in self.log if isinstance(one, OfferAnswered)]


def after_balance(pack=SURE, balance="1842.17", channel="chat", **more) -> Shop:
    shop = Shop(pack, channel)
    shop.says("what's my checking balance", **more)
    shop.identifies()
    shop.bank(balance=balance)
    return shop


def test_an_offer_comes_with_its_reason_in_place_of_the_usual_question():
    shop = after_balance()
    assert "$1,842.17" in shop.text
    assert "your checking account holds more than $1,500" in shop.text
    assert "anything else" not in shop.text
    reply = shop.last.replies[-1]
    assert reply.reason == "your checking account holds more than $1,500"
    assert reply.suggestions == ("Yes", "No, thanks")
    assert shop.last.expectation.kind == "yes_no"
    (made,) = shop.log
    assert (made.chosen, made.propensity) == ("savings_advice", pytest.approx(1.0))
    assert made.context == {
        "just_done": "check_balance", "history": "verify_customer balance", "mood": "calm",
        "tier": "standard", "channel": "chat",
    }  # fmt: skip


def test_yes_begins_what_was_offered_and_its_end_is_noted():
    shop = after_balance()
    assert "Which branch" in shop.says("yes")
    assert shop.state.tasks[0].slots["topic"].value == "savings and investments"
    for answer in ("downtown", "tomorrow", "at ten", "yes"):
        shop.says(answer)
    shop.bank(reference="7")
    assert shop.outcomes() == ["accepted", "completed"]
    assert "savings" not in shop.last.replies[-1].text, "not offered twice"


def test_what_was_begun_may_be_given_up():
    shop = after_balance()
    shop.says("yes")
    shop.says("cancel")
    assert shop.outcomes() == ["accepted", "abandoned"]


def test_no_is_taken_for_a_no():
    shop = after_balance()
    said = shop.says("no thanks")
    assert "fine" in said or "All right" in said
    assert "anything else" in said or "help you with" in said
    assert shop.outcomes() == ["declined"]
    shop.says("pay my water bill, ten dollars")
    shop.says("yes")
    shop.bank(reference="1")
    assert len(shop.log) == 2, "no offer so soon after a no"


@pytest.mark.parametrize("text", ["thank you", "what are your hours downtown", "blub"])
def test_going_on_without_an_answer_is_an_answer_too(text):
    shop = after_balance()
    shop.says(text, 0.1 if text == "blub" else 0.9)
    assert shop.outcomes() == ["ignored"]
    assert shop.state.question.kind != "offer"


def test_the_same_again_is_still_understood():
    shop = after_balance()
    shop.says("and in savings?")
    assert shop.calls[-1].arguments["account"] == "savings"
    assert shop.outcomes() == ["ignored"]


def test_yes_after_silence_is_no_yes_to_the_offer():
    shop = after_balance(channel="call")
    shop.nothing()
    assert shop.outcomes() == ["ignored"]
    shop.says("yes")
    assert shop.state.tasks == ()


def test_hardly_heard_is_asked_again():
    shop = after_balance(channel="call")
    shop.says("mumble", heard=0.1)
    assert shop.outcomes() == []
    shop.says("yes")
    assert shop.outcomes() == ["accepted"]


def test_a_page_of_the_documents_is_quoted_with_its_source():
    shop = Shop(SURE)
    shop.says("pay my water bill, ten dollars")
    shop.identifies()
    shop.says("yes")
    assert "you just paid a bill" in shop.bank(reference="1")
    said = shop.says("yes please")
    assert shop.last.replies[0].source.title == "Scheduled Payments: Setting up recurring payments"
    assert "Select the recipient. Enter the payment amount" in said
    assert "anything else" in said or "help you with" in said


@pytest.mark.parametrize(
    "mood",
    [
        {"upset": 0.4, "upset_spread": 0.1},
        {"upset": 0.1, "upset_spread": 0.28},
        {"upset": 0.1, "upset_spread": 0.6},
        {"upset": 0.6, "upset_spread": 0.1},
    ],
)
def test_nothing_for_who_may_be_upset_or_is_not_known_to_be_calm(mood):
    shop = Shop(SURE)
    shop.says("what's my checking balance", **mood)
    shop.says("100421", **mood)
    shop.says("4471", **mood)
    shop.bank(customer="100421", customer_name="Patricia Miller", tier="standard")
    shop.bank(balance="1842.17")
    assert shop.log == []
    assert shop.state.question.kind in ("more", "waiting")


@pytest.mark.parametrize("before", ["this is ridiculous", "i want to dispute a charge"])
def test_nothing_after_what_forbids_it(before):
    shop = Shop(SURE)
    shop.says(before)
    shop.says("cancel")
    shop.says("what's my checking balance")
    shop.identifies()
    shop.bank(balance="1842.17")
    assert shop.log == []


def test_nothing_while_a_person_is_waited_for_or_after_one_was():
    shop = Shop(SURE)
    shop.says("agent")
    shop.says("what's my checking balance")
    shop.identifies()
    shop.bank(balance="1842.17")
    assert shop.log == []
    shop.returns()
    shop.says("what's my checking balance")
    shop.bank(balance="1842.17")
    assert shop.log == []


def test_nothing_while_something_else_that_was_asked_for_waits():
    shop = after_balance()
    shop.says("no")
    assert after_balance(balance="12.00").log == []


def test_what_is_not_done_well_is_no_occasion():
    shop = Shop(SURE)
    shop.says("what's my checking balance")
    shop.identifies()
    shop.bank(ok=False, reason="unavailable")
    assert shop.log == []


def test_a_dialogue_without_a_number_offers_nothing():
    bot = Bot(SURE)
    bot.says("what's my checking balance", **CALM)
    bot.identifies()
    bot.bank(balance="1842.17")
    assert bot.last.offers == ()


def test_a_pack_without_offers_works():
    assert after_balance(replace(PACK, offer_rules=None)).log == []


def test_silence_is_a_choice_that_is_logged():
    silent = replace(PACK, offer_rules=replace(PACK.offer_rules, no_offer_share=0.999999))
    shop = after_balance(silent)
    (made,) = shop.log
    assert made.chosen == NO_OFFER
    assert made.propensity == pytest.approx(0.999999)
    assert "anything else" in shop.text or "help you with" in shop.text


def test_personal_offers_need_an_identity_and_reasons_are_needed_for_all():
    rich = OfferContext(**RICH)
    assert set(eligible_offers(PACK.offer_rules, rich, frozenset())) == {"savings_advice"}
    assert (
        eligible_offers(PACK.offer_rules, replace(rich, identity_verified=False), frozenset()) == {}
    )
    assert eligible_offers(PACK.offer_rules, rich, frozenset({"savings_advice"})) == {}
    met = replace(rich, earlier_actions=("book_appointment",))
    assert eligible_offers(PACK.offer_rules, met, frozenset()) == {}
    market = replace(rich, values={"account": "money market", "balance": "2000"})
    assert eligible_offers(PACK.offer_rules, market, frozenset()) == {}
    preferred = replace(market, tier="preferred")
    assert eligible_offers(PACK.offer_rules, preferred, frozenset()) == {}, (
        "too little speaks for it"
    )


@pytest.mark.parametrize(
    ("condition", "true"),
    [
        (Condition(), True),
        (Condition(finished_flows=("check_balance",)), True),
        (Condition(finished_flows=("pay_bill",)), False),
        (Condition(earlier_actions=("balance", "x")), True),
        (Condition(tiers=("preferred",)), False),
        (Condition(channels=("call",)), False),
        (Condition(slots=(("account", ("checking", "savings")),)), True),
        (Condition(slots=(("account", ("savings",)),)), False),
        (Condition(at_least=(("balance", 1842.17),)), True),
        (Condition(at_least=(("balance", 1842.18),)), False),
        (Condition(at_least=(("account", 1.0),)), False),
        (Condition(below=(("balance", 2000.0),)), True),
        (Condition(below=(("amount", 2000.0),)), False),
    ],
)
def test_conditions(condition, true):
    assert is_met(condition, OfferContext(**RICH)) is true


SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(-30, 30), min_size=1)


@given(SCORES, st.floats(0, 0.99), st.floats(0.01, 1))
def test_chances_add_up_and_nobody_is_left_without_one(scores, silence, explore):
    rules = replace(PACK.offer_rules, no_offer_share=silence, exploration_share=explore)
    found = choice_probabilities(
        rules, {name: ScoredOffer(score, "") for name, score in scores.items()}
    )
    assert sum(found.values()) == pytest.approx(1.0)
    floor = (1 - silence) * explore / len(scores)
    assert all(p >= floor * 0.999 for name, p in found.items() if name)
    assert found.get(NO_OFFER, 0.0) == pytest.approx(silence)
    assert choice_probabilities(rules, {}) == {NO_OFFER: 1.0}


def test_choices_are_drawn_as_often_as_their_chances_say():
    wanted = {"a": 0.5, "b": 0.3, NO_OFFER: 0.2}
    drawn = [draw_choice(wanted, occasion_draw(chance / 2000, 1)) for chance in range(2000)]
    for name, share in wanted.items():
        assert drawn.count(name) / 2000 == pytest.approx(share, abs=0.04)
    assert draw_choice(wanted, 0.9999999999999999) == NO_OFFER
    assert draw_choice({"a": 0.3, "b": 0.3}, 0.99) == "b"


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 9))
def test_the_number_of_an_occasion_is_a_number_between_0_and_1(chance, occasion):
    assert 0 <= occasion_draw(chance, occasion) < 1
    assert occasion_draw(chance, occasion) == occasion_draw(chance, occasion)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("say: offer.virtual_card", "say: offer.virtul_card", 'did you mean "offer.virtual_card"'),
        ("flow: schedule_appointment", "flow: schedule_appointmnt", "schedule_appointment"),
        ("card_management_002", "card_management_999", "no document"),
        ("topic: savings and investments", "topic: gold", 'topic is never "gold"'),
        ("slots: {topic:", "slots: {card:", "never asks for card"),
        ("part: 2 ", "part: 22 ", "has 4 parts"),
        ("document: doc_credit", "flow: verify\n      document: doc_credit", "or to a document"),
        ("done: [check_balance]", "done: [check_balanc]", "check_balance"),
        ("before: [book_appointment]", "before: [book]", "no action"),
        ("at_least: {balance: 1500}", "at_least: {balanse: 1500}", 'did you mean "balance"'),
        ("[complaint, talk", "[complaints, talk", 'did you mean "complaint"'),
        ("explore: 0.1", "explore: 0", "greater than 0"),
        ("most: 2", "moste: 2", 'did you mean "most"'),
    ],
)
def test_offers_that_do_not_hold_together_are_refused(old, new, says, tmp_path):
    copy_bank_pack(tmp_path / "pack")
    file = tmp_path / "pack" / "offers.yaml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(PackError, match=r"offers\.yaml:\d+: ") as caught:
        load_pack(tmp_path / "pack")
    assert says in caught.value.message


def test_how_a_declined_offer_is_answered_must_be_said(tmp_path):
    copy_bank_pack(tmp_path / "pack")
    file = tmp_path / "pack" / "replies.yaml"
    file.write_text(file.read_text().replace("  offer.declined:", "  offer.refused:", 1))
    with pytest.raises(PackError, match="offer.declined"):
        load_pack(tmp_path / "pack")


def test_a_document_that_is_not_there():
    with pytest.raises(IndexError):
        PACK.knowledge.document_part("nowhere", 1)
