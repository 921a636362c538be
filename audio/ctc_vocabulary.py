"""Mapping from the vocabulary of any CTC checkpoint to one alphabet of letters.

Vocabularies of one family of models differ: upper case or lower, `<pad>` or `[PAD]`, a curly
apostrophe, hyphens, punctuation, sentence tokens that a CTC model does not need. All are mapped
to one alphabet: lower-case letters, a blank and a boundary between words. Tokens that are no
letters count towards the blank, so that they never appear in a transcript.
Held by tests/audio/test_ctc_vocabulary.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio.hub import CheckpointError
from audio.phrase_search import Alphabet

_SPECIAL = re.compile(r"<.*>|\[.*\]")  # <s>, </s>, <unk>, [UNK]
_APOSTROPHES = {"\u2019": "'", "\u02bc": "'", "`": "'"}
_HYPHENS = "-\u2010\u2011\u2013\u2014"  # "twenty-one" is two words in all transcripts
_LANGUAGES = ("eng", "en")


@dataclass(frozen=True, slots=True)
class VocabularyMapping:
    """`letter_of_output` gives, for each output of the model, its letter in `alphabet`."""

    alphabet: Alphabet
    letter_of_output: tuple[int, ...]


def map_vocabulary(
    vocabulary: Mapping[str, int], blank: int, boundary: str, size: int
) -> VocabularyMapping:
    """The mapping of a vocabulary (token -> output).

    `blank` is the output of CTC's blank, `boundary` the token between words, `size` the number of
    outputs. CheckpointError, without the checkpoint's name, for a vocabulary not of letters.
    """
    letters, counts = ["<pad>", "|"], [0] * size  # as the embedded model's own vocabulary begins
    places = {"": 0, " ": 1}
    for token, output in sorted(vocabulary.items(), key=lambda item: item[1]):
        if output >= size or output == blank:
            continue
        letter = _letter(token, boundary)
        if letter not in places:
            places[letter] = len(letters)
            letters.append(letter)
        counts[output] = places[letter]
    if 1 not in counts:
        raise CheckpointError(f"its vocabulary has no token between words ({boundary!r})")
    if len(letters) < 4:
        raise CheckpointError("its vocabulary has no letters")
    return VocabularyMapping(Alphabet(tuple(letters), 0, 1), tuple(counts))


def _letter(token: str, boundary: str) -> str:
    """The letter of a token, " " between words, "" for a token without one."""
    if token == boundary or token in _HYPHENS or token.isspace():
        return " "
    if token.lower() in ("<space>", "[space]"):
        return " "
    if _SPECIAL.fullmatch(token):
        return ""
    letter = unicodedata.normalize("NFC", _APOSTROPHES.get(token, token.lower()))
    if len(letter) > 1:
        raise CheckpointError(f"it spells in pieces such as {token!r}, not in letters")
    return letter if letter == "'" or unicodedata.category(letter)[0] in "LMN" else ""


def language_vocabulary(
    vocabulary: Mapping[str, Any], tokenizer_config: Mapping[str, Any]
) -> dict[str, int]:
    """token -> output, also for a vocabulary with one table for each language (MMS)."""
    languages = [key for key, value in vocabulary.items() if isinstance(value, dict)]
    if not languages:
        return dict(vocabulary)
    wanted = (tokenizer_config.get("target_lang"), *_LANGUAGES, languages[0])
    return dict(vocabulary[next(key for key in wanted if key in languages)])


def text_of_token(token: Any) -> str | None:
    """The text of a special token, which tokenizer files store as text or as an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) and token else None
