from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.lab.training.understanding.examples import own_examples
from agent.lab.training.understanding.intents import IntentSettings
from agent.lab.training.understanding.intents import fit_intent_model as fitted_intents
from agent.lab.training.understanding.sentiment import SentimentSettings, fit_sentiment_model
from agent.understanding.text_models import IntentModel, TextAffectModel
from dialogs.values import OUT_OF_SCOPE
from tests.support.packs import bank_pack

pytestmark = pytest.mark.model


@cache
def intents():
    pack = bank_pack()
    return fitted_intents(own_examples(pack), pack, IntentSettings(noisy_copies=1))


@cache
def feelings():
    return fit_sentiment_model((), SentimentSettings(folds=2, noisy_copies=0))


def test_intent_probabilities_sum_to_one():
    chances = intents().probabilities(["check my balance", "", "zxqv", "é!"])
    np.testing.assert_allclose(chances.sum(axis=1), 1.0, atol=1e-5)
    assert intents()("what is my balance please").intent == "check_balance"


def test_a_turn_nothing_is_likely_for_is_out_of_scope():
    even = {name: 1.0 / len(intents().intents) for name in intents().intents}
    strict = IntentModel(
        intents().features, intents().weights, intents().bias, intents().intents, threshold=0.5
    )
    verdict = strict.verdict(even)
    assert verdict.intent == OUT_OF_SCOPE
    assert verdict.confidence == pytest.approx(1.0 - 1.0 / len(intents().intents))


@settings(deadline=None)  # the first one trains
@given(text=st.text())
def test_any_text_gets_an_answer(text):
    assert 0.0 <= intents()(text).confidence <= 1.0
    feeling = feelings()(text)
    assert feeling.sentiment is None or -1.0 <= feeling.sentiment <= 1.0
    assert 0.0 <= feeling.known < 1.0


@pytest.mark.parametrize(
    "text", ["this is absolutely ridiculous", "i lost my card and would like a new one please"]
)
def test_terms_and_bias_add_up_to_the_log_odds(text):
    feeling = feelings()(text)
    assert feeling.log_odds == pytest.approx(float(feelings().log_odds([text])[0]), abs=1e-3)
    assert feeling.terms


@pytest.mark.parametrize("text", ["", "four two seven", "4 2 7", "xyzzy", "…"])
def test_too_little_to_judge_has_no_sentiment(text):
    feeling = feelings()(text)
    assert feeling.sentiment is None
    assert feeling.known == 0.0
    assert feeling.log_odds == feelings().base_log_odds


def test_models_are_the_same_after_a_trip_to_disk(tmp_path):
    texts = ["check my balance", "are you kidding me", "thank you so much"]
    intents().save(tmp_path / "i.safetensors")
    feelings().save(tmp_path / "f.safetensors")
    again, felt = (
        IntentModel.load(tmp_path / "i.safetensors"),
        TextAffectModel.load(tmp_path / "f.safetensors"),
    )
    np.testing.assert_allclose(again.scores(texts), intents().scores(texts), atol=0.01)
    np.testing.assert_allclose(felt.log_odds(texts), feelings().log_odds(texts), atol=0.02)
    np.testing.assert_allclose(felt.sentiments(texts), feelings().sentiments(texts), atol=0.01)
