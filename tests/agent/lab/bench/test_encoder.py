"""Every way hears the same turn to its end, and ours as it does offline. No times are asserted."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from agent.config import PACKAGE_DIR
from agent.lab.bench import BenchError
from agent.lab.bench.encoder_command import RECORDINGS_FOLDER, bench_encoder
from agent.lab.bench.encoder_comparison import METHOD_NAMES, UTTERANCE_SECONDS, compare_encoders
from agent.lab.bench.shapes import STREAMING_CONFIG, write_random_checkpoint
from agent.lab.bench.utterance import joined_recordings
from audio.types import RATE
from tests.agent.lab.bench.test_shapes import TINY

WEIGHTS = PACKAGE_DIR / "weights"
HOP = 5120


def watch(labels):
    return labels


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taught")
    write_random_checkpoint({**TINY, **STREAMING_CONFIG}, folder)
    return str(folder)


def test_every_way_hears_the_whole_turn(taught):
    utterance = joined_recordings(RECORDINGS_FOLDER, 1.0)
    found = compare_encoders(WEIGHTS, taught, utterance, HOP, 1, METHOD_NAMES, watch)
    assert [row.name for row in found.results] == list(METHOD_NAMES)
    assert all(row.costs[-1].seconds == 1.0 for row in found.results)
    assert all(np.isfinite([c.cpu, c.end_s]).all() for row in found.results for c in row.costs)
    exact = [found.find_result(name) for name in ("streaming-fp32", "again", "speechbrain")]
    assert max(row.largest for row in exact) < 1e-4
    assert (
        found.find_result("streaming").largest == found.find_result("company").largest
    )  # not one bit apart
    assert found.cpu_ratio(found.find_result("streaming")) == 1.0
    assert found.roofline.streams == found.find_result("company").streams == 16


def test_checkpoints_that_were_not_taught_to_stream(tmp_path):
    write_random_checkpoint(TINY, tmp_path)
    utterance = joined_recordings(RECORDINGS_FOLDER, 1.0)
    names = ["streaming", "again", "pipeline", "speechbrain"]
    found = compare_encoders(WEIGHTS, str(tmp_path), utterance, HOP, 1, names, watch)
    assert not found.streams_exactly
    assert found.roofline is None  # is that of sixteen in company
    assert (
        found.find_result("streaming").text_s > found.find_result("again").text_s
    )  # by longer chunks
    assert max(found.find_result(name).largest for name in ("again", "speechbrain")) < 1e-4


def test_a_pipeline_hears_chunks_whose_seams_fit(taught):
    utterance = joined_recordings(RECORDINGS_FOLDER, 6.0)  # one full chunk of 5 s, and what is left
    found = compare_encoders(WEIGHTS, taught, utterance, 3 * HOP, 1, ["pipeline"], watch)
    (row,) = found.results
    assert [cost.seconds for cost in row.costs] == [*UTTERANCE_SECONDS, 6.0]
    assert found.cpu_ratio(row) is None  # nothing of ours to compare with


def test_unknown_way(taught):
    with pytest.raises(BenchError, match="no way 'guess'; there are streaming, "):
        compare_encoders(
            WEIGHTS, taught, joined_recordings(RECORDINGS_FOLDER, 1.0), HOP, 1, ["guess"], watch
        )


def test_recordings_are_joined_and_begin_again(tmp_path):
    long = joined_recordings(RECORDINGS_FOLDER, 20.0)
    assert long.shape == (20 * RATE,)
    assert (long[: 2 * RATE] == joined_recordings(RECORDINGS_FOLDER, 2.0)).all()
    with pytest.raises(BenchError, match="holds no .wav recordings"):
        joined_recordings(tmp_path, 1.0)


def test_command(taught, tmp_path):
    app = typer.Typer()
    app.command()(bench_encoder)
    out = tmp_path / "figures.json"
    options = ["--seconds", "1", "--repeat", "1", "--checkpoint", taught, "--json", str(out)]
    result = CliRunner(env={"COLUMNS": "200"}).invoke(
        app, [*options, "--only", "company", "--only", "window"]
    )
    assert result.exit_code == 0, result.output
    assert "Hearken, 16 voices at once" in result.output
    assert "machine's matrix rate" in result.output
    told = json.loads(out.read_text())
    assert [way["name"] for way in told["ways"]] == ["company", "window"]
    assert told["floor"]["share"] == pytest.approx(
        told["floor"]["floor_s"] / told["floor"]["step_s"]
    )


@pytest.mark.model
def test_the_embedded_ears_hear_a_live_voice_as_they_do_offline():
    found = compare_encoders(
        WEIGHTS,
        None,
        joined_recordings(RECORDINGS_FOLDER, 1.5),
        HOP,
        1,
        ["streaming", "streaming-fp32"],
        watch,
    )
    assert found.streams_exactly
    assert found.find_result("streaming-fp32").largest < 1e-3
    assert found.find_result("streaming").same > 0.95
