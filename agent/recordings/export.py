"""Export of a stored conversation as a recording.

Only conversations whose customer consented to recording can be exported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.event_json import JournalRow
from agent.core.records import SessionRecord
from agent.recordings.bundle import save_recording
from agent.recordings.leg_audio import (
    LegAudio,
    SampleRange,
    difference_of_ranges,
    find_masked_ranges,
    union_of_ranges,
)
from agent.recordings.recording import Recording, RecordingError, loaders_of
from agent.store import AudioSegment, Store
from audio.files import decode_flac
from audio.types import VOICE_HOP


def export_recording(store: Store, session: str, path: Path) -> Recording:
    """Write the session whose id begins with `session` to `path`, and return the recording.

    RecordingError when no session or several begin so, or it was not recorded.
    """
    recording = recording_from_store(store, _find_session(store, session))
    save_recording(recording, path)
    return recording


def _find_session(store: Store, session: str) -> SessionRecord:
    matches = store.find_sessions(session)
    if not matches:
        hint = "`hearken recordings list` shows those that are"
        raise RecordingError(f"no session {session!r} is stored; {hint}")
    if len(matches) > 1:
        raise RecordingError(f"more than one session begins with {session!r}; write more of its id")
    return matches[0]


def recording_from_store(store: Store, record: SessionRecord) -> Recording:
    """The recording of a stored conversation. RecordingError without consent to recording, or
    when its rows are deleted."""
    rows = tuple(replace(row, messages=(), client=0) for row in store.read_rows(record.id))
    if not record.recording:
        raise RecordingError(f"session {record.id}: the customer did not agree to be recorded")
    if not rows:
        raise RecordingError(f"session {record.id}: its rows are no longer stored")
    record = replace(record, token="", sealed="")
    leg_audio = assemble_legs(record.legs, rows, store.read_audio(record.id))
    return Recording(
        record,
        rows,
        name=record.id,
        audio_loaders=loaders_of(leg_audio),
    )


def assemble_legs(
    legs: Sequence[str], rows: Sequence[JournalRow], segments: Sequence[AudioSegment]
) -> Mapping[str, LegAudio]:
    """By leg, its audio from all segments: silence between them, and intact where nothing of a
    segment was masked. Legs without a segment are left out."""
    voice_probabilities, length = _voice_by_leg(legs, rows)
    redacted_ranges = _redacted_ranges(rows)
    out: dict[str, LegAudio] = {}
    for leg in legs:
        leg_segments = [one for one in segments if one.leg == leg]
        if not leg_segments:
            continue
        samples = np.zeros(length[leg], np.int16)
        for one in leg_segments:
            piece = _segment_samples(one)[: max(0, length[leg] - one.start)]
            samples[one.start : one.start + len(piece)] = piece
        stored_ranges = union_of_ranges((one.start, one.start + one.length) for one in leg_segments)
        removed_ranges = [
            *find_masked_ranges(samples, voice_probabilities[leg]),
            *redacted_ranges.get(leg, ()),
        ]
        out[leg] = LegAudio(samples, difference_of_ranges(stored_ranges, removed_ranges))
    return out


def _segment_samples(segment: AudioSegment) -> Any:
    if hashlib.sha256(segment.flac).hexdigest() != segment.sha256:
        where = f"{segment.leg} at {segment.start}"
        raise RecordingError(f"the audio of leg {where} has another SHA-256: the store is damaged")
    return decode_flac(segment.flac)


def _voice_by_leg(
    legs: Sequence[str], rows: Sequence[JournalRow]
) -> tuple[dict[str, list[tuple[int, tuple[float, ...]]]], dict[str, int]]:
    """By leg, pairs of a position and the probabilities of voice from it; and its length."""
    probabilities: dict[str, list[tuple[int, tuple[float, ...]]]] = {leg: [] for leg in legs}
    length = dict.fromkeys(legs, 0)
    for row in rows:
        input_fields = json.loads(row.input)
        if input_fields["type"] == "Heard":
            leg, speech = input_fields["leg"], tuple(input_fields["speech"])
            probabilities[leg].append((length[leg], speech))
            length[leg] += len(speech) * VOICE_HOP
        elif input_fields["type"] == "Resumed":
            length = {leg: at + input_fields["missed"] for leg, at in length.items()}
    return probabilities, length


def _redacted_ranges(rows: Sequence[JournalRow]) -> dict[str, list[SampleRange]]:
    """By leg, the ranges that redactions have removed from the audio."""
    ranges: dict[str, list[SampleRange]] = {}
    for row in rows:
        for one in json.loads(row.redactions):
            if one.get("to_sample", 0) > one.get("from_sample", 0):
                leg = one.get("leg") or "customer"
                ranges.setdefault(leg, []).append((one["from_sample"], one["to_sample"]))
    return ranges
