"""Models without weights: a server with them starts at once, and answers alike in every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audio.types import FRAME, Expectation, Samples, Spoken, Transcript
from dialogs.pack.model import Pack
from dialogs.values import Understanding
from tests.support.scripted_mind import understood


class ScriptedMind:
    """Finds intents by words."""

    models: dict[str, str] = {}

    def __init__(self, pack: Pack) -> None:
        self._pack = pack

    def understand(
        self, text: str, spoken: Spoken | None, expect: Expectation, *more: object, **rest: object
    ) -> Understanding:
        return understood(self._pack, text or spoken.transcript.text, expect)


@dataclass(eq=False)
class UnheardTurn:
    speaker: object = None

    def mark_speech_end(self, spoke_until: int) -> None:
        """Nothing is analysed, however long it is."""


class DeafAnalyser:
    """The ears of a server that is written to: they hear no word in any sound."""

    models: dict[str, object] = {}
    hop, overhang = 8 * FRAME, 0

    def warm_up(self) -> None:
        """There is nothing to set up."""

    def open(self, start: int, infer_emotion: bool) -> UnheardTurn:
        return UnheardTurn()

    def advance(self, packets: Sequence[tuple[UnheardTurn, Samples]]) -> list[str]:
        return [""] * len(packets)

    def finish_all(
        self, turns: Sequence[tuple[UnheardTurn, Expectation]], cues: bool = True
    ) -> Iterator[Spoken]:
        return (Spoken(Transcript("", 0.0), None) for _ in turns)

    def close(self, stream: UnheardTurn) -> None:
        """Nothing is kept of it."""
