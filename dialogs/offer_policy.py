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

NOTHING = ""  # the choice to offer nothing


@dataclass(frozen=True, slots=True)
class Occasion:
    """A moment at which something could be offered: what was just done, for whom."""

    flow: str
    values: Mapping[str, str]  # slots of the task and what the bank gave back
    before: tuple[str, ...]  # actions of the bank in this conversation, oldest first
    tier: str
    verified: bool
    channel: Channel


@dataclass(frozen=True, slots=True)
class Scored:
    """How much speaks for an offer, and the weightiest reason in words."""

    score: float
    because: str


def eligible(rules: OfferRules, occasion: Occasion, made: frozenset[str]) -> dict[str, Scored]:
    """The offers that may be made, with what speaks for each; none is made twice."""
    found: dict[str, Scored] = {}
    for name, offer in rules.offers.items():
        allowed = (
            name not in made
            and (occasion.verified or not offer.personal)
            and holds(offer.when, occasion)
            and not (offer.not_when.says_something and holds(offer.not_when, occasion))
        )
        if allowed and (scored := _scored(offer, occasion)) and scored.score >= rules.least_score:
            found[name] = scored
    return found


def _scored(offer: Offer, occasion: Occasion) -> Scored | None:
    """None when no reason holds: an offer without a reason to name is not made."""
    reasons = [reason for reason in offer.reasons if holds(reason.when, occasion)]
    shown = [reason for reason in reasons if reason.weight > 0]
    if not shown:
        return None
    best = max(shown, key=lambda reason: reason.weight)
    return Scored(offer.baseline + sum(reason.weight for reason in reasons), best.because)


def holds(condition: Condition, occasion: Occasion) -> bool:
    """Every part of the condition that says something is true."""
    numbers = {name: _number(value) for name, value in occasion.values.items()}
    return (
        (not condition.done or occasion.flow in condition.done)
        and (not condition.before or bool(set(condition.before) & set(occasion.before)))
        and (not condition.tier or occasion.tier in condition.tier)
        and (not condition.channel or occasion.channel in condition.channel)
        and all(occasion.values.get(n) in wanted for n, wanted in condition.slots)
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


def chances(rules: OfferRules, scored: Mapping[str, Scored]) -> dict[str, float]:
    """How probable each choice is: a share of silence, and a softmax of the scores of which
    `explore` is spread evenly. They add up to 1, and none of the eligible has no chance."""
    if not scored:
        return {NOTHING: 1.0}
    top = max(one.score for one in scored.values())
    weights = {name: exp(one.score - top) for name, one in scored.items()}
    whole, even = sum(weights.values()), rules.explore / len(scored)
    spoken = 1.0 - rules.silence_share
    found = {n: spoken * ((1 - rules.explore) * w / whole + even) for n, w in weights.items()}
    return found | ({NOTHING: rules.silence_share} if rules.silence_share else {})


def draw(probabilities: Mapping[str, float], number: float) -> str:
    """The choice that `number`, even between 0 and 1, falls on."""
    reached = 0.0
    for name, probability in probabilities.items():
        reached += probability
        if number < reached:
            return name
    return next(reversed(list(probabilities)))  # sums of floats may stop just short of 1


def number_of(chance: float, occasion: int) -> float:
    """The session's one number made into one for each occasion, as good as independent."""
    digest = blake2b(f"{chance!r}:{occasion}".encode(), digest_size=7).digest()
    return int.from_bytes(digest) / 2**56
