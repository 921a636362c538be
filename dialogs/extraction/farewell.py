"""Words that end a conversation: a goodbye, and a plain no to "anything else?".

Only a whole turn counts: where other words are left over, the customer may still want something.
Held by tests/dialogs/extraction/test_farewell.py.
"""

from __future__ import annotations

import re

MAX_CLOSING_WORDS = 20  # nobody needs more for a goodbye
# As it is often typed.
_WITH_APOSTROPHE = {
    "im": "i'm", "ive": "i've", "thats": "that's", "dont": "don't", "youve": "you've",
}  # fmt: skip

# Said only by somebody who leaves, also in the middle of a task.
_GOODBYE = (
    r"(?:good ?)?bye(?: ?bye)*(?: for now)?|good ?night|so long|farewell|ciao|cheerio|cya|ttyl"
    r"|(?:i(?:'ll| will) )?(?:see|catch) (?:you|ya|u)"
    r"(?: (?:later|soon|around|then|next time|tomorrow))?"
    r"|(?:i(?:'ll| will) )?(?:talk|speak) to (?:you|ya|u) (?:later|soon|another time|tomorrow)"
    r"|(?:have|enjoy) (?:a |the |your )?(?:very )?"
    r"(?:nice|good|great|lovely|wonderful|pleasant)(?: rest of (?:the|your))?"
    r" (?:one|day|evening|night|afternoon|morning|weekend|week)(?: too)?"
    r"|take care(?: of yourself)?"
    r"|(?:sorry )?(?:i(?:'ve| have)? )?(?:really )?(?:have to|gotta|got to|need to|must|should)"
    r" (?:go|run|leave|get going|hang up|be off)(?: now)?"
    r"|i(?:'m| am) (?:leaving|off|hanging up|going to hang up|out)(?: now)?"
    r"|(?:you can |i(?:'ll| will) )?hang up(?: now)?"
    r"|(?:you can |please )?(?:end|close) (?:the |this |our )?(?:chat|call|conversation|session)"
)
# Ends a conversation only where nothing is under way: in a task it may end a list.
_NOTHING_MORE = (
    r"(?:that(?:'s| is|'ll be| will be| was|s)|this is|it's) (?:all|it|everything)"
    r"(?: (?:that )?i (?:need|needed|want|wanted|have|had))?"
    r"|(?:nothing|none)(?: else| more| further)?|no more(?: questions)?|no need|no other questions?"
    r"|(?:i(?:'m| am)|we(?:'re| are)) (?:all )?(?:done|finished|set|good|fine|ok|okay|happy|sorted)"
    r"|all (?:done|set|good|sorted)|i (?:don't|do not) think so|not that i can think of|i think not"
    r"|i(?:'ve| have)(?: got)? (?:all|everything)(?: that)? i (?:need|needed|wanted)"
    r"|(?:i |we )?(?:don't|do not) need (?:anything|any)(?: (?:else|more))?(?: help)?"
)
_NO = (
    r"no+|nope|nah|na|not (?:really|now|today|right now|at the moment|for now|this time)"
    r"|(?:that|it)(?:'s| is) (?:fine|ok|okay|good)"
)
_POLITE = (  # longer phrases first: what has been read is not read again
    r"(?:many )?thanks|thank (?:you|u)|thankyou|thx|ty|tysm|cheers|much appreciated"
    r"|(?:i |really |much )*appreciate (?:it|that|your help|the help|you)"
    r"|very much|so much|a lot|a bunch|again|kindly|for helping(?: me)?(?: out)?|for everything"
    r"|for (?:now|today)|for (?:all )?(?:your|the|this|that)"
    r"|(?:your )?(?:help|time|assistance|patience|service)"
    r"|i (?:think|guess|believe)|you too|same to you|everyone|everybody|guys|sir|ma'am|madam|mate"
    r"|you(?:'ve| have)?(?: been| were| are)? (?:so |very |really )?(?:helpful|great|kind|nice)"
    r"|ok|okay|k|all ?right|right|well|so|great|perfect|good|fine|awesome|cool|lovely|excellent"
    r"|super|wonderful|amazing|brilliant|uh|um|oh|and|then|now|today"
)


def _turn_pattern(*parts: str) -> re.Pattern[str]:
    # possessive: the parts overlap, and without it a long turn could be tried in very many ways
    return re.compile(rf"(?:(?:{'|'.join(parts)})(?: |$))++")


_YES = r"yes|yeah|yep|yup"  # "yes, that's all" is a no to "anything else?", "no, yes" is nothing

_CLOSING_TURN = _turn_pattern(_GOODBYE, _NOTHING_MORE, _YES, _NO, _POLITE)
_GOODBYE_WORDS = re.compile(rf"(?:^| )(?:{_GOODBYE})(?= |$)")
_NOTHING_MORE_WORDS = re.compile(rf"(?:^| )(?:{_GOODBYE}|{_NOTHING_MORE})(?= |$)")
_NO_WORDS = re.compile(rf"(?:^| )(?:{_NO})(?= |$)")
_YES_WORDS = re.compile(rf"(?:^| )(?:{_YES})(?= |$)")


def is_goodbye(text: str) -> bool:
    """Whether `text` (normalised) is a goodbye and nothing else."""
    text = _with_apostrophes(text)
    return _is_whole(text) and bool(_GOODBYE_WORDS.search(text))


def is_plain_no_more(text: str) -> bool:
    """Whether `text` (normalised) answers "anything else?" with a no, and says nothing else."""
    text = _with_apostrophes(text)
    if not _is_whole(text):
        return False
    is_no = _NO_WORDS.search(text) and not _YES_WORDS.search(text)
    return bool(is_no or _NOTHING_MORE_WORDS.search(text))


def contains_goodbye(text: str) -> bool:
    """Whether there is a goodbye somewhere in `text` (normalised)."""
    return bool(_GOODBYE_WORDS.search(text))


def _with_apostrophes(text: str) -> str:
    return " ".join(_WITH_APOSTROPHE.get(word, word) for word in text.split())


def _is_whole(text: str) -> bool:
    words = text.split()
    return 0 < len(words) <= MAX_CLOSING_WORDS and bool(_CLOSING_TURN.fullmatch(" ".join(words)))
