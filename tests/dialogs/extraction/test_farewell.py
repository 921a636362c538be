"""Which words end a conversation, and which only look like it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogs.extraction.farewell import contains_goodbye, is_goodbye, is_plain_no_more
from dialogs.pack.model import normalise_text

GOODBYES = [
    "bye", "Goodbye!", "bye bye", "Thanks, bye.", "ok thank you so much for your help, bye",
    "have a nice day", "Thank you, have a great rest of your day", "see you", "see ya later",
    "ok talk to you later", "i'm done thanks bye", "nothing else, goodbye", "i have to go now",
    "gotta run", "hang up", "good night", "Take care!", "ciao", "you can close the chat",
    "no that's all, thanks, bye", "you've been very helpful, goodbye",
]  # fmt: skip
NO_MORE = [
    "no", "No thanks", "nope, that's all", "nah i'm good", "that's it, thank you", "nothing else",
    "that will be all", "no, thank you very much", "I don't think so", "not right now", "all set",
    "yes that's all", "i have everything i need", "we're done", "no more questions",
    "that's fine, thanks", "no thanks im good", "thats it", "i dont need anything else",
]  # fmt: skip
NEITHER = [
    "humna pls", "later", "bye the way i need a new card", "no wait stop", "no, that's wrong",
    "no i want to change my address", "i'm not done", "no savings", "thanks", "yes", "no yes", "ok",
    "i have to go to the bank", "i should go ahead", "see you tomorrow at ten for the loan",
    "no, what is my balance", "that's all wrong", "good", "never mind", "wait", "", "not sure",
    "i'm done with you people", "have a look", "close my account", "end my contract",
    "did that go through", "don't hang up",
]  # fmt: skip


@pytest.mark.parametrize("said", GOODBYES)
def test_a_goodbye_and_nothing_else(said):
    assert is_goodbye(normalise_text(said))
    assert is_plain_no_more(normalise_text(said))


@pytest.mark.parametrize("said", NO_MORE)
def test_a_plain_no_to_anything_else_is_no_goodbye_elsewhere(said):
    assert is_plain_no_more(normalise_text(said))
    assert not is_goodbye(normalise_text(said))


@pytest.mark.parametrize("said", NEITHER)
def test_other_words_end_nothing(said):
    assert not is_goodbye(normalise_text(said))
    assert not is_plain_no_more(normalise_text(said))


def test_a_goodbye_with_something_else_is_found():
    assert contains_goodbye("well i guess that solves it so bye then")
    assert not contains_goodbye("buy the shares")


@given(st.lists(st.sampled_from(["no", "bye", "good", "thank you", "have", "that's all", "i"])))
def test_a_turn_of_any_words_is_read_at_once(words):
    began = time.process_time()
    is_goodbye(" ".join([*words, "x"]))
    is_plain_no_more(" ".join([*words, "x"]))
    assert time.process_time() - began < 0.5
