"""Care rules of a pack: how people in danger or distress are recognised, and what is done then.

care.yaml has them. Each kind is an escalation rule too, `care.NAME`, whose evidence is the words
that were recognised: so the queue, the summary and `hearken explain` show it as they show every
other reason. The examples of the file are tried when the pack is loaded
(tests/dialogs/pack/test_care_rules.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dialogs.pack.phrase_matcher import PatternMatch, PhraseMatcher
from dialogs.pack.phrase_patterns import (
    Alternatives,
    PatternError,
    PatternSequence,
    parse_groups,
    parse_pattern,
)
from dialogs.pack.phrase_text import fold_words
from dialogs.pack.reserved_names import CARE_PREFIX
from dialogs.pack.schema import CareHandoff, CareKindYaml, CareYaml, TakenBackOutcome
from dialogs.pack.yaml_source import YamlFile, YamlPath, missing_text
from dialogs.values import Urgency

USUAL_SHARE = 0.001  # share of all turns that are said in danger or distress of one kind
RECOGNISED_SHARE = 0.95  # share of recognised turns in which somebody needs care indeed


@dataclass(frozen=True, slots=True)
class CareKind:
    """One kind of danger or distress.

    `reply` is said first, the `again_replies` in turn after it, `alone_reply` when nobody can take
    over, `offer_reply` to offer a person, `handoff_reply` with the handoff. `pauses_tasks`: what is
    in progress stops. `locks_money`: nothing moves money until a person hands back. `if_taken_back`
    is what follows when the customer says that it was meant otherwise.
    """

    name: str
    label: str
    urgency: Urgency
    handoff: CareHandoff
    reply: str
    again_replies: tuple[str, ...]
    offer_reply: str
    handoff_reply: str
    alone_reply: str
    pauses_tasks: bool
    locks_money: bool
    if_taken_back: TakenBackOutcome

    @property
    def rule(self) -> str:
        """The name of its escalation rule."""
        return CARE_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class CareFinding:
    """A kind recognised in a text, with the words that were recognised, as they were written."""

    kind: str
    words: str


@dataclass(frozen=True)
class CareRules:
    """All kinds, the most urgent first, and the patterns that recognise them."""

    kinds: Mapping[str, CareKind]
    numbers: Mapping[str, str]  # name of a telephone number -> the number; filled into replies
    replies: frozenset[str]  # names of the replies that care.yaml adds to those of the pack
    taken_back_reply: str
    money_locked_reply: str
    matcher: PhraseMatcher
    # for each pattern: its kind (empty: taken back), and whether it rules the kind out
    roles: tuple[tuple[str, bool], ...]

    def find(self, text: str) -> tuple[tuple[CareFinding, ...], bool]:
        """The kinds recognised in `text`, in the order of the file, and whether the customer takes
        an earlier one back. Words of which an
        exception of the kind takes half count for nothing."""
        words = fold_words(text)
        found: dict[str, list[PatternMatch]] = {}
        excepted: dict[str, list[PatternMatch]] = {}
        takes_back = False
        for match in self.matcher.find(words):
            kind, is_exception = self.roles[match.pattern]
            if not kind:
                takes_back = True
            else:
                (excepted if is_exception else found).setdefault(kind, []).append(match)
        findings: list[CareFinding] = []
        for name in self.kinds:
            valid = [
                match
                for match in found.get(name, ())
                if not any(match.is_covered_by(other) for other in excepted.get(name, ()))
            ]
            if valid:
                first, last = min(one.first for one in valid), max(one.last for one in valid)
                findings.append(CareFinding(name, text[words[first].start : words[last].end]))
        return tuple(findings), takes_back


def recognition_weights() -> tuple[float, float]:
    """Log-odds of a kind in any turn, and what its words add to them."""
    usual, recognised = (math.log(p / (1 - p)) for p in (USUAL_SHARE, RECOGNISED_SHARE))
    return usual, recognised - usual


def build_care_rules(source: CareYaml, yaml_file: YamlFile) -> CareRules:
    """The care rules of a validated file; PackError with the line for what cannot be."""
    try:
        groups = parse_groups(source.words)
    except PatternError as wrong:
        name = str(wrong).partition(":")[0]
        raise yaml_file.error_at(["words", name], str(wrong)) from None
    patterns: list[PatternSequence] = []
    roles: list[tuple[str, bool]] = []
    sections: list[tuple[str, bool, Sequence[str], YamlPath]] = [
        ("", False, source.taken_back.says, ["taken_back", "says"])
    ]
    for name, kind in source.kinds.items():
        sections.append((name, False, kind.says, ["kinds", name, "says"]))
        sections.append((name, True, kind.but_not, ["kinds", name, "but_not"]))
    for name, is_exception, lines, path in sections:
        for place, line in enumerate(lines):
            patterns.append(_parse(line, groups, yaml_file, [*path, place]))
            roles.append((name, is_exception))
    rules = CareRules(
        kinds={name: _build_kind(name, kind) for name, kind in source.kinds.items()},
        numbers=dict(source.numbers),
        replies=frozenset(source.replies),
        taken_back_reply=source.taken_back.say,
        money_locked_reply=source.money_locked,
        matcher=PhraseMatcher(
            patterns, " ".join(source.misspelt).split(), " ".join(source.other_words).split()
        ),
        roles=tuple(roles),
    )
    _try_examples(rules, source, yaml_file)
    return rules


def _parse(
    line: str, groups: Mapping[str, Alternatives], yaml_file: YamlFile, path: YamlPath
) -> PatternSequence:
    try:
        return parse_pattern(line, groups)
    except PatternError as wrong:
        raise yaml_file.error_at(path, str(wrong)) from None


def _build_kind(name: str, source: CareKindYaml) -> CareKind:
    return CareKind(
        name=name,
        label=source.label,
        urgency=source.urgency,
        handoff=source.hand_over,
        reply=source.say,
        again_replies=tuple(source.again),
        offer_reply=source.offering,
        handoff_reply=source.handing_over,
        alone_reply=source.alone,
        pauses_tasks=source.pauses_tasks,
        locks_money=source.locks_money,
        if_taken_back=source.if_taken_back,
    )


def _try_examples(rules: CareRules, source: CareYaml, yaml_file: YamlFile) -> None:
    """Refuse a file that does not recognise its own examples, or more than them."""
    for name, kind in source.kinds.items():
        for place, example in enumerate(kind.examples):
            if name not in {finding.kind for finding in rules.find(example)[0]}:
                path: YamlPath = ["kinds", name, "examples", place]
                raise yaml_file.error_at(path, f'no pattern of {name} recognises "{example}"')
    for place, text in enumerate(source.harmless):
        for finding in rules.find(text)[0]:
            message = f'"{finding.words}" is taken for {finding.kind} in "{text}"'
            raise yaml_file.error_at(["harmless", place], message)


def check_care(
    care: CareRules | None, replies: Mapping[str, object]
) -> Iterator[tuple[str, YamlPath, str]]:
    """Faults of the care rules: file, path in it, message."""
    if care is None:
        return
    top_replies = {("taken_back", "say"): care.taken_back_reply,
                   ("money_locked",): care.money_locked_reply}  # fmt: skip
    path: YamlPath
    for path, reply in top_replies.items():
        if reply not in replies:
            yield "care", path, missing_text("reply", reply, replies)
    for name, kind in care.kinds.items():
        named = {"say": kind.reply, "alone": kind.alone_reply}
        if kind.handoff != "none":
            named["handing_over"] = kind.handoff_reply
        if kind.handoff == "offer":
            named["offering"] = kind.offer_reply
        for key, reply in named.items():
            if reply not in replies:
                yield "care", ["kinds", name, key], missing_text("reply", reply, replies)
        for place, reply in enumerate(kind.again_replies):
            if reply not in replies:
                path = ["kinds", name, "again", place]
                yield "care", path, missing_text("reply", reply, replies)
