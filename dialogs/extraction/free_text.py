"""What an answer in the customer's own words is: a value, or none.

A question, "I don't remember", a refusal and another request are no value of any slot. The forms
are those of the grammar, not of a subject: a question word with its verb, a verb of knowing or
wanting under a negation. Held by tests/dialogs/extraction/test_free_text.py.
"""

from __future__ import annotations

import re
from typing import Literal

from dialogs.extraction.tokens import word_set

FreeTextKind = Literal["value", "question", "unknown", "refusal", "request", "assent"]
MAX_READ = 300  # characters: what an answer is shows at its beginning
_OPENERS = re.compile(
    r"^(?:(?:uh|um|er|well|so|oh|hm+|ah|sorry|but|and|wait|hang on|honestly|actually|ok|okay|no"
    r"|please|"
    r"excuse me|hey)\b[\s,.!-]*)+"
)
_AUXILIARY = (
    r"(?:do|does|did|don't|doesn't|is|isn't|are|aren't|was|were|can|can't|could|couldn't|should|would|"
    r"will|won't|have|has|am|must|shall|'s|the hell)"
)
_QUESTION = re.compile(
    rf"(?:what|which|who|whom|whose|where|when|why|how)(?:'s|'re|s)?\s+(?:\w+\s+){{0,2}}?{_AUXILIARY}\b"
    r"|(?:why|how come|what for|what if|how so|since when|says who|who cares|what|which one"
    r"|how)\W*$"
    r"|why\b|how (?:long|much|many|come|often)\b|what(?:'s|s) (?:that|this|it|the)\b|what do\b"
    rf"|{_AUXILIARY} (?:i|you|we|it|this|that|there|they|my|the)\b(?!.*\b(?:please send)\b)"
)
_KNOWING = (
    r"(?:know|remember|recall|recollect|have (?:it|that|one|a clue|any idea)"
    r"|see it|find it|think of it)"
)
_UNKNOWN = re.compile(
    r"\b(?:(?:i|we)\s+)?(?:really\s+|just\s+|honestly\s+)?"
    rf"(?:do not|don't|dont|can't|cant|cannot|can not|couldn't|could not|didn't|did not"
    rf"|wouldn't)\s+"
    rf"(?:really\s+|quite\s+|exactly\s+|even\s+)?{_KNOWING}\b"
    r"|\bno (?:idea|clue)\b|\bnot (?:sure|certain)\b|\bunsure\b|\bidk\b|\bdunno\b|\bbeats me\b"
    r"|\b(?:i|i've|ive|i have)\s+(?:totally\s+)?(?:forgot|forgotten)\b|\bforgot(?: it)?\W*$"
    r"|\bhaven't (?:a clue|got it|got one)\b"
    r"|\bi wish i knew\b|\bhow should i know\b|\bi (?:have|haven't) no\b"
)
# What may stand beside "I don't remember" without being an answer.
_NO_CONTENT = word_set(
    "i it the a an that this what which who name names of my is was called its it's for at in "
    "on to them they you we sorry now right anymore any more exactly exact really just but "
    "and so oh well um uh er hm no not yes honestly actually from store shop company place "
    "word number anything where when how one ones ' s to-be be by heart moment sure me think "
    "maybe perhaps about have don't know remember been long time ago did were charge charged "
    "purchase"
)
_REFUSAL = re.compile(
    r"^(?:i(?:'d| would)? (?:rather|prefer) (?:not|to not|no)|i (?:don't|do not|dont) (?:want"
    r"|wish|need|like) to"
    r"|i(?:'m| am) not (?:telling|giving|going to|saying|comfortable)|i (?:won't|will not|refuse"
    r"|decline)"
    r"|none of your|not your business|that's (?:private|personal|none)|no way|no thanks?"
    r"|no thank you|"
    r"(?:no|nope|nah|never|skip|pass|nothing|nobody|none|n/a|na)\W*$|skip (?:it|that|this)|"
    r"(?:you )?(?:don't|do not|dont) need (?:it|that|my|to)|not telling|leave it|it doesn't matter|"
    r"doesn't matter|does it matter|never ?mind)"
)
_ASSENT = re.compile(
    r"(?:(?:yes|yeah|yep|yup|y|ok|okay|k|sure|right|correct|fine|thanks|thank you|please|hello|hi"
    r"|hm+|uh|um|well|so|alright|all right|of course|go ahead)\b[\s,.!]*)+"
)
_REQUEST = re.compile(
    r"^(?:i (?:want|wanna|need|wish) (?:to|a|my|you)|i(?:'d| would) like (?:to|a|you)|i(?:'m"
    r"| am) trying to|let me "
    r"|let's |lets |(?:can|could|would|will) (?:you|i|we) |please |give me |show me |tell me "
    r"|get me |help|"
    r"go back|cancel|stop|forget it|transfer me|connect me|put me through|speak to|talk to|"
    r"i (?:want|need) (?:someone|somebody|help|an? (?:person|agent|human)))"
)


def answer_kind(text: str) -> FreeTextKind:
    """What an answer is, by its form."""
    low = text.lower().replace("\u2019", "'").strip()[:MAX_READ]
    core = _OPENERS.sub("", low).strip() or low
    if (unknown := _UNKNOWN.search(low)) and _is_empty(
        low[: unknown.start()] + low[unknown.end() :]
    ):
        return "unknown"
    if (
        _QUESTION.match(core)
        and (low.endswith("?") or len(core.split()) <= 12)
        or (low.endswith("?") and len(core.split()) > 2)
    ):
        return "request" if _REQUEST.match(core) else "question"
    if low.endswith("?") and core.rstrip("? ") in {
        "what",
        "who",
        "huh",
        "pardon",
        "sorry",
        "excuse me",
    }:
        return "question"
    if _REFUSAL.match(low) or _REFUSAL.match(core):
        return "refusal"
    if _REQUEST.match(core):
        return "request"
    return "assent" if _ASSENT.fullmatch(low) else "value"


def _is_empty(text: str) -> bool:
    """Whether no word is left that could be an answer."""
    return all(word in _NO_CONTENT for word in re.findall(r"[\w']+", text))
