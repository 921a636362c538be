"""Phone alphabet and word pronunciations.

espeak-ng's American pronunciations reduced to 41 phones, so that any word of a pack can be
recognised. Stress and length are dropped, diphthongs and affricates are one phone, vowels with r
or l are two: the distinctions that 20 ms frames of telephone audio support.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from audio.phrase_search import Alphabet
from audio.speak import phonemes

PHONES = (
    *"ptkbdɡmnŋfvθðszʃʒhjwlɹɾ",
    *("tʃ", "dʒ", "i", "ɪ", "ɛ", "æ", "ə", "ʌ", "ɚ", "ɑ", "ɔ", "ʊ", "u"),
    *("eɪ", "aɪ", "ɔɪ", "aʊ", "oʊ"),
)
# outputs of the phone head: CTC's blank, word boundary, phones
PHONE_LABELS = ("<pad>", "|", *PHONES)
PHONE_HEAD_FILE = "phones.safetensors"  # beside a checkpoint: a linear layer from frames to phones
_KNOWN = frozenset(PHONES)
_ID = {phone: i for i, phone in enumerate(PHONE_LABELS)}
_CHARACTER = {phone: chr(ord("A") + i) for i, phone in enumerate(PHONES)}
_REDUCTIONS = {
    "ɔɹ": ("ɔ", "ɹ"),
    "ɑɹ": ("ɑ", "ɹ"),
    "ɛɹ": ("ɛ", "ɹ"),
    "ʊɹ": ("ʊ", "ɹ"),
    "ɪɹ": ("ɪ", "ɹ"),
    "əl": ("ə", "l"),
    "iə": ("i", "ə"),
    "aɪɚ": ("aɪ", "ɚ"),
    "aɪə": ("aɪ", "ə"),
    "n̩": ("n",),
    "ʔ": ("t",),
    "r": ("ɹ",),
    "ɐ": ("ə",),
    "ᵻ": ("ɪ",),
    "ɜ": ("ɚ",),
    "o": ("oʊ",),
    "e": ("eɪ",),
    "a": ("ɑ",),
    "x": ("k",),
    "ɬ": ("l",),
}
_STRESS = str.maketrans("", "", "ˈˌː")
# Weak forms as in running speech, for words that espeak-ng spells out or joins to others.
_WEAK_FORMS = {
    "a": ("ə",),
    "the": ("ð", "ə"),
    "to": ("t", "ə"),
    "of": ("ə", "v"),
    "for": ("f", "ɚ"),
}


@lru_cache(20_000)
def pronunciation(text: str) -> tuple[tuple[str, ...], ...]:
    """The phones of each word of `text` (lower case, single spaces), as in this sentence."""
    words = text.split()
    groups = phonemes(text).split()
    if len(groups) != len(words):  # espeak-ng has joined some, such as "in the"
        return tuple(_WEAK_FORMS.get(word) or word_phones(word) for word in words)
    return tuple(
        _reduce(group) or word_phones(word) for group, word in zip(groups, words, strict=True)
    )


@lru_cache(50_000)
def word_phones(word: str) -> tuple[str, ...]:
    """The phones of a word spoken alone."""
    return tuple(phone for group in phonemes(word).split() for phone in _reduce(group))


def _reduce(group: str) -> tuple[str, ...]:
    """espeak-ng's phonemes of a word (separated by underscores) as phones; unknown ones are
    dropped."""
    phones: list[str] = []
    for phoneme in group.translate(_STRESS).split("_"):
        phones += (phoneme,) if phoneme in _KNOWN else _REDUCTIONS.get(phoneme, ())
    return tuple(phones)


@dataclass(frozen=True, slots=True)
class PhoneAlphabet(Alphabet):
    """An Alphabet of phones: `spell` gives the pronunciation of a text."""

    letters: tuple[str, ...] = PHONE_LABELS

    def spell(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in pronunciation(text):
            ids += [self.boundary] * bool(ids) + [_ID[phone] for phone in word]
        return ids

    def can_spell(self, text: str) -> bool:
        return bool(text.split()) and all(pronunciation(text))

    def greedy_form(self, text: str) -> str:
        return " ".join(
            "".join(_CHARACTER[phone] for phone in word) for word in pronunciation(text)
        )

    def character(self, letter: int) -> str:
        return _CHARACTER[self.letters[letter]]
