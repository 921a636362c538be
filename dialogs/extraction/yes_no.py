"""Detection of a yes or a no in a customer's words.

Held by tests/dialogs/extraction/test_slots.py.
"""

from __future__ import annotations

import re

MAX_SHORT_ANSWER_WORDS = 5  # up to so many words, a yes or no counts anywhere in the answer
_YES = re.compile(
    r"\b(?:yes|yeah|yep|yup|yea|ya|sure|correct|right|ok|okay|absolutely|exactly|definitely|"
    r"of course|go ahead|please do|do it|sounds good|uh huh|mm hmm|mhm|affirmative|that's fine|"
    r"that is fine|fine|perfect|you got it|indeed|certainly)\b"
)
_NO = re.compile(
    r"\b(?:no|nope|nah|negative|wrong|incorrect|not right|not correct|isn't right|don't|do not|"
    r"not really|never|absolutely not|not that|not quite|that's not|that isn't)\b"
)
_NO_PROBLEM = re.compile(r"\b(?:no problem|no worries|why not)\b")


def yes_or_no(lowered: str, is_expected: bool) -> tuple[int, int, str] | None:
    """Start and end of a yes or no in lower-case text, and "yes" or "no"; None without one.

    In a longer text a word that is not at the beginning counts only when yes or no was asked for.
    """
    problem = _NO_PROBLEM.search(lowered)
    no, yes = _NO.search(lowered), _YES.search(lowered)
    says_no = no and (not yes or no.start() <= yes.start() or no.group() not in _PLAIN_NO)
    best = problem or (no if says_no else yes)
    if best is None:
        return None
    if best.start() > 3 and len(lowered.split()) > MAX_SHORT_ANSWER_WORDS and not is_expected:
        return None
    return best.start(), best.end(), "no" if best is no else "yes"


# "that's not right" says no although "right" stands there too; "yes, no problem" does not.
_PLAIN_NO = frozenset({"no", "nope", "nah"})
