"""Does everything in a pack that names something else name something that exists?

Each check yields the place and what is wrong there; the first one refuses the pack
(tests/dialogs/test_pack.py breaks a pack in each way).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dialogs.escalation.scoring import TERMS
from dialogs.pack.model import Flow, Pack, Step
from dialogs.pack.offer_rules import check_offers
from dialogs.pack.yaml_source import Page, Trail, nearest
from dialogs.rendering import PLACE

Wrong = tuple[str, Trail, str]  # file, where in it, what is wrong

# What the engine itself says, and what a template may name besides slots and what actions give.
ENGINE_SAYS = (
    "greeting open more back_to one_moment too_late goodbye goodbye_unfinished cancelled "
    "nothing_to_cancel start_over nothing_to_go_back unclear unheard missed keypad typed menu "
    "choices offer_person did_you_mean sure change out_of_scope still_there still_there_menu "
    "silent_end answer no_answer no_answer_offer verify.begin verify.locked wrong.length "
    "wrong.zero wrong.too_much wrong.past wrong.future wrong.same waiting waiting_money "
    "handed_back go_on noted next_task next_question next_maybe dropped goodbye_rest too_many "
    "which which_to_do which_again unreached.closed unreached.closed_now unreached.nobody "
    "unreached.too_long unreached.ticket unreached.noted unreached.still person.joined "
    "person.supervisor person.left"
)
BUILT_IN = "bank agent menu comma_name task intent answer count length limit on_date rest because "
BUILT_IN += "person ticket when"


def check(pack: Pack, pages: Mapping[str, Page]) -> None:
    """Raise the first `PackError`, if anything does not hold together."""
    for checks in (_intents, _slots, _flows, _replies, _rules, _top, check_offers):
        for file, trail, message in checks(pack):
            raise pages[file].error(trail, message)


def _missing(kind: str, name: str, known: Mapping[str, object]) -> str:
    return f'no {kind} "{name}"{nearest(name, known)}'


def _intents(pack: Pack) -> Iterator[Wrong]:
    seen: dict[str, str] = {}
    for name, intent in pack.intents.items():
        where: Trail = ["intents", name]
        if intent.kind == "task" and not intent.flow:
            yield "intents", where, f"{name}: a task needs a flow"
        if intent.kind == "task" and not intent.phrase:
            yield "intents", where, f"{name}: a task needs a phrase to ask back with"
        if intent.flow and intent.flow not in pack.flows:
            yield "intents", [*where, "flow"], _missing("flow", intent.flow, pack.flows)
        if intent.kind == "talk" and name != "goodbye" and f"talk.{name}" not in pack.replies:
            yield "intents", where, _missing("reply", f"talk.{name}", pack.replies)
        for i, example in enumerate(intent.examples):
            other = seen.setdefault(example.lower(), name)
            if other != name:
                yield (
                    "intents",
                    [*where, "examples", i],
                    f'"{example}" is an example of {other} too',
                )


def _slots(pack: Pack) -> Iterator[Wrong]:
    for name, spec in pack.slots.items():
        where: Trail = ["slots", name]
        if spec.type == "choice" and not spec.values:
            yield "slots", where, f"{name}: a choice needs values"
        if spec.type == "digits" and not spec.length:
            yield "slots", where, f"{name}: digits need a length"
        if spec.type != "choice" and spec.values:
            yield "slots", [*where, "values"], f"{name}: only a choice has values"
        if spec.secret and spec.type != "digits":
            said = f"{name}: only digits can be secret, for words cannot be found again"
            yield "slots", [*where, "secret"], said
        for key, reply in (("ask", spec.ask), ("again", spec.again)):
            if reply not in pack.replies:
                yield "slots", [*where, key], _missing("reply", reply, pack.replies)


def _flows(pack: Pack) -> Iterator[Wrong]:
    if pack.verify_with not in pack.flows:
        yield "flows", ["verify_with"], _missing("flow", pack.verify_with, pack.flows)
    started = {intent.flow for intent in pack.intents.values()} | {pack.verify_with}
    for name, flow in pack.flows.items():
        if name not in started:
            yield "flows", ["flows", name], f"{name}: no intent starts this flow"
        yield from _steps(pack, name, flow)
        for slot in flow.different:
            if slot not in flow.slots:
                yield "flows", ["flows", name, "different"], f"{name} never asks for {slot}"
    verify = pack.flows.get(pack.verify_with)
    if verify and not any(step.verifies for step in verify.steps):
        yield "flows", ["flows", verify.name], f"{verify.name}: no step has `verifies: true`"


def _steps(pack: Pack, name: str, flow: Flow) -> Iterator[Wrong]:
    asked: set[str] = set()
    over = False
    for i, step in enumerate(flow.steps):
        where: Trail = ["flows", name, "steps", i]
        if over:
            yield "flows", where, "this step is never reached: the one before it hands over"
        over = step.kind == "hand_over" and not step.when
        for slot, value in step.when:
            yield from _condition(pack, [*where, "when"], slot, value, asked)
        if step.kind == "ask":
            if step.name not in pack.slots:
                yield "flows", [*where, "ask"], _missing("slot", step.name, pack.slots)
            asked.add(step.name)
        if step.kind in {"say", "confirm"} and step.name not in pack.replies:
            yield "flows", [*where, step.kind], _missing("reply", step.name, pack.replies)
        if step.kind == "hand_over" and step.name not in pack.rules:
            yield "flows", [*where, "hand_over"], _missing("rule", step.name, pack.rules)
        if step.kind == "do":
            yield from _action(pack, where, step, flow, asked)


def _condition(pack: Pack, where: Trail, slot: str, value: str, asked: set[str]) -> Iterator[Wrong]:
    if slot not in asked:
        yield "flows", where, f"this step is never reached: {slot} is not asked before it"
        return
    spec = pack.slots[slot]
    possible = ("yes", "no") if spec.type == "yes_no" else tuple(spec.values or ())
    if possible and value not in possible:
        yield "flows", where, f'this step is never reached: {slot} is never "{value}"'


def _action(pack: Pack, where: Trail, step: Step, flow: Flow, asked: set[str]) -> Iterator[Wrong]:
    for argument, slot in step.arguments:
        if slot not in asked:
            at = [*where, "with", argument]
            yield "flows", at, f"{slot} is not asked before {step.name}{nearest(slot, asked)}"
    if step.say and step.say not in pack.replies:
        yield "flows", [*where, "say"], _missing("reply", step.say, pack.replies)
    for reason, failure in step.failed:
        at = [*where, "failed", reason]
        if failure.say not in pack.replies:
            yield "flows", [*at, "say"], _missing("reply", failure.say, pack.replies)
        for slot in failure.again:
            if slot not in flow.slots:
                yield "flows", [*at, "again"], f"{flow.name} never asks for {slot}"
    if "*" not in dict(step.failed):
        yield "flows", where, f'{step.name}: `failed` needs "*" for reasons nobody thought of'


def _replies(pack: Pack) -> Iterator[Wrong]:
    for name in ENGINE_SAYS.split():
        if name not in pack.replies:
            yield "replies", ["replies"], f'the reply "{name}" is missing'
    if pack.offers is not None and "offer.declined" not in pack.replies:
        yield "replies", ["replies"], 'the reply "offer.declined" is missing'
    given = {n for flow in pack.flows.values() for step in flow.steps for n, _ in step.gives}
    shown = {name for name, spec in pack.slots.items() if not spec.secret}
    known = set(BUILT_IN.split()) | given | shown
    for name, words in pack.replies.items():
        for line in words.lines:
            for place in PLACE.findall(line):
                if place not in known:
                    said = f"{name}: nothing fills {{{place}}}{nearest(place, known)}"
                    yield "replies", ["replies", name], said


def _rules(pack: Pack) -> Iterator[Wrong]:
    for name, rule in pack.rules.items():
        where: Trail = ["rules", name]
        for term in rule.terms:
            if term not in TERMS:
                said = f'unknown term "{term}"{nearest(term, TERMS)}'
                yield "escalation", [*where, "terms", term], said
        for intent in rule.intents:
            if intent not in pack.intents:
                said = _missing("intent", intent, pack.intents)
                yield "escalation", [*where, "intents", intent], said
        if rule.say not in pack.replies:
            yield "escalation", [*where, "say"], _missing("reply", rule.say, pack.replies)
        if rule.leave >= rule.enter:
            yield "escalation", [*where, "leave"], "`leave` must be below `enter`"
    for name in ("explicit_request", "failed_verification"):
        if name not in pack.rules:
            yield "escalation", ["rules"], f"the rule {name} is missing"


def _top(pack: Pack) -> Iterator[Wrong]:
    for i, name in enumerate(pack.menu):
        if name not in pack.intents:
            yield "pack", ["menu", i], _missing("intent", name, pack.intents)
