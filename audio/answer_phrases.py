"""Vocabularies of spoken answers: yes and no, digits, amounts and dates."""

from __future__ import annotations

from audio.phrase_search import Phrase


def _split(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(between))


YES_PHRASES = _split(
    "yes;yeah;yep;yup;yes please;yes it is;yes that's right;that's right;that's correct;correct;"
    "sure;okay;of course;absolutely;please do;go ahead",
    ";",
)
NO_PHRASES = _split(
    "no;nope;nah;no thanks;no thank you;no it isn't;not really;that's wrong;that's not right;"
    "incorrect;never mind;stop;cancel",
    ";",
)

DIGITS = _split("zero one two three four five six seven eight nine")
SPOKEN_DIGITS = (
    *(Phrase(word) for word in (*DIGITS, "oh")),
    *(Phrase(f"double {word}", 2) for word in (*DIGITS, "oh")),
    *(Phrase(f"triple {word}", 3) for word in (*DIGITS, "oh")),
)

_NUMBERS = (
    *DIGITS,
    *_split("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
    *_split("twenty thirty forty fifty sixty seventy eighty ninety hundred thousand and oh"),
)
AMOUNT_WORDS = tuple(
    Phrase(word)
    for word in (
        *_NUMBERS,
        *_split("million a half point dollars dollar cents cent bucks"),
    )
)
DATE_WORDS = tuple(
    Phrase(word)
    for word in (
        *_NUMBERS,
        *_split("january february march april may june july august september october november"),
        *_split("december first second third fourth fifth sixth seventh eighth ninth tenth"),
        *_split("eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth"),
        *_split("eighteenth nineteenth twentieth thirtieth of the next last week month"),
        *_split("today tomorrow yesterday monday tuesday wednesday thursday friday saturday"),
        *_split("sunday"),
    )
)
