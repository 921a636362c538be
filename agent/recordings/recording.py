"""What is a recording? Every input of one conversation, with what was decided and what was heard.

How it lies on disk is said in agent/recordings/bundle.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from agent.core import events as e
from agent.core.event_json import HEARD_TAG, EventFormatError, JournalRow, event_from_json
from agent.recordings.leg_audio import EMPTY_LEG, LegAudio
from agent.store.records import SessionRecord
from audio.types import VOICE_HOP, Leg, Samples

INPUTS_FILE = "inputs.jsonl"
REMEDY = "export or import it again"
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
    rows: tuple[JournalRow, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    audio_loaders: Mapping[str, Callable[[], LegAudio]] = field(default_factory=dict)

    @cached_property
    def audio(self) -> Mapping[str, LegAudio]:
        """By leg; decoded when it is first asked for."""
        return {leg: unpack() for leg, unpack in self.audio_loaders.items()}

    def inputs(self, with_audio: bool = False) -> Iterator[e.Input]:
        """What happened, in order; silent unless the `sound` is wanted."""
        positions: dict[str, int] = dict.fromkeys(self.record.legs, 0)

        def read_samples(leg: Leg, length: int) -> Samples:
            return self.audio.get(leg, EMPTY_LEG).samples_at(positions[leg], length)

        for number, row in enumerate(self.rows, 1):
            try:
                event = event_from_json(row.input, read_samples if with_audio else None)
            except EventFormatError as wrong:
                raise RecordingError(
                    f"{self.name}/{INPUTS_FILE}:{number}: {wrong}; {REMEDY}"
                ) from None
            yield event
            if isinstance(event, e.AudioReceived):
                positions[event.leg] += len(event.samples)
            elif isinstance(event, e.ConnectionResumed):
                positions = {leg: start + event.missed_samples for leg, start in positions.items()}

    @cached_property
    def duration_s(self) -> float:
        """How long the conversation was."""
        return max((row.at for row in self.rows), default=0.0)

    @cached_property
    def audio_s(self) -> float:
        """Sound that was heard, all legs together, kept or not."""
        return sum(len(heard) for heard in self.voice_probabilities.values()) * VOICE_HOP / 16_000

    @cached_property
    def voice_probabilities(self) -> Mapping[str, list[float]]:
        """The probability of voice in every hop that was heard, by leg."""
        probabilities: dict[str, list[float]] = {leg: [] for leg in self.record.legs}
        for row in self.rows:
            if row.input.startswith(HEARD):
                input_fields = json.loads(row.input)
                probabilities[input_fields["leg"]] += input_fields["speech"]
        return probabilities


def with_rows(recording: Recording, rows: tuple[JournalRow, ...]) -> Recording:
    """The same conversation as it went another time."""
    return replace(recording, rows=rows)
