"""Should a person take over, why, and how sure are we?

A rule of the pack adds up weighted evidence; the sum is a log-odds score. A rule fires when its
probability rises to `enter` on enough turns of evidence, and is armed again only below `leave`,
so no cause fires twice. Only what is certain of a mood counts: weak evidence weighs nothing.
The weights of an escalation add up to its score (tests/dialogs/test_escalation.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import exp, fsum

from dialogs.escalation.summary import masked, summarise
from dialogs.pack.model import Pack, Rule
from dialogs.state import DialogueState, Urgency
from dialogs.values import (
    Conversation,
    Escalation,
    Evidence,
    Judged,
    LedTo,
    Turn,
    Understanding,
)

TERMS = (
    "asked_for_person", "accepted_offer", "asked_before", "upset", "calm", "complaint",
    "not_understood", "valued_customer", "failed_verification", "going_wrong",
)  # fmt: skip
RANK = {"": 0, "low": 1, "normal": 2, "high": 3}
# Terms whose detail is ours; the details of all others may quote the customer.
OWN_WORDS = frozenset(
    ["baseline", "asked_before", "not_understood", "failed_verification", "valued_customer", "calm"]
)
MEMORY = 6  # turns looked back on
SIGNS = 2  # of trouble, named as its reasons
NOTED = 0.1  # of a rule's threshold: what is less likely is not written down


@dataclass(frozen=True, slots=True)
class Heard:
    """One turn of the customer, as far as escalation looks at it."""

    turn: int
    at: float
    what: Understanding


@dataclass(frozen=True, slots=True)
class Judgement:
    """The escalation to make now, if any, the rules that are above their threshold, and what
    each rule came to."""

    active: frozenset[str]
    escalation: Escalation | None = None
    judged: tuple[Judged, ...] = ()


def probability(score: float) -> float:
    return 1.0 / (1.0 + exp(-score)) if score > -700 else 0.0


def judge(pack: Pack, state: DialogueState, talk: Conversation, now: Heard) -> Judgement:
    """Which rule, if any, has just risen above its threshold."""
    past = recent(talk, now)
    active = set(state.active)
    judged: dict[str, Judged] = {}
    chosen, reached = "", RANK[still_asked(pack, state, now.at)]
    for rule in pack.rules.values():
        one = _judged(rule, weigh(rule, pack, state, past))
        cause = cause_of(rule, now.what)
        led_to = _led_to(rule, one, state, cause, active)
        if led_to == "entered":
            active.add(cause)
            if RANK[rule.urgency] > reached:
                chosen, reached = rule.name, RANK[rule.urgency]
        elif led_to == "left":
            active.discard(rule.name)
        judged[rule.name] = replace(one, led_to=led_to)
    escalation = None
    if chosen:
        judged[chosen] = replace(judged[chosen], led_to="handed_over")
        escalation = _escalation(pack.rules[chosen], pack, state, talk, now, judged[chosen])
    return Judgement(frozenset(active), escalation, tuple(judged.values()))


def still_asked(pack: Pack, state: DialogueState, at: float) -> Urgency:
    """How urgent it is what a person has been asked for already; nothing less is asked for beside
    it. That nobody came counts as asked for a while."""
    back = state.call_back
    if back is None or at >= back.at + pack.people.again_after_s:
        return state.urgency
    return max(state.urgency, back.urgency, key=lambda urgency: RANK[urgency])


def _judged(rule: Rule, evidence: tuple[Evidence, ...]) -> Judged:
    score = fsum(e.weight for e in evidence)
    return Judged(rule.name, score, probability(score), rule.enter, rule.leave, evidence)


def _led_to(rule: Rule, one: Judged, state: DialogueState, cause: str, active: set[str]) -> LedTo:
    if one.probability >= rule.enter:
        if cause in active:
            return "active"
        return "entered" if _enough(rule, state, one.terms) else "too_few_turns"
    if rule.name in active:
        return "left" if one.probability < rule.leave else "active"
    return "nothing"


def worth_noting(judged: Judged) -> bool:
    """Something changed, or it was not far from changing."""
    return judged.led_to != "nothing" or judged.probability >= NOTED * judged.enter


def without_words(judged: Judged) -> Judged:
    """The same without anything the customer said: weights, turns, times and figures stay."""
    return replace(judged, terms=tuple(_without_words(term) for term in judged.terms))


def _without_words(term: Evidence) -> Evidence:
    if term.term in OWN_WORDS:
        return term
    figures = term.detail.partition(": ")[0] if term.term == "upset" else ""
    return replace(term, detail=figures)


def insist(
    rule: Rule, pack: Pack, state: DialogueState, talk: Conversation, now: Heard
) -> Escalation:
    """An escalation that a flow or a limit demands, with the evidence there is."""
    one = _judged(rule, weigh(rule, pack, state, recent(talk, now)))
    return _escalation(rule, pack, state, talk, now, one)


def cause_of(rule: Rule, what: Understanding) -> str:
    """What must not fire twice: the rule, or the rule for this one intent."""
    meant = {i: w * sure_of(what, i)[0] for i, w in rule.intents.items()}
    worst = max(meant, key=lambda intent: meant[intent], default="")
    return f"{rule.name}:{worst}" if worst and meant[worst] > 0 else rule.name


def sure_of(what: Understanding, intent: str) -> tuple[float, str]:
    """How sure it is that a turn wanted `intent`, first or beside something else, and its words."""
    said = [(r.confidence, r.text) for r in what.also if r.intent == intent]
    if what.intent == intent:
        said.append((what.confidence, what.text))
    return max(said, default=(0.0, ""))


def recent(talk: Conversation, now: Heard) -> tuple[Heard, ...]:
    """The customer's last turns, this one first."""
    before = [
        Heard(t.number, t.at, t.heard)
        for t in talk.turns
        if _is_customer(t) and t.number < now.turn
    ]
    return (now, *reversed(before[-(MEMORY - 1) :]))


def _is_customer(turn: Turn) -> bool:
    return turn.leg == "customer"


def weigh(
    rule: Rule, pack: Pack, state: DialogueState, past: tuple[Heard, ...]
) -> tuple[Evidence, ...]:
    now = past[0]
    found = [
        Evidence("baseline", rule.baseline, now.turn, now.at, "what is true of most customers")
    ]
    for term, weight in rule.terms.items():
        found += _term(term, weight, pack, state, past)
    for intent, weight in rule.intents.items():
        sure, text = sure_of(now.what, intent)
        if sure:
            said = masked(text, pack, now.what)
            found.append(Evidence(intent, weight * sure, now.turn, now.at, said))
    return tuple(found)


def _term(
    term: str, weight: float, pack: Pack, state: DialogueState, past: tuple[Heard, ...]
) -> Iterable[Evidence]:
    now = past[0]

    def once(times: float, detail: str) -> list[Evidence]:
        return [Evidence(term, weight * times, now.turn, now.at, detail)] if times else []

    match term:
        case "asked_for_person":
            sure, text = sure_of(now.what, "talk_to_person")
            return once(sure, masked(text, pack, now.what))
        case "accepted_offer":
            return once(float(state.accepted_person), masked(now.what.text, pack, now.what))
        case "asked_before":
            return once(float(max(0, state.asked_for_person - 1)), "asked for a person earlier")
        case "not_understood":
            return once(float(state.misses), _in_a_row(state.misses))
        case "going_wrong":
            return once(now.what.trouble, _why(now.what))
        case "failed_verification":
            return once(float(state.failed_verifications), "identity could not be confirmed")
        case "valued_customer":
            return once(float(state.known.get("tier") == "preferred"), "preferred customer")
        case _:
            return _moods(term, weight, pack, past)


def _why(what: Understanding) -> str:
    """The strongest signs that it is going wrong."""
    signs = sorted((e for e in what.trouble_evidence if e.weight > 0), key=lambda e: -e.weight)
    return ", ".join(f"{e.term}, {e.detail}" if e.detail else e.term for e in signs[:SIGNS])


def _in_a_row(misses: int) -> str:
    return "once" if misses == 1 else f"{misses} times in a row"


def _moods(term: str, weight: float, pack: Pack, past: tuple[Heard, ...]) -> Iterable[Evidence]:
    """Evidence from each recent turn, fading with age."""
    for age, heard in enumerate(past):
        what = heard.what
        match term:
            case "upset":
                amount = max(0.0, what.upset - what.upset_spread)
                detail = _reason(what)
            case "calm":
                amount = float(what.upset + what.upset_spread < pack.calm_below)
                detail = f"upset {what.upset:.2f}, give or take {what.upset_spread:.2f}"
            case _:
                amount, text = sure_of(what, term)
                detail = masked(text, pack, what)
        if amount:
            faded = weight * amount * pack.remember**age
            yield Evidence(term, faded, heard.turn, heard.at, detail)


def _reason(what: Understanding) -> str:
    """How upset, and the strongest thing the words or the voice showed for it."""
    best = max(what.evidence, key=lambda e: e.weight, default=None)
    said = f"upset {what.upset:.2f}, give or take {what.upset_spread:.2f}"
    return f"{said}: {best.detail or best.term}" if best and best.weight > 0 else said


def _enough(rule: Rule, state: DialogueState, evidence: tuple[Evidence, ...]) -> bool:
    if any(e.term == "going_wrong" and e.weight > 0 for e in evidence):
        return True  # it looks back on several turns by itself
    turns = {e.turn for e in evidence if e.weight > 0}
    missed = state.misses if "not_understood" in rule.terms else 0
    return max(len(turns), missed) >= rule.least_turns


def _escalation(
    rule: Rule,
    pack: Pack,
    state: DialogueState,
    talk: Conversation,
    now: Heard,
    judged: Judged,
) -> Escalation:
    return Escalation(
        rule=rule.name,
        probability=judged.probability,
        score=judged.score,
        evidence=judged.terms,
        urgency=rule.urgency,
        summary=summarise(pack, state, talk, now.what, now.turn),
    )
