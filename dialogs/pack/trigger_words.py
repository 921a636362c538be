"""Trigger words of intents: the words by which a request names what it is about.

They are computed from the pack: words that mostly one task's examples, phrases and titles have.
Examples that negate something are left out, for what they name is not what is asked for. Held by
tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

MIN_SHARE = 0.6  # share of a word's examples that the intent must have
_NEGATIONS = frozenset(["not", "no", "never", "nobody", "nothing", "without", "isn't", "won't"]
                       + ["don't", "can't", "didn't", "doesn't", "wasn't", "haven't"])  # fmt: skip
_COMMON_WORDS = frozenset(
    [
        "a",
        "an",
        "about",
        "after",
        "again",
        "all",
        "already",
        "also",
        "am",
        "and",
        "another",
        "any",
        "anything",
        "are",
        "as",
        "at",
        "be",
        "because",
        "been",
        "before",
        "but",
        "by",
        "call",
        "can",
        "come",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "get",
        "getting",
        "give",
        "go",
        "going",
        "good",
        "got",
        "had",
        "has",
        "have",
        "he",
        "hello",
        "help",
        "her",
        "here",
        "hi",
        "him",
        "how",
        "i",
        "i'd",
        "i'm",
        "i've",
        "if",
        "in",
        "into",
        "is",
        "it",
        "it's",
        "just",
        "keep",
        "know",
        "last",
        "let",
        "like",
        "look",
        "make",
        "many",
        "may",
        "me",
        "month",
        "more",
        "morning",
        "much",
        "must",
        "my",
        "name",
        "need",
        "new",
        "next",
        "now",
        "of",
        "off",
        "okay",
        "on",
        "one",
        "or",
        "our",
        "out",
        "over",
        "own",
        "people",
        "please",
        "put",
        "really",
        "right",
        "said",
        "say",
        "see",
        "set",
        "she",
        "should",
        "so",
        "some",
        "something",
        "take",
        "tell",
        "thank",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "they",
        "thing",
        "things",
        "think",
        "this",
        "time",
        "to",
        "today",
        "tomorrow",
        "too",
        "try",
        "two",
        "uh",
        "um",
        "up",
        "us",
        "use",
        "want",
        "wanna",
        "was",
        "way",
        "we",
        "week",
        "well",
        "went",
        "were",
        "what",
        "what's",
        "when",
        "where",
        "which",
        "while",
        "who",
        "why",
        "will",
        "with",
        "would",
        "yeah",
        "yes",
        "you",
        "your",
        "account",
        "accounts",
        "bank",
        "card",
        "cards",
        "credit",
        "debit",
        "money",
        "dollars",
        "dollar",
        "checking",
        "savings",
        "ever",
        "yesterday",
        "day",
        "someone",
        "online",
        "rather",
        "being",
        "through",
        "wanted",
        "cancel",
        "stop",
        "change",
        "move",
        "only",
        "since",
        "still",
        "sure",
        "work",
        "send",
    ]
)
_IRREGULAR = {
    "checking": "checking", "savings": "savings", "lose": "lost", "losing": "lost",
    "stole": "stolen", "steal": "stolen", "stealing": "stolen",
    "paid": "pay", "paying": "pay", "payment": "pay", "payments": "pay", "pays": "pay",
    "bought": "buy", "cheques": "check", "cheque": "check", "humans": "human", "people": "person",
    "fraudulent": "fraud", "scammer": "scam", "scammed": "scam", "disputed": "dispute",
    "booking": "book", "booked": "book",
}  # fmt: skip


def word_stem(word: str) -> str:
    """A word without the endings of plurals and verb forms: "blocked" and "blocks" are "block"."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, least in (("ing", 4), ("ed", 4), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) - len(ending) >= least - 1 and word[-2:] != "ss":
            stem = word.removesuffix(ending)
            return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] != "s" else stem
    return word.removesuffix("e") if len(word) > 4 else word


_COMMON_STEMS = frozenset(word_stem(word) for word in _COMMON_WORDS)


@lru_cache(maxsize=256)  # a pack has few titles, and each turn is compared with all of them
def title_words(title: str) -> frozenset[str]:
    """The words of a title that name what is made, as stems: "bill payment" has "bill", "pay"."""
    return frozenset(word_stem(word) for word in title.split() if word not in _COMMON_WORDS)


def trigger_words(texts: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """The trigger words of each name, as stems, from the texts that belong to it."""
    counts: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for name, lines in texts.items():
        counts[name] = Counter()
        for line in lines:
            words = line.split()
            if not _NEGATIONS.isdisjoint(words):
                continue
            stems = {word_stem(word) for word in words if word not in _COMMON_WORDS}
            counts[name].update(stems - _COMMON_STEMS)
        total.update(counts[name])
    return {
        name: frozenset(
            word
            for word, count in found.items()
            if len(word) > 2 and count / total[word] >= MIN_SHARE and word.isalpha()
        )
        for name, found in counts.items()
    }
