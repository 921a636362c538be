"""What is a recording? Every input of one conversation, with what was decided and what was heard.

How it lies on disk is said in agent/recordings/bundle.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from agent.core import events as e
from agent.core.event_json import HEARD_TAG, Row, WrittenError, read
from agent.recordings.leg_audio import NOTHING, LegSound
from agent.store.records import SessionRecord
from audio.types import VOICE_HOP, Leg, Samples

INPUTS = "inputs.jsonl"
AGAIN = "export or import it again"
HEARD = f'{{"type":"{HEARD_TAG}"'  # how the line of what was heard begins


class RecordingError(ValueError):
    """A recording that cannot be used: which file, which line, and what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One conversation: whose, every input with what followed, and the sound that was kept.

    `labels` are what a person noted about it; "needed_person" ("yes" or "no") is what policies are
    judged by.
    """

    record: SessionRecord
    rows: tuple[Row, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    sounds: Mapping[str, Callable[[], LegSound]] = field(default_factory=dict)

    @cached_property
    def sound(self) -> Mapping[str, LegSound]:
        """By leg; decoded when it is first asked for."""
        return {leg: unpack() for leg, unpack in self.sounds.items()}

    def inputs(self, sound: bool = False) -> Iterator[e.Input]:
        """What happened, in order; silent unless the `sound` is wanted."""
        at: dict[str, int] = dict.fromkeys(self.record.legs, 0)

        def heard(leg: Leg, length: int) -> Samples:
            return self.sound.get(leg, NOTHING).at(at[leg], length)

        for number, row in enumerate(self.rows, 1):
            try:
                event = read(row.input, heard if sound else None)
            except WrittenError as wrong:
                raise RecordingError(f"{self.name}/{INPUTS}:{number}: {wrong}; {AGAIN}") from None
            yield event
            if isinstance(event, e.Heard):
                at[event.leg] += len(event.samples)
            elif isinstance(event, e.Resumed):
                at = {leg: start + event.missed for leg, start in at.items()}

    @cached_property
    def seconds(self) -> float:
        """How long the conversation was."""
        return max((row.at for row in self.rows), default=0.0)

    @cached_property
    def audio_s(self) -> float:
        """Sound that was heard, all legs together, kept or not."""
        return sum(len(heard) for heard in self.speech.values()) * VOICE_HOP / 16_000

    @cached_property
    def speech(self) -> Mapping[str, list[float]]:
        """The probability of voice in every hop that was heard, by leg."""
        found: dict[str, list[float]] = {leg: [] for leg in self.record.legs}
        for row in self.rows:
            if row.input.startswith(HEARD):
                said = json.loads(row.input)
                found[said["leg"]] += said["speech"]
        return found


def with_rows(recording: Recording, rows: tuple[Row, ...]) -> Recording:
    """The same conversation as it went another time."""
    return replace(recording, rows=rows)
