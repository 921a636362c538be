"""Folded words of a text: one spelling for what people say and type in many ways.

Capitals, accents, articles, missing apostrophes, contractions ("can't", "cant" and "cannot" are
"can not") and stretched letters fold to the same words; the end of a sentence is a word of its own.
Linear time; of a long text the beginning and the end are read. Held by
tests/dialogs/pack/test_phrase_text.py.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

SENTENCE_END = "."
POSSESSIVE = "'s"
MAX_CHARACTERS = 2400  # of a longer text, half from its beginning and half from its end are read
# Words that may stand between the words of a phrase without a change of its meaning.
_SKIPPED = """
um uh er erm hm hmm ah oh mm like just really actually basically literally honestly seriously
truly totally completely absolutely definitely kinda sorta very so even still already also too
now well please pretty quite simply suddenly recently unfortunately sadly apparently
probably possibly maybe perhaps currently kind sort constantly always again then fucking bloody
freaking fuckin damn goddamn
"""
SKIPPED_WORDS = frozenset(_SKIPPED.split()) | {POSSESSIVE}
ARTICLES = frozenset({"a", "an", "the"})  # left out: speech recognition mistakes them most
_EXPANSIONS = {
    "im": "i am", "i'm": "i am", "ive": "i have", "i've": "i have", "i'd": "i would",
    "i'll": "i will", "youre": "you are", "you're": "you are", "hes": "he is",
    "he's": "he is", "shes": "she is", "she's": "she is", "theyre": "they are",
    "they're": "they are", "theyve": "they have", "they've": "they have", "they'll": "they will",
    "theyll": "they will", "he'll": "he will", "she'll": "she will",
    "you'll": "you will", "youll": "you will", "we're": "we are", "weve": "we have",
    "we've": "we have", "you've": "you have", "youve": "you have", "you'd": "you would",
    "it'll": "it will", "that'll": "that will", "there'll": "there will", "who've": "who have",
    "where's": "where is", "how's": "how is", "when's": "when is", "let's": "let us",
    "we'll": "we will", "its": "it is", "it's": "it is", "thats": "that is",
    "that's": "that is", "theres": "there is", "there's": "there is", "heres": "here is",
    "here's": "here is", "whats": "what is", "what's": "what is", "whos": "who is",
    "who's": "who is", "someones": "someone is", "someone's": "someone is",
    "somebodys": "somebody is", "somebody's": "somebody is", "nobodys": "nobody is",
    "nobody's": "nobody is", "cant": "can not", "can't": "can not", "cannot": "can not",
    "couldnt": "could not", "wont": "will not", "won't": "will not", "dont": "do not",
    "don't": "do not", "doesnt": "does not", "didnt": "did not", "isnt": "is not",
    "arent": "are not", "wasnt": "was not", "werent": "were not", "havent": "have not",
    "hasnt": "has not", "hadnt": "had not", "wouldnt": "would not", "shouldnt": "should not",
    "aint": "is not", "ain't": "is not", "wanna": "want to", "wana": "want to",
    "gonna": "going to", "gona": "going to", "gunna": "going to", "gotta": "have to",
    "hafta": "have to", "tryna": "trying to", "dunno": "do not know", "lemme": "let me",
    "gimme": "give me", "u": "you", "ur": "your", "r": "are", "ya": "you", "em": "them",
    "cuz": "because", "cos": "because", "bc": "because", "coz": "because", "idk": "i do not know",
    "ppl": "people", "acct": "account", "labour": "labor",
    "neighbour": "neighbor", "mum": "mom", "mam": "mom", "mums": "moms",
    "mommy": "mom", "mummy": "mom", "anymore": "any more", "gf": "girlfriend", "bf": "boyfriend",
    "alot": "lot", "w": "with", "&": "and",
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:['\u2019\u02bc`][^\W_]+)*|[.!?;\u3002\uff1f\uff01]+|&")
_STRETCHED = re.compile(r"(.)\1{2,}")


@dataclass(frozen=True, slots=True)
class FoldedWord:
    """One folded word, and the place in the text it came from, end exclusive."""

    word: str
    start: int
    end: int


def fold_words(text: str) -> tuple[FoldedWord, ...]:
    """The folded words of `text` in their order, with ends of sentences, never two in a row."""
    half = MAX_CHARACTERS // 2
    if len(text) <= MAX_CHARACTERS:
        pieces = [(0, text)]
    else:
        pieces = [(0, text[:half]), (len(text) - half, text[-half:])]
    words: list[FoldedWord] = []
    for offset, piece in pieces:
        for match in _WORD.finditer(piece):
            start, end = offset + match.start(), offset + match.end()
            for word in _fold_word(match.group()):
                if word != SENTENCE_END or (words and words[-1].word != SENTENCE_END):
                    words.append(FoldedWord(word, start, end))
        if words and words[-1].word != SENTENCE_END:
            words.append(FoldedWord(SENTENCE_END, offset + len(piece), offset + len(piece)))
    return tuple(words)


def _fold_word(written: str) -> list[str]:
    if not (written[0].isalnum() or written == "&"):
        return [SENTENCE_END]
    word = written.casefold()
    if not word.isascii():
        letters = unicodedata.normalize("NFKD", word)
        word = "".join(c for c in letters if not unicodedata.combining(c))
        word = re.sub(r"[\u2019\u02bc`]", "'", word)
    word = _STRETCHED.sub(r"\1", word)
    if expanded := _EXPANSIONS.get(word):
        return expanded.split()
    bare = word.replace("'", "")
    if word.endswith("n't") and (expanded := _EXPANSIONS.get(bare)):
        return expanded.split()
    if word.endswith(POSSESSIVE):
        return [word[: -len(POSSESSIVE)], POSSESSIVE]
    return [bare] if bare and bare not in ARTICLES else []
