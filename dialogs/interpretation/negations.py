"""Negations and refusals in a clause of plain words, and what they reach.

A negation reaches to the end of its clause; a short one, such as "no fraud", only the next words.
Held by tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

import re

# Denials and refusals; inability ("can not find") and strangeness ("do not recognise") are none.
_NO_REFUSAL = (
    r"(?:recogni[sz]e|recall|remember|know|have|see|understand|find|get|receive|own|work|accept"
    r"|read|forget|hesitate|fail|miss|make|authori[sz]e|you(?! dare)|there|we|anyone|only|just|owe"
    r"|let"
    r"|feel|hear|care|mind)\w*"
)
_SPEAKER = r"(?:^|\b(?:i|we|you|please|just|really|to|and|also|so|but|honestly|then) )"

NEGATIONS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_SPEAKER}(?:do|will|would|shall) not (?!{_NO_REFUSAL}\b)",
        rf"(?:^| )(?:never|neither) (?!{_NO_REFUSAL}\b)",
        r"(?:^| )(?:is|are|was|were|am|been) not (?!me\b|mine\b|my\b|our\b|right\b|correct\b"
        r"|working\b|valid\b|going\b|showing\b|you\b|there\b|only\b|just\b|able\b|sure\b|in\b)",
        r"(?:^| )(?:have|has|had) not (?:been|got) ",
        r"(?:^| )(?:without|instead of|rather than|except|except for|not|other than)"
        r" (?:a|an|the|any|to|another) ",
        r"(?:^| )no (?:need|reason|longer|desire) ",
        r"(?:^| )(?:rather|prefer|better) not (?:to )?",
        r"(?:^| )not (?:want|need|necessary|interested) ",
        # Prohibitions: they are stronger than a "do not", and hold for whatever follows them.
        r"(?:^| )(?:do not|never) (?:(?:you|ever|even|once|again) )*dare (?:to )?",
        r"(?:^| )do not (?:(?:you|ever|even|just|please) )*(?:make|have) me ",
        r"(?:^| )do not (?:you )?(?:ever|even|start) ",
        r"(?:^| )never (?:ever|again|ever again) ",
        r"(?:^| )(?:(?:under|in|on|at) no (?:circumstances?|conditions?|case|account|point)"
        r"|by no means|no (?:way|chance) (?:am|will|would|do)? ?(?:i|we)) ",
        r"(?:^| )(?:anything|anyone|anybody|everything) but ",
        r"(?:^| )last (?:thing|person) (?:that )?(?:i|we) (?:want|need|would (?:like|want|need)) ",
    )
)
# What is said of people that one does not want, or not any more. What the customer is tired of
# must be the people or being passed on to them: who is tired of waiting for a person wants one.
_CONVEYING = (
    r"(?:(?:send|pass|hand|transferr?|connect|rout(?:e|)|forward|direct|redirect|refer|bounc|push"
    r"|shov|shunt|divert|patch|switch|hook|throw|fob|pawn|putt?|offer|giv|suggest|call|gett?"
    r"|bring|fetch|talk|speak|deal|chat|argu)(?:ing|ed)?|sent|put|given|handed|thrown|brought)"
)
_OBJECT = r"(?:a|an|the|your|those|these|all|any|another|more|human|live|real|customer|service)"
_PEOPLE_NAMED = (
    r"(?:agents?|people|persons?|humans?|representatives?|reps?|operators?|managers?|supervisors?"
    r"|advis[eo]rs?|colleagues?|staff|anybody|anyone)"
)
_UNWANTED = (
    rf"(?:(?:being |getting |having |to |be )*{_CONVEYING} (?:(?:me|us|on|over|off|back|around"
    rf"|along|through|from|to|with|at|by) )*)?(?:{_OBJECT} )*{_PEOPLE_NAMED} "
)
_TIRED = r"(?:fed up|sick(?: and tired)?|tired|weary|bored|done|through|had it|(?:had )?enough)"
PERSON_REJECTIONS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:^| )(?:stop|quit|cease|avoid|no more|enough)(?: with| of| the)* (?={_CONVEYING} )",
        rf"(?:^| ){_TIRED} (?:with|of) (?={_UNWANTED})",
        rf"(?:^| )no more (?:of )?(?=(?:{_OBJECT} )*{_PEOPLE_NAMED} )",
        r"(?:^|\b(?:i|we|simply|absolutely|really) )(?:refuse|decline) (?!to (?:wait|hold))",
        rf"(?:^| )(?:hate|loathe|detest|dread|dislike|can not (?:stand|bear)) (?={_UNWANTED})",
        r"(?:^| )(?:skip|spare me|leave out|forget(?: about)?|away from|save me) ",
    )
)
# Negations that reach only the next words: "no fraud here", "nothing was stolen".
SHORT_NEGATION = re.compile(
    r"(?:^| )(?:no(?! (?:i|my|it|that|this|the|we|you|one|problem|please|a|an|he|she|they|just)\b)"
    r"|nothing|nobody|no one|did not(?! (?:make|authori[sz]e|do|order|buy|get|recogni[sz]e"
    r"|receive|approve|know|work|go)\b)) ?((?:[^ ]+ ?){0,3})"
)


def is_negated_at(clause: str, place: int) -> bool:
    """Whether a negation ends before this place of a clause that a space follows."""
    return any(m.end() <= place + 1 for p in NEGATIONS for m in p.finditer(clause))
