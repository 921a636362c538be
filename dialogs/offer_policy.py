"""Which offer, if any, is worth making after what was just done, and with which probability?

Rules of the pack say what may be offered; reasons that hold add up to a score; the choice is drawn
from the scores, so that every offer that was eligible had a known chance and the log can be
evaluated for other policies later. Nothing here is drawn by chance itself: the number is given.
Held by tests/dialogs/test_recommend.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import exp

from dialogs.pack.model import Condition, Offer, OfferRules
from dialogs.values import Channel

NO_OFFER = ""  # the choice to offer nothing


@dataclass(frozen=True, slots=True)
class OfferContext:
    """A moment at which something could be offered: what was just done, for whom."""

    finished_flow: str
    values: Mapping[str, str]  # slots of the task and what the bank gave back
    earlier_actions: tuple[str, ...]  # actions of the bank in this conversation, oldest first
    tier: str
    identity_verified: bool
    channel: Channel


@dataclass(frozen=True, slots=True)
class ScoredOffer:
    """How much speaks for an offer, and the weightiest reason in words."""

    score: float
    reason: str


def eligible_offers(
    rules: OfferRules, context: OfferContext, already_made: frozenset[str]
) -> dict[str, ScoredOffer]:
    """The offers that may be made, with what speaks for each; none is made twice."""
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
    """None when no reason holds: an offer without a reason to name is not made."""
    reasons = [reason for reason in offer.reasons if is_met(reason.when, context)]
    reasons_to_name = [reason for reason in reasons if reason.weight > 0]
    if not reasons_to_name:
        return None
    best = max(reasons_to_name, key=lambda reason: reason.weight)
    return ScoredOffer(offer.baseline + sum(reason.weight for reason in reasons), best.text)


def is_met(condition: Condition, context: OfferContext) -> bool:
    """Every part of the condition that says something is true."""
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
    """How probable each choice is: a share of silence, and a softmax of the scores of which
    `explore` is spread evenly. They add up to 1, and none of the eligible has no chance."""
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
    """The choice that `number`, even between 0 and 1, falls on."""
    cumulative = 0.0
    for name, probability in probabilities.items():
        cumulative += probability
        if uniform < cumulative:
            return name
    return next(reversed(list(probabilities)))  # sums of floats may stop just short of 1


def occasion_draw(session_draw: float, occasion_number: int) -> float:
    """The session's one number made into one for each occasion, as good as independent."""
    digest = blake2b(f"{session_draw!r}:{occasion_number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
