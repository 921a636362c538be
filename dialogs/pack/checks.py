"""Cross-reference checks of a pack: every name must refer to something that exists.

Each check yields faults with their place; the first fault refuses the pack
(tests/dialogs/pack/test_loader.py breaks a pack in each way).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialogs.pack.care_rules import check_care
from dialogs.pack.model import Flow, Pack, Step
from dialogs.pack.offer_rules import check_offers
from dialogs.pack.reserved_names import (
    ARRANGE_CALLBACK_ACTION,
    BUILT_IN_VALUES,
    CARE_PREFIX,
    ENGINE_REPLIES,
    ENGINE_RULES,
    SERVER_ACTIONS,
)
from dialogs.pack.rights_rules import check_rights
from dialogs.pack.schema import EVIDENCE_TERMS, PLACEHOLDER
from dialogs.pack.yaml_source import YamlFile, YamlPath, did_you_mean, missing_text

PackFault = tuple[str, YamlPath, str]  # file, path in it, message


def check_pack(pack: Pack, yaml_files: Mapping[str, YamlFile]) -> None:
    """Raise `PackError` for the first fault, if there is any."""
    for checks in (
        _check_intents,
        _check_slots,
        _check_callback_flow,
        _check_rights,
        _check_flows,
        _check_replies,
        _check_rules,
        _check_menu,
        _check_patience,
        check_offers,
        _check_care,
    ):
        for file, trail, message in checks(pack):
            raise yaml_files[file].error_at(trail, message)


def _check_intents(pack: Pack) -> Iterator[PackFault]:
    intent_by_example: dict[str, str] = {}
    for name, intent in pack.intents.items():
        path: YamlPath = ["intents", name]
        if intent.kind == "task" and not intent.flow:
            yield "intents", path, f"{name}: a task needs a flow"
        if intent.kind == "task" and not intent.phrase:
            yield "intents", path, f"{name}: a task needs a phrase to ask back with"
        if intent.flow and intent.flow not in pack.flows:
            yield "intents", [*path, "flow"], missing_text("flow", intent.flow, pack.flows)
        if intent.kind == "talk" and name != "goodbye" and f"talk.{name}" not in pack.replies:
            yield "intents", path, missing_text("reply", f"talk.{name}", pack.replies)
        for i, example in enumerate(intent.examples):
            other = intent_by_example.setdefault(example.lower(), name)
            if other != name:
                yield (
                    "intents",
                    [*path, "examples", i],
                    f'"{example}" is an example of {other} too',
                )


def _check_slots(pack: Pack) -> Iterator[PackFault]:
    for name, spec in pack.slots.items():
        path: YamlPath = ["slots", name]
        if spec.type == "choice" and not spec.choices:
            yield "slots", path, f"{name}: a choice needs values"
        if spec.type == "digits" and not spec.length:
            yield "slots", path, f"{name}: digits need a length"
        if spec.type != "choice" and spec.choices:
            yield "slots", [*path, "values"], f"{name}: only a choice has values"
        if spec.is_secret and spec.type != "digits":
            message = f"{name}: only digits can be secret, because words cannot be masked"
            yield "slots", [*path, "secret"], message
        for key, reply in (
            ("ask", spec.ask_reply),
            ("again", spec.reask_reply),
            ("help", spec.help_reply or spec.ask_reply),
        ):
            if reply not in pack.replies:
                yield "slots", [*path, key], missing_text("reply", reply, pack.replies)


def _check_flows(pack: Pack) -> Iterator[PackFault]:
    if pack.verification_flow not in pack.flows:
        yield "flows", ["verify_with"], missing_text("flow", pack.verification_flow, pack.flows)
    started = {intent.flow for intent in pack.intents.values()}
    started.add(pack.verification_flow)
    started |= {  # by the engine, if people.yaml or rights.yaml names it
        name
        for name, flow in pack.flows.items()
        if any(step.name in SERVER_ACTIONS for step in flow.steps)
    }
    started |= {flow.cancel_flow for flow in pack.flows.values()}
    for name, flow in pack.flows.items():
        if flow.undoes:
            continue  # checked with the action that it undoes
        if flow.cancel_flow and flow.cancel_flow not in pack.flows:
            message = missing_text("flow", flow.cancel_flow, pack.flows)
            yield "flows", ["flows", name, "cancel_with"], message
        if name not in started:
            yield "flows", ["flows", name], f"{name}: no intent starts this flow"
        yield from _check_steps(pack, name, flow)
        for slot in flow.distinct_slots:
            if slot not in flow.slots:
                yield "flows", ["flows", name, "different"], f"{name} never asks for {slot}"
    verify = pack.flows.get(pack.verification_flow)
    if verify and not any(step.verifies_identity for step in verify.steps):
        yield "flows", ["flows", verify.name], f"{verify.name}: no step has `verifies: true`"


def _check_steps(pack: Pack, name: str, flow: Flow) -> Iterator[PackFault]:
    asked_slots: set[str] = set()
    results: set[str] = set()  # of the actions so far
    is_unreachable = False
    for i, step in enumerate(flow.steps):
        path: YamlPath = ["flows", name, "steps", i]
        if is_unreachable:
            yield "flows", path, "this step is never reached: the one before it hands off"
        is_unreachable = step.kind == "hand_over" and not step.conditions
        for slot, value in step.conditions:
            yield from _check_condition(pack, [*path, "when"], slot, value, asked_slots)
        if step.kind == "ask":
            if step.name not in pack.slots:
                yield "flows", [*path, "ask"], missing_text("slot", step.name, pack.slots)
            asked_slots.add(step.name)
        if step.kind in {"say", "confirm"} and step.name not in pack.replies:
            yield "flows", [*path, step.kind], missing_text("reply", step.name, pack.replies)
        if step.kind == "hand_over" and step.name not in pack.rules:
            yield "flows", [*path, "hand_over"], missing_text("rule", step.name, pack.rules)
        if step.kind == "do":
            yield from _check_action(pack, path, step, flow, asked_slots | results)
            results |= {result for result, _ in step.result_types}
            yield from _check_undo(pack, path, step, asked_slots | results)


def _check_undo(pack: Pack, path: YamlPath, step: Step, known: set[str]) -> Iterator[PackFault]:
    path = [*path, "undo"]
    if step.final_reply and step.final_reply not in pack.replies:
        yield "flows", [*path[:-1], "final"], missing_text("reply", step.final_reply, pack.replies)
    if not step.undo_flow:
        return
    confirm, inverse = pack.flows[step.undo_flow].steps
    if confirm.name not in pack.replies:
        yield "flows", [*path, "confirm"], missing_text("reply", confirm.name, pack.replies)
    if step.undo_before and (
        step.undo_before not in known or pack.slots[step.undo_before].type != "date"
    ):
        yield "flows", [*path, "before"], f"{step.undo_before} is no date that the flow asks for"
    yield from _check_action(pack, path, inverse, pack.flows[step.undo_flow], known)


def _check_condition(
    pack: Pack, path: YamlPath, slot: str, value: str, asked_slots: set[str]
) -> Iterator[PackFault]:
    if slot not in asked_slots:
        yield "flows", path, f"this step is never reached: {slot} is not asked before it"
        return
    spec = pack.slots[slot]
    possible = ("yes", "no") if spec.type == "yes_no" else tuple(spec.choices or ())
    if possible and value not in possible:
        yield "flows", path, f'this step is never reached: {slot} is never "{value}"'


def _check_action(
    pack: Pack, path: YamlPath, step: Step, flow: Flow, asked_slots: set[str]
) -> Iterator[PackFault]:
    for argument, slot in step.arguments:
        if slot not in asked_slots:
            step_path = [*path, "with", argument]
            yield (
                "flows",
                step_path,
                f"{slot} is not asked before {step.name}{did_you_mean(slot, asked_slots)}",
            )
    if step.reply and step.reply not in pack.replies:
        yield "flows", [*path, "say"], missing_text("reply", step.reply, pack.replies)
    for reason, failure in step.failures:
        step_path = [*path, "failed", reason]
        if failure.reply not in pack.replies:
            yield "flows", [*step_path, "say"], missing_text("reply", failure.reply, pack.replies)
        for slot in failure.slots_to_reask:
            if slot not in flow.slots:
                yield "flows", [*step_path, "again"], f"{flow.name} never asks for {slot}"
    if "*" not in dict(step.failures):
        yield "flows", path, f'{step.name}: `failed` needs "*" for reasons nobody thought of'


def _check_replies(pack: Pack) -> Iterator[PackFault]:
    for name in ENGINE_REPLIES:
        if name not in pack.replies:
            yield "replies", ["replies"], f'the reply "{name}" is missing'
    if pack.offer_rules is not None and "offer.declined" not in pack.replies:
        yield "replies", ["replies"], 'the reply "offer.declined" is missing'
    result_names = {
        n for flow in pack.flows.values() for step in flow.steps for n, _ in step.result_types
    }
    public_slots = {name for name, spec in pack.slots.items() if not spec.is_secret}
    fillable = set(BUILT_IN_VALUES) | result_names | public_slots
    fillable |= set(pack.care.numbers) if pack.care else set()
    for name, wording in pack.replies.items():
        file = "care" if pack.care and name in pack.care.replies else "replies"
        file = "rights" if pack.rights and name in pack.rights.replies else file
        for line in wording.lines:
            for placeholder in PLACEHOLDER.findall(line):
                if placeholder not in fillable:
                    hint = did_you_mean(placeholder, fillable)
                    message = f"{name}: nothing fills {{{placeholder}}}{hint}"
                    yield file, ["replies", name], message


def _check_rules(pack: Pack) -> Iterator[PackFault]:
    for name, rule in pack.rules.items():
        if name.startswith(CARE_PREFIX):
            continue  # made from care.yaml
        path: YamlPath = ["rules", name]
        for term in rule.term_weights:
            if term not in EVIDENCE_TERMS:
                message = f'unknown term "{term}"{did_you_mean(term, EVIDENCE_TERMS)}'
                yield "escalation", [*path, "terms", term], message
        for intent in rule.intent_weights:
            if intent not in pack.intents:
                message = missing_text("intent", intent, pack.intents)
                yield "escalation", [*path, "intents", intent], message
        if rule.reply not in pack.replies:
            yield "escalation", [*path, "say"], missing_text("reply", rule.reply, pack.replies)
        if rule.leave >= rule.enter:
            yield "escalation", [*path, "leave"], "`leave` must be below `enter`"
    for name in ENGINE_RULES:
        if name not in pack.rules:
            message = f"the rule {name} is missing: the engine needs it"
            yield "escalation", ["rules"], message


def _check_patience(pack: Pack) -> Iterator[PackFault]:
    limits = pack.retry_limits
    if limits.stalled_before_person <= limits.stalled_before_change:
        message = "`stalled_before_person` must be more than `stalled_before_change`"
        yield "pack", ["patience", "stalled_before_person"], message
    if not pack.lead_ins:
        yield "replies", ["lead_ins"], "`lead_ins` must not be empty"


def _check_callback_flow(pack: Pack) -> Iterator[PackFault]:
    """A promise to call back is made only after its contact was read back."""
    name = pack.opening_hours.callback_flow
    path: YamlPath = ["call_back_with"]
    if not name:
        return
    if (flow := pack.flows.get(name)) is None:
        yield "people", path, missing_text("flow", name, pack.flows)
        return
    steps = [step.name if step.kind == "do" else step.kind for step in flow.steps]
    contacts = [n for n in flow.slots if n in pack.slots and pack.slots[n].type == "contact"]
    if len(contacts) != 1:
        yield "people", path, f"{name} has to ask for one slot of type contact"
    elif ARRANGE_CALLBACK_ACTION not in steps:
        yield "people", path, f"{name} has no step `do: {ARRANGE_CALLBACK_ACTION}`"
    elif "confirm" not in steps[: steps.index(ARRANGE_CALLBACK_ACTION)]:
        yield "people", path, f"{name} has to read the contact back before it promises a call"


def _check_care(pack: Pack) -> Iterator[PackFault]:
    yield from check_care(pack.care, pack.replies)


def _check_rights(pack: Pack) -> Iterator[PackFault]:
    yield from check_rights(pack.rights, pack.replies, pack.flows)


def _check_menu(pack: Pack) -> Iterator[PackFault]:
    for i, name in enumerate(pack.menu_intents):
        if name not in pack.intents:
            yield "pack", ["menu", i], missing_text("intent", name, pack.intents)
