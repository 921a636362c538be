"""How do the checked YAML files of a folder become one frozen pack?

Only here do pydantic models turn into the values of `dialogs.pack.model`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dialogs.knowledge.retrieval import Knowledge
from dialogs.pack.checks import check
from dialogs.pack.model import (
    Costs,
    Deciding,
    Failure,
    Flow,
    Hearing,
    Intent,
    Pack,
    Patience,
    Rule,
    SlotSpec,
    Step,
    Wording,
    plain,
)
from dialogs.pack.offer_rules import offer_rules
from dialogs.pack.opening_hours import People
from dialogs.pack.opening_hours_loader import people
from dialogs.pack.privacy_rules import PrivacyRules
from dialogs.pack.schema import (
    EscalationText,
    FlowsText,
    IntentsText,
    OffersText,
    PackText,
    PrivacyText,
    RepliesText,
    ReplyText,
    SlotsText,
    StepText,
)
from dialogs.pack.yaml_source import Page

FILES = ("pack", "intents", "slots", "flows", "replies", "escalation")
MAY_BE = ("offers", "people", "privacy")  # files that a pack need not have


def build(folder: Path) -> Pack:
    pages = {name: Page(folder / f"{name}.yaml") for name in FILES}
    for name in MAY_BE:
        if (file := folder / f"{name}.yaml").exists():
            pages[name] = Page(file)
    pack = _assemble(folder, pages)
    check(pack, pages)
    return pack


def _assemble(folder: Path, pages: Mapping[str, Page]) -> Pack:
    top = pages["pack"].checked(PackText)
    policy = pages["escalation"].checked(EscalationText)
    replies = pages["replies"].checked(RepliesText)
    flows = pages["flows"].checked(FlowsText)
    intents = _intents(pages["intents"].checked(IntentsText))
    rules = {n: _rule(n, policy, pages["escalation"]) for n in policy.rules}
    return Pack(
        directory=folder,
        bank=top.bank,
        agent=top.agent,
        menu=tuple(top.menu),
        go_back=tuple(plain(phrase) for phrase in top.phrases.get("go_back", ())),
        intents=intents,
        slots=_slots(pages["slots"].checked(SlotsText), pages["slots"]),
        flows=_flows(flows, pages["flows"]),
        verify_with=flows.verify_with,
        replies={name: _wording(given) for name, given in replies.replies.items()},
        apologies=tuple(replies.apologies),
        rules=rules,
        costs=Costs(**policy.costs.model_dump()),
        remember=policy.remember,
        hearing=Hearing(**top.hearing.model_dump()),
        deciding=Deciding(**top.deciding.model_dump()),
        patience=Patience(**top.patience.model_dump()),
        apologise_from=top.mood.apologise_from,
        calm_below=top.mood.calm_below,
        knowledge=_knowledge(folder, top, pages["pack"]),
        offers=offer_rules(pages["offers"].checked(OffersText)) if "offers" in pages else None,
        people=people(pages["people"]) if "people" in pages else People(),
        privacy=_privacy(pages["privacy"]) if "privacy" in pages else PrivacyRules(),
        exact={plain(e): i.name for i in intents.values() for e in i.examples},
    )


def _privacy(page: Page) -> PrivacyRules:
    given = page.checked(PrivacyText)
    return PrivacyRules(
        redact=frozenset(given.redact),
        recording=given.recording,
        emotion=given.emotion,
        keep_days=given.keep_days.model_dump(),
    )


def _rule(name: str, policy: EscalationText, page: Page) -> Rule:
    """`enter` follows from the costs and `leave` from `enter`, unless the rule says them."""
    given = policy.rules[name]
    if given.costs and given.enter is not None:
        said = "`enter` follows from the costs: say one of the two"
        raise page.error(["rules", name, "enter"], said)
    costs = Costs(**(given.costs or policy.costs).model_dump())
    enter = costs.threshold if given.enter is None else given.enter
    return Rule(
        name=name,
        urgency=given.urgency,
        baseline=given.baseline,
        enter=enter,
        leave=policy.rearm * enter if given.leave is None else given.leave,
        least_turns=given.least_turns,
        say=given.say,
        terms=given.terms,
        intents=given.intents,
    )


def _knowledge(folder: Path, top: PackText, page: Page) -> Knowledge:
    if not top.knowledge.documents:
        return Knowledge.empty()
    file = folder / top.knowledge.documents
    if not file.is_file():
        raise page.error(["knowledge", "documents"], f"there is no file {file}")
    return Knowledge.read(
        file,
        rename=(top.knowledge.says_bank, top.bank) if top.knowledge.says_bank else None,
        least_score=top.knowledge.least_score,
        least_share=top.knowledge.least_share,
    )


def _intents(given: IntentsText) -> dict[str, Intent]:
    return {
        name: Intent(name, i.kind, tuple(i.examples), i.flow, i.phrase, i.short, i.about, i.risk)
        for name, i in given.intents.items()
    }


def _slots(given: SlotsText, page: Page) -> dict[str, SlotSpec]:
    made: dict[str, SlotSpec] = {}
    for name, slot in given.slots.items():
        root = given.slots.get(slot.like) if slot.like else slot
        if root is None or root.type is None:
            where = ["slots", name, "like"] if slot.like else ["slots", name]
            said = f'no slot "{slot.like}" with a type' if slot.like else "needs a type or `like`"
            raise page.error(where, f"{name}: {said}")
        choice = {value: tuple(words) for value, words in root.values.items()}
        made[name] = SlotSpec(
            name=name,
            type=root.type,
            family=(slot.like or name) if root.type == "choice" else root.type,
            label=slot.label or name.replace("_", " "),
            ask=slot.ask,
            again=slot.again or slot.ask,
            cues=tuple(sorted((plain(cue) for cue in slot.cues), key=len, reverse=True)),
            length=slot.length or root.length,
            values=choice or None,
            secret=slot.secret,
            past=slot.past,
            limit=slot.max or root.max,
        )
    return made


def _flows(given: FlowsText, page: Page) -> dict[str, Flow]:
    return {
        name: Flow(
            name=name,
            title=flow.title,
            steps=tuple(
                _step(step, page, ["flows", name, "steps", i]) for i, step in enumerate(flow.steps)
            ),
            verify=flow.verify,
            money=flow.money,
            different=tuple(flow.different),
        )
        for name, flow in given.flows.items()
    }


def _step(given: StepText, page: Page, where: list[str | int]) -> Step:
    if given.do:
        failed = {r: Failure(f.say, tuple(f.again), f.offer_person)
                  for r, f in given.failed.items()}  # fmt: skip
        return Step(
            kind="do",
            name=given.do,
            when=tuple(given.when.items()),
            arguments=tuple(given.arguments.items()),
            gives=tuple(given.gives.items()),
            say=given.say,
            verifies=given.verifies,
            failed=tuple(failed.items()),
        )
    kinds: tuple[Literal["ask", "say", "confirm", "hand_over"], ...]
    kinds = ("ask", "say", "confirm", "hand_over")
    named = [(kind, name) for kind in kinds if (name := getattr(given, kind))]
    if len(named) != 1:
        raise page.error(where, "a step is one of ask, say, confirm, do or hand_over")
    return Step(named[0][0], named[0][1], tuple(given.when.items()), given.default)


def _wording(given: list[str] | ReplyText) -> Wording:
    if isinstance(given, list):
        return Wording(tuple(given))
    return Wording(
        neutral=tuple(given.neutral),
        apologetic=tuple(given.apologetic),
        brief=tuple(given.brief),
        voice=tuple(given.voice),
        promise=given.promise,
    )
