"""`hearken models` as its user meets it, against a hub of checkpoints on this machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from huggingface_hub import constants

from agent.cli.main import main
from audio.hub import kind_of, needed_files
from tests.support import hub, tiny


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A hub with a few repositories and more files in them than anybody needs."""
    home = tmp_path_factory.mktemp("hub")
    tiny.speller(home / "words")
    (home / "words" / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny words\n")
    for superfluous in ("tf_model.h5", "flax_model.msgpack", "optimizer.pt", "pytorch_model.bin"):
        (home / "words" / superfluous).write_bytes(b"of no use")
    tiny.feeler(home / "feelings")
    tiny.moonshine(home / "turns")
    tiny.written(home / "text", "config.json", {"model_type": "t5", "architectures": ["T5"]})
    (home / "text" / "model.safetensors").write_bytes(b"gigabytes")
    pretrained = {"model_type": "hubert", "architectures": ["HubertModel"]}
    tiny.written(home / "pretrained", "config.json", pretrained)
    tiny.written(home / "onnx", "model.onnx", "")
    repositories = {f"some/{folder.name}": folder for folder in home.iterdir()}
    with hub.serving(repositories | {"some/gated": None}) as (address, asked):
        yield address, asked


@pytest.fixture
def hearken(monkeypatch, tmp_path, capsys):
    """Run a command with a cache of its own; exit code, what it printed, what it complained."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, address="http://127.0.0.1:9"):
        monkeypatch.setattr(constants, "ENDPOINT", address)
        template = address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(sys, "argv", ["hearken", "models", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.mark.socket
def test_what_was_pulled_is_described_and_listed(house, hearken):
    address, asked = house
    code, said, progress = hearken("pull", "some/words", address=address)
    assert code == 0, progress
    assert "wav2vec2 for letters" in said
    assert "apache-2.0" in said
    assert re.search(r"sha256\s+[0-9a-f]{12}\b", said)
    assert 'speech_checkpoint = "some/words"' in said
    assert constants.HF_HUB_CACHE in said
    fetched = {path.rpartition("/")[2] for path in asked if "/resolve/" in path}
    assert {"config.json", "vocab.json", "model.safetensors", "README.md"} <= fetched
    assert not fetched & {"tf_model.h5", "flax_model.msgpack", "optimizer.pt", "pytorch_model.bin"}
    code, said, _ = hearken("list")
    assert code == 0
    assert re.search(r"some/words\s+letters\s+\d+\s+apache-2.0\s+speech_checkpoint", said)


@pytest.mark.socket
def test_each_kind_has_its_setting(house, hearken):
    for name, setting in (("feelings", "emotion"), ("turns", "writer")):
        code, said, _ = hearken("pull", f"some/{name}", address=house[0])
        assert code == 0
        assert f'{setting}_checkpoint = "some/{name}"' in said
        assert "no model card, licence unknown" in said


@pytest.mark.socket
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("some/text", "is a t5 model"),
        ("some/pretrained", "only pretrained and must be fine-tuned first"),
        ("some/onnx", "no config.json"),
        ("some/gated", "accept terms first"),
        ("some/thing-else", "knows no such model"),
    ],
)
def test_what_is_of_no_use_is_not_downloaded(house, hearken, name, words):
    address, asked = house
    before = len(asked)
    code, _, said = hearken("pull", name, address=address)
    assert (code, "Traceback" in said) == (2, False)
    assert words in said
    assert not [path for path in asked[before:] if "safetensors" in path]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("some/words", "http://127.0.0.1:9 cannot be reached"),
        ("/no/such/folder", "not the form of a hub name"),
        ("tests", "no config.json"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(hearken, name, words):
    code, _, said = hearken("pull", name)
    assert (code, "Traceback" in said) == (2, False)
    assert words in " ".join(said.split())


def test_offline_is_offline():
    """The variable is read when the process begins."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from agent.cli.main import main; main()",
            "models",
            "pull",
            "some/words",
        ],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    why = "the network is switched off (HF_HUB_OFFLINE is set)"
    assert said == f"hearken: cannot fetch 'some/words': {why}"


def test_a_folder_is_described_where_it_lies(hearken, tmp_path):
    tiny.feeler(tmp_path / "mine")
    code, said, _ = hearken("pull", str(tmp_path / "mine"))
    assert code == 0
    assert "nothing to fetch" in said
    assert "emotion_checkpoint" in said
    (tmp_path / "mine" / "model.safetensors").unlink()
    code, _, said = hearken("pull", str(tmp_path / "mine"))
    assert (code, "has no weights" in said) == (2, True)


def test_nothing_pulled_yet(hearken):
    code, said, _ = hearken("list")
    assert (code, "No checkpoint" in said) == (0, True)


def test_a_sharded_checkpoint_is_fetched_with_all_its_shards():
    shards = [f"pytorch_model-0000{i}-of-00002.bin" for i in (1, 2)]
    index = "pytorch_model.bin.index.json"
    assert needed_files(["config.json", "model.onnx", index, *shards]) == [
        "config.json",
        *shards,
        index,
    ]


@pytest.mark.parametrize(
    ("model", "head", "kind"),
    [
        ("wavlm", "WavLMForCTC", "letters"),
        ("hubert", "HubertForSequenceClassification", "feelings"),
        ("whisper", "WhisperForConditionalGeneration", "whole turns"),
        ("bert", "BertForMaskedLM", "sentences"),
        ("t5", "T5ForConditionalGeneration", None),
        ("wav2vec2-bert", "Wav2Vec2BertForCTC", None),
        ("wav2vec2", "Wav2Vec2ForPreTraining", None),
    ],
)
def test_what_a_checkpoint_is_for(model, head, kind):
    assert kind_of({"model_type": model, "architectures": [head]}) == kind


@pytest.fixture
def doctor(monkeypatch, tmp_path, capsys):
    def examine(**settings):
        for setting, value in settings.items():
            monkeypatch.setenv(f"HEARKEN_{setting}", str(value))
        monkeypatch.setenv("HEARKEN_STATE", str(tmp_path))
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.setattr(sys, "argv", ["hearken", "doctor"])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, capsys.readouterr().out

    return examine


@pytest.mark.model
@pytest.mark.socket
def test_doctor_names_the_writer_and_where_it_comes_from(doctor, tmp_path):
    tiny.moonshine(tmp_path / "turns")
    code, said = doctor(WRITER_CHECKPOINT=tmp_path / "turns")
    assert code == 0
    line = next(line for line in said.splitlines() if "whole_turns" in line)
    assert "no streaming, sha256" in line
    assert str(tmp_path / "turns") in line


@pytest.mark.model
@pytest.mark.socket
@pytest.mark.parametrize("setting", ["SPEECH", "EMOTION", "WRITER"])
def test_doctor_names_what_is_not_here(doctor, setting):
    code, said = doctor(**{f"{setting}_CHECKPOINT": "no-one/has-this"})
    assert code == 1
    assert "hearken models pull no-one/has-this" in said
