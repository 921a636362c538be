from pathlib import Path

import pytest

from agent.lab.training.understanding import synthetic_transcripts as heard
from agent.lab.training.understanding.examples import IntentExample

EARS = Path(__file__).parents[4] / "agent" / "weights" / "ears"
ROWS = [
    IntentExample("pay the bill", "pay_bill", "own", "train"),
    IntentExample("my balance is #", "check_balance", "banking77", "train", "My balance is $40"),
    IntentExample("lost my card", "report_lost_card", "banking77", "test"),
    IntentExample("who painted it", "out_of_scope", "disfl_qa", "train"),
]


def test_no_held_out_voice_trains():
    taught = {one.name for one in heard.training_voices().voices}
    assert taught.isdisjoint(one.name for one in heard.held_out_voices().voices)


def test_a_sentence_always_has_the_same_voice_and_another_in_another_take():
    choir = heard.training_voices()
    assert choir.voice_for("hello").name == choir.voice_for("hello").name
    assert len({choir.voice_for("hello", take).name for take in range(20)}) > 1


@pytest.mark.model
def test_sentences_are_heard_once_and_kept(tmp_path, monkeypatch):
    speak = heard.espeak_voice("en-us+m1")
    monkeypatch.setattr(heard, "training_voices", lambda: heard.VoiceAssignment((speak,)))
    rows = heard.with_transcripts(ROWS, EARS, tmp_path)
    assert [bool(row.transcripts) for row in rows] == [True, True, False, False]
    (kept,) = tmp_path.iterdir()
    before = kept.read_text()
    assert len(before.splitlines()) == 2
    assert heard.with_transcripts(ROWS, EARS, tmp_path) == rows
    assert kept.read_text() == before


def test_a_model_is_tuned_on_voices_it_was_not_fitted_on():
    rows = [
        IntentExample(f"pay bill {at}", "pay_bill", "own", "train", transcripts=("a",))
        for at in range(60)
    ]
    fitted, tuned = (
        heard.drop_tuning_voice_transcripts(rows),
        heard.keep_tuning_voice_transcripts(rows),
    )
    assert [
        bool(a.transcripts) != bool(b.transcripts) for a, b in zip(fitted, tuned, strict=True)
    ] == [True] * 60
    assert 0 < sum(bool(row.transcripts) for row in tuned) < 60
