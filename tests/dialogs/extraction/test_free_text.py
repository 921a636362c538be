"""What an answer is, by its form."""

from __future__ import annotations

import pytest

from dialogs.extraction.free_text import answer_kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Pulse Gym", "value"), ("it was the corner store", "value"), ("target?", "value"),
        ("i don't know who charged my card 50 dollars", "value"),
        ("when i opened my app i saw a strange charge", "value"),
        ("someone stole my wallet", "value"), ("Never Never Land Toys", "value"),
        ("i can't remember, maybe walmart", "value"), ("What A Burger", "value"),
        ("i don't remember the name", "unknown"), ("no idea", "unknown"), ("idk", "unknown"),
        ("i forgot what it was called", "unknown"), ("not sure", "unknown"),
        ("how should i know", "unknown"), ("i couldn't tell you, i really don't recall", "value"),
        ("why do you ask?", "question"), ("what do you mean", "question"),
        ("where was the charge from?", "question"), ("do you need that", "question"),
        ("how come", "question"), ("why", "question"), ("is this really needed?", "question"),
        ("i'd rather not say", "refusal"), ("skip", "refusal"), ("no", "refusal"),
        ("none of your business", "refusal"), ("i don't want to tell you", "refusal"),
        ("i want my money back", "request"), ("can i talk to a person", "request"),
        ("please cancel this", "request"), ("let me speak to somebody", "request"),
    ],
)  # fmt: skip
def test_kinds(text, kind):
    assert answer_kind(text) == kind
