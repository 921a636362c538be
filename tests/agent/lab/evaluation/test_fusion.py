"""The comparison of fusions: nobody is taught and tested, figures are what they say they are."""

import gzip
import json
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.contenders import single_torch_thread
from agent.lab.evaluation.fusion.experiment import (
    FusionResults,
    RecordedTurns,
    SyntheticPairs,
    run_experiment,
)
from agent.lab.evaluation.fusion.manifest_turns import line_labels
from agent.lab.evaluation.fusion.metrics import area_under_curve, mean_class_recall
from agent.lab.evaluation.fusion.rendering import print_fusion_report, save_fusion_plot
from agent.lab.evaluation.fusion.report import fusion_json, fusion_report
from agent.lab.evaluation.fusion.served_verdicts import draw_pairs
from agent.lab.evaluation.manifest import read_manifest
from agent.lab.training.fusion.fusion_training import FusionTrainingSettings
from agent.lab.training.fusion.pairs import FusionTurn, PairMaterial, SentenceVectors, VoiceFrames
from agent.lab.training.fusion.sentences import MOOD_CLASSES, mood_sentences
from agent.lab.training.fusion.user_recordings import label_from_columns
from agent.lab.training.fusion.word_vectors import vector_training_texts as labelled_texts
from agent.lab.training.understanding.voice_evidence import HeldOutVoice

pytestmark = pytest.mark.model


def marked(steps, width, mood, rng):
    """Noise in which a mood shows."""
    row = rng.normal(0, 1, (steps, width)).astype(np.float32)
    row[:, MOOD_CLASSES.index(mood)] += 2
    return torch.from_numpy(row)


def material(speakers=7, each=4):
    rng = np.random.default_rng(0)
    words = [
        SentenceVectors(f"{mood} {number}", mood, number % 2 == 0, *(marked(3, 6, mood, rng),) * 2)
        for mood in MOOD_CLASSES
        for number in range(40)
    ]
    names = [f"ravdess_{at:02}" for at in range(1, speakers)] + ["nemo_A"]
    sounds = [
        VoiceFrames(name, mood, *(marked(4, 8, mood, rng),) * 2)
        for name in names
        for mood in MOOD_CLASSES
        for _ in range(each)
    ]
    return PairMaterial(words, sounds)


def paired():
    return SyntheticPairs(
        material(), folds=3, training_pairs=40, calibration_pairs=40, test_pairs=40
    )


@pytest.fixture(scope="module")
def outcome():
    with single_torch_thread():
        return run_experiment(paired(), 1, FusionTrainingSettings(epochs=10), processes=1)


def test_no_speaker_and_no_sentence_is_taught_and_tested():
    tested = set()
    for number in range(3):
        fold = paired().fold(1, number)
        parts = [fold.draw_training(np.random.default_rng(0)), fold.calibration, fold.test]
        for at, one in enumerate(parts):
            for other in parts[at + 1 :]:
                assert not {turn.speaker for turn in one} & {turn.speaker for turn in other}
                assert not {turn.text for turn in one} & {turn.text for turn in other}
        tested |= {turn.speaker for turn in fold.test}
    assert tested == {f"ravdess_{at:02}" for at in range(1, 7)}  # nEMO's only teach


def test_folds_of_turns_that_belong_together_share_nobody_and_nothing():
    turns = paired().fold(0, 0).test
    more = [*turns, *paired().fold(0, 1).test]
    given = RecordedTurns(more)
    for number in range(given.folds):
        fold = given.fold(0, number)
        taught, tested = fold.draw_training(np.random.default_rng(0)), fold.test
        assert not {turn.speaker for turn in taught} & {turn.speaker for turn in tested}
        assert not {turn.text for turn in taught} & {turn.text for turn in tested}
    with pytest.raises(EvaluationError, match="2 speakers are too few"):
        RecordedTurns(turns)


def test_two_know_more_than_one_where_both_tell(outcome):
    report = fusion_report(outcome, ["made up"])
    best = report.estimates[report.best_kind, "as they are", "sentiment UA"].value
    assert best > report.estimates["text", "as they are", "sentiment UA"].value
    assert best > report.estimates["speech", "as they are", "sentiment UA"].value
    assert report.estimates["text", "words removed", "upset UA"].value == pytest.approx(
        0.5, abs=0.1
    )


def test_the_file_holds_goals_and_no_value_that_is_no_number(outcome, tmp_path):
    report = fusion_report(outcome, ["made up"])
    told = json.loads(json.dumps(fusion_json(report), allow_nan=False))
    assert {"what", "goal", "got", "low", "high", "met"} <= set(told["goals"][0])
    assert all(isinstance(goal["met"], bool) for goal in told["goals"])
    assert told["parameters"].keys() == {"text", "speech", "feature", "decision", "intermediate"}
    save_fusion_plot(report, tmp_path / "fusion.png")
    assert (tmp_path / "fusion.png").stat().st_size > 10_000


def test_the_table_names_every_contender_and_what_it_is_about(outcome, capsys):
    from rich.console import Console

    print_fusion_report(
        fusion_report(outcome, ["Words and voice are made up."]), Console(width=200)
    )
    shown = capsys.readouterr().out
    for words in ("words alone", "voice alone", "intermediate", "parameters", "made up", "Goals"):
        assert words in shown


def test_few_speakers_leave_a_goal_open(outcome):
    few = FusionResults(
        ["one"] * len(outcome.speakers),
        outcome.sentiment,
        outcome.upset,
        outcome.predictions,
        outcome.parameter_counts,
        outcome.folds,
        outcome.seeds,
    )
    assert all(goal.met is None for goal in fusion_report(few, []).goals)


def test_recall_and_area_are_what_their_names_say():
    # two classes: 3 of 4 and 1 of 2 found; a third class that nobody is in
    assert mean_class_recall(np.array([3.0, 1.0, 0.0, 4.0, 2.0, 0.0])) == pytest.approx(0.625)
    calm, upset = [2.0, 1.0, 0.0], [0.0, 1.0, 2.0]
    assert area_under_curve(np.array([*calm, *upset])) == pytest.approx((2.5 + 3 + 3) / 9)


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
    found = label_from_columns(*row)
    assert (found.sentiment, found.upset) == wanted


def test_a_manifest_s_own_columns_are_read(tmp_path):
    rows = [
        {"path": "a.wav", "text": "hello", "speaker": "x", "upset": True},
        {"path": "b.wav", "text": "thanks", "speaker": "y", "sentiment": "positive"},
        {"path": "c.wav", "text": "well", "speaker": "z"},
    ]
    path = tmp_path / "calls.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    found = line_labels(path, read_manifest(path).recordings)
    assert [(one.sentiment, one.upset) for one in found.values()] == [(-1, 1), (2, -1), (-1, -1)]


def test_what_teaches_the_vectors_is_never_drawn_and_no_sentence_has_two_moods(tmp_path):
    folder = tmp_path / "goemotions"
    folder.mkdir()
    (folder / "original_labels.txt").write_text("anger\njoy\nneutral\nsadness\n")
    rows = [f"Comment {'x' * at}\t{at % 4}\tid" for at in range(40)]
    rows += ["Said in two moods\t0\tid", "Said in two moods\t1\tid", "Mixed\t0,1\tid"]
    for split in ("train", "dev"):
        with gzip.open(folder / f"{split}.tsv.gz", "wt") as out:
            out.write("\n".join(rows if split == "train" else rows[-3:]) + "\n")
    taught = {text for text, _ in labelled_texts(tmp_path, [])}
    found = mood_sentences(tmp_path, [], taught)
    assert 0 < len(taught) < 42
    assert any(not one.from_customer for one in found)
    assert not {one.text for one in found} & taught
    assert len({one.text for one in found}) == len(found)
    assert not {"said in two moods", "mixed"} & {one.text for one in found}


def test_served_verdicts_are_put_together_as_the_pairs_are():
    feelings = SimpleNamespace(base_log_odds=-2.0, log_odds=lambda texts: np.zeros(len(texts)))
    moods = {"angry": 0, "sad": 1, "neutral": 2, "happy": 3}
    heard = [
        HeldOutVoice(name, label, tuple(float(at == place) for at in range(7)))
        for name in ("a", "b")
        for label, place in moods.items()
    ]
    words = {
        mood: [one for one in material().sentences if one.mood == mood] for mood in MOOD_CLASSES
    }
    pairs = draw_pairs(words, heard, feelings, np.random.default_rng(0))
    assert set(pairs.speakers) == {"a", "b"}
    assert pairs.upset.mean() == pytest.approx(0.3, abs=0.06)
    angry = np.array([voice.label == "angry" for voice in pairs.voice_verdicts])
    assert pairs.upset[angry].all()  # a voice that is not flat is right
    assert np.allclose(pairs.word_log_odds, 2.0)


def test_what_is_sent_to_another_process_arrives_as_it_was():
    one = material(speakers=2, each=1)
    other = pickle.loads(pickle.dumps(one))
    assert other.sentences[5].mood == one.sentences[5].mood
    assert torch.equal(other.sentences[5].misheard, one.sentences[5].misheard)
    assert torch.equal(other.voices[1].telephone, one.voices[1].telephone)


def test_the_same_seed_gives_the_same_pairs():
    one, other = (paired().fold(4, 1).test for _ in range(2))
    assert [turn.text for turn in one] == [turn.text for turn in other]
    assert isinstance(one[0], FusionTurn)
