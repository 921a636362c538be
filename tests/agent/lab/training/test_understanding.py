import gzip
import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy.special import logit

from agent.lab.training.understanding import evaluate, intents, mapping, tuning
from agent.lab.training.understanding import examples as prepare
from agent.lab.training.understanding import sentiment as feelings
from agent.lab.training.understanding import voice_evidence as voices
from agent.lab.training.understanding.examples import IntentExample
from agent.lab.training.understanding.noise import POOR_LINE, LineQuality, noisy_transcript
from agent.lab.training.understanding.settings import TextModelSettings
from agent.lab.training.understanding.train import HELD_OUT_TURNS_FILE, train_understanding
from agent.understanding.mood_fusion import VoiceWeights
from agent.understanding.text_features import plain_text
from agent.understanding.text_models import IntentModel
from agent.understanding.turn_understanding import TurnUnderstanding
from audio.types import EMOTIONS
from dialogs.pack.model import Intent
from dialogs.values import OUT_OF_SCOPE
from tests.support.packs import bank_pack


@cache
def bank():
    return bank_pack()


def write(path: Path, rows: Iterable[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def talk(text, acts):
    return {"turns": [{"s": "U", "text": text, "acts": [["Banks_1", *act] for act in acts]}]}


@pytest.fixture
def data(tmp_path):
    """A few rows of every public set, laid out as they are."""
    for split in ("train", "test"):
        write(
            tmp_path / "banking77" / f"{split}.jsonl.gz",
            [
                {"text": f"my card was {split} stolen in town", "intent": "lost_or_stolen_card"},
                {"text": "why does my transfer take so long", "intent": "transfer_timing"},
                {"text": "please change my pin", "intent": "change_pin"},
            ],
        )
    for name in ("train", "val", "test", "oos_train", "oos_val", "oos_test"):
        write(
            tmp_path / "clinc150" / f"{name}.jsonl.gz",
            [
                {"text": f"how are you my {name} friend", "intent": "greeting"},
                {"text": f"bake a {name} cake", "intent": "recipe"},
                {"text": "yes please", "intent": "yes"},
            ],
        )
    for name in ("train", "dev"):
        rows = [
            {"original": f"who built the {name} tower number {at}", "disfluent": f"no wait {at}"}
            for at in range(12)
        ]
        write(tmp_path / "disfl_qa" / f"{name}.jsonl.gz", rows)
    for name in ("banking_test", "finance_test", "insurance_dev"):
        row = {"utterance": f"I'd like some {name} checks mailed", "intent": "OrderCheck"}
        write(tmp_path / "natcs_intents" / f"{name}.jsonl.gz", [row])
    for split in ("train", "dev", "test"):
        rows = [
            {"domain": "finance", "turn": 1, "text": f"samuel {split} 4", "intent": "contentonly"},
            {"domain": "finance", "turn": 3, "text": "no that is all", "intent": "rejection"},
        ]
        write(tmp_path / "multidogo" / f"sentence_{split}.jsonl.gz", rows)
        write(
            tmp_path / "sgd_bank" / f"{split}.jsonl.gz",
            [
                talk(f"my {split} balance", [["INFORM_INTENT", "intent", ["CheckBalance"]]]),
                talk("that is right", [["AFFIRM", "", []]]),
            ],
        )
    rows = [
        {"fold": fold, "text": f"human number {fold}", "intents": ["handoff"]} for fold in (3, 19)
    ]
    write(tmp_path / "nlupp" / "banking.jsonl.gz", rows)
    rows = [{"transcription": "emma stone", "speaker_id": "a"}]
    write(tmp_path / "evi" / "dialogues_en.jsonl.gz", rows)
    write(tmp_path / "itn_en" / "pairs.jsonl.gz", [{"cls": "date", "spoken": "may the fourth"}])
    return tmp_path


def test_every_target_is_an_intent_of_the_bank():
    targets = {
        target
        for mapped, other in mapping.INTENT_MAPS.values()
        for target in (*mapped.values(), other)
    }
    targets |= set(mapping.SGD_ACTS.values()) | set(mapping.NLUPP_SINGLE_LABELS.values())
    targets |= {target for _, target in mapping.NLUPP_RULES}
    assert targets - {None} <= set(bank().intents)


def test_nothing_of_a_test_split_is_trained_on(data):
    rows = prepare.load_examples(data, bank())
    told = {split: {r.text for r in rows if r.split == split} for split in ("train", "dev", "test")}
    assert not told["train"] & told["test"]
    assert not told["dev"] & told["test"]
    assert "why does my transfer take so long" in told["test"]  # it was in both
    assert {plain_text(row.text) for row in rows if row.source == "own"} & {"yes please"}
    assert not any("change my pin" in row.text for row in rows)  # two of ours: left out
    assert rows == prepare.load_examples(data, bank())


def test_public_intents_become_ours(data):
    found = {row.text: row.intent for row in prepare.load_examples(data, bank())}
    assert found["my card was test stolen in town"] == "report_lost_card"
    assert found["how are you my train friend"] == "how_are_you"
    assert found["bake a val cake"] == OUT_OF_SCOPE
    assert found["samuel train #"] == "inform"
    assert found["human number #"] == "talk_to_person"
    assert "no that is all" not in found  # a goodbye as often as a no


def test_the_held_out_turns_are_in_no_training_sentence():
    turns = {
        plain_text(turn.text)
        for turn in evaluate.read_bank_turns(HELD_OUT_TURNS_FILE)
        if turn.intent != "inform"
    }
    own = {plain_text(row.text) for row in feelings.read_own_sentences()}
    pack = {plain_text(row.text) for row in prepare.own_examples(bank())}
    assert not turns & own
    assert len(turns & pack) <= 6  # "yes", "help me": everybody says these
    assert {t.intent for t in evaluate.read_bank_turns(HELD_OUT_TURNS_FILE)} >= set(bank().intents)


def test_noise_follows_its_seed_and_none_is_none():
    text = "i would like to check the balance of my account please"
    heard = [noisy_transcript(text, POOR_LINE, np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert heard[0] == heard[1] != heard[2]
    assert noisy_transcript(text, LineQuality(0.0, 0.0), np.random.default_rng(0)) == (text, 1.0)


@pytest.mark.model
def test_a_pack_of_any_vocabulary_gets_a_model_of_its_own_intents():
    two = {
        "sell_boat": Intent("sell_boat", "task", ("sell my boat", "i have a boat for sale")),
        "rent_boat": Intent("rent_boat", "task", ("rent a boat", "i want to hire a boat")),
        OUT_OF_SCOPE: Intent(OUT_OF_SCOPE, "control", ("tell me a joke", "what time is it")),
    }
    harbour = replace(bank(), intents=two)
    rows = prepare.own_examples(harbour)
    models = [
        intents.fit_intent_model(rows, harbour, intents.IntentSettings(hidden_units=8), seed=3)
        for _ in range(2)
    ]
    assert models[0]("could i rent a boat tomorrow").intent == "rent_boat"
    np.testing.assert_array_equal(models[0].weights, models[1].weights)


@pytest.mark.model
def test_training_without_public_data_gives_a_mind(tmp_path):
    found = train_understanding(
        None,
        tmp_path,
        console=Console(quiet=True),
        settings=TextModelSettings(intents.IntentSettings(noisy_copies=1, hidden_units=8)),
    )
    assert {"accuracy", "AUROC", "milliseconds"} <= {row.measure for row in found}
    mind = TurnUnderstanding.load(bank(), tmp_path)
    assert mind.intents("i lost my debit card").intent == "report_lost_card"
    card = (tmp_path / "understanding" / "README.md").read_text()
    assert "Banking77" not in card
    assert f"{found[0].value:.3f}" in card


@pytest.mark.model
def test_usual_is_the_stated_share():
    settings = feelings.SentimentSettings(folds=2, noisy_copies=0, upset_prior=0.2)
    assert feelings.fit_sentiment_model((), settings).base_log_odds == pytest.approx(logit(0.2))


def heard(count=240, seed=0):
    """Voices whose emotion is heard right two times in three."""
    rng = np.random.default_rng(seed)
    rows = []
    for at in range(count):
        label = EMOTIONS[at % len(EMOTIONS)]
        told = label if rng.random() < 0.67 else EMOTIONS[int(rng.integers(len(EMOTIONS)))]
        rest = 0.3 / (len(EMOTIONS) - 1)
        chances = tuple(0.7 if name == told else rest for name in EMOTIONS)
        rows.append(voices.HeldOutVoice(f"speaker {at // 20}", label, chances))
    return rows


def test_no_emotion_of_a_voice_weighs_more_than_anger(tmp_path):
    learned = voices.fit_voice_weights(heard(), upset_log_odds=-2.2)
    assert learned.emotions["angry"] == max(learned.emotions.values()) > 0.0
    voices.store_voice_weights(learned, tmp_path / "upset.json")
    assert VoiceWeights.load(tmp_path / "upset.json").emotions == learned.emotions
    by_name = {row.measure: row.value for row in voices.voice_figures(heard(), upset_log_odds=-2.2)}
    assert by_name["AUROC"] > 0.7
    assert by_name["expected calibration error"] < 0.1


@pytest.mark.model
def test_what_is_tuned_never_changes_which_intent_is_likeliest():
    texts = {"sell": ("sell my boat", "a boat for sale"), "rent": ("rent a boat", "hire a boat")}
    rows = [
        IntentExample(text, name, "own", "train") for name, some in texts.items() for text in some
    ]
    settings = intents.IntentSettings(noisy_copies=2, hidden_units=4)

    def fit(some):
        return intents.fit_intent_model(some, None, settings)

    unseen = tuning.cross_fitted_scores(rows, fit)
    assert len(unseen.labels) == len(rows)
    model, asked = fit(rows), ["i sell boats", "may i rent one"]
    tuned = tuning.tune_model(model, unseen, settings)
    before, after = (one.probabilities(asked).argmax(axis=1) for one in (model, tuned))
    np.testing.assert_array_equal(before, after)


@pytest.mark.model
def test_a_layer_read_back_scores_as_it_was_stored(tmp_path):
    rows = prepare.own_examples(bank())[:120]
    model = intents.fit_intent_model(
        rows, bank(), intents.IntentSettings(noisy_copies=1, hidden_units=8)
    )
    model.save(tmp_path / "intents.safetensors")
    again = IntentModel.load(tmp_path / "intents.safetensors")
    asked = [row.text for row in rows[:20]]
    np.testing.assert_allclose(again.scores(asked), model.scores(asked), atol=0.05)
