"""Identification of the language of a typed turn, so that who writes in another gets an answer.

py3langid (naive Bayes over byte n-grams) names the language; a turn that has as many words of the
agent's own language counts as its own, whatever else is in it: names, streets and typing mistakes
are no other language. A single word in Latin letters is never enough. Held by
tests/agent/understanding/test_language_identification.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from py3langid.langid import MODEL_FILE  # type: ignore[import-untyped]
from py3langid.langid import LanguageIdentifier as NaiveBayes

# Languages that customers may write in; a rarer one is taken for the nearest of them.
_CODES = """
ar bg bn cs da de el en es et fa fi fr gu he hi hr ht hu hy id it ja ka km ko lt lv ms nl no pa pl
pt ro ru sk sl so sq sr sv sw ta te th tl tr uk ur vi zh
"""
LANGUAGES = tuple(_CODES.split())
MIN_WORDS = 2
MIN_PROBABILITY = 0.5
MAX_KNOWN_SHARE = 0.5  # share of words of the agent's language from which a turn is in it
MAX_LETTERS = 600
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_LATIN = re.compile(r"[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff']+")


class LanguageIdentifier:
    """Names the language of a text where it is not `own`, as ISO 639-1 ("es"); empty otherwise."""

    def __init__(self, own: str, known_words: Iterable[str]) -> None:
        """`known_words` are words of `own`, in lower case."""
        self.own = own
        self._known_words = frozenset(known_words)
        model = NaiveBayes.from_model_file(MODEL_FILE, norm_probs=True)
        available = set(model.labels)
        model.set_languages([name for name in LANGUAGES if name in available | {own}])
        # Built once more from the columns of these languages, so that the others are let go.
        self._model = NaiveBayes(
            model.nb_ptc,
            model.nb_pc,
            model.nb_classes,
            model.tk_nextmove,
            model.tk_output,
            norm_probs=True,
            tk_row=model.tk_row,
        )

    def __call__(self, text: str) -> str:
        text = text[:MAX_LETTERS]
        words = _WORD.findall(text.lower())
        if not words:
            return ""
        language, probability = self._model.classify(text)
        if language == self.own:
            return ""
        other_letters = [word for word in words if not _LATIN.fullmatch(word)]
        if 2 * len(other_letters) > len(words):
            return str(language)
        known = sum(word in self._known_words for word in words)
        is_own = len(words) < MIN_WORDS or known >= MAX_KNOWN_SHARE * len(words)
        return "" if is_own or probability < MIN_PROBABILITY else str(language)
