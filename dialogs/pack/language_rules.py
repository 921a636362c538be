"""Language rules of a pack: what a customer is told who writes in another language than its own.

languages.yaml has them, each in its own language, with the words for yes and no that answer the
offer of a person (tests/dialogs/responses/test_other_language.py).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from dialogs.pack.schema import LanguagesYaml

REPLY_PREFIX = "language."  # of the names of their replies
UNLISTED = "other"  # stands for the code of a language that the file lacks


@dataclass(frozen=True, slots=True)
class OtherLanguage:
    """A language by its code (ISO 639-1), with its words for yes and no as they are compared.

    What is said in it are the replies `language.CODE.offer`, `.called` and `.alone`; the last but
    one is missing where the pack has only words of its own language.
    """

    code: str
    name: str = ""
    yes_words: frozenset[str] = frozenset()
    no_words: frozenset[str] = frozenset()

    def reply(self, part: str) -> str:
        """The name of the reply that is this part."""
        return f"{REPLY_PREFIX}{self.code}.{part}"


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """The pack's own language (ISO 639-1), and the others by their code."""

    own: str
    languages: Mapping[str, OtherLanguage]

    def find(self, code: str) -> OtherLanguage:
        """The language of this code, or the one that stands for those that are not listed."""
        return self.languages.get(code) or OtherLanguage(UNLISTED)


def build_language_rules(source: LanguagesYaml) -> LanguageRules:
    """The frozen rules of a validated `languages.yaml`."""
    return LanguageRules(
        own=source.own,
        languages={
            code: OtherLanguage(
                code,
                language.name,
                frozenset(map(plain_answer, language.yes)),
                frozenset(map(plain_answer, language.no)),
            )
            for code, language in source.languages.items()
        },
    )


def language_replies(source: LanguagesYaml) -> dict[str, list[str]]:
    """The replies that a validated `languages.yaml` adds to those of the pack, by name."""
    replies = {
        OtherLanguage(code).reply(part): [text]
        for code, language in source.languages.items()
        for part, text in (
            ("offer", language.offer),
            ("called", language.called),
            ("alone", language.alone),
        )
    }
    unlisted = OtherLanguage(UNLISTED)
    replies[unlisted.reply("offer")] = [source.other.offer]
    replies[unlisted.reply("alone")] = [source.other.alone]
    return replies


def is_in_other_language(reply_name: str) -> bool:
    """Whether a reply is in another language than the pack's own."""
    code, _, _ = reply_name.removeprefix(REPLY_PREFIX).partition(".")
    return reply_name.startswith(REPLY_PREFIX) and code != UNLISTED


def plain_answer(text: str) -> str:
    """An answer in any script, in small letters and without punctuation: so answers are compared.

    Letters, the marks that belong to them, digits and apostrophes are kept.
    """
    kept = (
        c if c in "'\u2019" or unicodedata.category(c)[0] in "LMN" else " " for c in text.lower()
    )
    return " ".join("".join(kept).split())
