"""Pydantic schema of a file of conversation tests; field names are the YAML keys.

The models exist only while a file loads (agent/conversation_tests/loader.py). Unknown keys are
errors everywhere (tests/agent/conversation_tests/test_loader.py).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from agent.core.effects import Owner
from dialogs.pack.schema import Probability, StrictYaml, TextOrLines, YamlScalar
from dialogs.values import Channel, Urgency


def _as_actions(value: Any) -> Any:
    """`none`, a name, a mapping of names to arguments or a list of these, as a list of actions."""
    if value == "none":
        return []
    actions = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict):
            actions += [{"name": n, "arguments": given or {}} for n, given in one.items()]
        else:
            actions.append({"name": one})
    return actions


def _as_answers(value: Any) -> Any:
    """A reason, a mapping of values or a list of these, as a list of answers."""
    return [
        {"values": one} if isinstance(one, dict) else {"reason": one}
        for one in (value if isinstance(value, list) else [value])
    ]


class ActionExpectationYaml(StrictYaml):
    name: str
    arguments: dict[str, YamlScalar] = {}


class EscalationExpectationYaml(StrictYaml):
    rule: str
    urgency: Urgency | Literal[""] = ""


class AnswerYaml(StrictYaml):
    reason: str = ""
    values: dict[str, YamlScalar] = {}


Answers = Annotated[list[AnswerYaml], BeforeValidator(_as_answers), Field(min_length=1)]
BackEndYaml = dict[str, Answers]


class ExpectYaml(StrictYaml):
    """What has to be true after a step, or of the whole conversation."""

    flow: str | None = None
    step: str | None = None
    slots: dict[str, YamlScalar] = {}
    reply: TextOrLines | None = None
    no_reply: TextOrLines = []
    says: TextOrLines = []
    never_says: TextOrLines = []
    actions: Annotated[list[ActionExpectationYaml] | None, BeforeValidator(_as_actions)] = None
    no_actions: TextOrLines = []
    escalation: Annotated[
        EscalationExpectationYaml | None,
        BeforeValidator(lambda value: {"rule": value} if isinstance(value, str) else value),
    ] = None
    owner: Owner | None = None
    person: str | None = None
    ended: bool | None = None
    callback: bool | None = None
    verified: bool | None = None
    intent: str | None = None
    act: str | None = None


class TurnYaml(StrictYaml):
    """One step: exactly one of the things that can happen, with its options."""

    customer: YamlScalar | None = None
    while_working: YamlScalar | None = None
    heard: YamlScalar | None = None
    confidence: Probability = 0.9
    sound: str | None = None
    keys: YamlScalar | None = None
    wait: YamlScalar | None = None
    models_fail: Literal["late", "overloaded", "failed"] | None = None
    nobody_comes: Literal["nobody", "too_long"] | None = None
    person_joins: str | None = None
    supervisor_joins: str | None = None
    person_says: YamlScalar | None = None
    person_hands_back: Literal[True] | None = None
    person_lost: Literal[True] | None = None
    person_ends: Literal[True] | None = None
    back_end: BackEndYaml = {}
    expect: ExpectYaml = ExpectYaml()


class SettingYaml(StrictYaml):
    """How a conversation begins: of one conversation, or the defaults of a file."""

    tags: TextOrLines = []
    at: YamlScalar | None = None
    channel: Channel | None = None
    customer_name: str | None = None
    identity: dict[str, YamlScalar] | Literal["none"] | None = None
    people: Literal["available", "nobody"] | None = None
    offer_draw: Annotated[float, Field(ge=0, lt=1)] | None = None
    back_end: BackEndYaml = {}


class ConversationYaml(SettingYaml):
    """One conversation."""

    name: str
    turns: list[TurnYaml] = Field(min_length=1)
    expect: ExpectYaml = ExpectYaml()


class ConversationFileYaml(StrictYaml):
    """A file of conversations."""

    defaults: SettingYaml = SettingYaml()
    conversations: list[ConversationYaml] = Field(min_length=1)
