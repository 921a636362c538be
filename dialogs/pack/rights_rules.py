"""Rights rules of a pack: the words by which customers ask what is kept of them and watched.

rights.yaml has them. The names of the requests are the engine's; those with a flow begin a task,
the others are answered at once. The examples are tried when the pack is loaded
(tests/dialogs/pack/test_rights_rules.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dialogs.pack.phrase_matcher import PatternMatch, PhraseMatcher
from dialogs.pack.phrase_patterns import PatternError, PatternSequence, parse_groups, parse_pattern
from dialogs.pack.phrase_text import fold_words
from dialogs.pack.schema import RightsRequest, RightsYaml
from dialogs.pack.yaml_source import YamlFile, YamlPath, missing_text

CONSENT_REPLIES = tuple(
    f"rights.{what}_{outcome}"
    for what in ("recording", "emotion")
    for outcome in (
        "stopped",
        "was_off",
        "always",
        "never",
        "started",
        "was_on",
        "is_on",
        "is_off",
    )
)


@dataclass(frozen=True)
class RightsRules:
    """The patterns of all requests, and the flow of each that is a task."""

    flows: Mapping[RightsRequest, str]
    replies: frozenset[str]  # names of the replies that rights.yaml adds
    matcher: PhraseMatcher
    # for each pattern: its request, and whether it rules the request out
    roles: tuple[tuple[RightsRequest, bool], ...]

    def find(self, text: str) -> RightsRequest | None:
        """The request made in `text`: the one of which the most words were recognised."""
        matches = list(self.matcher.find(fold_words(text)))
        exceptions = [(self.roles[one.pattern][0], one) for one in matches if self._rules_out(one)]
        valid = [
            match
            for match in matches
            if not self._rules_out(match)
            and not any(
                request == self.roles[match.pattern][0] and match.is_covered_by(other)
                for request, other in exceptions
            )
        ]
        longest = max(valid, key=lambda one: one.last - one.first, default=None)
        return self.roles[longest.pattern][0] if longest else None

    def _rules_out(self, match: PatternMatch) -> bool:
        return self.roles[match.pattern][1]


def build_rights_rules(source: RightsYaml, yaml_file: YamlFile) -> RightsRules:
    """The rights rules of a validated file; PackError with the line for what cannot be."""
    try:
        groups = parse_groups(source.words)
    except PatternError as wrong:
        name = str(wrong).partition(":")[0]
        raise yaml_file.error_at(["words", name], str(wrong)) from None
    patterns: list[PatternSequence] = []
    roles: list[tuple[RightsRequest, bool]] = []
    for request, spec in source.requests.items():
        for key, lines in (("says", spec.says), ("but_not", spec.but_not)):
            for place, line in enumerate(lines):
                try:
                    patterns.append(parse_pattern(line, groups))
                except PatternError as wrong:
                    path: YamlPath = ["requests", request, key, place]
                    raise yaml_file.error_at(path, str(wrong)) from None
                roles.append((request, key == "but_not"))
    rules = RightsRules(
        flows={request: spec.flow for request, spec in source.requests.items() if spec.flow},
        replies=frozenset(source.replies),
        matcher=PhraseMatcher(patterns),
        roles=tuple(roles),
    )
    _try_examples(rules, source, yaml_file)
    return rules


def _try_examples(rules: RightsRules, source: RightsYaml, yaml_file: YamlFile) -> None:
    for request, spec in source.requests.items():
        for place, example in enumerate(spec.examples):
            if (found := rules.find(example)) != request:
                path: YamlPath = ["requests", request, "examples", place]
                raise yaml_file.error_at(path, f'"{example}" is taken for {found or "nothing"}')
    for place, text in enumerate(source.harmless):
        if found := rules.find(text):
            raise yaml_file.error_at(["harmless", place], f'"{text}" is taken for {found}')


def check_rights(
    rights: RightsRules | None, replies: Mapping[str, object], flows: Mapping[str, object]
) -> Iterator[tuple[str, YamlPath, str]]:
    """Faults of the rights rules: file, path in it, message."""
    if rights is None:
        return
    for request, flow in rights.flows.items():
        if flow not in flows:
            yield "rights", ["requests", request, "flow"], missing_text("flow", flow, flows)
    for name in CONSENT_REPLIES:
        if name not in replies:
            yield "rights", ["replies"], f'the reply "{name}" is missing'
