"""When a person takes over, why, and how that is explained."""

from __future__ import annotations

from dataclasses import replace
from math import fsum, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialogs.escalation.scoring import ScoredTurn, assess_escalation, probability
from dialogs.pack.loader import load_pack
from dialogs.pack.model import ErrorCosts
from dialogs.state import DialogueState
from dialogs.values import Evidence, History, Understanding
from tests.support.packs import bank_pack, copy_bank_pack
from tests.support.scripted_mind import Bot

PACK = bank_pack()
ANGRY = {"upset": 0.9, "upset_spread": 0.1}
GUESS = {"upset": 0.9, "upset_spread": 0.7}
CALM = {"upset": 0.05, "upset_spread": 0.1}


def test_asking_for_a_person_is_enough(pack):
    bot = Bot(pack)
    said = bot.says("let me talk to a person")
    (escalation,) = bot.escalations
    assert escalation.rule == "explicit_request"
    assert escalation.probability > 0.9
    assert "colleague" in said or "Of course" in said
    assert [e.term for e in escalation.evidence] == ["baseline", "asked_for_person"]
    assert escalation.evidence[1].turn == 1
    assert escalation.evidence[1].detail == "let me talk to a person"


def test_a_doubtful_request_is_asked_about_first(pack):
    bot = Bot(pack)
    assert "Do you want to talk to a person?" in bot.says("hm the agent thing", 0.4)
    assert bot.escalations == []
    bot.says("yes")
    assert bot.escalations[0].rule == "explicit_request"
    assert bot.escalations[0].probability > 0.9


def test_asking_twice_is_one_escalation(pack):
    bot = Bot(pack)
    bot.says("agent")
    assert "colleague" in bot.says("agent")
    bot.says("agent please")
    assert len(bot.escalations) == 1


def test_after_a_person_has_finished_a_new_request_counts_again(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.says("hello")
    assert "again" in bot.returns()
    bot.says("agent")
    assert [e.rule for e in bot.escalations] == ["explicit_request"] * 2


def test_one_angry_turn_is_not_enough_and_two_are(pack):
    bot = Bot(pack)
    bot.says("balance of savings", **ANGRY)
    assert bot.escalations == []
    bot.says("come on", **ANGRY)
    (escalation,) = bot.escalations
    assert escalation.rule == "upset_over_turns"
    assert [e.turn for e in escalation.evidence if e.term == "upset"] == [2, 1]
    fresh, older = (e.weight for e in escalation.evidence if e.term == "upset")
    assert older == pytest.approx(fresh * pack.evidence_decay)


def test_weak_evidence_never_brings_a_person(pack):
    bot = Bot(pack)
    for _ in range(8):
        bot.says("hello", **GUESS)
    assert bot.escalations == []


def test_calm_turns_speak_against_it(pack):
    bot = Bot(pack)
    bot.says("hello", **CALM)
    bot.says("hello", **CALM)
    bot.says("hello", **ANGRY)
    assert bot.escalations == []


def test_the_rule_does_not_flap(pack):
    """It fires once while the customer stays upset, also after a person has been there."""
    bot = Bot(pack)
    bot.says("hello", **ANGRY)
    bot.says("hello", **ANGRY)
    bot.returns()
    bot.says("hello", **ANGRY)
    bot.says("hello", **{"upset": 0.7, "upset_spread": 0.2})
    assert len(bot.escalations) == 1
    for _ in range(6):
        bot.says("hello", **CALM)
    for _ in range(3):
        bot.says("hello", **ANGRY)
    assert len(bot.escalations) == 2


def test_the_strongest_sign_is_named(pack):
    bot = Bot(pack)
    signs = (Evidence("words", 0.4, 1, 1.0, "fed up"), Evidence("voice", 1.2, 1, 1.0, "loud"))
    bot.says("hello", evidence=signs, **ANGRY)
    bot.says("hello", evidence=signs, **ANGRY)
    upset = next(e for e in bot.escalations[0].evidence if e.term == "upset")
    assert upset.detail == "upset 0.90, give or take 0.10: loud"


def test_not_being_understood_again_and_again(pack):
    bot = Bot(pack)
    for _ in range(3):
        bot.says("blub", 0.1)
    assert bot.escalations == []
    assert bot.last.expectation.kind == "yes_no"
    bot.says("blub", 0.1)
    (escalation,) = bot.escalations
    assert escalation.rule == "repeated_misunderstanding"
    assert "not getting this right" in bot.text


def test_fraud_is_urgent_and_the_account_is_made_safe_meanwhile(pack):
    bot = Bot(pack)
    said = bot.says("i was scammed")
    assert bot.escalations[0].rule == "risky_intent"
    assert bot.escalations[0].urgency == "high"
    assert said.startswith("I'm asking our security team")
    assert bot.last.expectation.kind == "digits"
    bot.says("i was scammed out of everything")
    assert len(bot.escalations) == 1


def test_a_fraud_report_ends_with_a_person_although_it_began_doubtfully(pack):
    bot = Bot(pack)
    bot.says("i was scammed, maybe", 0.65)
    assert bot.escalations == []
    bot.identifies()
    bot.says("they called me")
    said = bot.bank(reference="12")
    assert "filed your report" in said
    assert "security team" in said
    assert bot.escalations[0].rule == "risky_intent"


def test_something_more_urgent_is_told_although_a_person_is_waited_for(pack):
    bot = Bot(pack)
    bot.says("agent")
    bot.says("i was scammed")
    assert [e.urgency for e in bot.escalations] == ["normal", "high"]
    bot.says("agent")
    assert len(bot.escalations) == 2


def test_a_lost_card_alone_needs_nobody(pack):
    bot = Bot(pack)
    bot.says("i lost my debit card")
    assert bot.escalations == []


def test_three_wrong_identities(pack):
    bot = Bot(pack)
    bot.says("balance of savings")
    for _ in range(3):
        bot.says("100421")
        bot.says("1111")
        bot.bank(ok=False, reason="no_match")
    (escalation,) = bot.escalations
    assert escalation.rule == "failed_verification"
    assert "which" not in bot.text
    assert "couldn't confirm who you are" in bot.text
    calls = len(bot.calls)
    bot.says("balance of savings")
    bot.says("100421")
    assert len(bot.calls) == calls, "no fourth try"


def test_while_waiting_no_money_moves_and_questions_are_answered(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("agent")
    calls = len(bot.calls)
    assert "won't start it myself" in bot.says("transfer ten dollars from checking to savings")
    bot.says("yes")
    assert len(bot.calls) == calls
    assert "13" in bot.says("what is the minimum age for the light green account")
    bot.says("what are your hours downtown")
    assert bot.calls[-1].name == "branch_hours"


def test_what_was_begun_is_kept_for_afterwards(pack):
    bot = Bot(pack)
    bot.says("transfer ten dollars from checking to savings")
    bot.identifies()
    bot.says("agent")
    assert "go on with your transfer" in bot.returns()
    assert "$10.00" in bot.says("yes")
    bot.says("agent")
    bot.returns()
    assert "stopped your transfer" in bot.says("no")


def test_a_preferred_customer_weighs_a_little(pack):
    state = DialogueState(customer_facts={"tier": "preferred"})
    now = ScoredTurn(1, 1.0, Understanding("x", "", 0.0))
    plain = assess_escalation(pack, DialogueState(), History(), now)
    assert plain.escalation is None
    rule = replace(pack.rules["upset_over_turns"], enter=0.005, leave=0.001, min_turns=1)
    eager = replace(pack, rules={"upset_over_turns": rule})
    judged = assess_escalation(eager, state, History(), now).escalation
    assert judged is not None
    assert "valued_customer" in [e.term for e in judged.evidence]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["hello", "agent", "i was scammed", "this is ridiculous", "blub"]),
            st.floats(0, 1),
            st.floats(0, 1),
        ),
        max_size=12,
    )
)
def test_weights_add_up_and_no_cause_fires_twice_while_waiting(turns):
    bot = Bot(PACK)
    for text, upset, spread in turns:
        bot.says(text, 0.9 if text != "blub" else 0.1, upset=upset, upset_spread=spread)
    for escalation in bot.escalations:
        assert isclose(fsum(e.weight for e in escalation.evidence), escalation.score)
        assert isclose(probability(escalation.score), escalation.probability)
        assert escalation.summary
    assert len({e.rule for e in bot.escalations}) == len(bot.escalations)


def test_the_threshold_follows_from_what_mistakes_cost(pack):
    assert pack.error_costs == ErrorCosts(missed=5, needless=1)
    rule = pack.rules["upset_over_turns"]
    assert rule.enter == pytest.approx(1 / 6)
    assert rule.leave == pytest.approx(0.25 / 6)
    assert pack.rules["explicit_request"].enter == 0.75


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 1))
def test_handing_over_is_the_cheaper_mistake_exactly_above_the_threshold(missed, needless, p):
    costs = ErrorCosts(missed, needless)
    cheaper = p * missed > (1 - p) * needless
    assert cheaper == (p > costs.threshold) or isclose(p, costs.threshold)


def test_a_rule_may_say_its_thresholds_itself(pack, tmp_path):
    copy_bank_pack(tmp_path / "pack")
    file = tmp_path / "pack" / "escalation.yaml"
    said = "least_turns: 2\n    enter: 0.6\n    leave: 0.2"
    file.write_text(file.read_text().replace("least_turns: 2", said))
    rule = load_pack(tmp_path / "pack").rules["upset_over_turns"]
    assert (rule.enter, rule.leave) == (0.6, 0.2)


def test_a_score_out_of_range_is_still_a_probability():
    assert probability(-1000.0) == 0.0
    assert probability(1000.0) == 1.0


def test_last_turns_that_go_wrong_are_evidence_with_their_signs(pack):
    signs = (
        Evidence("usual conversation", -0.5, 1, 1.0),
        Evidence("says the last again", 1.9, 1, 1.0),
        Evidence("word: useless", 2.6, 1, 1.0, "2 turns ago"),
    )
    bot = Bot(pack)
    bot.says("so what is it now", trouble=4.0, trouble_evidence=signs)
    (escalation,) = bot.escalations
    assert escalation.rule == "upset_over_turns"
    (term,) = [e for e in escalation.evidence if e.term == "going_wrong"]
    assert term.weight == pytest.approx(
        4.0 * pack.rules["upset_over_turns"].term_weights["going_wrong"]
    )
    assert term.detail == "word: useless, 2 turns ago, says the last again"
    assert isclose(fsum(e.weight for e in escalation.evidence), escalation.score)


def test_nothing_that_judges_the_last_turns_is_no_evidence(pack):
    bot = Bot(pack)
    bot.says("so what is it now", trouble=0.0)
    assert bot.escalations == []
    judged = [j for j in bot.last.rule_scores if j.rule == "upset_over_turns"]
    assert not [e for j in judged for e in j.terms if e.term == "going_wrong"]
