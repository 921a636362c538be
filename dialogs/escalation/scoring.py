"""Escalation scoring: weighted evidence per rule, with hysteresis.

A rule of the pack adds up weighted evidence; the sum is a log-odds score. A rule fires when its
probability rises to `enter` on enough turns of evidence, and is armed again only below `leave`,
so no cause fires twice. Of a mood only the certain part counts: the estimate less its spread.
The weights of an escalation add up to its score (tests/dialogs/escalation/test_scoring.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from math import exp, fsum

from dialogs.escalation.summary import mask_secrets, summarise
from dialogs.pack.model import Pack, Rule
from dialogs.pack.reserved_names import CARE_PREFIX, PERSON_INTENT, PREFERRED_TIER, TIER_VALUE
from dialogs.state import DialogueState, StandingUrgency
from dialogs.values import (
    Escalation,
    Evidence,
    History,
    RuleOutcome,
    RuleScore,
    Turn,
    Understanding,
)

URGENCY_RANK = {"": 0, "low": 1, "normal": 2, "high": 3}
# Terms whose detail is fixed text; the details of all other terms may quote the customer.
TERMS_WITHOUT_QUOTES = frozenset(
    ["baseline", "asked_before", "not_understood", "no_progress", "failed_verification"]
    + ["valued_customer", "calm"]
)
MAX_TURNS_WEIGHED = 6  # customer turns whose evidence counts, the current one included
MAX_TROUBLE_SIGNS = 2  # strongest signs of a breakdown named in the detail of "going_wrong"
NOTED_THRESHOLD_SHARE = 0.1  # share of a rule's threshold below which its score is not recorded


@dataclass(frozen=True, slots=True)
class ScoredTurn:
    """One turn of the customer as escalation weighs it: number, time in seconds, understanding."""

    turn: int
    at: float
    understanding: Understanding


@dataclass(frozen=True, slots=True)
class EscalationAssessment:
    """Result of scoring one turn: the escalation to make now, if any, the causes above their
    threshold, and the score of each rule."""

    active_causes: frozenset[str]
    escalation: Escalation | None = None
    rule_scores: tuple[RuleScore, ...] = ()


def probability(score: float) -> float:
    """The logistic function: the probability of a log-odds score."""
    return 1.0 / (1.0 + exp(-score)) if score > -700 else 0.0


def assess_escalation(
    pack: Pack, state: DialogueState, history: History, current: ScoredTurn
) -> EscalationAssessment:
    """The score of each rule, and the most urgent escalation that has just become due.

    A rule only escalates when it is more urgent than any handoff already requested.
    """
    past = recent_turns(history, current)
    active = set(state.active_causes)
    rule_scores: dict[str, RuleScore] = {}
    chosen, highest_rank = "", URGENCY_RANK[standing_urgency(pack, state, current.at)]
    for rule in pack.rules.values():
        rule_score = _score_rule(rule, rule_evidence(rule, pack, state, past))
        cause = firing_cause(rule, current.understanding)
        outcome = _rule_outcome(rule, rule_score, state, cause, active)
        if outcome == "entered":
            active.add(cause)
            if URGENCY_RANK[rule.urgency] > highest_rank:
                chosen, highest_rank = rule.name, URGENCY_RANK[rule.urgency]
        elif outcome == "left":
            active.discard(rule.name)
        rule_scores[rule.name] = replace(rule_score, led_to=outcome)
    escalation = None
    if chosen:
        rule_scores[chosen] = replace(rule_scores[chosen], led_to="handed_over")
        escalation = _new_escalation(
            pack.rules[chosen], pack, state, history, current, rule_scores[chosen]
        )
    return EscalationAssessment(frozenset(active), escalation, tuple(rule_scores.values()))


def standing_urgency(pack: Pack, state: DialogueState, at: float) -> StandingUrgency:
    """Urgency of the handoff that is already requested, empty for none; a new one must be more
    urgent. An unmet handoff counts for `ask_again_after_s` seconds."""
    unmet = state.unmet_handoff
    if unmet is None or at >= unmet.at + pack.opening_hours.ask_again_after_s:
        return state.handoff_urgency
    return max(state.handoff_urgency, unmet.urgency, key=lambda urgency: URGENCY_RANK[urgency])


def _score_rule(rule: Rule, evidence: tuple[Evidence, ...]) -> RuleScore:
    score = fsum(e.weight for e in evidence)
    return RuleScore(rule.name, score, probability(score), rule.enter, rule.leave, evidence)


def _rule_outcome(
    rule: Rule, rule_score: RuleScore, state: DialogueState, cause: str, active: set[str]
) -> RuleOutcome:
    if rule_score.probability >= rule.enter:
        if cause in active:
            return "active"
        return "entered" if _has_enough_turns(rule, state, rule_score.terms) else "too_few_turns"
    if rule.name in active:
        return "left" if rule_score.probability < rule.leave else "active"
    return "nothing"


def is_worth_noting(rule_score: RuleScore) -> bool:
    """Whether the rule changed state or came near its threshold, so that the score is recorded."""
    return (
        rule_score.led_to != "nothing"
        or rule_score.probability >= NOTED_THRESHOLD_SHARE * rule_score.enter
    )


def without_customer_words(rule_score: RuleScore) -> RuleScore:
    """The score without quotes of the customer; weights, turns, times and figures stay."""
    return replace(rule_score, terms=tuple(_without_quote(term) for term in rule_score.terms))


def _without_quote(term: Evidence) -> Evidence:
    if term.term in TERMS_WITHOUT_QUOTES:
        return term
    figures = term.detail.partition(": ")[0] if term.term == "upset" else ""
    return replace(term, detail=figures)


def forced_escalation(
    rule: Rule, pack: Pack, state: DialogueState, history: History, current: ScoredTurn
) -> Escalation:
    """An escalation by `rule` regardless of its threshold, for a flow or a limit that forces it."""
    rule_score = _score_rule(rule, rule_evidence(rule, pack, state, recent_turns(history, current)))
    return _new_escalation(rule, pack, state, history, current, rule_score)


def firing_cause(rule: Rule, understanding: Understanding) -> str:
    """The cause that fires only once: the rule, or "rule:intent" of its heaviest intent."""
    weights = {
        i: w * intent_confidence(understanding, i)[0] for i, w in rule.intent_weights.items()
    }
    heaviest = max(weights, key=lambda intent: weights[intent], default="")
    return f"{rule.name}:{heaviest}" if heaviest and weights[heaviest] > 0 else rule.name


def intent_confidence(understanding: Understanding, intent: str) -> tuple[float, str]:
    """Highest confidence that a request of the turn has `intent`, and the text of that request."""
    mentions = [(r.confidence, r.text) for r in understanding.also if r.intent == intent]
    if understanding.intent == intent:
        mentions.append((understanding.confidence, understanding.text))
    return max(mentions, default=(0.0, ""))


def recent_turns(history: History, current: ScoredTurn) -> tuple[ScoredTurn, ...]:
    """The customer's last turns, at most six, the current one first."""
    earlier = (
        ScoredTurn(t.number, t.at, t.understanding)
        for t in reversed(history.turns)
        if _is_customer(t) and t.number < current.turn
    )
    return (current, *islice(earlier, MAX_TURNS_WEIGHED - 1))


def _is_customer(turn: Turn) -> bool:
    return turn.leg == "customer"


def rule_evidence(
    rule: Rule, pack: Pack, state: DialogueState, turns: tuple[ScoredTurn, ...]
) -> tuple[Evidence, ...]:
    """All evidence for `rule`, the baseline first; `turns` are recent, latest first."""
    current = turns[0]
    evidence = [
        Evidence(
            "baseline", rule.baseline, current.turn, current.at, "what is true of most customers"
        )
    ]
    for term, weight in rule.term_weights.items():
        evidence += _term_evidence(term, weight, pack, state, turns)
    for intent, weight in rule.intent_weights.items():
        confidence, text = intent_confidence(current.understanding, intent)
        if confidence:
            quote = mask_secrets(text, pack, current.understanding)
            evidence.append(Evidence(intent, weight * confidence, current.turn, current.at, quote))
    return tuple(evidence)


def _term_evidence(
    term: str, weight: float, pack: Pack, state: DialogueState, turns: tuple[ScoredTurn, ...]
) -> Iterable[Evidence]:
    current = turns[0]

    def evidence_now(times: float, detail: str) -> list[Evidence]:
        return [Evidence(term, weight * times, current.turn, current.at, detail)] if times else []

    match term:
        case "asked_for_person":
            confidence, text = intent_confidence(current.understanding, PERSON_INTENT)
            return evidence_now(confidence, mask_secrets(text, pack, current.understanding))
        case "accepted_offer":
            return evidence_now(
                float(state.accepted_person_offer),
                mask_secrets(current.understanding.text, pack, current.understanding),
            )
        case "asked_before":
            return evidence_now(
                float(max(0, state.person_requests - 1)), "asked for a person earlier"
            )
        case "not_understood":
            return evidence_now(float(state.misses), _times_in_a_row(state.misses))
        case "no_progress":
            return evidence_now(_stalled_turns(state), f"{_stalled_turns(state):.0f} turns")
        case "going_wrong":
            return evidence_now(
                current.understanding.trouble, _trouble_signs(current.understanding)
            )
        case "failed_verification":
            return evidence_now(
                float(state.failed_verifications), "identity could not be confirmed"
            )
        case "valued_customer":
            return evidence_now(
                float(state.customer_facts.get(TIER_VALUE) == PREFERRED_TIER), "preferred customer"
            )
        case _ if term.startswith(CARE_PREFIX):
            return _care_evidence(term, weight, state)
        case _:
            return _fading_evidence(term, weight, pack, turns)


def _care_evidence(term: str, weight: float, state: DialogueState) -> list[Evidence]:
    """The latest words by which this kind of danger or distress was recognised, while it counts."""
    for signal in reversed(state.care_signals):
        if signal.is_open and CARE_PREFIX + signal.kind == term:
            return [Evidence(term, weight, signal.turn, signal.at, signal.words)]
    return []


def _trouble_signs(understanding: Understanding) -> str:
    """The strongest signs of a dialogue breakdown, as text."""
    signs = sorted(
        (e for e in understanding.trouble_evidence if e.weight > 0), key=lambda e: -e.weight
    )
    return ", ".join(
        f"{e.term}, {e.detail}" if e.detail else e.term for e in signs[:MAX_TROUBLE_SIGNS]
    )


def _stalled_turns(state: DialogueState) -> float:
    """Turns since the last progress that were understood and led nowhere."""
    return float(max(0, state.stalled_turns - state.misses))


def _times_in_a_row(misses: int) -> str:
    return "once" if misses == 1 else f"{misses} times in a row"


def _fading_evidence(
    term: str, weight: float, pack: Pack, turns: tuple[ScoredTurn, ...]
) -> Iterable[Evidence]:
    """Evidence from each recent turn; its weight decays with the turn's age."""
    for age, scored_turn in enumerate(turns):
        understanding = scored_turn.understanding
        match term:
            case "upset":
                amount = max(0.0, understanding.upset - understanding.upset_spread)
                detail = _upset_reason(understanding)
            case "calm":
                amount = float(understanding.upset + understanding.upset_spread < pack.calm_below)
                spread = f"give or take {understanding.upset_spread:.2f}"
                detail = f"upset {understanding.upset:.2f}, {spread}"
            case _:
                amount, text = intent_confidence(understanding, term)
                detail = mask_secrets(text, pack, understanding)
        if amount:
            faded = weight * amount * pack.evidence_decay**age
            yield Evidence(term, faded, scored_turn.turn, scored_turn.at, detail)


def _upset_reason(understanding: Understanding) -> str:
    """The upset probability with its spread, and the strongest evidence for it."""
    best = max(understanding.evidence, key=lambda e: e.weight, default=None)
    level = f"upset {understanding.upset:.2f}, give or take {understanding.upset_spread:.2f}"
    return f"{level}: {best.detail or best.term}" if best and best.weight > 0 else level


def _has_enough_turns(rule: Rule, state: DialogueState, evidence: tuple[Evidence, ...]) -> bool:
    if any(e.term == "going_wrong" and e.weight > 0 for e in evidence):
        return True  # this term covers several turns by itself
    turns = {e.turn for e in evidence if e.weight > 0}
    missed = state.misses if "not_understood" in rule.term_weights else 0
    if "no_progress" in rule.term_weights:
        missed = max(missed, state.stalled_turns)
    return max(len(turns), missed) >= rule.min_turns


def _new_escalation(
    rule: Rule,
    pack: Pack,
    state: DialogueState,
    history: History,
    current: ScoredTurn,
    rule_score: RuleScore,
) -> Escalation:
    return Escalation(
        rule=rule.name,
        probability=rule_score.probability,
        score=rule_score.score,
        evidence=rule_score.terms,
        urgency=rule.urgency,
        claims=summarise(pack, state, history, current.understanding, current.turn),
    )
