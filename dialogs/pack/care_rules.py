"""Care rules of a pack: how people in danger or distress are recognised, and what is done then.

care.yaml has them. A kind is recognised by one phrase that says it outright, or by cues: who is in
the situation, what happened, what is at stake. One cue alone is a topic and no distress; a frame
such as a question about products takes one away. Each kind is an escalation rule too,
`care.NAME`, whose evidence is the words that were recognised: so the queue, the summary and
`hearken explain` show it as they show every other reason. The examples of the file are tried when
the pack is loaded (tests/dialogs/pack/test_care_rules.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dialogs.pack.care_evidence import PhraseRole, sufficient_evidence
from dialogs.pack.phrase_matcher import PhraseMatcher
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
    enough_cues: int  # cues of a kind from which it is recognised
    matcher: PhraseMatcher
    roles: tuple[PhraseRole, ...]  # of each pattern

    def find(self, text: str) -> tuple[tuple[CareFinding, ...], bool]:
        """The kinds recognised in `text`, in the order of the file, and whether the customer takes
        an earlier one back."""
        words = fold_words(text)
        matches = [(self.roles[one.pattern], one) for one in self.matcher.find(words)]
        takes_back = any(not role.kinds for role, _ in matches)
        findings: list[CareFinding] = []
        for name in self.kinds:
            mine = [(role, match) for role, match in matches if name in role.kinds]
            if evidence := sufficient_evidence(mine, self.enough_cues):
                first, last = min(one.first for one in evidence), max(one.last for one in evidence)
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
    roles: list[PhraseRole] = []
    for role, lines, path in _phrase_sections(source, yaml_file):
        for place, line in enumerate(lines):
            patterns.append(_parse(line, groups, yaml_file, [*path, place]))
            roles.append(role)
    rules = CareRules(
        kinds={name: _build_kind(name, kind) for name, kind in source.kinds.items()},
        numbers=dict(source.numbers),
        replies=frozenset(source.replies),
        taken_back_reply=source.taken_back.say,
        money_locked_reply=source.money_locked,
        enough_cues=source.enough_cues,
        matcher=PhraseMatcher(
            patterns, " ".join(source.misspelt).split(), " ".join(source.other_words).split()
        ),
        roles=tuple(roles),
    )
    _try_examples(rules, source, yaml_file)
    return rules


def _phrase_sections(
    source: CareYaml, yaml_file: YamlFile
) -> Iterator[tuple[PhraseRole, Sequence[str], YamlPath]]:
    """The phrases of the file by what they mean, and where they stand in it."""
    yield PhraseRole(()), source.taken_back.says, ["taken_back", "says"]
    for name, frame in source.frames.items():
        for place, kind_name in enumerate(frame.kinds):
            if kind_name not in source.kinds:
                message = missing_text("kind", kind_name, source.kinds)
                raise yaml_file.error_at(["frames", name, "kinds", place], message)
        role = PhraseRole(tuple(frame.kinds), "weakens" if frame.weakens else "excepts")
        yield role, frame.says, ["frames", name, "says"]
    for name, kind in source.kinds.items():
        yield PhraseRole((name,)), kind.says, ["kinds", name, "says"]
        yield PhraseRole((name,), "excepts"), kind.but_not, ["kinds", name, "but_not"]
        for cue, lines in kind.cues.items():
            yield PhraseRole((name,), cue=cue), lines, ["kinds", name, "cues", cue]


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
