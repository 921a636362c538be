"""Claims of a handoff summary with links to the turns of the transcript that they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialogs.values import Claim


@dataclass(frozen=True, slots=True)
class LinkedClaim:
    """A claim as a console shows it. `links` holds (turn, session second) for each turn it rests
    on."""

    label: str
    text: str
    links: tuple[tuple[int, float], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The fields for a console's JSON message."""
        links = [{"turn": turn, "at": round(at, 3)} for turn, at in self.links]
        return {"label": self.label, "text": self.text, "links": links}


def link_claims(
    claims: Sequence[Claim], turn_times: Mapping[int, float]
) -> tuple[LinkedClaim, ...]:
    """The claims with their links. `turn_times` maps a turn to its session second; a turn that it
    lacks gets no link."""
    return tuple(
        LinkedClaim(
            claim.label,
            claim.text,
            tuple((turn, turn_times[turn]) for turn in claim.turns if turn in turn_times),
        )
        for claim in claims
    )
