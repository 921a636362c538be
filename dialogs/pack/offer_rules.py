"""How does a checked `offers.yaml` become frozen rules, and does what it names exist?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from dialogs.pack.model import Condition, LeadsTo, Offer, OfferRules, Reason
from dialogs.pack.schema import ConditionText, OffersText, OfferText
from dialogs.pack.yaml_source import Trail, nearest

if TYPE_CHECKING:
    from dialogs.pack.model import Pack


def offer_rules(given: OffersText) -> OfferRules:
    return OfferRules(
        offers={name: _offer(name, offer) for name, offer in given.offers.items()},
        silence_share=given.silence_share,
        explore=given.explore,
        least_score=given.least_score,
        max_upset=given.max_upset,
        known_within=given.known_within,
        most=given.most,
        apart_turns=given.apart_turns,
        rest_turns=given.rest_turns,
        never_with=tuple(given.never_with),
    )


def _offer(name: str, given: OfferText) -> Offer:
    yes = given.yes
    return Offer(
        name=name,
        title=given.title,
        say=given.say,
        baseline=given.baseline,
        personal=given.personal,
        when=_condition(given.when),
        not_when=_condition(given.not_when),
        reasons=tuple(Reason(_condition(r.when), r.weight, r.because) for r in given.reasons),
        yes=LeadsTo(yes.flow, yes.document, yes.part, tuple(yes.slots.items())),
    )


def _condition(given: ConditionText) -> Condition:
    return Condition(
        done=tuple(given.done),
        before=tuple(given.before),
        slots=tuple((name, tuple(values)) for name, values in given.slots.items()),
        at_least=tuple(given.at_least.items()),
        below=tuple(given.below.items()),
        tier=tuple(given.tier),
        channel=tuple(given.channel),
    )


def check_offers(pack: Pack) -> Iterator[tuple[str, Trail, str]]:
    """Where offers name something that does not exist."""
    if pack.offers is None:
        return
    for i, intent in enumerate(pack.offers.never_with):
        if intent not in pack.intents:
            yield "offers", ["never_with", i], _missing("intent", intent, pack.intents)
    for name, offer in pack.offers.offers.items():
        where: Trail = ["offers", name]
        if offer.say not in pack.replies:
            yield "offers", [*where, "say"], _missing("reply", offer.say, pack.replies)
        yield from _yes(pack, offer, [*where, "yes"])
        yield from _conditions(pack, offer.when, [*where, "when"])
        yield from _conditions(pack, offer.not_when, [*where, "not_when"])
        for i, reason in enumerate(offer.reasons):
            yield from _conditions(pack, reason.when, [*where, "reasons", i, "when"])


def _yes(pack: Pack, offer: Offer, where: Trail) -> Iterator[tuple[str, Trail, str]]:
    yes = offer.yes
    if bool(yes.flow) == bool(yes.document):
        yield "offers", where, f"{offer.name}: a yes leads to a flow or to a document"
    if yes.flow and yes.flow not in pack.flows:
        yield "offers", [*where, "flow"], _missing("flow", yes.flow, pack.flows)
        return
    if yes.document and not (parts := pack.knowledge.parts(yes.document)):
        yield "offers", [*where, "document"], f'no document "{yes.document}"'
    elif yes.document and yes.part > len(parts):
        yield "offers", [*where, "part"], f"{yes.document} has {len(parts)} parts"
    asked = pack.flows[yes.flow].slots if yes.flow else ()
    for slot, value in yes.slots:
        known = pack.slots[slot].values if slot in asked else None
        if slot not in asked:
            yield "offers", [*where, "slots", slot], f"{yes.flow} never asks for {slot}"
        elif known and value not in known:
            yield "offers", [*where, "slots", slot], f'{slot} is never "{value}"'


def _conditions(pack: Pack, condition: Condition, where: Trail) -> Iterator[tuple[str, Trail, str]]:
    for i, flow in enumerate(condition.done):
        if flow not in pack.flows:
            yield "offers", [*where, "done", i], _missing("flow", flow, pack.flows)
    steps = [step for flow in pack.flows.values() for step in flow.steps]
    actions = {step.name: step for step in steps if step.kind == "do"}
    for i, action in enumerate(condition.before):
        if action not in actions:
            yield "offers", [*where, "before", i], _missing("action", action, actions)
    given = {name: None for step in steps for name, _ in step.gives}
    known = {**dict.fromkeys(pack.slots), **given}
    for key in ("slots", "at_least", "below"):
        for name, _ in getattr(condition, key):
            if name not in known:
                yield "offers", [*where, key, name], _missing("slot or value", name, known)


def _missing(kind: str, name: str, known: Mapping[str, object]) -> str:
    return f'no {kind} "{name}"{nearest(name, known)}'
