"""Packets and company do not change a turn; foreign checkpoints open; trained weights hear."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from audio import torchaudio_guard  # noqa: F401

# isort: split
from transformers import (
    HubertConfig,
    HubertForCTC,
    HubertForSequenceClassification,
    Wav2Vec2Config,
    Wav2Vec2ForCTC,
)

from audio.emotion import EmotionHead
from audio.encoder import small_config
from audio.files import read
from audio.hub import CheckpointError
from audio.resample import resample
from audio.speech_analyser import SpeechAnalyser
from audio.types import EMOTIONS, RATE, Expectation

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "tests" / "recordings"
LETTERS = ("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz")
SPOKEN = (np.random.default_rng(3).standard_normal(2 * RATE) * 0.1).astype(np.float32)
TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 4,
}
FOREIGN = {**TINY, "conv_dim": (8, 8, 8, 8, 8, 16, 16)}


def saved(model, folder, normalise):
    model.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({c: i for i, c in enumerate(LETTERS)}))
    told = {"feature_extractor_type": "Wav2Vec2FeatureExtractor", "do_normalize": normalise}
    (folder / "preprocessor_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder as `agent/weights`, in miniature."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("weights")
    saved(HubertForCTC(small_config(**TINY, conv_dim=(8, 16))), folder / "ears", False)
    (folder / "emotion").mkdir()
    head = EmotionHead(layers=3, width=32, hidden=8)
    save_file(head.state_dict(), folder / "emotion" / "model.safetensors")
    shape = {"title": "tiny", "licence": "none", "layers": 3, "width": 32, "hidden": 8}
    (folder / "emotion" / "config.json").write_text(json.dumps(shape))
    return folder


@pytest.fixture(scope="module")
def ears(weights):
    return SpeechAnalyser.load(weights)


def heard(ears, samples, sizes=(), feel=True):
    stream, at, partial = ears.open(0, feel), 0, ""
    for size in [*sizes, len(samples)]:
        (partial,) = ears.advance([(stream, samples[at : at + size])])
        at += size
    return partial, ears.finish(stream, Expectation())


@settings(deadline=None, max_examples=15)
@given(sizes=st.lists(st.integers(0, 9000), max_size=10))
def test_packets_do_not_change_a_turn(ears, sizes):
    whole_partial, whole = heard(ears, SPOKEN)
    partial, spoken = heard(ears, SPOKEN, sizes)
    assert partial == whole_partial
    assert spoken.transcript.text == whole.transcript.text
    assert spoken.transcript.confidence == pytest.approx(whole.transcript.confidence, abs=1e-4)
    assert dict(spoken.cues.emotion) == pytest.approx(dict(whole.cues.emotion), abs=1e-4)


def test_emotion_is_not_inferred_unasked(ears):
    _, spoken = heard(ears, SPOKEN, feel=False)
    assert spoken.cues is None


def test_without_the_emotion_head_there_is_still_prosody(weights):
    ears = SpeechAnalyser.load(weights, infer_emotion=False)
    _, spoken = heard(ears, SPOKEN)
    assert set(ears.models) == {"words"}
    assert not spoken.cues.emotion
    assert spoken.cues.prosody.voiced_s > 0


def test_models_say_what_they_are(ears):
    assert ears.models["words"].streaming == "exact"
    assert ears.models["emotion"].licence == "none"
    assert len(ears.models["words"].sha256) == 12
    _, spoken = heard(ears, SPOKEN)
    assert set(spoken.models) == {"words", "emotion"}


def test_a_turn_without_samples_is_silence(ears):
    spoken = ears.finish(ears.open(0, True), Expectation("yes_no"))
    assert spoken.transcript.text == ""
    assert not spoken.cues.emotion


def test_warm_up(ears):
    ears.warm_up()


@pytest.mark.parametrize("norm", ["group", "layer"])
def test_a_foreign_ctc_checkpoint_hears_the_same_in_any_packets(weights, tmp_path, norm):
    torch.manual_seed(1)
    if norm == "group":
        model = Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=29, **FOREIGN))
    else:
        stable = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
        model = HubertForCTC(HubertConfig(vocab_size=29, **FOREIGN, **stable))
    ears = SpeechAnalyser.load(
        weights, speech_checkpoint=str(saved(model, tmp_path, norm == "layer"))
    )
    assert ears.models["words"].streaming == "bounded"
    _, whole = heard(ears, SPOKEN)
    _, spoken = heard(ears, SPOKEN, [4000] * 5)
    assert spoken.transcript == whole.transcript
    assert set(spoken.cues.emotion) <= set(EMOTIONS)


def test_a_foreign_emotion_checkpoint(weights, tmp_path):
    labels = {0: "neu", 1: "hap", 2: "ang", 3: "sad"}
    config = HubertConfig(num_labels=4, id2label=labels, classifier_proj_size=8, **FOREIGN)
    folder = saved(HubertForSequenceClassification(config), tmp_path, True)
    ears = SpeechAnalyser.load(weights, emotion_checkpoint=str(folder))
    buzz = np.sign(np.sin(np.arange(2 * RATE) * (2 * np.pi * 150 / RATE))).astype(np.float32) / 9
    _, spoken = heard(ears, buzz)
    assert set(spoken.cues.emotion) <= {"neutral", "happy", "angry", "sad"}
    assert ears.models["emotion"].streaming == "windowed"


def test_nothing_is_downloaded_unasked(weights):
    with pytest.raises(CheckpointError, match="on this machine"):
        SpeechAnalyser.load(weights, speech_checkpoint="hearken-no-such/checkpoint")


MENU = ("operator", "voyager", "wildfire", "onword", "think engine")
ASKED = {
    "yes": Expectation("yes_no"),
    "no": Expectation("yes_no"),
    "digit": Expectation("digits", 1),
    "digits": Expectation("digits"),
    "operator": Expectation("choice", choices=MENU),
}


@pytest.fixture(scope="module")
def shipped():
    return SpeechAnalyser.load(ROOT / "agent" / "weights")


@pytest.mark.model
@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.wav")), ids=lambda path: path.stem)
def test_recordings_of_callers(shipped, path):
    """`question-what_was_said.wav`, 8 kHz mu-law, speakers of no training split."""
    question, said = path.stem.split("-")
    stream = shipped.open(0, True)
    samples, rate = read(path)
    for packet in np.array_split(resample(samples[:, 0], rate, RATE), 17):
        shipped.advance([(stream, packet)])
    spoken = shipped.finish(stream, ASKED[question])
    assert spoken.transcript.text == said.replace("_", " ")
    assert spoken.transcript.confidence > 0.5
