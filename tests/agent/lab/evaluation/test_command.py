"""`hearken evaluate ears`, from a folder of recordings to figures, with the shipped weights."""

import json
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from audio import torchaudio_guard  # noqa: F401

# isort: split

from agent.cli.main import app, main
from agent.lab.evaluation.worst_turns import worst_emotions, worst_words
from tests.agent.lab.evaluation.hearing import turn, write_manifest
from tests.support.tiny import feeler, speller

ROOT = Path(__file__).parents[4]
RECORDINGS = ROOT / "tests" / "recordings"


def run(*arguments):
    done = CliRunner().invoke(
        app, ["evaluate", "ears", *map(str, arguments)], catch_exceptions=False,
        env={"COLUMNS": "200"},
    )  # fmt: skip
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    """A checkpoint of the stock shape that has learnt nothing."""
    folder = tmp_path_factory.mktemp("stock")
    speller(folder)
    return folder


@pytest.fixture(scope="module")
def stock_emotion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stock-emotion")
    feeler(folder)
    return folder


def lines(**more):
    """tests/recordings as a manifest: `question-what_was_said.wav`."""
    for path in sorted(RECORDINGS.glob("*.wav")):
        asked, said = path.stem.split("-")
        kind = "keyword" if asked == "operator" else "answer"
        text = said.replace("_", " ")
        yield {"path": path.name, "text": text, "kind": kind, "speaker": path.stem, **more}


@pytest.mark.model
def test_a_folder_of_recordings(tmp_path):
    bad = [{"path": "nowhere.wav", "text": "x"}, "{", {"path": "README.md", "text": "x"}]
    written = tmp_path / "out.json"
    code, output = run(
        "--manifest", write_manifest(tmp_path / "m.jsonl", *bad, *lines(gender="f")),
        "--audio", RECORDINGS, "--telephone", "--streaming", "--json", written,
    )  # fmt: skip
    assert code == 0
    assert "3 bad lines" in output
    assert "m.jsonl:1: nowhere.wav: not in" in output
    assert "m.jsonl:3: README.md: no sound file" in output
    assert "5 times digits of known length, 2 times yes or no, 2 times one of 2 phrases" in output
    assert "CPU seconds for a second of sound, on one thread of this machine" in output

    told = json.loads(written.read_text())
    assert list(told) == [
        "setting", "picked", "recordings", "speakers", "seconds", "notes", "bad_lines",
        "contenders", "streaming", "worst",
    ]  # fmt: skip
    assert [flaw["line"] for flaw in told["bad_lines"]] == [1, 2, 3]
    (embedded,) = told["contenders"]
    assert embedded["name"] == "embedded"
    assert embedded["models"]["words"]["streaming"] == "exact"
    assert embedded["real_time_factor"] > 0
    asked = embedded["figures"]["asked.turns_right"]
    assert (asked["value"], asked["recordings"], asked["too_few_speakers"]) == (1, 9, False)
    assert embedded["figures"]["open.wer"]["value"] < 0.6
    (four,) = [r for r in embedded["rows"] if r["path"].startswith("digits-four")]
    assert four["question"]["length"] == 4
    assert four["asked"]["hypothesis"] == four["reference"] == "four eight five three"
    assert four["asked"]["right"]
    assert {group["value"] for group in embedded["groups"]} == {"female", "keyword", "answer"}
    assert told["streaming"]["same_open"] == told["streaming"]["same_asked"] == 1
    assert told["streaming"]["same_frames"] > 0.99
    assert told["streaming"]["largest"] < 1  # all that bfloat16 may do; float32: test_incremental


@pytest.mark.model
def test_checkpoints_side_by_side(tmp_path, stock, stock_emotion):
    threads = torch.get_num_threads()
    written = tmp_path / "out.json"
    code, output = run(
        "--manifest", write_manifest(tmp_path / "m.jsonl", *lines(emotion="neutral")),
        "--audio", RECORDINGS, "--limit", "7", "--json", written,
        "--compare", stock, "--compare", stock_emotion, "--compare", ROOT / "agent" / "weights",
    )  # fmt: skip
    assert code == 0
    assert "worse" in output
    assert torch.get_num_threads() == threads
    first, words, feelings, same = json.loads(written.read_text())["contenders"]
    assert first["difference_to_first"] == {}
    assert words["models"]["words"]["streaming"] == "bounded"
    assert words["difference_to_first"]["asked.turns_right"]["high"] < 0
    assert feelings["models"]["words"] == first["models"]["words"]
    assert feelings["models"]["emotion"]["name"] == str(stock_emotion)
    assert [row["path"] for row in words["rows"]] == [row["path"] for row in first["rows"]]
    assert len(first["rows"]) == 7
    assert {gap["value"] for gap in same["difference_to_first"].values()} == {0}
    assert sum(map(sum, first["confusion"]["counts"])) == 7


@pytest.mark.model
def test_a_stock_checkpoint_tells_how_far_it_streams_from_offline(tmp_path, stock):
    manifest = write_manifest(tmp_path / "m.jsonl", *lines(speaker="ann"))
    written = tmp_path / "told.json"
    code, output = run(
        "--manifest", manifest, "--audio", RECORDINGS, "--limit", "2", "--checkpoint", stock,
        "--streaming", "--expect", "open", "--json", written,
    )  # fmt: skip
    assert code == 0
    assert "same likeliest letter" in output
    streaming = json.loads(written.read_text())["streaming"]
    assert streaming["recordings"] == 2
    assert 0.5 < streaming["same_frames"] <= 1
    assert streaming["largest"] > 0


def test_a_checkpoint_that_does_not_stream_says_so(tmp_path):
    speller(tmp_path / "wavlm", "wavlm")
    manifest = write_manifest(
        tmp_path / "m.jsonl",
        *lines(speaker="ann", split="test"),
        {"path": "x.wav", "text": "x", "speaker": "ann", "split": "train"},
    )
    code, output = run(
        "--manifest", manifest, "--audio", RECORDINGS, "--limit", "1",
        "--checkpoint", tmp_path / "wavlm", "--streaming", "--expect", "open",
    )  # fmt: skip
    assert code == 0
    assert "does not stream:" in output
    assert "1 speaker is in several splits (ann)" in output
    assert "the ears knew the question" not in output
    assert "too few to say" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "either --manifest"),
        (["--manifest", "m.jsonl", "--data", "."], "either --manifest"),
        (["--data", ".", "--telephone"], "--data goes with"),
        (["--data", "."], "speech/speechocean762.jsonl.gz"),
        (["--manifest", "nowhere.jsonl"], "nowhere.jsonl: no manifest"),
        (["--manifest", "m.jsonl", "--checkpoint", "hearken-no/such"], "hearken-no/such"),
        (["--manifest", "m.jsonl", "--audio", "m.jsonl"], "neither a folder nor a zip"),
        (["--manifest", "m.jsonl"], "no line of it can be evaluated; line 1: a.wav: not in"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    write_manifest(tmp_path / "m.jsonl", {"path": "a.wav", "text": "x"})
    monkeypatch.setattr(sys, "argv", ["hearken", "evaluate", "ears", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err.replace("\n", " ")
    assert words in said
    assert "Traceback" not in said


def test_the_worst_come_first():
    turns = [
        turn("one two", "one two", path="right"),
        turn("yes", "yeah", path="meant", sort="yes_no"),
        turn("one two", "one too", path="nearly"),
        turn("stop", "what on earth", path="doubted", sure=0.1),
        turn("stop", "what on earth", path="believed", sure=0.9),
    ]
    assert [t.recording.path for t in worst_words(turns)] == ["believed", "doubted", "nearly"]
    felt = [
        turn(acted="sad", felt={"angry": 0.6, "sad": 0.4}, path="close"),
        turn(acted="sad", felt={"angry": 0.9, "sad": 0.1}, path="far"),
        turn(acted="sad", felt={"sad": 1.0}, path="right"),
        turn(acted="sad", felt={}, path="silent"),
    ]
    assert [t.recording.path for t in worst_emotions(felt)] == ["far", "close"]
