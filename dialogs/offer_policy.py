"""Offer policy: eligibility, scores, choice probabilities and the draw of one offer.

The pack's conditions decide which offers are eligible; the weights of the reasons that apply add
up to a score; the choice is drawn from the scores. Every eligible offer has a known probability
above 0, so the log allows off-policy evaluation. Deterministic: the random number is an argument.
Held by tests/dialogs/test_offer_policy.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import exp

from dialogs.pack.model import Condition, Offer, OfferRules
from dialogs.values import Channel

NO_OFFER = ""  # the choice to make no offer


@dataclass(frozen=True, slots=True)
class OfferContext:
    """The context of a possible offer: the flow just completed, its values, and the customer."""

    finished_flow: str
    values: Mapping[str, str]  # slot values of the task and result values of its actions
    earlier_actions: tuple[str, ...]  # successful actions of this conversation, oldest first
    tier: str
    identity_verified: bool
    channel: Channel


@dataclass(frozen=True, slots=True)
class ScoredOffer:
    """An offer's score and the text of its heaviest reason."""

    score: float
    reason: str


def eligible_offers(
    rules: OfferRules, context: OfferContext, already_made: frozenset[str]
) -> dict[str, ScoredOffer]:
    """The offers that may be made now, with their scores; none of `already_made`."""
    eligible: dict[str, ScoredOffer] = {}
    for name, offer in rules.offers.items():
        allowed = (
            name not in already_made
            and (context.identity_verified or not offer.is_personal)
            and is_met(offer.when, context)
            and not (offer.not_when.has_requirements and is_met(offer.not_when, context))
        )
        if allowed and (scored := _score_offer(offer, context)) and scored.score >= rules.min_score:
            eligible[name] = scored
    return eligible


def _score_offer(offer: Offer, context: OfferContext) -> ScoredOffer | None:
    """The score of an offer; None when no reason with a positive weight applies."""
    reasons = [reason for reason in offer.reasons if is_met(reason.when, context)]
    reasons_to_name = [reason for reason in reasons if reason.weight > 0]
    if not reasons_to_name:
        return None
    best = max(reasons_to_name, key=lambda reason: reason.weight)
    return ScoredOffer(offer.baseline + sum(reason.weight for reason in reasons), best.text)


def is_met(condition: Condition, context: OfferContext) -> bool:
    """Whether the context meets every requirement of the condition."""
    numbers = {name: _number(value) for name, value in context.values.items()}
    return (
        (not condition.finished_flows or context.finished_flow in condition.finished_flows)
        and (
            not condition.earlier_actions
            or bool(set(condition.earlier_actions) & set(context.earlier_actions))
        )
        and (not condition.tiers or context.tier in condition.tiers)
        and (not condition.channels or context.channel in condition.channels)
        and all(context.values.get(n) in wanted for n, wanted in condition.slots)
        and all((numbers.get(n) or 0.0) >= least for n, least in condition.at_least)
        and all(
            (value := numbers.get(n)) is not None and value < most for n, most in condition.below
        )
    )


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def choice_probabilities(
    rules: OfferRules, scored_offers: Mapping[str, ScoredOffer]
) -> dict[str, float]:
    """The probability of each choice: `no_offer_share` for no offer, the rest a softmax of the
    scores mixed with a uniform `exploration_share`. They add up to 1, and all are above 0."""
    if not scored_offers:
        return {NO_OFFER: 1.0}
    top = max(one.score for one in scored_offers.values())
    weights = {name: exp(one.score - top) for name, one in scored_offers.items()}
    total_weight, exploration = sum(weights.values()), rules.exploration_share / len(scored_offers)
    offer_share = 1.0 - rules.no_offer_share
    probabilities = {
        n: offer_share * ((1 - rules.exploration_share) * w / total_weight + exploration)
        for n, w in weights.items()
    }
    return probabilities | ({NO_OFFER: rules.no_offer_share} if rules.no_offer_share else {})


def draw_choice(probabilities: Mapping[str, float], uniform: float) -> str:
    """The choice at `uniform`, a number in [0, 1), of the cumulative probabilities."""
    cumulative = 0.0
    for name, probability in probabilities.items():
        cumulative += probability
        if uniform < cumulative:
            return name
    return next(reversed(list(probabilities)))  # float sums may end just below 1


def occasion_draw(session_draw: float, occasion_number: int) -> float:
    """A uniform number in [0, 1) for one offer occasion, a hash of the session's draw."""
    digest = blake2b(f"{session_draw!r}:{occasion_number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
