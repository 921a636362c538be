"""People in danger or distress are recognised, and harmless turns are not taken for theirs.

`python -m tests.support.care_evaluation` prints the figures by kind.
"""

from __future__ import annotations

import pytest

from tests.support.care_evaluation import HELD_OUT_TURNS, evaluate_care, read_turns

TURNS = read_turns()


def test_recall_and_false_alarms(pack):
    evaluation = evaluate_care(pack.care, TURNS)
    print("\n".join(evaluation.lines()))
    assert len([one for one in TURNS if one.kind]) >= 150
    assert len([one for one in TURNS if not one.kind]) >= 300
    assert evaluation.recall >= 0.98
    assert evaluation.false_alarm_rate <= 0.005


def test_turns_that_no_phrase_was_written_for(pack):
    """Other people in other situations: what is not yet good enough may at least not get worse."""
    evaluation = evaluate_care(pack.care, read_turns(HELD_OUT_TURNS))
    print("\n".join(evaluation.lines()))
    assert evaluation.recall >= 0.90
    assert evaluation.false_alarm_rate <= 0.05


@pytest.mark.parametrize(
    ("text", "is_recognised"),
    [
        ("my husband's funeral is on friday", True),
        ("pay 200 to willow lane funeral home", False),
        ("the sheriff put an eviction paper on my door", True),
        ("what is the eviction moratorium", False),
        ("my mother asked me to check her balance", True),
        ("my mother wants me to save more", False),
    ],
)
def test_a_topic_is_no_distress_without_somebody_in_it(pack, text, is_recognised):
    assert bool(pack.care.find(text)[0]) is is_recognised


@pytest.mark.parametrize("change", ["upper", "no apostrophes", "no punctuation", "curly"])
def test_the_spelling_of_a_turn_does_not_matter(pack, change):
    def changed(text: str) -> str:
        match change:
            case "upper":
                return text.upper()
            case "no apostrophes":
                return text.replace("'", "")
            case "curly":
                return text.replace("'", "\u2019")
        return "".join(c for c in text if c.isalnum() or c in " '")

    sure = [one for one in TURNS if one.kind and pack.care.find(one.text)[0]]
    missed = [one.text for one in sure if not pack.care.find(changed(one.text))[0]]
    assert len(missed) <= 0.02 * len(sure), missed


@pytest.mark.parametrize(
    "text",
    ["i feel sucidal", "im having a heart atack", "they are blackmailng me", "i cant breahte",
     "he passd away", "call an ambulence"],
)  # fmt: skip
def test_typing_mistakes_in_long_words_are_forgiven(pack, text):
    assert pack.care.find(text)[0]


def test_the_words_of_a_finding_are_those_of_the_customer(pack):
    (finding, *_), _ = pack.care.find("Hello. My Husband   DIED, what now?")
    assert finding.kind == "bereavement"
    assert finding.words == "My Husband   DIED"


def test_of_an_endless_text_beginning_and_end_are_read(pack):
    filler = "and so on " * 20_000
    assert pack.care.find(f"i want to kill myself {filler}")[0]
    assert pack.care.find(f"{filler} i want to kill myself")[0]
