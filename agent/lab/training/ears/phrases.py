"""Texts to synthesise for training: what callers say that no available recording contains.

Account numbers, amounts, dates, answers and requests of a retail bank, spoken by synthetic voices
(speech_synthesis.py). Dev and test hold real voices only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from agent.lab.json_lines import read_json_lines
from agent.lab.training.ears.corpus import DIGIT_WORDS, normalise_text


def split_words(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(text.split(separator))


TEENS = split_words(
    "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
TENS = split_words("twenty thirty forty fifty sixty seventy eighty ninety")
MONTHS = split_words(
    "january february march april may june july august september october november december"
)
ORDINALS = split_words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty|first "
    "twenty|second twenty|third twenty|fourth twenty|fifth twenty|sixth twenty|seventh "
    "twenty|eighth twenty|ninth thirtieth thirty|first"
)
ANSWERS = split_words(
    "yes;yes please;yeah;yep;yup;yes it is;yes that's right;that's right;that's correct;correct;"
    "sure;okay;of course;absolutely;please do;go ahead;right;i do;no;no thanks;no thank you;nope;"
    "nah;no it isn't;not really;that's wrong;that's not right;incorrect;i don't think so;"
    "don't do that;never mind;stop;cancel;wrong",
    ";",
)
MENU = split_words(
    "check balance;check my balance;account balance;replace card;replace my card;lost card;"
    "stolen card;transfer money;transfer;reset password;reset my password;order checks;"
    "branch hours;opening hours;appointment;make an appointment;schedule appointment;pay bill;"
    "pay my bill;fraud;report fraud;dispute;dispute a charge;operator;agent;representative;"
    "speak to a person;human;start over;main menu;go back;repeat;say that again;help;goodbye;"
    "savings;checking;savings account;checking account;credit card;debit card;mortgage;loan;"
    "customer service;new account;close account;complaint;manager;supervisor;something else;"
    "account number;routing number;phone number;last four digits;social security number",
    ";",
)
REQUEST_TEMPLATES = split_words(
    "{};{};{};i want to {};i need {};i'd like {};i'm calling about {};can you help me with {};"
    "it's about {};{} please;i have a question about {};could i get {}",
    ";",
)
NAMES = split_words(
    "james mary robert patricia john jennifer michael linda david elizabeth william barbara "
    "richard susan joseph jessica thomas sarah charles karen daniel lisa matthew nancy anthony "
    "betty mark sandra steven ashley paul emily andrew kimberly joshua margaret kevin donna brian "
    "michelle"
)
SURNAMES = split_words(
    "smith johnson williams brown jones garcia miller davis rodriguez martinez anderson taylor "
    "moore jackson martin lee thompson white harris clark lewis robinson walker young allen king "
    "wright scott hill green adams baker nelson carter mitchell roberts turner phillips campbell "
    "parker"
)


def number_in_words(value: int) -> str:
    """A whole number below a million in words."""
    if value < 20:
        return (*DIGIT_WORDS, *TEENS)[value]
    if value < 100:
        return (
            f"{TENS[value // 10 - 2]} {number_in_words(value % 10) if value % 10 else ''}".strip()
        )
    if value < 1000:
        rest = number_in_words(value % 100) if value % 100 else ""
        return f"{number_in_words(value // 100)} hundred {rest}".strip()
    rest = number_in_words(value % 1000) if value % 1000 else ""
    return f"{number_in_words(value // 1000)} thousand {rest}".strip()


def digit_phrase(random: np.random.Generator) -> str:
    parts: list[str] = []
    for _ in range(random.integers(1, 11)):
        digit = "oh" if random.random() < 0.05 else DIGIT_WORDS[random.integers(10)]
        parts.append(f"double {digit}" if random.random() < 0.05 else digit)
    return " ".join(parts)


def amount_phrase(random: np.random.Generator) -> str:
    value = int(10 ** random.uniform(0, 4.5))
    cents = (
        f" and {number_in_words(int(random.integers(1, 100)))} cents"
        if random.random() < 0.4
        else ""
    )
    return f"{number_in_words(value)} {'dollar' if value == 1 else 'dollars'}{cents}"


def date_phrase(random: np.random.Generator) -> str:
    month, day = MONTHS[random.integers(12)], ORDINALS[random.integers(31)].replace("|", " ")
    year = int(random.integers(1940, 2030))
    spelled = (
        f"{number_in_words(year // 100)} {number_in_words(year % 100)}" if year % 100 > 9 else ""
    )
    return " ".join(
        (
            f"{month} {day} {spelled}",
            f"{month} {day}",
            f"the {day} of {month}",
            f"{day} of {month} {spelled}",
        )[random.integers(4)].split()
    )


def name_phrase(random: np.random.Generator) -> str:
    first, last = NAMES[random.integers(len(NAMES))], SURNAMES[random.integers(len(SURNAMES))]
    return (f"{first} {last}", f"my name is {first} {last}", first)[random.integers(3)]


def request_phrase(random: np.random.Generator) -> str:
    return REQUEST_TEMPLATES[random.integers(len(REQUEST_TEMPLATES))].format(
        MENU[random.integers(len(MENU))]
    )


def answer_phrase(random: np.random.Generator) -> str:
    return ANSWERS[random.integers(len(ANSWERS))]


PHRASE_KINDS: tuple[tuple[Callable[[np.random.Generator], str], int], ...] = (
    (digit_phrase, 900),
    (answer_phrase, 700),
    (amount_phrase, 500),
    (date_phrase, 450),
    (request_phrase, 1100),
    (name_phrase, 350),
)


def written_requests(data: Path, count: int, random: np.random.Generator) -> list[str]:
    """Up to `count` texts of bank customers, short enough for one breath and without digits."""
    lines: list[str] = []
    for path, key in (
        (data / "text/banking77/train.jsonl.gz", "text"),
        (data / "text/natcs_intents/banking_test.jsonl.gz", "utterance"),
        (data / "text/natcs_intents/finance_test.jsonl.gz", "utterance"),
    ):
        lines += [row[key] for row in read_json_lines(path)]
    texts = sorted({normalise_text(line) for line in lines if not any(c.isdigit() for c in line)})
    texts = [line for line in texts if 2 <= len(line.split()) <= 14]
    return [texts[i] for i in random.permutation(len(texts))[:count]]


def espeak_phrases(data: Path, seed: int) -> list[str]:
    """The texts that espeak-ng speaks in training."""
    random = np.random.default_rng(seed)
    return [make(random) for make, count in PHRASE_KINDS for _ in range(count)] + written_requests(
        data, 1500, random
    )


def recorded_voice_phrases(data: Path, transcripts: Sequence[str], seed: int) -> list[str]:
    """The texts for voices built from recorded people: phrases, requests and training transcripts.

    The transcripts are spoken a second time because these voices are easy to understand.
    """
    random = np.random.default_rng((seed, 1))
    texts = [make(random) for make, count in PHRASE_KINDS for _ in range(count // 4)]
    again = sorted({text for text in transcripts if len(text.split()) > 2})
    texts += [again[i] for i in random.permutation(len(again))[:1800]]
    texts += written_requests(data, 3000, random)[1500:2700]
    return [texts[i] for i in random.permutation(len(texts))]
