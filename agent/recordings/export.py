"""How does a conversation that the store kept become a recording?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.core.event_json import Row
from agent.recordings.bundle import save
from agent.recordings.leg_audio import LegSound, Range, joined, masked, unpack_flac, without
from agent.recordings.recording import Recording, RecordingError
from agent.store import Segment, SessionRecord, Store
from audio.types import VOICE_HOP


def export(store: Store, session: str, path: Path) -> Recording:
    """Write the session whose id begins with `session` to `path`, and return it. RecordingError."""
    recording = kept(store, _one(store, session))
    save(recording, path)
    return recording


def _one(store: Store, session: str) -> SessionRecord:
    found = store.find(session)
    if not found:
        said = "`hearken recordings list` shows those that are"
        raise RecordingError(f"no session {session!r} is kept; {said}")
    if len(found) > 1:
        raise RecordingError(f"more than one session begins with {session!r}; write more of its id")
    return found[0]


def kept(store: Store, record: SessionRecord) -> Recording:
    """All that the store has of this conversation. RecordingError when that is not enough."""
    rows = tuple(replace(row, messages=(), client=0) for row in store.rows(record.id))
    if not record.recording:
        raise RecordingError(f"session {record.id}: the customer did not agree to be recorded")
    if not rows:
        raise RecordingError(f"session {record.id}: nothing of it is kept any more")
    record = replace(record, token="", sealed="")
    sound = assembled(record.legs, rows, store.audio(record.id))
    return Recording(
        record,
        rows,
        name=record.id,
        sounds={leg: partial(_same, one) for leg, one in sound.items()},
    )


def _same(sound: LegSound) -> LegSound:
    return sound


def assembled(
    legs: Sequence[str], rows: Sequence[Row], segments: Sequence[Segment]
) -> Mapping[str, LegSound]:
    """Each leg as a whole: silent where no segment is, and kept where it is as it was heard."""
    heard, length = _heard(legs, rows)
    silenced = _silenced(rows)
    out: dict[str, LegSound] = {}
    for leg in legs:
        of_leg = [one for one in segments if one.leg == leg]
        if not of_leg:
            continue
        samples = np.zeros(length[leg], np.int16)
        for one in of_leg:
            piece = _unpacked(one)[: max(0, length[leg] - one.start)]
            samples[one.start : one.start + len(piece)] = piece
        there = joined((one.start, one.start + one.length) for one in of_leg)
        gone = [*masked(samples, heard[leg]), *silenced.get(leg, ())]
        out[leg] = LegSound(samples, without(there, gone))
    return out


def _unpacked(segment: Segment) -> Any:
    if hashlib.sha256(segment.flac).hexdigest() != segment.sha256:
        where = f"{segment.leg} at {segment.start}"
        raise RecordingError(f"the sound of leg {where} is not what was kept: the store is damaged")
    return unpack_flac(segment.flac)


def _heard(
    legs: Sequence[str], rows: Sequence[Row]
) -> tuple[dict[str, list[tuple[int, tuple[float, ...]]]], dict[str, int]]:
    """Where in each leg which probabilities of voice belong, and how long each leg is."""
    heard: dict[str, list[tuple[int, tuple[float, ...]]]] = {leg: [] for leg in legs}
    length = dict.fromkeys(legs, 0)
    for row in rows:
        said = json.loads(row.input)
        if said["type"] == "Heard":
            leg, speech = said["leg"], tuple(said["speech"])
            heard[leg].append((length[leg], speech))
            length[leg] += len(speech) * VOICE_HOP
        elif said["type"] == "Resumed":
            length = {leg: at + said["missed"] for leg, at in length.items()}
    return heard, length


def _silenced(rows: Sequence[Row]) -> dict[str, list[Range]]:
    """What is known to have been taken out of the sound, by leg."""
    found: dict[str, list[Range]] = {}
    for row in rows:
        for one in json.loads(row.redactions):
            if one.get("to_sample", 0) > one.get("from_sample", 0):
                leg = one.get("leg") or "customer"
                found.setdefault(leg, []).append((one["from_sample"], one["to_sample"]))
    return found
