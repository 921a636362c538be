"""Language rules of a pack: what a customer is told who writes in another language than its own.

languages.yaml has them, each in its own language, with the words for yes and no that answer the
offer of a person (tests/dialogs/responses/test_other_language.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from dialogs.pack.schema import LanguagesYaml


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """What is said in one language, and its words for yes and no, in lower case. `called` is empty
    where the pack has only words of its own language."""

    name: str
    offer: str
    called: str
    alone: str
    yes_words: frozenset[str] = frozenset()
    no_words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """The pack's own language (ISO 639-1), and the others by their code."""

    own: str
    languages: Mapping[str, OtherLanguage]
    unlisted: OtherLanguage

    def find(self, code: str) -> OtherLanguage:
        """The language of this code, or what is said to who writes in an unlisted one."""
        return self.languages.get(code, self.unlisted)


def build_language_rules(source: LanguagesYaml) -> LanguageRules:
    """The frozen rules of a validated `languages.yaml`."""
    return LanguageRules(
        own=source.own,
        languages={
            code: OtherLanguage(
                name=language.name,
                offer=language.offer,
                called=language.called,
                alone=language.alone,
                yes_words=frozenset(map(plain_answer, language.yes)),
                no_words=frozenset(map(plain_answer, language.no)),
            )
            for code, language in source.languages.items()
        },
        unlisted=OtherLanguage("", source.other.offer, "", source.other.alone),
    )


def plain_answer(text: str) -> str:
    """An answer in any script, in small letters and without punctuation: so answers are compared.

    Letters, the marks that belong to them, digits and apostrophes are kept.
    """
    kept = (
        c if c in "'\u2019" or unicodedata.category(c)[0] in "LMN" else " " for c in text.lower()
    )
    return " ".join("".join(kept).split())
