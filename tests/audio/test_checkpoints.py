"""Stock checkpoints open by path or name, offline, and are refused in words that help."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from audio import checkpoints
from audio.checkpoints import CheckpointError
from audio.recognisers import WindowedRecogniser
from audio.speech_analyser import SpeechAnalyser
from audio.transcriber import GreedyTranscript, Transcriber
from audio.types import RATE, Expectation
from tests.support import tiny
from tests.support.tiny import BASE_960H, written

SOUND = (np.random.default_rng(5).standard_normal(RATE) * 0.1).astype(np.float32)
EMBEDDED = Path("agent") / "weights"


@pytest.fixture(autouse=True)
def nobody_calls_out(monkeypatch):
    """Not even in a thread that keeps its failure to itself."""
    tried = []

    def refuse(*where, **how):
        tried.append(where)
        raise OSError("the network is not to be used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    yield
    for thread in threading.enumerate():
        if "conversion" in thread.name:
            thread.join()
    assert not tried


def listener(folder):
    model, alphabet, normalise = checkpoints.open_ctc_model(checkpoints.find(str(folder)))
    return WindowedRecogniser(model, normalise, Transcriber(alphabet))


def read_out(folder):
    ear = listener(folder)
    return ear.transcriber.extend_partial(GreedyTranscript(), ear.letter_scores(SOUND))


def their_reading(model, normalise, vocabulary=BASE_960H):
    """As transformers' own tokenizer decodes: the likeliest, once in a row, specials skipped."""
    sound = (SOUND - SOUND.mean()) / np.sqrt(SOUND.var() + 1e-7) if normalise else SOUND
    with torch.inference_mode():
        best = model(torch.from_numpy(sound)[None]).logits[0].argmax(-1)
    tokens = {output: token for token, output in vocabulary.items()}
    letters = (tokens[output] for output in torch.unique_consecutive(best).tolist())
    text = "".join(letter for letter in letters if not letter.startswith("<"))
    return " ".join(text.lower().replace("|", " ").split())


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm"])
def test_ctc_is_read_as_transformers_reads_it(tmp_path, family, norm):
    model = tiny.speller(tmp_path, family, norm)
    with torch.no_grad():
        model.lm_head.weight *= 200  # sure of what it hears
    model.save_pretrained(tmp_path)
    assert read_out(tmp_path) == their_reading(model, norm == "layer") != ""


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm"])
def test_feelings_of_a_sequence_classifier(tmp_path, family, norm):
    tiny.feeler(tmp_path, family, norm)
    model, labels, normalise = checkpoints.open_classifier(checkpoints.find(str(tmp_path)))
    assert labels == {0: "neu", 1: "hap", 2: "ang", 3: "sad"}
    assert normalise is (norm == "layer")
    assert model(torch.from_numpy(SOUND)[None]).logits.shape == (1, 4)


@pytest.mark.parametrize(
    "family", ["wav2vec2-conformer", "data2vec-audio", "unispeech", "unispeech-sat"]
)
def test_their_relatives_open_too(tmp_path, family):
    tiny.speller(tmp_path / "words", family)
    likely = listener(tmp_path / "words").letter_scores(SOUND)
    assert likely.shape == (49, 29)  # frames of 20 ms; three of 32 outputs are for sentences
    assert np.exp(likely).sum(1) == pytest.approx(1, abs=1e-4)
    tiny.feeler(tmp_path / "feelings", family)
    checkpoints.open_classifier(checkpoints.find(str(tmp_path / "feelings")))


@pytest.mark.parametrize("token", ["<s>", "</s>", "<unk>"])
def test_special_tokens_are_never_read_out(tmp_path, token):
    model = tiny.speller(tmp_path)
    tiny.says(model, BASE_960H[token], BASE_960H["E"])
    model.save_pretrained(tmp_path)
    assert read_out(tmp_path) == ""
    spoken = SpeechAnalyser.load(EMBEDDED, speech_checkpoint=str(tmp_path), infer_emotion=False)
    stream = spoken.open(0, False)
    spoken.advance([(stream, SOUND)])
    assert "<" not in spoken.finish(stream, Expectation()).transcript.text


SHAPES = {
    "fine-tuned by the book": (
        {"vocab.json": {"|": 0, "a": 1, "h": 2, "[UNK]": 3, "[PAD]": 4}},
        {"added_tokens.json": {"<s>": 5, "</s>": 6}},
        {"tokenizer_config.json": {"pad_token": "[PAD]", "word_delimiter_token": "|"}},
    ),
    "no tokenizer_config.json": (
        {"vocab.json": {"<pad>": 0, "<s>": 1, "|": 2, "A": 3, "H": 4}},
        {"special_tokens_map.json": {"pad_token": "<pad>"}},
    ),
    "special tokens with settings": (
        {"vocab.json": {"|": 0, "a": 1, "h": 2, "_": 3}},
        {"special_tokens_map.json": {"pad_token": {"content": "_", "lstrip": False}}},
    ),
    "a vocabulary for each language": (
        {"vocab.json": {"deu": {"<pad>": 0, "|": 1}, "eng": {"<pad>": 0, "|": 1, "h": 2, "a": 3}}},
        {"tokenizer_config.json": {"target_lang": "eng", "pad_token": "<pad>"}},
    ),
    "another mark between words": (
        {"vocab.json": {"<pad>": 0, " ": 1, "a": 2, "h": 3}},
        {"tokenizer_config.json": {"word_delimiter_token": " "}},
    ),
    "blank added after the vocabulary": (
        {"vocab.json": {"|": 0, "a": 1, "h": 2}},
        {"added_tokens.json": {"[PAD]": 3, "[UNK]": 4}},
        {"tokenizer_config.json": {"pad_token": "[PAD]"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("files", SHAPES.values(), ids=SHAPES)
def test_vocabularies_as_they_lie_on_the_hub(tmp_path, files):
    model = tiny.speller(tmp_path, size=8)
    for file in files:
        for name, told in file.items():
            written(tmp_path, name, told)
    vocabulary = files[0]["vocab.json"]
    vocabulary = vocabulary.get("eng", vocabulary)
    letter = next(output for token, output in vocabulary.items() if token in "hH")
    tiny.says(model, 7, letter)  # an output that nothing is said of, then the letter
    model.save_pretrained(tmp_path)
    assert read_out(tmp_path) == ""
    tiny.says(model, letter, 7)
    model.save_pretrained(tmp_path)
    assert read_out(tmp_path) == "h"


def test_stored_in_half_precision_with_weight_norm_of_old_as_a_pickle(tmp_path):
    """facebook/wav2vec2-base-960h is such a one: pytorch_model.bin, weight_g and weight_v."""
    model = tiny.speller(tmp_path / "new")
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): weight.half()
        for name, weight in load_file(tmp_path / "new" / "model.safetensors").items()
    }
    shutil.copytree(tmp_path / "new", tmp_path / "old")
    (tmp_path / "old" / "model.safetensors").unlink()
    torch.save(old, tmp_path / "old" / "pytorch_model.bin")
    new, likely = (listener(tmp_path / name).letter_scores(SOUND) for name in ("new", "old"))
    assert likely.dtype == np.float32
    assert likely == pytest.approx(new, abs=0.02)
    assert len(checkpoints.find(str(tmp_path / "old")).weights_digest()) == 12
    assert model.dtype == torch.float32


def test_weights_in_several_files(tmp_path):
    tiny.speller(tmp_path)
    whole = listener(tmp_path).letter_scores(SOUND)
    weights = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    halves = {"model-00001-of-00002.safetensors": {}, "model-00002-of-00002.safetensors": {}}
    for i, (name, weight) in enumerate(weights.items()):
        halves[list(halves)[i % 2]][name] = weight
    for file, part in halves.items():
        save_file(part, tmp_path / file, {"format": "pt"})
    index = {name: file for file, part in halves.items() for name in part}
    written(tmp_path, "model.safetensors.index.json", {"metadata": {}, "weight_map": index})
    assert np.array_equal(listener(tmp_path).letter_scores(SOUND), whole)
    assert checkpoints.find(str(tmp_path)).weights_digest() != "unknown"
    (tmp_path / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match="no weights, or not all"):
        listener(tmp_path)


def test_normalisation_is_asked_of_the_preprocessor_and_else_guessed(tmp_path):
    tiny.speller(tmp_path, norm="layer")
    found = checkpoints.find(str(tmp_path))
    written(tmp_path, "preprocessor_config.json", tiny.extractor(False))
    assert checkpoints.open_ctc_model(found)[2] is False
    written(tmp_path, "preprocessor_config.json", {"sampling_rate": 16000})
    assert checkpoints.open_ctc_model(found)[2] is True
    (tmp_path / "preprocessor_config.json").unlink()
    assert checkpoints.open_ctc_model(found)[2] is True  # layer norm: as its authors trained
    written(tmp_path, "processor_config.json", {"feature_extractor": tiny.extractor(False)})
    assert checkpoints.open_ctc_model(found)[2] is False


def test_longer_frames_are_counted_right(tmp_path):
    """A stride of 40 ms: words must lie where they were said."""
    strides = {"conv_stride": (5, 2, 2, 2, 2, 2, 4)}
    model = tiny.speller(tmp_path, **strides)
    tiny.says(model, BASE_960H["H"])
    model.save_pretrained(tmp_path)
    ears = SpeechAnalyser.load(EMBEDDED, speech_checkpoint=str(tmp_path), infer_emotion=False)
    stream = ears.open(1000, False)
    ears.advance([(stream, np.tile(SOUND, 3))])
    (word,) = ears.finish(stream, Expectation()).transcript.words
    assert word.start == 1000
    assert word.end == pytest.approx(1000 + 3 * RATE, abs=1300)


def test_a_stream_of_other_frames_is_refused(tmp_path):
    from audio.encoder import small_config

    settings = {**tiny.SMALL, "conv_dim": (8, 16), "conv_stride": (64, 10)}
    model = tiny.hf.HubertForCTC(small_config(**settings, num_conv_pos_embedding_groups=4))
    model.save_pretrained(tmp_path)
    written(tmp_path, "vocab.json", BASE_960H)
    with pytest.raises(CheckpointError, match="frames of 640 samples"):
        SpeechAnalyser.load(EMBEDDED, speech_checkpoint=str(tmp_path), infer_emotion=False)


def test_a_name_is_looked_up_in_the_cache(tmp_path, monkeypatch):
    tiny.speller(tmp_path / "made")
    (tmp_path / "made" / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    tiny.in_cache(tmp_path / "hub", "someone/tiny-ctc", tmp_path / "made", monkeypatch)
    ears = SpeechAnalyser.load(EMBEDDED, speech_checkpoint="someone/tiny-ctc", infer_emotion=False)
    model = ears.models["words"]
    assert (model.name, model.licence, model.streaming) == (
        "someone/tiny-ctc",
        "apache-2.0",
        "bounded",
    )


def test_a_pickle_by_name_starts_no_conversion_on_the_hub(tmp_path, monkeypatch):
    """transformers would ask the hub, in a thread, for a safer copy of weights in a pickle."""
    tiny.speller(tmp_path / "made")
    weights = load_file(tmp_path / "made" / "model.safetensors")
    (tmp_path / "made" / "model.safetensors").unlink()
    torch.save(weights, tmp_path / "made" / "pytorch_model.bin")
    tiny.in_cache(tmp_path / "hub", "someone/pickled", tmp_path / "made", monkeypatch)
    assert checkpoints.open_ctc_model(checkpoints.find("someone/pickled"))


def broken(**changes):
    def change(folder):
        for name, told in changes.items():
            written(folder, name.replace("_json", ".json"), told)

    return change


def without(name):
    return lambda folder: (folder / name).unlink()


def configured(**changes):
    def change(folder):
        told = json.loads((folder / "config.json").read_text())
        written(folder, "config.json", told | changes)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("config.json"), "no config.json"),
        (without("vocab.json"), "no vocab.json"),
        (without("model.safetensors"), "no weights"),
        (broken(config_json="{"), "config.json cannot be read as JSON"),
        (broken(config_json="[]"), "should hold a JSON object"),
        (broken(config_json={"architectures": ["X"]}), "names no model_type"),
        (broken(config_json={"model_type": "hearken-9"}), "is a hearken-9 model"),
        (broken(vocab_json='{"a"'), "vocab.json cannot be read as JSON"),
        (broken(vocab_json={"<pad>": 0, "|": 1, "th": 2, "e": 3}), "pieces such as 'th'"),
        (broken(preprocessor_config_json={"sampling_rate": 8000}), "hears 8000 samples"),
        (configured(architectures=["Wav2Vec2ForPreTraining"]), "no CTC head"),
        (configured(architectures=None), "no CTC head"),
        (configured(architectures=["Wav2Vec2ForSequenceClassification"]), "one of feelings"),
        (configured(hidden_size=64), "do not fit its config.json"),
        (configured(num_hidden_layers=3), "lacks weights of its model: wav2vec2.encoder.layers.2"),
        (configured(add_adapter=True), "adapter"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "do not fit"),
    ],
)  # fmt: skip
def test_what_cannot_transcribe_is_refused_in_words(tmp_path, change, words):
    tiny.speller(tmp_path)
    change(tmp_path)
    with pytest.raises(CheckpointError, match=words):
        SpeechAnalyser.load(EMBEDDED, speech_checkpoint=str(tmp_path), infer_emotion=False)


@pytest.mark.model
def test_what_cannot_feel_is_refused_in_words(tmp_path):
    tiny.speller(tmp_path / "words")
    with pytest.raises(CheckpointError, match="no sequence-classification head"):
        SpeechAnalyser.load(EMBEDDED, emotion_checkpoint=str(tmp_path / "words"))
    tiny.feeler(tmp_path / "unnamed", labels=("LABEL_0", "LABEL_1"))
    with pytest.raises(CheckpointError, match="tells LABEL_0, LABEL_1 apart"):
        SpeechAnalyser.load(EMBEDDED, emotion_checkpoint=str(tmp_path / "unnamed"))


@pytest.mark.model
@pytest.mark.parametrize("labels", [("neu", "hap", "ang", "sad"), ("Anger", "JOY", "fearful", "x")])
def test_labels_in_their_own_words(tmp_path, labels):
    tiny.feeler(tmp_path, "wavlm", labels=labels)
    ears = SpeechAnalyser.load(EMBEDDED, emotion_checkpoint=str(tmp_path))
    stream = ears.open(0, True)
    ears.advance([(stream, SOUND)])
    known = {"neutral", "happy", "angry", "sad", "fearful"}
    assert set(ears.finish(stream, Expectation()).cues.emotion) <= known


@pytest.mark.parametrize("name", ["no-one/has-this", "/no/such/folder", "a/b/c", ""])
def test_what_is_not_here_is_not_looked_for_elsewhere(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError):
        checkpoints.find(name)
