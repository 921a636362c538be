"""Any word can be pronounced, and turns can be decided by how words sound."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.beam_search import BeamSearchDecoder
from audio.phones import PHONE_LABELS, PHONES, PhoneAlphabet, pronunciation, word_phones
from audio.phrase_search import Alphabet
from audio.transcriber import Transcriber
from audio.types import Expectation

LETTERS = Alphabet(("<pad>", "|", "'", *"abcdefghijklmnopqrstuvwxyz"))
SPOKEN = PhoneAlphabet()
MENU = ("operator", "check balance", "pay bill")


def sound(text, alphabet=SPOKEN, noise=0.1, hold=2):
    """Probabilities of somebody who says exactly this, two frames a phone and a rest."""
    ids = [frame for sound in alphabet.spell(text) for frame in [sound] * hold + [0]]
    likely = np.full((len(ids), len(alphabet.letters)), noise / len(alphabet.letters), np.float32)
    likely[np.arange(len(ids)), ids] = 1 - noise
    return np.log(likely)


@pytest.fixture
def transcriber():
    return Transcriber(LETTERS, phone_alphabet=SPOKEN)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("zero", "z i ə ɹ oʊ"),
        ("card", "k ɑ ɹ d"),
        ("choose", "tʃ u z"),
        ("balance", "b æ l ə n s"),
    ],
)
def test_words_as_americans_say_them(word, phones):
    assert " ".join(word_phones(word)) == phones


def test_small_words_are_weak_between_others():
    assert pronunciation("the end of the line")[2:4] == (("ə", "v"), ("ð", "ə"))
    assert len(pronunciation("i want to go to the bank")) == 7


@settings(deadline=None, max_examples=60)
@given(st.text("abcdefghijklmnopqrstuvwxyz' ", max_size=30))
def test_every_word_has_its_own_phones(text):
    said = pronunciation(text)
    assert len(said) == len(text.split())
    assert {phone for word in said for phone in word} <= set(PHONES)


def test_phones_have_a_character_each():
    assert len(PHONE_LABELS) == len(set(PHONE_LABELS)) == 43
    letters = {SPOKEN.character(i) for i in range(2, len(PHONE_LABELS))}
    assert len(letters) == len(PHONES)
    spelled = "".join(" " if i == 1 else SPOKEN.character(i) for i in SPOKEN.spell("check balance"))
    assert spelled == SPOKEN.greedy_form("check balance")


@pytest.mark.parametrize(
    ("said", "expect", "text"),
    [
        ("uh operator please", Expectation("choice", choices=MENU), "operator"),
        ("chuck balance", Expectation("choice", choices=MENU), "check balance"),
        ("yes please", Expectation("yes_no"), "yes please"),
        ("five too nine", Expectation("digits", 3), "five two nine"),
        ("won won for", Expectation("digits", 3), "one one four"),
        ("march third nineteen eighty", Expectation("date"), "march third nineteen eighty"),
        ("smyth", Expectation("name", choices=("smith", "jones")), "smith"),
    ],
)
def test_what_sounds_alike_is_heard_alike(transcriber, said, expect, text):
    phones = sound(said)
    letters = np.zeros((len(phones), len(LETTERS.letters)), np.float32)
    assert transcriber.decode(letters, 0, expect, phones).text == text


def test_a_wrong_guess_is_doubted(transcriber):
    choices = Expectation("choice", choices=MENU)
    letters = np.zeros((0, len(LETTERS.letters)), np.float32)
    right = transcriber.decode(letters, 0, choices, sound("operator")).confidence
    wrong = transcriber.decode(letters, 0, choices, sound("wildfire season")).confidence
    assert wrong < 0.2 < 0.8 < right


def test_without_a_word_list_open_turns_are_letters(transcriber):
    letters = sound("call me", LETTERS)
    said = transcriber.decode(letters, 0, Expectation(), sound("call me"))
    assert said.text == "call me"


ARPA = """\\data\\
ngram 1=6
ngram 2=2

\\1-grams:
-99\t<s>\t-0.3
-1.0\t</s>
-2.0\t<unk>
-0.8\twrite\t-0.3
-0.8\tright\t-0.3
-0.8\tletter\t-0.3

\\2-grams:
-0.1\t<s> write
-0.1\twrite letter

\\end\\
"""


def test_order_tells_words_apart_that_sound_alike(tmp_path):
    (tmp_path / "words.arpa").write_text(ARPA)
    lines = [f"{word}\t{' '.join(word_phones(word))} |\n" for word in ("write", "right", "letter")]
    (tmp_path / "words.lexicon").write_text("".join(lines))
    lexicon = BeamSearchDecoder(tmp_path, SPOKEN)
    transcriber = Transcriber(LETTERS, beam_search=lexicon, phone_alphabet=SPOKEN)
    letters = np.zeros((0, len(LETTERS.letters)), np.float32)
    said = transcriber.decode(letters, 0, Expectation(), sound("right letter"))
    assert said.text == "write letter"
    first, second = said.words
    assert 0 <= first.start < first.end <= second.start < second.end
