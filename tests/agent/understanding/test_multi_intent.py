import json
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.understanding.multi_intent import MAX_REQUESTS, find_requests
from agent.understanding.text_models import IntentModel
from tests.support.packs import bank_pack

ROOT = Path(__file__).parents[3]
WEIGHTS = ROOT / "agent" / "weights" / "understanding" / "intents.safetensors"
TURNS = [
    json.loads(line)
    for line in (ROOT / "tests" / "data" / "several_requests.jsonl").read_text().splitlines()
]
WORDS = st.sampled_from(
    ["and", "then", "also", "plus", "lost", "my", "card", "tell", "me", "balance", ",", ".", "?"]
    + ["pay", "the", "bill", "please", "yes", "i"]
)

pytestmark = pytest.mark.model


@cache
def model():
    return IntentModel.load(WEIGHTS), bank_pack()


def asked(text):
    return find_requests(text, *model())


@settings(deadline=None)  # the first one loads the weights
@given(st.lists(WORDS, max_size=24))
def test_pieces_are_the_text_in_order_and_at_most_a_few(words):
    text = " ".join(words)
    pieces, at = asked(text), 0
    assert len(pieces) != 1
    assert len(pieces) <= MAX_REQUESTS
    assert len({piece.intent for piece in pieces}) == len(pieces)
    for piece in pieces:
        at = text.index(piece.text, at) + len(piece.text)


@pytest.mark.parametrize("text", ["", "what is my balance", "and", "sandy handles my card"])
def test_nothing_is_cut_without_a_connective(text):
    assert asked(text) == ()


def test_two_requests_are_told_apart_with_their_words():
    first, second = asked("block my card and tell me my balance")
    assert (first.text, first.intent) == ("block my card", "report_lost_card")
    assert (second.text, second.intent) == ("tell me my balance", "check_balance")


def test_most_turns_are_cut_where_a_person_would():
    """The model card has the shares; this only says that they have not fallen apart."""
    right = [[p.intent for p in asked(turn["text"])] == turn["intents"] for turn in TURNS]
    several = [len(turn["intents"]) > 1 for turn in TURNS]
    both = [(r, s) for r, s in zip(right, several, strict=True) if s]
    cut = [turn for turn in TURNS if len(turn["intents"]) == 1 and asked(turn["text"])]
    assert sum(r for r, _ in both) >= 0.8 * len(both)
    assert len(cut) <= 0.1 * (len(TURNS) - len(both))
