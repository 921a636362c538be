"""The comparison of fusions: nobody is taught and tested, figures are what they say they are."""

import gzip
import json

import numpy as np
import pytest
import torch

from agent.evaluation import EvaluationError
from agent.evaluation.fusion.brought import labelled
from agent.evaluation.fusion.experiment import Given, Outcome, Paired, experiment
from agent.evaluation.fusion.report import as_json, reported
from agent.evaluation.fusion.scores import area, recalls
from agent.evaluation.fusion.show import plot, show
from agent.evaluation.manifest import read
from agent.training.fusion.brought import label
from agent.training.fusion.pairs import Felt, Material, Sound, Words
from agent.training.fusion.sentences import MOODS
from agent.training.fusion.teach import Lesson

WIDTHS = {"words": 6, "frames": 8}


def marked(steps, width, mood, rng):
    """Noise in which a mood shows."""
    row = rng.normal(0, 1, (steps, width)).astype(np.float32)
    row[:, MOODS.index(mood)] += 2
    return torch.from_numpy(row)


def material(speakers=7, each=4):
    rng = np.random.default_rng(0)
    words = [
        Words(f"{mood} {number}", mood, number % 2 == 0, *(marked(3, 6, mood, rng),) * 2)
        for mood in MOODS
        for number in range(40)
    ]
    names = [f"ravdess_{at:02}" for at in range(1, speakers)] + ["nemo_A"]
    sounds = [
        Sound(name, mood, *(marked(4, 8, mood, rng),) * 2)
        for name in names
        for mood in MOODS
        for _ in range(each)
    ]
    return Material(words, sounds)


@pytest.fixture(scope="module")
def outcome():
    return experiment(Paired(material(), folds=3), 1, Lesson(epochs=4), processes=1)


def test_no_speaker_and_no_sentence_is_taught_and_tested():
    paired = Paired(material(), folds=3)
    tested = set()
    for number in range(3):
        fold = paired.fold(1, number)
        parts = [fold.draw(np.random.default_rng(0)), fold.kept_back, fold.tested]
        for at, one in enumerate(parts):
            for other in parts[at + 1 :]:
                assert not {turn.speaker for turn in one} & {turn.speaker for turn in other}
                assert not {turn.text for turn in one} & {turn.text for turn in other}
        tested |= {turn.speaker for turn in fold.tested}
    assert tested == {f"ravdess_{at:02}" for at in range(1, 7)}  # nEMO's only teach


def test_folds_of_turns_that_belong_together_share_nobody_and_nothing():
    turns = Paired(material(), folds=3).fold(0, 0).tested
    more = [*turns, *Paired(material(), folds=3).fold(0, 1).tested]
    given = Given(more)
    for number in range(given.folds):
        fold = given.fold(0, number)
        taught, tested = fold.draw(np.random.default_rng(0)), fold.tested
        assert not {turn.speaker for turn in taught} & {turn.speaker for turn in tested}
        assert not {turn.text for turn in taught} & {turn.text for turn in tested}
    with pytest.raises(EvaluationError, match="2 speakers are too few"):
        Given(turns)


def test_two_know_more_than_one_where_both_tell(outcome):
    report = reported(outcome, ["made up"])
    best = report.figures[report.best, "as they are", "sentiment UA"].value
    assert best > report.figures["text", "as they are", "sentiment UA"].value
    assert best > report.figures["speech", "as they are", "sentiment UA"].value
    assert report.figures["text", "words removed", "upset UA"].value == pytest.approx(0.5, abs=0.1)


def test_the_file_holds_goals_and_no_value_that_is_no_number(outcome, tmp_path):
    report = reported(outcome, ["made up"])
    told = json.loads(json.dumps(as_json(report), allow_nan=False))
    assert {"what", "goal", "got", "low", "high", "met"} == set(told["goals"][0])
    assert all(isinstance(goal["met"], bool) for goal in told["goals"])
    assert told["parameters"].keys() == {"text", "speech", "feature", "decision", "intermediate"}
    plot(report, tmp_path / "fusion.png")
    assert (tmp_path / "fusion.png").stat().st_size > 10_000


def test_the_table_names_every_contender_and_what_it_is_about(outcome, capsys):
    from rich.console import Console

    show(reported(outcome, ["Words and voice are made up."]), Console(width=200))
    shown = capsys.readouterr().out
    for words in ("words alone", "voice alone", "intermediate", "parameters", "made up", "goals"):
        assert words in shown


def test_few_speakers_leave_a_goal_open(outcome):
    few = Outcome(
        ["one"] * len(outcome.speakers),
        outcome.sentiment,
        outcome.upset,
        outcome.judged,
        outcome.capacity,
        outcome.folds,
        outcome.seeds,
    )
    assert all(goal.met is None for goal in reported(few, []).goals)


def test_recall_and_area_are_what_their_names_say():
    # two classes: 3 of 4 and 1 of 2 found; a third class that nobody is in
    assert recalls(np.array([3.0, 1.0, 0.0, 4.0, 2.0, 0.0])) == pytest.approx(0.625)
    calm, upset = [2.0, 1.0, 0.0], [0.0, 1.0, 2.0]
    assert area(np.array([*calm, *upset])) == pytest.approx((2.5 + 3 + 3) / 9)


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (("ang", None, None), (0, 1)),
        (("frustrated", None, None), (0, 1)),
        (("joy", None, None), (2, 0)),
        (("surprise", None, None), (-1, 0)),
        (("neutral", "negative", None), (0, 0)),
        ((None, 1, True), (2, 1)),
        (("boredom", None, None), (-1, -1)),
        ((None, None, None), (-1, -1)),
    ],
)
def test_labels_of_other_sets_are_known(row, wanted):
    found = label(*row)
    assert (found.sentiment, found.upset) == wanted


def test_a_manifest_s_own_columns_are_read(tmp_path):
    rows = [
        {"path": "a.wav", "text": "hello", "speaker": "x", "upset": True},
        {"path": "b.wav", "text": "thanks", "speaker": "y", "sentiment": "positive"},
        {"path": "c.wav", "text": "well", "speaker": "z"},
    ]
    path = tmp_path / "calls.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    found = labelled(path, read(path).recordings)
    assert [(one.sentiment, one.upset) for one in found.values()] == [(-1, 1), (2, -1), (-1, -1)]


def test_the_same_seed_gives_the_same_pairs():
    one, other = (Paired(material(), folds=3).fold(4, 1).tested for _ in range(2))
    assert [turn.text for turn in one] == [turn.text for turn in other]
    assert isinstance(one[0], Felt)
