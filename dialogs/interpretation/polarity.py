"""Polarity and scope: whether the words that name a request also ask for it.

A turn is cut into clauses. In each, a negation, a condition, a report of what others say, or a verb
that takes back ("cancel", "move") holds from its place to the end of its clause; a request stands
as long as one of its trigger words is outside of all of them. Held by
tests/dialogs/interpretation/test_polarity.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from dialogs.extraction.plain_words import plain_words
from dialogs.extraction.tokens import fold_case
from dialogs.pack.model import Flow, Pack
from dialogs.pack.reserved_names import PERSON_INTENT
from dialogs.pack.trigger_words import title_words, word_stem

MAX_OBJECT_DISTANCE = 4  # words from "cancel" or "move" to what is cancelled or moved

Scope = Literal["asserted", "negated", "reported", "conditional", "cancelled", "changed"]

_SUBJECTS = r"(?:i|we|he|she|they|you|it|this|that)"
# After these a subject goes on with the same clause: "i do not think it is fraud".
# Also "the last thing I want", "no way I will", "under no circumstances do I want".
_EMBEDDING = (
    r"(?:think|believe|say|know|that|if|want|suppose|guess|sure|mean|because|whether|when"
    r"|thing|person|way|chance|circumstances)"
)
# Where a new clause begins, apart from punctuation.
_NEW_CLAUSE = re.compile(
    r"(?<!anything)(?<!anyone)(?<!anybody)(?<!everything) (?=but )"
    r"| (?=(?:because|since|so|then|instead|please|just|rather|however|only|though) )"
    r"| (?=and (?:i|my|please|can|could|just|instead|also|then|it|we|tell|give|send|show|get|what"
    r"|how|order|let|if|do|transfer|pay|block) )"
    r"|(?<! not)(?<! and)(?<! to)(?<! you)(?<!dare)(?<!again)(?<!never)(?<!ever)(?<!stances)"
    r" (?=(?:give|get|connect|put|transfer|pass) me )"
)
# Words before a subject with which it belongs to one question or verb: "do you", "what i".
_BEFORE_SUBJECT = frozenset(
    ["do", "did", "can", "could", "would", "will", "should", "is", "what", "how", "and"]
)
# Denials and refusals; inability ("can not find") and strangeness ("do not recognise") are none.
_NO_REFUSAL = (
    r"(?:recogni[sz]e|recall|remember|know|have|see|understand|find|get|receive|own|work|accept"
    r"|read|forget|hesitate|fail|miss|make|authori[sz]e|you(?! dare)|there|we|anyone|only|just|owe"
    r"|let"
    r"|feel|hear|care|mind)\w*"
)
_SPEAKER = r"(?:^|\b(?:i|we|you|please|just|really|to|and|also|so|but|honestly|then) )"

_NEGATIONS = tuple(
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
_PERSON_REJECTIONS = tuple(
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
_SHORT_NEGATION = re.compile(
    r"(?:^| )(?:no(?! (?:i|my|it|that|this|the|we|you|one|problem|please|a|an|he|she|they|just)\b)"
    r"|nothing|nobody|no one|did not(?! (?:make|authori[sz]e|do|order|buy|get|recogni[sz]e"
    r"|receive|approve|know|work|go)\b)) ?((?:[^ ]+ ?){0,3})"
)
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
    rejections = _PERSON_REJECTIONS if intent == PERSON_INTENT else ()
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
    clauses = list(_clauses(text))
    asking = [clause for clause in clauses if _opens_request(clause)]
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
        and not any(p.search(f"{clause} ") for p in (*_NEGATIONS, *_PERSON_REJECTIONS))
        and not _SHORT_NEGATION.search(f"{clause} ")
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


_UNDO_VERB = r"(?:undo|revert|reverse|roll back|retract|take back)"
_UNDO = re.compile(
    rf"\b(?:{_UNDO_VERB}|cancel|call off|stop|get back)"
    r" (?:it|that|this|them|(?:the|my) [^ ]+(?: [^ ]+){0,2})"
    r" (?:i|you|we) (?:just |have |have just )?(?:made|did|sent|paid|ordered|booked|moved"
    r"|transferred|opened|placed|scheduled)\b"
    r"|\b(?:can|could|may) (?:it|that|this|the [^ ]+) (?:still )?be (?:undone|reversed|cancell?ed"
    r"|stopped|revoked|taken back)\b"
    rf"|\b{_UNDO_VERB} (?:it|that|this|them|everything|the last (?:one|thing|step))"
    r"(?: (?:again|please|now|immediately))*$"
    rf"|\b{_UNDO_VERB} (?:the|my) (?:last )?(?:transfer|payment|order|booking|transaction|dispute)"
    r"|\b(?:send|give|put|move|bring|take|change|turn) (?:it|that|this|the money|my money) back\b"
    r"|\bi want (?:it|that|my money) back\b|\b(?:undo|reverse)$"
)
_BARE_UNDO = re.compile(
    rf"(?:^|\b(?:can|could|please|to|and|just|you|so|now|then|one|it) ){_UNDO_VERB} "
    r"(?:it|that|this|them)(?: (?:again|please|now|immediately|then|for me))*$"
    r"|\b(?:take|change|turn) (?:it|that|this) back(?: (?:please|now|again|then|for me))*$"
)
_UNDOING_OF = rf"(?:{_UNDO_VERB}|cancel|lift|remove|release|take off|withdraw|delete)"


def names_undoing(text: str) -> bool:
    """Whether the words ask to undo what was done in this conversation: "undo that"."""
    return _finds(_UNDO, text)


def _finds(pattern: re.Pattern[str], text: str) -> bool:
    """Whether the pattern is in a sentence of `text`, and not negated."""
    sentences = _split([word.text for word in plain_words(text)], {",", "?"})
    return any(
        (match := pattern.search(sentence)) is not None
        and not _is_negated_at(f"{sentence} ", match.start())
        for sentence in map(" ".join, sentences)
    )


def names_bare_undoing(text: str) -> bool:
    """Whether a sentence asks to take "it" or "that" back, by its verb alone: it never answers
    a question."""
    return _finds(_BARE_UNDO, text)


def names_undoing_of(pack: Pack, flow_name: str, text: str) -> bool:
    """Whether the words ask to undo what the flow does, by its name or by the opposite of its
    verb: "lift the block", "unblock it"."""
    own = title_words(pack.flows[flow_name].title).union(
        *(pack.triggers[name] for name, one in pack.intents.items() if one.flow == flow_name)
    )
    pattern = re.compile(rf"\b{_UNDOING_OF} (?:(?:the|my|that|this) )?((?:[^ ]+ ?){{1,3}})")
    for clause in _clauses(text):
        padded = f"{clause} "
        objects = [(m.start(), m.group(1).split()) for m in pattern.finditer(padded)]
        opposites = [(m.start(), [m.group(1)]) for m in re.finditer(r"\bun-?([a-z]{3,})", padded)]
        for place, words in (*objects, *opposites):
            if own & {word_stem(word) for word in words} and not _is_negated_at(padded, place):
                return True
    return False


def is_question(text: str) -> bool:
    """Whether the words ask something."""
    return _QUESTION.search(" ".join(word.text for word in plain_words(text))) is not None


def _taken_back(text: str, made: frozenset[str]) -> Scope | None:
    """Whether what the request makes is to be cancelled or changed, not made: "cancel my
    appointment". None when it is not, "negated" for "do not cancel it"."""
    clauses = list(_clauses(text))
    named = {word_stem(word) for clause in clauses for word in clause.split()}
    for clause in clauses:
        for scope, pattern in _TAKING_BACK:
            padded = f"{clause} "
            match = pattern.search(padded)
            if match is None:
                continue
            rest = padded[match.end() :].split()[:MAX_OBJECT_DISTANCE]
            is_object = bool(made & {word_stem(word) for word in rest})
            by_pronoun = bool(made & named) and rest[:1] in (["it"], ["that"], ["this"], ["them"])
            if is_object or by_pronoun:
                return "negated" if _is_negated_at(padded, match.start()) else scope
    return None


def _opposite(text: str, triggers: frozenset[str]) -> Scope | None:
    """Whether the words ask for the opposite of the request: "unblock my card"."""
    words = [word.text for word in plain_words(text)]
    opposite = {word_stem(word.removeprefix("un")) for word in words if word.startswith("un")}
    return "cancelled" if opposite & triggers else None


def _is_negated_at(clause: str, place: int) -> bool:
    return any(m.end() <= place + 1 for p in _NEGATIONS for m in p.finditer(clause))


def _mentions(text: str, rejections: Sequence[re.Pattern[str]] = ()) -> Iterator[Mention]:
    """Every word of the turn with the scope that it stands in; `rejections` are further negations
    of the request that is looked for."""
    folded = fold_case(text)
    quoted = {word_stem(w.text) for m in _QUOTED.finditer(folded) for w in plain_words(m.group(1))}
    is_reported = False
    for clause in _clauses(text):
        padded = f"{clause} "
        scopes = _scopes(padded, rejections)
        if is_reported and re.match(r"(?:but|so|please|i|and i|can|could|just) ", padded):
            is_reported = False  # the customer speaks again
        is_reported = is_reported or any(scope == "reported" for scope, _, _ in scopes)
        at = 0
        for word in clause.split():
            found = [scope for scope, start, end in scopes if start <= at < end]
            stem = word_stem(word)
            if found:
                yield Mention(stem, found[0])
            elif stem in quoted or is_reported:
                yield Mention(stem, "reported")
            else:
                yield Mention(stem, "asserted")
            at += len(word) + 1


def _scopes(clause: str, rejections: Sequence[re.Pattern[str]]) -> list[tuple[Scope, int, int]]:
    """The scopes of a clause, each with its place; the outermost first."""
    scopes: list[tuple[Scope, int, int]] = []
    if condition := _CONDITION.search(clause):
        scopes.append(("conditional", condition.end(), len(clause)))
    if report := _REPORT.search(clause):
        scopes.append(("reported", report.end(), len(clause)))
    for pattern in (*_NEGATIONS, *rejections):
        if negation := pattern.search(clause):
            scopes.append(("negated", negation.end(), len(clause)))
    if short := _SHORT_NEGATION.search(clause):
        scopes.append(("negated", short.start(1), short.end(1)))
    return scopes


def _clauses(text: str) -> Iterator[str]:
    """The clauses of a turn in plain words; a question mark belongs to none."""
    words = [word.text for word in plain_words(text)]
    for part in _split(words, {",", "?"}):
        clause = " ".join(part)
        for piece in _NEW_CLAUSE.split(clause):
            yield from _split_at_subjects(piece.strip())


def _split_at_subjects(clause: str) -> Iterator[str]:
    """A clause cut before each subject that does not continue it."""
    start = 0
    for match in re.finditer(rf"(?<! )(?: )(?={_SUBJECTS} )", clause):
        before = clause[start : match.start()].rsplit(" ", 1)[-1]
        subject = clause[match.end() :].split(" ", 1)[0]
        continues = re.fullmatch(_EMBEDDING, before) is not None
        if subject in {"it", "this", "that", "you"}:  # mostly an object: "block it", "to that"
            verb = clause[match.end() :].split(" ")[1:2]
            continues = continues or verb not in (["is"], ["was"], ["has"], ["did"])
        if before and not continues and match.start() > start and not before.endswith("not"):
            if before in _BEFORE_SUBJECT:
                continue
            yield clause[start : match.start()]
            start = match.end()
    if clause[start:]:
        yield clause[start:]


def _split(words: Sequence[str], marks: set[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in words:
        if word in marks:
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part
