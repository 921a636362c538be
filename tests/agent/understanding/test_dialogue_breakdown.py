"""Whether a conversation goes wrong: the shares add up, nothing looks ahead, nothing old counts."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.lab.training.understanding.dialogue_breakdown import (
    USED_SIGNS,
    WEIGHTS_FILE,
    BreakdownSettings,
    DialogueTurns,
    fit_breakdown_model,
    log_odds,
)
from agent.lab.training.understanding.rated_dialogues import Exchange, RatedDialogue
from agent.understanding.conversation_features import (
    FEATURE_NAMES,
    MAX_RECENT_TURNS,
    conversation_features,
    count_turn,
)
from agent.understanding.dialogue_breakdown import BreakdownModel, PrecedingTurns
from agent.understanding.text_features import TfidfFeatures, WeightsError, plain_text
from agent.understanding.text_models import TextAffectModel

SHIPPED = Path(__file__).parents[3] / "agent" / "weights"
CALM = ("hello there", "my number is 12", "yes please", "thanks, that is great", "a table for two")
CROSS = ("this is ridiculous", "I told you that already", "no, that is wrong!", "useless, USELESS")
REPLIES = (
    "What is your number?",
    "I am sorry, I don't understand.",
    "Unfortunately there is none.",
)

lines = st.sampled_from([*CALM, *CROSS, "", "?!", "\u00e9\u00e8 9 9 9"]) | st.text(max_size=30)
talks = st.lists(st.tuples(lines, lines), min_size=1, max_size=12)


def conversations():
    for number, (first, last) in enumerate(product(CALM, (*CALM, *CROSS))):
        cross = last in CROSS
        turns = (
            Exchange("", first),
            Exchange(REPLIES[number % 3], first),
            Exchange(REPLIES[1], last),
        )
        yield RatedDialogue(str(number), "made", turns, annoyed=cross)


def feelings():
    features = TfidfFeatures.fit(
        [plain_text(text) for text in (*CALM, *CROSS)], (("word", (1, 2), 1, 99),)
    )
    many = len(features.names)
    upset = np.array(["ridiculous" in name for name in features.names], dtype=np.float32)
    none = np.zeros((many, 3), dtype=np.float32)
    return TextAffectModel(features, none, np.zeros(3, dtype=np.float32), upset, -2.0, -2.2)


@pytest.fixture(scope="module")
def model():
    return fit_breakdown_model(
        list(conversations()), feelings(), BreakdownSettings(regularisation_c=1.0, folds=3)
    )


def asked(model, pairs):
    """The verdict on the last turn of (told, said) pairs."""
    told, said = zip(*pairs, strict=True)
    return model(said[-1], PrecedingTurns(said[:-1], told))


@given(pairs=talks)
def test_terms_and_bias_add_up(model, pairs):
    verdict = asked(model, pairs)
    assert verdict.log_odds == pytest.approx(verdict.bias + sum(t.weight for t in verdict.terms))
    assert 0.0 < verdict.probability < 1.0
    assert all(0 <= term.turns_ago < MAX_RECENT_TURNS for term in verdict.terms)


@given(pairs=talks, more=talks)
def test_what_comes_later_changes_no_sign_of_an_earlier_turn(pairs, more):
    turns = [count_turn(*pair) for pair in pairs]
    later = turns + [count_turn(*pair) for pair in more]
    assert (conversation_features(later)[: len(turns)] == conversation_features(turns)).all()
    assert np.isfinite(conversation_features(turns)).all()


@given(pairs=talks)
def test_rows_trained_on_are_the_model(model, pairs):
    talk = RatedDialogue("x", "made", tuple(Exchange(*pair) for pair in pairs))
    turns = DialogueTurns.from_dialogues([talk, talk])
    found = log_odds(model, turns, turns.fading_words(model.features, model.word_decay))
    one_by_one = [asked(model, pairs[: at + 1]).log_odds for at in range(len(pairs))] * 2
    assert found == pytest.approx(one_by_one, abs=1e-4)


@given(
    old=talks,
    pairs=st.lists(st.tuples(lines, lines), min_size=MAX_RECENT_TURNS, max_size=MAX_RECENT_TURNS),
)
def test_what_is_long_past_changes_nothing(model, old, pairs):
    assert asked(model, [*old, *pairs]).log_odds == pytest.approx(asked(model, pairs).log_odds)


def test_the_first_turn_repeats_nothing():
    first = dict(
        zip(
            FEATURE_NAMES,
            conversation_features([count_turn("hello", "my card is lost")])[0],
            strict=True,
        )
    )
    assert not any(value for name, value in first.items() if "again" in name or "same" in name)


def test_saying_it_again_and_being_told_the_same_shows():
    same = count_turn("What is your number?", "I lost my card")
    second = dict(zip(FEATURE_NAMES, conversation_features([same, same])[1], strict=True))
    assert second["says the last again"] == second["told the last again"] == 1.0
    assert second["times told the same"] == 1.0


def test_it_learns_and_is_calibrated(model):
    cross = asked(model, [("", "hello there"), (REPLIES[1], "this is ridiculous")])
    calm = asked(model, [("", "hello there"), (REPLIES[1], "thanks, that is great")])
    assert cross.log_odds > calm.log_odds + 1.0
    assert {term.term for term in cross.terms} & {"word: ridiculous", "word: is ridiculous"}
    rows = DialogueTurns.from_dialogues(list(conversations()))
    claimed = 1 / (
        1 + np.exp(-log_odds(model, rows, rows.fading_words(model.features, model.word_decay)))
    )
    assert claimed.mean() == pytest.approx(rows.annoyed.mean(), abs=0.1)


def test_only_signs_that_mean_the_same_in_any_trade_weigh(model):
    weighing = {
        name for name, weight in zip(FEATURE_NAMES, model.feature_weights, strict=True) if weight
    }
    assert weighing
    assert weighing <= set(USED_SIGNS)


def test_weights_read_back_give_the_same(model, tmp_path):
    model.save(tmp_path / "context.safetensors")
    again = BreakdownModel.load(tmp_path / "context.safetensors")
    pairs = [("", "hello there"), (REPLIES[1], "I told you that already")]
    assert asked(again, pairs).log_odds == pytest.approx(asked(model, pairs).log_odds, abs=1e-3)
    feelings().save(tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="hearken train trouble"):
        BreakdownModel.load(tmp_path / "other.safetensors")


def test_calm_conversations_alone_teach_nothing():
    calm = [talk for talk in conversations() if not talk.annoyed]
    with pytest.raises(WeightsError, match="annoyed and calm"):
        fit_breakdown_model(calm, feelings())


def test_what_was_told_stands_before_what_was_said():
    with pytest.raises(WeightsError, match="before each"):
        PrecedingTurns(("hello",), ("",))


@pytest.mark.model
def test_the_shipped_model():
    path = SHIPPED / WEIGHTS_FILE
    assert path.stat().st_size < 1_000_000
    shipped = BreakdownModel.load(path)
    ask = "Could I get your full name, please?"
    lost = "I am sorry, I don't quite understand what you mean."
    well = [("", "Hi, what is my balance?"), (ask, "Jane Doe"), ("It is $40.", "Great, thank you!")]
    badly = [
        ("", "What is my balance?"),
        (lost, "What is my balance??"),
        (lost, "This is useless."),
    ]
    assert asked(shipped, badly).probability > 0.3 > 0.05 > asked(shipped, well).probability
