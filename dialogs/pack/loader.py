"""Pack loader: validates the YAML files of a folder and builds the frozen pack.

Only this module converts pydantic models to the values of `dialogs.pack.model`, with
`dialogs.pack.offer_rules` and `dialogs.pack.opening_hours_loader` for their own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from dialogs.knowledge.retrieval import Knowledge
from dialogs.pack.care_rules import CareKind, CareRules, build_care_rules, recognition_weights
from dialogs.pack.checks import check_pack
from dialogs.pack.language_rules import build_language_rules, language_replies
from dialogs.pack.model import (
    ErrorCosts,
    FailureResponse,
    Flow,
    Intent,
    IntentThresholds,
    Pack,
    RetryLimits,
    Rule,
    SlotSpec,
    Step,
    TranscriptThresholds,
    Wording,
    normalise_text,
)
from dialogs.pack.offer_rules import build_offer_rules
from dialogs.pack.opening_hours import OpeningHours
from dialogs.pack.opening_hours_loader import build_opening_hours
from dialogs.pack.privacy_rules import PrivacyRules
from dialogs.pack.rights_rules import RightsRules, build_rights_rules
from dialogs.pack.schema import (
    CareYaml,
    EscalationYaml,
    FailureYaml,
    FlowsYaml,
    IntentsYaml,
    LanguagesYaml,
    OffersYaml,
    PackYaml,
    PrivacyYaml,
    RepliesYaml,
    ReplyYaml,
    RightsYaml,
    SlotsYaml,
    StepYaml,
    UndoYaml,
)
from dialogs.pack.trigger_words import trigger_words
from dialogs.pack.yaml_source import YamlFile

BANK_PACK = Path(__file__).parents[1] / "bank"  # the built-in pack
REQUIRED_FILES = ("pack", "intents", "slots", "flows", "replies", "escalation")
OPTIONAL_FILES = (
    "care",
    "languages",
    "offers",
    "people",
    "privacy",
    "rights",
)  # files that a pack may lack


def load_pack(directory: Path | str = BANK_PACK) -> Pack:
    """The pack in `directory`; PackError when a file is missing or the pack is inconsistent."""
    folder = Path(directory)
    yaml_files = {name: YamlFile(folder / f"{name}.yaml") for name in REQUIRED_FILES}
    for name in OPTIONAL_FILES:
        if (file := folder / f"{name}.yaml").exists():
            yaml_files[name] = YamlFile(file)
    pack = _assemble(folder, yaml_files)
    check_pack(pack, yaml_files)
    return pack


def _assemble(folder: Path, yaml_files: Mapping[str, YamlFile]) -> Pack:
    pack_yaml = yaml_files["pack"].read_as(PackYaml)
    escalation_yaml = yaml_files["escalation"].read_as(EscalationYaml)
    replies = yaml_files["replies"].read_as(RepliesYaml)
    flows = yaml_files["flows"].read_as(FlowsYaml)
    intents = _build_intents(yaml_files["intents"].read_as(IntentsYaml))
    rules = {
        n: _build_rule(n, escalation_yaml, yaml_files["escalation"]) for n in escalation_yaml.rules
    }
    care, care_replies = _build_care(yaml_files.get("care"), replies.replies)
    languages = (
        yaml_files["languages"].read_as(LanguagesYaml) if "languages" in yaml_files else None
    )
    said_in_languages = language_replies(languages) if languages is not None else {}
    rights, rights_replies = _build_rights(yaml_files.get("rights"), replies.replies)
    rules |= {kind.rule: _care_rule(kind) for kind in (care.kinds.values() if care else ())}
    return Pack(
        directory=folder,
        bank_name=pack_yaml.bank,
        agent_name=pack_yaml.agent,
        menu_intents=tuple(pack_yaml.menu),
        go_back_phrases=tuple(
            normalise_text(phrase) for phrase in pack_yaml.phrases.get("go_back", ())
        ),
        intents=intents,
        slots=_build_slots(yaml_files["slots"].read_as(SlotsYaml), yaml_files["slots"]),
        flows=_build_flows(flows, yaml_files["flows"]),
        verification_flow=flows.verify_with,
        replies={
            name: _build_wording(wording)
            for name, wording in {
                **replies.replies,
                **care_replies,
                **rights_replies,
                **said_in_languages,
            }.items()
        },
        apologies=tuple(replies.apologies),
        lead_ins=tuple(replies.lead_ins),
        rules=rules,
        error_costs=ErrorCosts(**escalation_yaml.costs.model_dump()),
        evidence_decay=escalation_yaml.remember,
        transcript_thresholds=TranscriptThresholds(**pack_yaml.hearing.model_dump()),
        intent_thresholds=IntentThresholds(**pack_yaml.deciding.model_dump()),
        retry_limits=RetryLimits(**pack_yaml.patience.model_dump()),
        apologise_from=pack_yaml.mood.apologise_from,
        calm_below=pack_yaml.mood.calm_below,
        knowledge=_load_knowledge(folder, pack_yaml, yaml_files["pack"]),
        offer_rules=build_offer_rules(yaml_files["offers"].read_as(OffersYaml))
        if "offers" in yaml_files
        else None,
        opening_hours=build_opening_hours(yaml_files["people"])
        if "people" in yaml_files
        else OpeningHours(),
        privacy=_build_privacy_rules(yaml_files["privacy"])
        if "privacy" in yaml_files
        else PrivacyRules(),
        care=care,
        rights=rights,
        languages=build_language_rules(languages) if languages is not None else None,
        intent_by_example={normalise_text(e): i.name for i in intents.values() for e in i.examples},
        triggers=trigger_words({name: _naming_texts(intent) for name, intent in intents.items()}),
    )


def _naming_texts(intent: Intent) -> tuple[str, ...]:
    texts = (*intent.examples, intent.phrase, intent.short, intent.about)
    return tuple(normalise_text(text) for text in texts if text)


def _build_privacy_rules(yaml_file: YamlFile) -> PrivacyRules:
    source = yaml_file.read_as(PrivacyYaml)
    return PrivacyRules(
        redacted_kinds=frozenset(source.redact),
        recording=source.recording,
        emotion=source.emotion,
        keep_days=source.keep_days.model_dump(),
    )


def _build_rule(name: str, escalation_yaml: EscalationYaml, yaml_file: YamlFile) -> Rule:
    """One escalation rule. By default `enter` is the threshold of the costs, and `leave` the
    share `rearm` of `enter`."""
    source = escalation_yaml.rules[name]
    if source.costs and source.enter is not None:
        message = "`enter` follows from the costs: give one of the two"
        raise yaml_file.error_at(["rules", name, "enter"], message)
    costs = ErrorCosts(**(source.costs or escalation_yaml.costs).model_dump())
    enter = costs.threshold if source.enter is None else source.enter
    return Rule(
        name=name,
        urgency=source.urgency,
        baseline=source.baseline,
        enter=enter,
        leave=escalation_yaml.rearm * enter if source.leave is None else source.leave,
        min_turns=source.least_turns,
        reply=source.say,
        term_weights=source.terms,
        intent_weights=source.intents,
    )


def _build_care(
    yaml_file: YamlFile | None, other_replies: Mapping[str, object]
) -> tuple[CareRules | None, Mapping[str, list[str] | ReplyYaml]]:
    """The care rules and the replies that their file adds; None and none without the file."""
    if yaml_file is None:
        return None, {}
    source = yaml_file.read_as(CareYaml)
    for name in source.replies:
        if name in other_replies:
            raise yaml_file.error_at(["replies", name], f"{name} is a reply of replies.yaml too")
    return _care_rules(_CareFile(yaml_file.text, yaml_file)), source.replies


@dataclass(frozen=True, slots=True)
class _CareFile:
    """A care.yaml, known by its text: the file of another pack may be the same."""

    text: str
    yaml_file: YamlFile = field(compare=False)


@lru_cache(maxsize=2)  # thousands of patterns; a pack that is loaded again mostly has the same
def _care_rules(file: _CareFile) -> CareRules:
    return build_care_rules(file.yaml_file.read_as(CareYaml), file.yaml_file)


def _build_rights(
    yaml_file: YamlFile | None, other_replies: Mapping[str, object]
) -> tuple[RightsRules | None, Mapping[str, list[str] | ReplyYaml]]:
    """The rights rules and the replies that their file adds; None and none without the file."""
    if yaml_file is None:
        return None, {}
    source = yaml_file.read_as(RightsYaml)
    for name in source.replies:
        if name in other_replies:
            raise yaml_file.error_at(["replies", name], f"{name} is a reply of replies.yaml too")
    return build_rights_rules(source, yaml_file), source.replies


def _care_rule(kind: CareKind) -> Rule:
    """The escalation rule of a kind of danger or distress. One that does not hand over by itself
    is weighed and explained, and fires only when the customer accepts the offer."""
    usual, weight = recognition_weights()
    enter = 0.5 if kind.handoff == "now" else 1.0
    return Rule(
        name=kind.rule,
        urgency=kind.urgency,
        baseline=usual,
        enter=enter,
        leave=enter / 2,
        min_turns=1,
        reply=kind.handoff_reply,
        term_weights={kind.rule: weight},
        intent_weights={},
    )


def _load_knowledge(folder: Path, pack_yaml: PackYaml, yaml_file: YamlFile) -> Knowledge:
    if not pack_yaml.knowledge.documents:
        return Knowledge.empty()
    file = folder / pack_yaml.knowledge.documents
    if not file.is_file():
        raise yaml_file.error_at(["knowledge", "documents"], f"there is no file {file}")
    return Knowledge.read(
        file,
        bank_names=(pack_yaml.knowledge.says_bank, pack_yaml.bank)
        if pack_yaml.knowledge.says_bank
        else None,
        min_score=pack_yaml.knowledge.least_score,
        min_coverage=pack_yaml.knowledge.least_share,
    )


def _build_intents(source: IntentsYaml) -> dict[str, Intent]:
    return {
        name: Intent(name, i.kind, tuple(i.examples), i.flow, i.phrase, i.short, i.about, i.risk)
        for name, i in source.intents.items()
    }


def _build_slots(source: SlotsYaml, yaml_file: YamlFile) -> dict[str, SlotSpec]:
    specs: dict[str, SlotSpec] = {}
    for name, slot in source.slots.items():
        root = source.slots.get(slot.like) if slot.like else slot
        if root is None or root.type is None:
            path = ["slots", name, "like"] if slot.like else ["slots", name]
            message = (
                f'no slot "{slot.like}" with a type' if slot.like else "needs a type or `like`"
            )
            raise yaml_file.error_at(path, f"{name}: {message}")
        choice = {value: tuple(words) for value, words in root.values.items()}
        specs[name] = SlotSpec(
            name=name,
            type=root.type,
            family=(slot.like or name) if root.type == "choice" else root.type,
            label=slot.label or name.replace("_", " "),
            ask_reply=slot.ask,
            reask_reply=slot.again or slot.ask,
            cues=tuple(sorted((normalise_text(cue) for cue in slot.cues), key=len, reverse=True)),
            length=slot.length or root.length,
            choices=choice or None,
            is_secret=slot.secret,
            must_be_past=slot.past,
            limit=slot.max or root.max,
            help_reply=slot.help,
            value_if_unknown=slot.unknown,
        )
    return specs


def _build_flows(source: FlowsYaml, yaml_file: YamlFile) -> dict[str, Flow]:
    flows = {
        name: Flow(
            name=name,
            title=flow.title,
            steps=tuple(
                _build_step(step, yaml_file, ["flows", name, "steps", i])
                for i, step in enumerate(flow.steps)
            ),
            needs_identity=flow.verify,
            moves_money=flow.money,
            distinct_slots=tuple(flow.different),
            cancel_flow=flow.cancel_with,
        )
        for name, flow in source.flows.items()
    }
    for name, flow in source.flows.items():
        for step in flow.steps:
            if isinstance(step.undo, UndoYaml):
                undo = _build_undo_flow(flows[name], step.do, step.undo)
                flows[undo.name] = undo
    return flows


def _undo_flow_name(flow: str, action: str) -> str:
    return f"undo_{flow}" if flow == action else f"undo_{flow}_{action}"


def _build_undo_flow(flow: Flow, action: str, undo: UndoYaml) -> Flow:
    """The flow that undoes an action of `flow`: its own read-back, its own action."""
    inverse = Step(
        kind="do",
        name=undo.do,
        arguments=tuple(undo.arguments.items()),
        reply=undo.say,
        failures=_build_failures(undo.failed),
    )
    return Flow(
        name=_undo_flow_name(flow.name, action),
        title=undo.title,
        steps=(Step("confirm", undo.confirm), inverse),
        needs_identity=flow.needs_identity,
        moves_money=flow.moves_money,
        undoes=flow.name,
    )


def _build_failures(source: Mapping[str, FailureYaml]) -> tuple[tuple[str, FailureResponse], ...]:
    return tuple(
        (reason, FailureResponse(one.say, tuple(one.again), one.offer_person))
        for reason, one in source.items()
    )


def _build_step(source: StepYaml, yaml_file: YamlFile, path: list[str | int]) -> Step:
    if source.do:
        flow = str(path[1])
        undo = source.undo if isinstance(source.undo, UndoYaml) else None
        can_be_final = source.undo == "none" or (undo is not None and undo.before)
        return Step(
            kind="do",
            name=source.do,
            conditions=tuple(source.when.items()),
            arguments=tuple(source.arguments.items()),
            result_types=tuple(source.gives.items()),
            reply=source.say,
            verifies_identity=source.verifies,
            failures=_build_failures(source.failed),
            effect=source.effect,
            undo_flow=_undo_flow_name(flow, source.do) if undo else "",
            undo_before=undo.before if undo else "",
            final_reply=(source.final or "final") if can_be_final else "",
        )
    kinds: tuple[Literal["ask", "say", "confirm", "hand_over"], ...]
    kinds = ("ask", "say", "confirm", "hand_over")
    filled_kinds = [(kind, name) for kind in kinds if (name := getattr(source, kind))]
    if len(filled_kinds) != 1:
        raise yaml_file.error_at(path, "a step is one of ask, say, confirm, do or hand_over")
    return Step(filled_kinds[0][0], filled_kinds[0][1], tuple(source.when.items()), source.default)


def _build_wording(source: list[str] | ReplyYaml) -> Wording:
    if isinstance(source, list):
        return Wording(tuple(source))
    return Wording(
        neutral=tuple(source.neutral),
        apologetic=tuple(source.apologetic),
        brief=tuple(source.brief),
        voice=tuple(source.voice),
        is_promise=source.promise,
    )
