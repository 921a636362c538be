"""`hearken evaluate escalation`: folds share no conversation, nothing looks ahead, and the policy
that is measured is the policy that serves."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from agent.cli.main import app
from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.escalation.batch_understanding import (
    NO_QUESTION,
    TRANSCRIPT_DATE,
    understand_all,
)
from agent.lab.evaluation.escalation.context import domain_folds
from agent.lab.evaluation.escalation.goals import escalation_goals
from agent.lab.evaluation.escalation.handoff_scores import (
    HandoffDecisions,
    first_turn_above,
    handoff_scores,
    lead_time,
)
from agent.lab.evaluation.escalation.policy_replay import TASK_RULES, policy_trace, replay_policy
from agent.lab.evaluation.escalation.running_features import conversation_summary, running_features
from agent.lab.evaluation.escalation.satisfaction import rated_turns
from agent.lab.evaluation.escalation.scored_rows import ScoredRows
from agent.lab.evaluation.escalation.weight_tuning import (
    handoff_turns,
    rule_scores,
    term_amounts,
    tune_weights,
)
from agent.lab.evaluation.escalation.weight_tuning import pack_weights as as_given
from agent.lab.training.understanding.rated_dialogues import (
    Exchange,
    RatedDialogue,
    read_star,
    read_uss,
)
from agent.understanding.text_features import TfidfFeatures, plain_text
from agent.understanding.text_models import TextAffectModel
from agent.understanding.turn_understanding import TurnUnderstanding
from dialogs.escalation.scoring import probability
from dialogs.pack.model import ErrorCosts
from dialogs.values import Understanding
from tests.support.packs import bank_pack

WEIGHTS = Path(__file__).parents[4] / "agent" / "weights"
PACK = bank_pack()
LOST = "I am sorry, I don't understand."
WHAT = {  # what a mind might make of these
    "balance": Understanding("balance", "check_balance", 0.9, upset=0.02, upset_spread=0.05),
    "angry": Understanding("angry", "complaint", 0.8, upset=0.95, upset_spread=0.1),
    "hm": Understanding("hm", "out_of_scope", 0.9, upset=0.1, upset_spread=0.5),
    "person": Understanding("person", "talk_to_person", 0.97, upset=0.2, upset_spread=0.3),
    "fraud": Understanding("fraud", "report_fraud", 0.95, upset=0.3, upset_spread=0.3),
}
turns = st.lists(
    st.tuples(st.sampled_from(["", "Anything else?", LOST]), st.sampled_from(sorted(WHAT))),
    min_size=1,
    max_size=9,
)


def talk(pairs, last="Goodbye.", name="t", annoyed=None, ratings=()):
    ratings = (*ratings, *[None] * len(pairs))
    exchanges = tuple(Exchange(*pair, rating) for pair, rating in zip(pairs, ratings, strict=False))
    return RatedDialogue(name, "made", exchanges, last, annoyed)


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def test_uss_is_read_turn_by_turn_without_acts_and_without_its_last_line(tmp_path):
    said = [
        {"s": "S", "text": "Hello.", "act": "GREET"},
        {"s": "S", "text": "What film?"},
        {"s": "U", "text": "No idea", "act": "NEGATE", "sat": [2, 3, 2]},
        {"s": "U", "text": "Any"},
        {"s": "S", "text": "Bye"},
        {"s": "U", "text": "OVERALL", "sat": [1, 1, 1]},
    ]
    write(tmp_path / "uss" / "CCPE.jsonl.gz", [{"id": "CCPE_0", "turns": said}])
    (read,) = read_uss(tmp_path, "CCPE")
    assert read.text_pairs == [("Hello. What film?", "No idea"), ("", "Any")]
    assert [exchange.is_dissatisfied for exchange in read.exchanges] == [True, False]
    assert read.last_agent_text == "Bye"
    assert read.reply(0) == ""
    assert read.reply(1) == "Bye"


def test_star_is_read_without_instructions(tmp_path):
    question = "Did the user become aggressive or annoyed during the dialogue?"
    events = [
        {"a": "UserGuide", "text": "Be angry."},
        {"a": "User", "text": "Hi"},
        {"a": "Wizard", "text": "Name?", "label": "ask_name"},
        {"a": "Wizard", "act": "query"},
        {"a": "User", "text": "Jo"},
    ]
    row = {"id": 1, "domains": ["bank", None], "events": events}
    for name, answers in (("bank", [True, None]), ("other", [False])):
        rows = [{**row, "wizard_q": {question: answer}} for answer in answers]
        write(tmp_path / "star" / f"{name}_dialogues.jsonl.gz", rows)
    first, second = read_star(tmp_path)  # nobody was asked about the other one
    assert first.text_pairs == [("", "Hi"), ("Name?", "Jo")]
    assert (first.annoyed, second.annoyed) == (True, False)
    assert first.domain == "bank"


def feelings():
    features = TfidfFeatures.fit(["fine", "awful"], (("word", (1, 1), 1, 9),))
    none = np.zeros((2, 3), dtype=np.float32)
    upset = np.array([1.0, -1.0], dtype=np.float32)
    return TextAffectModel(features, none, np.zeros(3, dtype=np.float32), upset, -2.0, -2.2)


def test_folds_share_no_conversation():
    talks = [
        talk([("", "fine"), ("Name?", "awful")], name=str(n), ratings=(3.0, 2.0)) for n in range(60)
    ]
    rated = rated_turns(talks, feelings())
    assert rated.is_dissatisfied.tolist() == [False, True] * 60
    for folds in (rated.outer_fold, rated.inner_fold, rated.part):
        assert len(set(folds.tolist())) > 1
        for number in range(60):
            assert len(set(folds[rated.conversation == number].tolist())) == 1
    domains = [replace(one, domain=f"d{n % 7}") for n, one in enumerate(talks)]
    of = dict(zip([one.domain for one in domains], domain_folds(domains), strict=True))
    assert domain_folds(domains) == [of[one.domain] for one in domains]


@given(now=st.lists(st.floats(-9, 9), min_size=1, max_size=9), later=st.lists(st.floats(-9, 9)))
def test_a_course_looks_back_only(now, later):
    one = running_features(np.array(now), np.zeros(len(now), int))
    both = running_features(np.array(now + later), np.zeros(len(now) + len(later), int))
    assert (both[: len(now)] == one).all()
    after_others = running_features(
        np.array(later + now), np.r_[np.zeros(len(later), int), np.ones(len(now))]
    )
    assert after_others[len(later) :] == pytest.approx(one)


def test_whole_conversations():
    found = conversation_summary(np.array([1.0, 3.0, 2.0, 5.0]), np.array([0, 0, 0, 4]))
    assert found.tolist() == [[3.0, 2.0, 2.5, 2.0], [5.0, 5.0, 5.0, 5.0]]


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 5)), min_size=4, max_size=30))
@settings(max_examples=20)
def test_an_interval_holds_its_value(rows):
    truth, scores = (np.array(column) for column in zip(*rows, strict=True))
    found = ScoredRows("x", truth, scores, np.arange(len(rows)) // 2).ece()
    assert found.low <= found.value <= found.high
    assert found.clusters == (len(rows) + 1) // 2


def test_conversations_are_drawn_whole():
    truth, scores = np.array([True, False] * 2), np.array([2.0, 1.0, 2.0, 1.0])
    assert ScoredRows("x", truth, scores, np.array([0, 0, 1, 1])).auroc().low == 1.0
    assert np.isnan(ScoredRows("x", truth[:1], scores[:1], np.array([0])).auroc().value)


def test_goals_say_what_was_reached():
    truth = np.arange(400) % 4 == 0
    perfect = ScoredRows("MWOZ", truth, np.where(truth, 9.0, -9.0), np.arange(400) // 4)
    reached, calibrated = escalation_goals([perfect])
    assert (reached.limit, reached.got, reached.met) == (0.8, 1.0, True)
    assert calibrated.met
    wrong = ScoredRows("STAR", truth, np.where(truth, -9.0, 9.0), np.arange(400))
    assert not any(goal.met for goal in escalation_goals([wrong]))


def test_outcomes_by_hand():
    found = handoff_scores(
        HandoffDecisions.from_turns([True, True, False, False, False], [3, None, 0, None, None]),
        ErrorCosts(5, 1),
    )
    assert found.precision.value == found.recall.value == found.f1.value == 0.5
    assert found.calls_per_100.value == 40.0
    assert found.false_alarms.value == pytest.approx(1 / 3)
    assert found.cost.value == (5 + 1) / 5


def test_lead_by_hand():
    low = [(3.0, 3.0, 2.0), (2.0,), (3.0, 2.4), (2.0, 2.0), (4.0,)]
    talks = [talk([("", "hm")] * len(ratings), ratings=ratings) for ratings in low]
    found = lead_time(talks, [0, 0, None, 1, 0])
    assert (found.talks, found.before, found.at, found.after, found.never) == (4, *[0.25] * 4)
    assert found.median == 0.0
    assert lead_time(talks, [None] * 5).median is None
    assert first_turn_above([0.1, 0.7, 0.9], 0.7) == 1
    assert first_turn_above([0.1], 0.7) is None


@given(pairs=turns, more=turns)
def test_what_comes_later_changes_no_judgement(pairs, more):
    """But for the answer to the last turn, which says whether it was understood."""
    alone = list(replay_policy(PACK, talk(pairs, last=more[0][0]), WHAT))
    longer = list(replay_policy(PACK, talk(pairs + more), WHAT))
    assert longer[: len(pairs)] == alone


@given(pairs=turns)
def test_a_cause_calls_once_and_urgency_only_rises(pairs):
    found = policy_trace(PACK, talk(pairs), WHAT)
    ranks = [PACK.rules[rule].urgency == "high" for _, rule in found.handoffs]
    assert len(ranks) <= 2
    assert ranks == sorted(set(ranks))
    assert found.refire_count <= found.left
    assert found.first_handoff(TASK_RULES) in (None, *(turn for turn, _ in found.handoffs))


def test_asking_for_a_person_and_not_being_understood():
    assert policy_trace(PACK, talk([("", "person")]), WHAT).handoffs == ((0, "explicit_request"),)
    again = [("", "hm"), (LOST, "hm"), (LOST, "hm"), (LOST, "balance")]
    states = [asked.state.misses for asked, _ in replay_policy(PACK, talk(again), WHAT)]
    assert states == [1, 2, 3, 0]
    assert policy_trace(PACK, talk([("", "fraud")]), WHAT).first_handoff(TASK_RULES) is None


@given(pairs=turns)
@pytest.mark.parametrize("name", ["upset_over_turns", "repeated_misunderstanding"])
def test_amounts_times_weights_are_the_policys_own_score(name, pairs):
    rule, one = PACK.rules[name], talk(pairs)
    seen = term_amounts(PACK, name, [one], WHAT)
    mine = rule_scores(as_given(rule), seen)
    theirs = [
        next(j for j in judgement.rule_scores if j.rule == name)
        for _, judgement in replay_policy(PACK, one, WHAT)
    ]
    assert mine == pytest.approx([j.score for j in theirs])
    above = [j.probability >= rule.enter and j.led_to != "too_few_turns" for j in theirs]
    fired = handoff_turns(as_given(rule), seen, rule, 1)[0]
    assert fired == next((at for at, fires in enumerate(above) if fires), None)


def test_tuning_learns_what_upset_is_worth():
    angry, calm = [("", "angry")] * 3, [("", "balance")] * 3
    talks = [talk(angry if n % 4 == 0 else calm, annoyed=n % 4 == 0) for n in range(40)]
    needed, rule = np.array([one.annoyed for one in talks]), PACK.rules["upset_over_turns"]
    seen = term_amounts(PACK, rule.name, talks, WHAT, context=np.zeros(120))
    found = tune_weights(seen, needed, np.arange(40) < 30, rule, PACK.error_costs)
    assert found.terms["upset"] > 0 >= found.terms["calm"]
    assert found.terms["going_wrong"] == found.terms["not_understood"] == 0
    turns = handoff_turns(found, seen, rule, 40)
    assert [turn is not None for turn in turns] == needed.tolist()
    assert max(probability(value) for value in rule_scores(found, seen)[3:12]) < rule.enter


@pytest.mark.model
def test_counted_beforehand_the_mind_answers_the_same():
    mind = TurnUnderstanding.load(PACK, WEIGHTS)
    texts = ["What is my balance?", "", "I lost my card and you are useless", "42", "no, savings"]
    quick = understand_all(mind, texts)
    for text in texts:
        slow = mind.understand(text, None, NO_QUESTION, TRANSCRIPT_DATE, 0, 0.0)
        assert quick[text].intent == slow.intent
        assert quick[text].confidence == pytest.approx(slow.confidence, abs=1e-6)
        assert quick[text].upset == pytest.approx(slow.upset, abs=1e-6)
        assert quick[text].slots == slow.slots
    assert plain_text(texts[0]) == "what is my balance"


def test_a_folder_without_the_sets_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="star"):
        CliRunner().invoke(
            app, ["evaluate", "escalation", "--data", str(tmp_path)], catch_exceptions=False
        )
