import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from agent.lab.evaluation.understanding import benchmarks, run
from agent.lab.evaluation.understanding.command import understanding_json
from agent.lab.evaluation.understanding.reliability_plot import save_reliability_plot
from agent.lab.training.understanding import intents
from agent.lab.training.understanding.evaluate import rows_at_prior
from agent.lab.training.understanding.intents import IntentSettings
from tests.support.packs import bank_pack

pytestmark = pytest.mark.model

ROOT = Path(__file__).parents[4]
SMALL = IntentSettings(hidden_units=4, epochs=1)
WANTED = {"pay": "pay the {} bill", "lost": "i lost my {} card", "hours": "when is {} open"}


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)


def turns(name, count):
    return [
        {"text": said.format(f"{name} {at}"), "intent": intent}
        for intent, said in WANTED.items()
        for at in range(count)
    ]


@pytest.fixture
def data(tmp_path):
    for split, count in (("train", 20), ("test", 10)):
        write(tmp_path / "banking77" / f"{split}.jsonl.gz", turns(split, count))
    strange = [{"text": f"who painted number {at}", "intent": "oos"} for at in range(8)]
    for name in ("train", "val", "test"):
        write(tmp_path / "clinc150" / f"{name}.jsonl.gz", turns(name, 20))
        write(tmp_path / "clinc150" / f"oos_{name}.jsonl.gz", strange)
    asked = [{"original": f"who built tower {at}", "disfluent": f"no {at}"} for at in range(16)]
    for name in ("train", "dev"):
        write(tmp_path / "disfl_qa" / f"{name}.jsonl.gz", asked)
    (tmp_path / "goemotions").mkdir()
    with gzip.open(tmp_path / "goemotions" / "train.tsv.gz", "wt") as lines:
        lines.write("what a day\t27\tid\n")
    return tmp_path


def test_no_test_sentence_is_trained_on(data, monkeypatch):
    seen = set()
    fit = intents.fit_intent_model

    def fitted(rows, *rest):
        seen.update(row.original_text for row in rows)
        return fit(rows, *rest)

    monkeypatch.setattr(intents, "fit_intent_model", fitted)
    found = benchmarks.banking77(data, SMALL, None, None)
    assert found.typed.is_correct.mean() > 0.9
    assert seen
    assert not [text for text in seen if "test" in text]
    scope = benchmarks.clinc150(data, SMALL, None)
    assert (scope.outside_scores < scope.threshold).mean() >= 0.5
    assert not [text for text in seen if "test" in text]


def test_few_examples_are_as_few_as_stated(data, monkeypatch):
    sizes = []
    fit = intents.fit_intent_model

    def fitted(rows, *rest):
        sizes.append(len(rows))
        return fit(rows, *rest)

    monkeypatch.setattr(intents, "fit_intent_model", fitted)
    assert len(benchmarks.few_shot_accuracies(data, 5, SMALL, None)) == benchmarks.FEW_SHOT_DRAWS
    assert sizes == [5 * len(WANTED)] * benchmarks.FEW_SHOT_DRAWS


@pytest.mark.model
def test_what_is_served_is_measured_and_every_goal_has_a_verdict(tmp_path):
    weights, written = ROOT / "agent" / "weights", ROOT / "tests" / "data"
    report = run.understanding_report(
        None, weights, bank_pack(), written, None, None, lambda now: None
    )
    told = understanding_json(report)
    assert {goal["what"] for goal in told["goals"]} >= {"text turn, one thread: p95"}
    assert all((goal["met"] is None) == (goal["got"] is None) for goal in told["goals"])
    json.dumps(told, allow_nan=False)
    save_reliability_plot(report.reliability, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_upset_turns_have_their_usual_share():
    upset = np.arange(100) < 40
    rows = rows_at_prior(upset, 0.10)
    assert upset[rows].sum() == 200
    assert len(rows) == 2200
