"""Polarity and scope: whether the words that name a request also ask for it.

A turn is cut into clauses. In each, a negation, a condition, a report of what others say, or a verb
that takes back ("cancel", "move") holds from its place to the end of its clause; a request stands
as long as one of its trigger words is outside of all of them. Held by
tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from dialogs.extraction.plain_words import plain_words
from dialogs.extraction.tokens import fold_case
from dialogs.interpretation.clauses import clauses_of
from dialogs.interpretation.negations import (
    NEGATIONS,
    PERSON_REJECTIONS,
    SHORT_NEGATION,
    is_negated_at,
)
from dialogs.pack.model import Flow, Pack
from dialogs.pack.reserved_names import PERSON_INTENT
from dialogs.pack.trigger_words import title_words, word_stem

MAX_OBJECT_DISTANCE = 4  # words from "cancel" or "move" to what is cancelled or moved

Scope = Literal["asserted", "negated", "reported", "conditional", "cancelled", "changed"]

_CONDITION = re.compile(
    r"(?:^| )(?:if|what if|in case|suppose|supposing|assuming|whether|unless|imagine)"
    r"(?! (?:possible|you can|you could|you would|you please|you do not mind|that is (?:ok|possible"
    r"|fine|all right)|it is (?:ok|possible|fine)|i may|i can|i could)\b) "
)
_PEOPLE = (
    r"(?:wife|husband|partner|son|daughter|mother|mom|mum|father|dad|brother|sister|friend|boss"
    r"|neighbou?r|colleague|lawyer|accountant|letter|e-?mail|mail|message|text|sms|ad|flyer|leaflet"
    r"|brochure|man|woman|guy|lady|caller|clerk|teller|shop|store|landlord|somebody|someone|people"
    r"|he|she|they|girlfriend|boyfriend|uncle|aunt|cousin|doctor|nurse|kids?|children)"
)
_REPORT = re.compile(
    rf"(?:^| ){_PEOPLE} (?:(?:just|always|also|has|have|had|keeps?|once|still|is|was|from [^ ]+"
    r"|called and|on the phone) )*(?:said|says|say|saying|told|tells|tell|wrote|writes|asked|asks"
    r"|wants|wanted|claims|claimed|thinks|thought|suggested|recommends|recommended|advised) "
)
_CANCEL = (
    r"(?:cancel|cancell?ed|cancell?ing|cancell?ation|stop|call off|delete|remove|withdraw|revoke"
    r"|undo|reverse|recall|retract|halt|drop|abort|revert|take back|get rid of|scrap|void)"
)
_CHANGE = (
    r"(?:move|change|reschedule|rebook|postpone|push|shift|bring forward|delay|edit|modify|amend"
    r"|update|switch|alter|put off)"
)
_MISSES = r"(?:can|could|will|am) not (?:be able to |going to )?(?:make|come to|attend|keep|get to)"
_TAKING_BACK: tuple[tuple[Scope, re.Pattern[str]], ...] = (
    ("cancelled", re.compile(rf"(?:^| )(?:{_CANCEL}|{_MISSES}) ")),
    ("changed", re.compile(rf"(?:^| ){_CHANGE} ")),
)
_QUOTED = re.compile(r'["\u201c\u201e\u00ab](.+?)["\u201d\u201c\u00bb]')
_QUESTION = re.compile(r"(?:^| )(?:what|how|when|why|will|does|is it|can i|do i|would)(?: |$)|\?")


@dataclass(frozen=True, slots=True)
class Mention:
    """A word that names the request, as a stem, and the scope that it stands in."""

    stem: str
    scope: Scope


def request_scope(pack: Pack, text: str, intent: str) -> Scope:
    """The scope in which `text` names `intent`: "asserted" as soon as one mention is free, or when
    none of its words is there, so that the models' reading stands."""
    spec = pack.intents.get(intent)
    triggers = pack.triggers.get(intent, frozenset())
    flow = pack.flows.get(spec.flow) if spec else None
    made = title_words(flow.title) if flow else frozenset()
    taken_back = _taken_back(text, made) or _opposite(text, triggers)
    if taken_back and (taken_back != "changed" or (flow and _makes_something(flow))):
        return taken_back
    rejections = PERSON_REJECTIONS if intent == PERSON_INTENT else ()
    mentions = [one for one in _mentions(text, rejections) if one.stem in triggers | made]
    if not mentions or any(one.scope == "asserted" for one in mentions):
        return "asserted"
    return mentions[0].scope


def find_taken_back(pack: Pack, text: str) -> tuple[str, Scope] | None:
    """The task's intent that `text` wants cancelled or changed, not begun, whatever the models
    took it for; None for none."""
    for name, intent in pack.intents.items():
        if intent.kind == "task" and (flow := pack.flows.get(intent.flow)):
            triggers = pack.triggers.get(name, frozenset())
            scope = _taken_back(text, title_words(flow.title)) or _opposite(text, triggers)
            if scope == "cancelled" or (scope == "changed" and _makes_something(flow)):
                return name, scope
    return None


def _makes_something(flow: Flow) -> bool:
    """Whether what the flow makes exists afterwards, so that it can be changed or cancelled."""
    return bool(flow.cancel_flow) or any(step.undo_flow for step in flow.steps)


_REQUEST_OPENING = re.compile(
    r"(?:(?:and|but|so|then|just|please|now|ok|well|instead|only|simply) )*"
    r"(?:(?:can|could|would|will) you |(?:can|could|may) i |i (?:just |only |really )?"
    r"(?:want|need|would like|have) (?:you )?(?:to )?|let me |let us |(?:what|how|when|where|which)"
    r" )?(?:(?:please|just|now) )*(?P<verb>[^ ]+)(?: |$)"
)
# Words with which a clause tells or answers something, so that it is no request.
_TELLING = frozenset(
    ["no", "not", "never", "nothing", "none", "i", "we", "he", "she", "they", "it", "that", "this"]
    + ["there", "my", "the", "a", "an", "yes", "thanks", "thank", "all", "you", "do", "if", "when"]
    + ["because", "since", "nope", "nah", "nobody", "your", "our", "for", "with", "without", "bye"]
)


def find_request(pack: Pack, text: str, values: Mapping[str, int]) -> str:
    """The one task's intent that a clause of `text` asks for, whatever its other clauses refuse;
    empty for none or several. `values` counts the values of the turn that fit, by intent.

    The clause must open as a request does, and name the task, or the turn must hold two values of
    it; one value beside a word of the task is enough."""
    asking = [clause for clause in clauses_of(text) if _opens_request(clause)]
    stems = {word_stem(word) for clause in asking for word in clause.split()}
    found: dict[str, int] = {}
    for name, intent in pack.intents.items():
        flow = pack.flows.get(intent.flow) if intent.kind == "task" else None
        if flow is None or not stems or request_scope(pack, text, name) != "asserted":
            continue
        titled = len(title_words(flow.title) & stems)
        named = titled + len(pack.triggers[name] & stems)
        given = values.get(name, 0)
        if titled or (named and given) or named > 1 or given > 1:
            found[name] = named + given
    best = [name for name, score in found.items() if score == max(found.values())]
    return best[0] if len(best) == 1 else ""


def _opens_request(clause: str) -> bool:
    opening = _REQUEST_OPENING.match(clause)
    return (
        opening is not None
        and (opening.group("verb") not in _TELLING or opening.start("verb") > 0)
        and not any(p.search(f"{clause} ") for p in (*NEGATIONS, *PERSON_REJECTIONS))
        and not SHORT_NEGATION.search(f"{clause} ")
    )


def topic_of(pack: Pack, text: str) -> frozenset[str]:
    """The flows that the words of `text` name."""
    stems = {word_stem(word.text) for word in plain_words(text)}
    named = {name: words & stems for name, words in pack.triggers.items()}
    return frozenset(
        intent.flow
        for name, intent in pack.intents.items()
        if intent.flow and (named[name] or title_words(pack.flows[intent.flow].title) & stems)
    )


def is_question(text: str) -> bool:
    """Whether the words ask something."""
    return _QUESTION.search(" ".join(word.text for word in plain_words(text))) is not None


@dataclass(frozen=True, slots=True)
class _TakingBack:
    """A verb that takes back, and the stems of its object."""

    scope: Scope
    objects: frozenset[str]
    has_pronoun: bool  # "cancel it": the object is whatever else the turn names


@lru_cache(maxsize=8)  # each request that the turn may be is compared with the same verbs
def _verbs_taking_back(text: str) -> tuple[tuple[_TakingBack, ...], frozenset[str]]:
    """The verbs of the turn that take back, and the stems of all its words."""
    clauses = clauses_of(text)
    found: list[_TakingBack] = []
    for clause in clauses:
        padded = f"{clause} "
        for scope, pattern in _TAKING_BACK:
            if match := pattern.search(padded):
                rest = padded[match.end() :].split()[:MAX_OBJECT_DISTANCE]
                is_negated = is_negated_at(padded, match.start())
                found.append(
                    _TakingBack(
                        "negated" if is_negated else scope,
                        frozenset(map(word_stem, rest)),
                        rest[:1] in (["it"], ["that"], ["this"], ["them"]),
                    )
                )
    return tuple(found), frozenset(word_stem(word) for one in clauses for word in one.split())


def _taken_back(text: str, made: frozenset[str]) -> Scope | None:
    """Whether what the request makes is to be cancelled or changed, not made: "cancel my
    appointment". None when it is not, "negated" for "do not cancel it"."""
    verbs, named = _verbs_taking_back(text)
    for verb in verbs:
        if made & verb.objects or (verb.has_pronoun and made & named):
            return verb.scope
    return None


def _opposite(text: str, triggers: frozenset[str]) -> Scope | None:
    """Whether the words ask for the opposite of the request: "unblock my card"."""
    words = [word.text for word in plain_words(text)]
    opposite = {word_stem(word.removeprefix("un")) for word in words if word.startswith("un")}
    return "cancelled" if opposite & triggers else None


@lru_cache(maxsize=8)
def _mentions(text: str, rejections: tuple[re.Pattern[str], ...] = ()) -> tuple[Mention, ...]:
    """Every word of the turn with the scope that it stands in; `rejections` are further negations
    of the request that is looked for."""
    found: list[Mention] = []
    folded = fold_case(text)
    quoted = {word_stem(w.text) for m in _QUOTED.finditer(folded) for w in plain_words(m.group(1))}
    is_reported = False
    for clause in clauses_of(text):
        padded = f"{clause} "
        scopes = _scopes(padded, rejections)
        if is_reported and re.match(r"(?:but|so|please|i|and i|can|could|just) ", padded):
            is_reported = False  # the customer speaks again
        is_reported = is_reported or any(scope == "reported" for scope, _, _ in scopes)
        at = 0
        for word in clause.split():
            around = [scope for scope, start, end in scopes if start <= at < end]
            stem = word_stem(word)
            is_quoted = stem in quoted or is_reported
            found.append(
                Mention(stem, around[0] if around else "reported" if is_quoted else "asserted")
            )
            at += len(word) + 1
    return tuple(found)


def _scopes(clause: str, rejections: Sequence[re.Pattern[str]]) -> list[tuple[Scope, int, int]]:
    """The scopes of a clause, each with its place; the outermost first."""
    scopes: list[tuple[Scope, int, int]] = []
    if condition := _CONDITION.search(clause):
        scopes.append(("conditional", condition.end(), len(clause)))
    if report := _REPORT.search(clause):
        scopes.append(("reported", report.end(), len(clause)))
    for pattern in (*NEGATIONS, *rejections):
        if negation := pattern.search(clause):
            scopes.append(("negated", negation.end(), len(clause)))
    if short := SHORT_NEGATION.search(clause):
        scopes.append(("negated", short.start(1), short.end(1)))
    return scopes
