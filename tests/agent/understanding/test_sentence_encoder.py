import shutil

import numpy as np
import pytest

from agent.lab.training.understanding import intents
from agent.lab.training.understanding.examples import IntentExample
from agent.understanding.sentence_encoder import SentenceEncoder
from agent.understanding.text_features import WeightsError
from agent.understanding.text_models import IntentModel
from agent.understanding.turn_understanding import find_intent_weights
from tests.support import tiny

SAID = ["pay my bill", "i lost my card and i need to have it blocked at once", "hello"]

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny.bert(tmp_path_factory.mktemp("bert"))


def test_sentences_become_unit_vectors_whatever_their_company(folder):
    encoder = SentenceEncoder.load(str(folder))
    together = encoder(SAID)
    assert together.shape == (3, encoder.width)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-3)
    alone = np.concatenate([encoder([one]) for one in SAID])
    np.testing.assert_allclose(together, alone, atol=0.02)  # bfloat16 where the processor has it


def test_the_first_token_counts_where_the_checkpoint_says_so(folder, tmp_path):
    first = tmp_path / "first"
    shutil.copytree(folder, first)
    (first / "1_Pooling").mkdir()
    (first / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}')
    means, firsts = (SentenceEncoder.load(str(one))(SAID) for one in (folder, first))
    assert not np.allclose(means, firsts, atol=0.05)


def test_weights_of_a_known_name_must_be_those(folder, tmp_path):
    known = tmp_path / "all-MiniLM-L6-v2"
    shutil.copytree(folder, known)
    with pytest.raises(WeightsError, match="53aa5117"):
        SentenceEncoder.load(str(known))


def test_what_is_no_encoder_of_sentences_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="hearken models pull nobody/nothing"):
        SentenceEncoder.load("nobody/nothing")
    (tmp_path / "config.json").write_text('{"model_type": "hubert", "architectures": ["X"]}')
    with pytest.raises(WeightsError, match="no BERT-family encoder"):
        SentenceEncoder.load(str(tmp_path))


def rows():
    told = {"pay": ("pay my bill", "pay the gas"), "lost": ("i lost my card", "card is gone")}
    return [
        IntentExample(text, name, "own", "train") for name, some in told.items() for text in some
    ]


def test_intents_trained_beside_an_encoder_are_found_with_it(folder, tmp_path):
    encoder = SentenceEncoder.load(str(folder))
    settings = intents.IntentSettings(noisy_copies=1, hidden_units=4)
    model = intents.fit_intent_model(rows(), None, settings, 0, encoder)
    stored = tmp_path / f"intents-{encoder.sha256}.safetensors"
    model.save(stored)
    found, opened = find_intent_weights(tmp_path, "auto")
    assert found == stored
    again = IntentModel.load(found, opened)
    np.testing.assert_allclose(again.scores(SAID), model.scores(SAID), atol=0.1)
    assert find_intent_weights(tmp_path, "") == (tmp_path / "intents.safetensors", None)
    with pytest.raises(WeightsError, match="train again"):
        IntentModel.load(stored)


def test_an_encoder_nothing_was_trained_beside_says_what_to_do(folder, tmp_path):
    with pytest.raises(WeightsError, match="--sentence-checkpoint"):
        find_intent_weights(tmp_path, str(folder))
    assert find_intent_weights(tmp_path, "auto")[1] is None
