"""Figures of turns that were made by hand; recall and F1 as scikit-learn has them."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from agent.lab.evaluation.speech_metrics import (
    NO_VERDICT_COLUMN,
    all_metrics,
    emotion_confusion,
    emotion_verdict,
)
from agent.lab.evaluation.tally_metric import estimate
from audio.types import EMOTIONS
from tests.agent.lab.evaluation.hearing import turn


def values(turns):
    found = all_metrics(turns)
    speakers = [t.recording.speaker for t in turns]
    return {m.id: estimate(m, speakers).value for m in found}


def test_words_and_letters():
    found = values([turn("pay my bill", "pay the bill now"), turn("yes", "", sure=0.0)])
    assert found["open.wer"] == pytest.approx(3 / 4)
    assert found["open.substitutions"] == pytest.approx(1 / 4)
    assert found["open.insertions"] == pytest.approx(1 / 4)
    assert found["open.deletions"] == pytest.approx(1 / 4)
    # "my" -> "the" are 3 letters, " now" 4, "yes" 3, of 11 + 3
    assert found["open.cer"] == pytest.approx(10 / 14)
    assert found["open.turns_right"] == 0
    assert found["open.abstained"] == pytest.approx(1 / 2)
    assert found["open.ece"] == pytest.approx(0.9 / 2)


def test_open_and_asked_are_not_mixed():
    turns = [
        turn("operator", "or rate her", asked="operator", sort="choice"),
        turn("my dog is here", "my dog is here"),
    ]
    found = values(turns)
    assert found["open.turns_right"] == 0.5
    assert found["open.choice_right"] == 0
    assert found["asked.choice_right"] == found["asked.turns_right"] == 1
    assert "asked.wer" not in found


def test_digits_are_aligned_and_counted_one_by_one():
    found = values([
        turn("four zero five five", "", asked="four oh double five", sort="digits"),
        turn("one two three", "", asked="one three", sort="digits", speaker="bob"),
        turn("seven", "", asked="seven seven", sort="digits"),
    ])  # fmt: skip
    assert found["asked.digits_right"] == pytest.approx(1 / 3)
    assert found["asked.digits_accuracy"] == pytest.approx(1 - 2 / 8)
    assert found["open.digits_accuracy"] == 0


def test_yes_is_right_in_other_words():
    found = values([
        turn("yes", "yeah", sort="yes_no"),
        turn("no thanks", "nope", sort="yes_no"),
        turn("yes", "no", sort="yes_no"),
    ])  # fmt: skip
    assert found["open.yes_no_right"] == pytest.approx(2 / 3)


def test_a_recording_without_text_has_no_words_to_be_wrong():
    found = values([turn(heard="hello", acted="sad", felt={"sad": 0.8, "angry": 0.2})])
    assert set(found) == {
        f"emotion.{key}" for key in ("ua", "ua_answered", "f1", "f1_answered", "abstained", "ece")
    }


def voices(seed=0, many=80):
    random = np.random.default_rng(seed)
    for index in range(many):
        acted = EMOTIONS[int(random.integers(5))]  # two of the seven never occur
        guess = acted if random.random() < 0.5 else EMOTIONS[int(random.integers(7))]
        felt = (
            {}
            if random.random() < 0.2
            else {guess: 0.7, "neutral" if guess != "neutral" else "sad": 0.3}
        )
        yield turn(speaker=f"s{index % 6}", acted=acted, felt=felt)


def test_recall_and_f1_are_scikit_learns():
    turns = list(voices())
    found = values(turns)
    names = EMOTIONS[:5]

    def theirs(score, some):
        truth = [t.recording.emotion for t in some]
        heard = [emotion_verdict(t) or "none" for t in some]
        return score(truth, heard, labels=names, average="macro", zero_division=0)

    answered = [t for t in turns if t.emotion]
    assert found["emotion.ua"] == pytest.approx(theirs(recall_score, turns))
    assert found["emotion.f1"] == pytest.approx(theirs(f1_score, turns))
    assert found["emotion.ua_answered"] == pytest.approx(theirs(recall_score, answered))
    assert found["emotion.f1_answered"] == pytest.approx(theirs(f1_score, answered))
    assert found["emotion.ua"] < found["emotion.ua_answered"]
    assert found["emotion.abstained"] == pytest.approx(1 - len(answered) / len(turns))
    table = emotion_confusion(turns)
    assert table.shape == (7, 8)
    assert table.sum() == len(turns)
    assert table[:, NO_VERDICT_COLUMN].sum() == len(turns) - len(answered)


def test_emotion_calibration_is_of_the_answered():
    sure = {"sad": 0.75, "angry": 0.25}
    found = values([turn(acted="sad", felt=sure), turn(acted="angry", felt={})])
    assert found["emotion.ece"] == pytest.approx(0.25)
