"""Loader of conversation tests: reads the YAML files beside a pack and checks every name in them.

A mistake is a `PackError` with file and line, and the nearest name that exists. Nothing that serves
reads these files: a broken one stops no server (tests/agent/conversation_tests/test_loader.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from re import Pattern
from typing import get_args

from agent.conversation_tests.case import (
    NONE,
    CaseStep,
    ConversationCase,
    DeclaredAnswer,
    DeclaredAnswers,
    ExpectedAction,
    ExpectedEscalation,
    StepExpectation,
    StepKind,
)
from agent.conversation_tests.schema import (
    BackEndYaml,
    ConversationFileYaml,
    ConversationYaml,
    ExpectYaml,
    SettingYaml,
    TurnYaml,
)
from audio import files
from audio.types import AudioError
from dialogs.interpretation.dialogue_act import DialogueActKind
from dialogs.pack.fingerprint import TESTS_FOLDER
from dialogs.pack.model import Pack
from dialogs.pack.yaml_source import PackError, YamlFile, YamlPath, missing_text
from dialogs.state import QuestionKind

DEFAULT_START = "2026-11-24 10:00"  # a Tuesday
DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?")
UNIT_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
MODEL_INTENTS = ("inform", "nothing_heard")  # of the models, and not of a pack


def conversation_files(pack_folder: Path) -> list[Path]:
    """The files of conversation tests of this pack, in the order of their names."""
    return sorted((pack_folder / TESTS_FOLDER).rglob("*.yaml"))


def load_cases(file: Path, pack: Pack, action_names: Iterable[str]) -> list[ConversationCase]:
    """The conversations in `file`; PackError for the first mistake. `action_names` are those of the
    back end."""
    yaml_file = YamlFile(file)
    source = yaml_file.read_as(ConversationFileYaml)
    names = _KnownNames.of_pack(pack, action_names)
    builder = _CaseBuilder(yaml_file, pack, names, source.defaults)
    cases = [builder.case(one, ["conversations", i]) for i, one in enumerate(source.conversations)]
    seen: set[str] = set()
    for i, one in enumerate(cases):
        if one.name in seen:
            raise yaml_file.error_at(
                ["conversations", i, "name"], f'another conversation is named "{one.name}"'
            )
        seen.add(one.name)
    return cases


@dataclass(frozen=True, slots=True)
class _KnownNames:
    """By kind, the names that a test may use."""

    by_kind: Mapping[str, Mapping[str, object]]

    @classmethod
    def of_pack(cls, pack: Pack, action_names: Iterable[str]) -> _KnownNames:
        done = [s.name for f in pack.flows.values() for s in f.steps if s.kind == "do"]
        offers = pack.offer_rules.offers if pack.offer_rules else {}
        steps = [*get_args(QuestionKind), *pack.slots, *pack.intents, *offers]
        acts = get_args(DialogueActKind)
        return cls(
            {
                "flow": pack.flows,
                "step": dict.fromkeys(steps),
                "slot": pack.slots,
                "reply": pack.replies,
                "action": dict.fromkeys([*done, *action_names]),
                "rule": pack.rules,
                "intent": dict.fromkeys([*pack.intents, *MODEL_INTENTS]),
                "act": dict.fromkeys(acts),
            }
        )

    def __getitem__(self, kind: str) -> Mapping[str, object]:
        return self.by_kind[kind]


class _CaseBuilder:
    """Builds the cases of one file."""

    def __init__(
        self, yaml_file: YamlFile, pack: Pack, names: _KnownNames, defaults: SettingYaml
    ) -> None:
        self._yaml_file = yaml_file
        self._pack = pack
        self._names = names
        self._defaults = defaults
        self._default_answers = self._answers(defaults.back_end, ["defaults"])

    def case(self, source: ConversationYaml, path: list[str | int]) -> ConversationCase:
        defaults = self._defaults
        identity = source.identity if source.identity is not None else defaults.identity
        identity = identity if isinstance(identity, dict) else {}
        people = source.people or defaults.people or "available"
        draw = source.offer_draw if source.offer_draw is not None else defaults.offer_draw
        steps = [self._step(one, [*path, "turns", i]) for i, one in enumerate(source.turns)]
        channel = source.channel or defaults.channel or "chat"
        for step in steps:
            if step.kind == "sound" and channel == "chat":
                raise self._error([*path, "channel"], "a chat has no sound: say `channel: voice`")
        return ConversationCase(
            file=self._yaml_file.file,
            line=self._yaml_file.line_of(path),
            name=source.name,
            tags=tuple(dict.fromkeys([*defaults.tags, *source.tags])),
            started_at=self._started_at(source, path),
            channel=channel,
            customer_name=source.customer_name or defaults.customer_name or "",
            identity=self._identity(identity, path),
            people_online=people == "available",
            offer_draw=draw,
            back_end={**self._default_answers, **self._answers(source.back_end, path)},
            steps=tuple(steps),
            expected=self._expectation(source.expect, [*path, "expect"]),
            expected_line=self._yaml_file.line_of([*path, "expect"]),
        )

    def _error(self, path: YamlPath, message: str) -> PackError:
        return self._yaml_file.error_at(path, message)

    def _require(self, kind: str, name: str, path: YamlPath) -> str:
        if name not in self._names[kind]:
            raise self._error(path, missing_text(kind, name, self._names[kind]))
        return name

    def _started_at(self, source: ConversationYaml, path: list[str | int]) -> datetime:
        text = source.at or self._defaults.at or DEFAULT_START
        where = [*path, "at"] if source.at else ["defaults", "at"]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self._error(
                where, f'at: "{text}" is no date and time such as {DEFAULT_START}'
            ) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=self._pack.opening_hours.zone)

    def _identity(self, given: Mapping[str, str], path: list[str | int]) -> Mapping[str, str]:
        verify = self._pack.flows[self._pack.verification_flow]
        wanted = {name for s in verify.steps if s.verifies_identity for name, _ in s.arguments}
        if given and set(given) != wanted:
            raise self._error(
                [*path, "identity"], f"identity: needs {' and '.join(sorted(wanted))}, or none"
            )
        return given

    def _answers(self, source: BackEndYaml, path: list[str | int]) -> DeclaredAnswers:
        for name in source:
            self._require("action", name, [*path, "back_end", name])
        return {
            name: tuple(DeclaredAnswer(one.reason, one.values) for one in answers)
            for name, answers in source.items()
        }

    def _step(self, source: TurnYaml, path: list[str | int]) -> CaseStep:
        given = [kind for kind in get_args(StepKind) if getattr(source, kind) is not None]
        if len(given) != 1:
            kinds = ", ".join(get_args(StepKind))
            raise self._error(path, f"a turn is exactly one of {kinds}")
        kind: StepKind = given[0]
        value = getattr(source, kind)
        line = self._yaml_file.line_of([*path, kind])
        return CaseStep(
            line=line,
            kind=kind,
            text=value if isinstance(value, str) else "",
            seconds=self._seconds(value, [*path, kind]) if kind == "wait" else 0.0,
            confidence=source.confidence,
            sound=self._sound(value, [*path, kind]) if kind == "sound" else None,
            back_end=self._answers(source.back_end, path),
            expected=self._expectation(source.expect, [*path, "expect"]),
        )

    def _seconds(self, text: str, path: YamlPath) -> float:
        match = DURATION.fullmatch(text.strip())
        if match is None:
            raise self._error(path, f'wait: "{text}" is no time such as 90s, 5m or 1h')
        return float(match[1]) * UNIT_SECONDS[match[2] or "s"]

    def _sound(self, name: str, path: YamlPath) -> Path:
        file = self._yaml_file.file.parent / name
        try:
            samples, _ = files.read(file)
        except AudioError as mistake:
            raise self._error(path, str(mistake)) from None
        if samples.shape[1] != 1:
            raise self._error(path, f"{file}: {samples.shape[1]} channels; a customer has one")
        return file

    def _expectation(self, source: ExpectYaml, path: list[str | int]) -> StepExpectation:
        for slot in source.slots:
            self._require("slot", slot, [*path, "slots", slot])
        for name in source.no_actions:
            self._require("action", name, [*path, "no_actions"])
        return StepExpectation(
            flow=self._name_or_none("flow", source.flow, path),
            step=self._name_or_none("step", source.step, path),
            slots={n: "" if value == NONE else value for n, value in source.slots.items()},
            replies=self._replies(source.reply, [*path, "reply"]),
            forbidden_replies=self._replies(source.no_reply, [*path, "no_reply"]) or (),
            patterns=self._patterns(source.says, [*path, "says"]),
            forbidden_patterns=self._patterns(source.never_says, [*path, "never_says"]),
            actions=self._actions(source, [*path, "actions"]),
            forbidden_actions=tuple(source.no_actions),
            escalation=self._escalation(source, [*path, "escalation"]),
            owner=source.owner,
            person="" if source.person == NONE else source.person,
            has_ended=source.ended,
            has_callback=source.callback,
            is_verified=source.verified,
            intent=self._name_or_none("intent", source.intent, path),
            act=self._name_or_none("act", source.act, path),
        )

    def _name_or_none(self, kind: str, name: str | None, path: list[str | int]) -> str | None:
        if name is None or name == NONE:
            return None if name is None else ""
        return self._require(kind, name, [*path, kind])

    def _replies(self, names: list[str] | None, path: YamlPath) -> tuple[str, ...] | None:
        if names is None or names == [NONE]:
            return None if names is None else ()
        return tuple(self._require("reply", name, path) for name in names)

    def _patterns(self, texts: list[str], path: YamlPath) -> tuple[Pattern[str], ...]:
        try:
            return tuple(re.compile(text, re.IGNORECASE) for text in texts)
        except re.error as wrong:
            raise self._error(path, f"{path[-1]}: {wrong}") from None

    def _actions(self, source: ExpectYaml, path: YamlPath) -> tuple[ExpectedAction, ...] | None:
        if source.actions is None:
            return None
        for one in source.actions:
            self._require("action", one.name, [*path, one.name])
        return tuple(ExpectedAction(one.name, one.arguments) for one in source.actions)

    def _escalation(self, source: ExpectYaml, path: YamlPath) -> ExpectedEscalation | None:
        if source.escalation is None:
            return None
        if source.escalation.rule == NONE:
            return ExpectedEscalation()
        self._require("rule", source.escalation.rule, path)
        return ExpectedEscalation(source.escalation.rule, source.escalation.urgency)
