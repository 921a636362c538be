"""Conversion of a validated `offers.yaml` to frozen offer rules, and checks of its references."""

from __future__ import annotations

from collections.abc import Iterator

from dialogs.pack.model import Condition, Offer, OfferReason, OfferRules, OfferTarget, Pack
from dialogs.pack.schema import ConditionYaml, OffersYaml, OfferYaml
from dialogs.pack.yaml_source import YamlPath, missing_text


def build_offer_rules(source: OffersYaml) -> OfferRules:
    """The frozen rules of a validated `offers.yaml`."""
    return OfferRules(
        offers={name: _build_offer(name, offer) for name, offer in source.offers.items()},
        no_offer_share=source.silence_share,
        exploration_share=source.explore,
        min_score=source.least_score,
        max_upset=source.max_upset,
        max_upset_spread=source.known_within,
        max_per_session=source.most,
        min_turns_between_offers=source.apart_turns,
        min_turns_after_decline=source.rest_turns,
        excluded_intents=tuple(source.never_with),
    )


def _build_offer(name: str, source: OfferYaml) -> Offer:
    yes = source.yes
    return Offer(
        name=name,
        title=source.title,
        reply=source.say,
        baseline=source.baseline,
        is_personal=source.personal,
        when=_build_condition(source.when),
        not_when=_build_condition(source.not_when),
        reasons=tuple(
            OfferReason(_build_condition(r.when), r.weight, r.because) for r in source.reasons
        ),
        target=OfferTarget(yes.flow, yes.document, yes.part, tuple(yes.slots.items())),
    )


def _build_condition(source: ConditionYaml) -> Condition:
    return Condition(
        finished_flows=tuple(source.done),
        earlier_actions=tuple(source.before),
        slots=tuple((name, tuple(values)) for name, values in source.slots.items()),
        at_least=tuple(source.at_least.items()),
        below=tuple(source.below.items()),
        tiers=tuple(source.tier),
        channels=tuple(source.channel),
    )


def check_offers(pack: Pack) -> Iterator[tuple[str, YamlPath, str]]:
    """Faults of the offers, mostly unknown names: file, path in it, message."""
    if pack.offer_rules is None:
        return
    for i, intent in enumerate(pack.offer_rules.excluded_intents):
        if intent not in pack.intents:
            yield "offers", ["never_with", i], missing_text("intent", intent, pack.intents)
    for name, offer in pack.offer_rules.offers.items():
        path: YamlPath = ["offers", name]
        if offer.reply not in pack.replies:
            yield "offers", [*path, "say"], missing_text("reply", offer.reply, pack.replies)
        yield from _check_target(pack, offer, [*path, "yes"])
        yield from _check_condition(pack, offer.when, [*path, "when"])
        yield from _check_condition(pack, offer.not_when, [*path, "not_when"])
        for i, reason in enumerate(offer.reasons):
            yield from _check_condition(pack, reason.when, [*path, "reasons", i, "when"])


def _check_target(pack: Pack, offer: Offer, path: YamlPath) -> Iterator[tuple[str, YamlPath, str]]:
    target = offer.target
    if bool(target.flow) == bool(target.document_id):
        yield "offers", path, f"{offer.name}: a yes leads to a flow or to a document"
    if target.flow and target.flow not in pack.flows:
        yield "offers", [*path, "flow"], missing_text("flow", target.flow, pack.flows)
        return
    if target.document_id and not (parts := pack.knowledge.document_parts(target.document_id)):
        yield "offers", [*path, "document"], f'no document "{target.document_id}"'
    elif target.document_id and target.part_number > len(parts):
        yield "offers", [*path, "part"], f"{target.document_id} has {len(parts)} parts"
    flow_slots = pack.flows[target.flow].slots if target.flow else ()
    for slot, value in target.slot_values:
        choices = pack.slots[slot].choices if slot in flow_slots else None
        if slot not in flow_slots:
            yield "offers", [*path, "slots", slot], f"{target.flow} never asks for {slot}"
        elif choices and value not in choices:
            yield "offers", [*path, "slots", slot], f'{slot} is never "{value}"'


def _check_condition(
    pack: Pack, condition: Condition, path: YamlPath
) -> Iterator[tuple[str, YamlPath, str]]:
    for i, flow in enumerate(condition.finished_flows):
        if flow not in pack.flows:
            yield "offers", [*path, "done", i], missing_text("flow", flow, pack.flows)
    steps = [step for flow in pack.flows.values() for step in flow.steps]
    actions = {step.name: step for step in steps if step.kind == "do"}
    for i, action in enumerate(condition.earlier_actions):
        if action not in actions:
            yield "offers", [*path, "before", i], missing_text("action", action, actions)
    result_names = {name: None for step in steps for name, _ in step.result_types}
    known_names = {**dict.fromkeys(pack.slots), **result_names}
    for key in ("slots", "at_least", "below"):
        for name, _ in getattr(condition, key):
            if name not in known_names:
                yield "offers", [*path, key, name], missing_text("slot or value", name, known_names)
