"""Plain words of a text: contractions, chat shorthand and stretched letters written out.

"dunno, I'm gonna w8" and "I do not know, I am going to wait" have the same plain words, so that a
grammar over them needs each phrase once. Every word keeps the place it came from; punctuation is
"," or "?". Held by tests/dialogs/extraction/test_plain_words.py.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from dialogs.extraction.tokens import fold_case

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?![^\W_])|[^\W_]+(?:'[^\W\d_]+)*'?|(?<=\w)-(?=\w)|\S")
_STRETCHED = re.compile(r"([a-z])\1{2,}")
_QUESTION_MARKS = frozenset("?\uff1f")

# Endings of contractions, longest first; "'s" is read as "is", which a possessive survives.
_ENDINGS = (("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'d", "would"),
            ("'m", "am"), ("'s", "is"))  # fmt: skip
_IRREGULAR = {"can't": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not",
              "let's": "let us", "y'all": "you all", "o'clock": "o'clock", "ma'am": "madam",
              "cannot": "can not"}  # fmt: skip
_WITHOUT_APOSTROPHE = frozenset(
    ["dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "wouldnt", "couldnt", "im"]
    + ["shouldnt", "hasnt", "havent", "hadnt", "cant", "wont", "aint", "ive", "youre", "youve"]
    + ["youll", "theyre", "theyve", "thats", "whats", "wheres", "hows", "whos", "theres", "heres"]
    + ["lets", "its", "neednt", "mustnt"]
)
_SHORTHAND = """
gonna=going to|wanna=want to|gotta=have to|gimme=give me|lemme=let me|dunno=do not know
idk=i do not know|dk=do not know|idc=i do not care|iguess=i guess|nvm=never mind|nm=never mind
nevermind=never mind|ofc=of course|obvs=obviously|lgtm=looks good to me|sgtm=sounds good to me
def=definitely|defo=definitely|deffo=definitely|definately=definitely|defs=definitely
prob=probably|probs=probably|prolly=probably|pls=please|plz=please|plse=please|pleas=please
thx=thanks|thnx=thanks|tnx=thanks|ty=thank you|tysm=thank you|thankyou=thank you|tks=thanks
u=you|ur=your|r=are|w8=wait|brb=be right back|np=no problem|rn=right now|kinda=kind of
sorta=sort of|okey=ok|okay=ok|oke=ok|oki=ok|okie=ok|okeydokey=ok|okeydoke=ok|okiedokie=ok|okk=ok
okays=ok|mkay=ok|okies=ok|alrighty=alright|alrite=alright|aight=alright|ight=alright
yess=yes|yse=yes|yes'm=yes|yessir=yes sir|yessum=yes|yee=yes|yus=yes|noo=no|nooo=no|noep=nope
nopes=nope|yupp=yup|yepp=yep|yeahh=yeah|yeh=yeah|yeap=yep|tho=though|altho=although|cuz=because|bc=because|coz=because|cos=because|abt=about
tmrw=tomorrow|tmr=tomorrow|tmrow=tomorrow|tomorow=tomorrow|2moro=tomorrow|l8r=later|l8er=later
correcto=correct|corect=correct|rite=right|rigth=right|cancle=cancel|absolutly=absolutely
"""
_UP, _DOWN, _STOP, _SHRUG = "\U0001f44d", "\U0001f44e", "\U0001f6d1", "\U0001f937"
_EMOJI = {
    **dict.fromkeys([_UP, "\U0001f44c", "\u2705", "\u2714", "\u2611", "\U0001f197", "\U0001f4af",
                     "\U0001f919"], "yes"),
    **dict.fromkeys([_DOWN, "\u274c", "\u2716", "\U0001f645", "\U0001f6ab"], "no"),
    **dict.fromkeys([_STOP, "\u270b", "\u26d4"], "stop"),
    **dict.fromkeys([_SHRUG, "\U0001f914"], "unsure"),
}  # fmt: skip


def _replacements() -> dict[str, str]:
    table = dict(pair.split("=", 1) for pair in _SHORTHAND.replace("\n", "|").split("|") if pair)
    return table | _IRREGULAR


_REPLACEMENTS = _replacements()


@dataclass(frozen=True, slots=True)
class PlainWord:
    """One plain word and the place [start, end) in the text of what it was written as."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=8)  # a turn is asked for its words from many places, one after the other
def plain_words(text: str) -> tuple[PlainWord, ...]:
    """The plain words of `text` in order, with "," for any punctuation but a question mark."""
    words: list[PlainWord] = []
    for match in _TOKEN.finditer(fold_case(text)):
        for plain in _written_out(match.group()):
            words.append(PlainWord(plain, match.start(), match.end()))
    return tuple(words)


def _written_out(token: str) -> list[str]:
    if token in _QUESTION_MARKS:
        return ["?"]
    if token[0] in _EMOJI:
        return [_EMOJI[token[0]]]
    if not token[0].isalnum():
        return [] if _is_ornament(token) else [token if token in "$%€£" else ","]
    token = _STRETCHED.sub(r"\1", token).strip("'")
    token = _with_apostrophe(token)
    if token in _REPLACEMENTS:
        return _REPLACEMENTS[token].split()
    for ending, written_out in _ENDINGS:
        if token.endswith(ending) and len(token) > len(ending):
            return [token.removesuffix(ending), written_out]
    return [token]


def _with_apostrophe(token: str) -> str:
    """The contraction that was typed without its apostrophe: "dont" is "don't"."""
    if token not in _WITHOUT_APOSTROPHE:
        return token
    if token.endswith("nt"):
        return f"{token[:-2]}n't"
    for ending in ("re", "ve", "ll", "m", "s"):
        if token.endswith(ending):
            return f"{token.removesuffix(ending)}'{ending}"
    return token


def _is_ornament(token: str) -> bool:
    """Whether a sign says nothing: a skin tone, a joiner, a picture, the apostrophe alone."""
    return token in "-'\"*_~()[]{}<>#@&+=^|\\" or ord(token[0]) > 0x2BFF or token in "\ufe0f\u200d"
