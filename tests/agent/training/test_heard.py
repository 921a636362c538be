from pathlib import Path

import pytest

from agent.lab.training.understanding import synthetic_transcripts as heard
from agent.lab.training.understanding.examples import Example

EARS = Path(__file__).parents[3] / "agent" / "weights" / "ears"
ROWS = [
    Example("pay the bill", "pay_bill", "own", "train"),
    Example("my balance is #", "check_balance", "banking77", "train", "My balance is $40"),
    Example("lost my card", "report_lost_card", "banking77", "test"),
    Example("who painted it", "out_of_scope", "disfl_qa", "train"),
]


def test_no_held_out_voice_trains():
    taught = {one.name for one in heard.teachers().speakers}
    assert taught.isdisjoint(one.name for one in heard.held_out().speakers)


def test_a_sentence_always_has_the_same_voice_and_another_in_another_take():
    choir = heard.teachers()
    assert choir.of("hello").name == choir.of("hello").name
    assert len({choir.of("hello", take).name for take in range(20)}) > 1


@pytest.mark.model
def test_sentences_are_heard_once_and_kept(tmp_path, monkeypatch):
    speak = heard.espeak_voice("en-us+m1")
    monkeypatch.setattr(heard, "teachers", lambda: heard.Choir((speak,)))
    rows = heard.taught(ROWS, EARS, tmp_path)
    assert [bool(row.heard) for row in rows] == [True, True, False, False]
    (kept,) = tmp_path.iterdir()
    before = kept.read_text()
    assert len(before.splitlines()) == 2
    assert heard.taught(ROWS, EARS, tmp_path) == rows
    assert kept.read_text() == before


def test_a_model_is_tuned_on_voices_it_was_not_fitted_on():
    rows = [Example(f"pay bill {at}", "pay_bill", "own", "train", heard=("a",)) for at in range(60)]
    fitted, tuned = heard.without_tuning_voices(rows), heard.tuning_voices_alone(rows)
    assert [bool(a.heard) != bool(b.heard) for a, b in zip(fitted, tuned, strict=True)] == [
        True
    ] * 60
    assert 0 < sum(bool(row.heard) for row in tuned) < 60
