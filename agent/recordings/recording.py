"""A recording: every input of one conversation, the decisions on it, and its stored audio.

agent/recordings/bundle.py defines the files on disk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from agent.core.event_json import AUDIO_TAG, EventFormatError, JournalRow, event_from_json
from agent.core.inputs import AudioReceived, ConnectionResumed, Input
from agent.core.records import SessionRecord
from agent.recordings.leg_audio import EMPTY_LEG, LegAudio
from audio.types import VOICE_HOP, Leg, Samples

INPUTS_FILE = "inputs.jsonl"
REMEDY = "export or import it again"
AUDIO_LINE_START = f'{{"type":"{AUDIO_TAG}"'  # of the line of an AudioReceived


class RecordingError(ValueError):
    """A recording that cannot be used; the text names the file, the line and what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One conversation: its session record, its journal rows, and loaders of its legs' audio.

    `labels` are a person's notes on it; policies are judged by "needed_person" ("yes" or "no").
    """

    record: SessionRecord
    rows: tuple[JournalRow, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    audio_loaders: Mapping[str, Callable[[], LegAudio]] = field(default_factory=dict)

    @cached_property
    def audio(self) -> Mapping[str, LegAudio]:
        """The audio of each leg, decoded at the first access."""
        return {leg: unpack() for leg, unpack in self.audio_loaders.items()}

    def inputs(self, with_audio: bool = False) -> Iterator[Input]:
        """The inputs in order; samples are silence unless `with_audio`.

        RecordingError when a row holds no input of this version.
        """
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
            if isinstance(event, AudioReceived):
                positions[event.leg] += len(event.samples)
            elif isinstance(event, ConnectionResumed):
                positions = {leg: start + event.missed_samples for leg, start in positions.items()}

    @cached_property
    def duration_s(self) -> float:
        """Length of the conversation in seconds: the time of its last input."""
        return max((row.at for row in self.rows), default=0.0)

    @cached_property
    def audio_s(self) -> float:
        """Seconds of audio received, all legs together, stored or not."""
        return sum(map(len, self.voice_probabilities.values())) * VOICE_HOP / 16_000

    @cached_property
    def voice_probabilities(self) -> Mapping[str, list[float]]:
        """By leg: the probability of voice in every hop that was received."""
        probabilities: dict[str, list[float]] = {leg: [] for leg in self.record.legs}
        for row in self.rows:
            if row.input.startswith(AUDIO_LINE_START):
                input_fields = json.loads(row.input)
                probabilities[input_fields["leg"]] += input_fields["speech"]
        return probabilities


def loaders_of(leg_audio: Mapping[str, LegAudio]) -> dict[str, Callable[[], LegAudio]]:
    """Loaders for audio that is in memory already, by leg."""
    return {leg: partial(_identity, audio) for leg, audio in leg_audio.items()}


def _identity(audio: LegAudio) -> LegAudio:
    return audio


def with_rows(recording: Recording, rows: tuple[JournalRow, ...]) -> Recording:
    """A copy of the recording with other rows, such as those of a replay."""
    return replace(recording, rows=rows)
