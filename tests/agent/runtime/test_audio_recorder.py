"""Sound is kept from consent on, in its place, and goes on in its place after a stop."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
import soundfile

from agent.core.inputs import AudioReceived, ConnectionResumed, ConsentChanged, TextReceived
from agent.core.records import SessionRecord
from agent.runtime.audio_recorder import MIN_PIECE_SAMPLES, AudioRecorder
from agent.store import Store
from agent.store.journal import Journal
from audio.types import RATE, VOICE_HOP
from dialogs.pack.privacy_rules import PrivacyRules

NOW = "2026-11-24T10:00:00+00:00"
HOP = VOICE_HOP
PACKET = 25 * HOP
SPEECH = (np.arange(1, 60 * RATE + 1, dtype=np.float32) % 30_000 + 1) / 32768
ASK = PrivacyRules()


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "hearken.sqlite3")
    yield store
    store.close()


def begun(store, **more):
    fields = dict.fromkeys(SessionRecord.__dataclass_fields__, "") | {
        "id": "a", "legs": ("customer",), "speak": False, "settings": {}, "models": {},
        "state": "live", "recording": False, "audio": None, "began_at": NOW,
    }  # fmt: skip
    record = SessionRecord(**fields | more)
    store.create_session(record)
    return record


def heard(start, packets):
    for at in range(start, start + packets * PACKET, PACKET):
        yield AudioReceived(at / RATE, "customer", SPEECH[at : at + PACKET], (0.0,) * 25)


def kept(store, record, *runs, rules=ASK):
    """Lives of one conversation, one after the other: (positions, inputs) each. The sound that is
    there afterwards, by position."""

    async def life():
        journal = Journal(store, lambda: NOW)
        journal.start()
        try:
            for positions, events in runs:
                track = AudioRecorder(store, journal, record, rules, positions)
                for event in events:
                    if isinstance(event, ConsentChanged):
                        agreed = rules.may_record(event.recording)
                        journal.submit(
                            lambda agreed=agreed: store.set_recording_consent("a", agreed)
                        )
                    track.push(event, [], [])
                track.stop()
        finally:
            await asyncio.to_thread(journal.stop)

    asyncio.run(life())
    found = {}
    for one in store.read_audio("a"):
        samples, rate = soundfile.read(io.BytesIO(one.flac), dtype="float32")
        assert (rate, len(samples)) == (RATE, one.length)
        found[one.start] = samples
    return found


def agreed(at=0.0, recording=True):
    return ConsentChanged(at, recording, emotion=False)


def covered(found):
    """What is there, checked against what was said, as ranges of positions."""
    ranges = []
    for start, samples in sorted(found.items()):
        end = start + len(samples)
        assert np.array_equal(samples, SPEECH[start:end])
        if ranges and ranges[-1][1] == start:
            start = ranges.pop()[0]
        ranges.append((start, end))
    return ranges


def test_it_is_kept_in_pieces_of_two_seconds_or_more(store):
    found = kept(store, begun(store), ({}, [agreed(), *heard(0, 20)]))
    assert covered(found) == [(0, 20 * PACKET)]
    assert all(
        len(samples) >= MIN_PIECE_SAMPLES for start, samples in found.items() if start != max(found)
    )


def test_only_what_was_heard_after_consent(store):
    events = [*heard(0, 10), agreed(), *heard(10 * PACKET, 10)]
    assert covered(kept(store, begun(store), ({}, events))) == [(10 * PACKET, 20 * PACKET)]


def test_a_no_takes_back_what_was_kept(store):
    events = [agreed(), *heard(0, 10), agreed(5.0, False), *heard(10 * PACKET, 5)]
    assert kept(store, begun(store), ({}, events)) == {}


def test_who_agrees_again_is_kept_from_then_on(store):
    events = [agreed(), *heard(0, 9), agreed(5.0, False), *heard(9 * PACKET, 5), agreed(7.0)]
    found = kept(store, begun(store), ({}, [*events, *heard(14 * PACKET, 6)]))
    assert covered(found) == [(14 * PACKET, 20 * PACKET)]


@pytest.mark.parametrize(("rule", "there"), [("always", True), ("never", False)])
def test_a_pack_may_always_or_never_record(store, rule, there):
    rules = PrivacyRules(recording=rule)
    record = begun(store, recording=rules.may_record(False))
    events = [agreed(0.0, not there), *heard(0, 10)]
    assert bool(kept(store, record, ({}, events), rules=rules)) == there


def test_after_a_stop_it_goes_on_where_the_legs_were(store):
    record = begun(store, recording=True)
    store.set_recording_consent("a", True)
    lost = 8 * HOP
    first, second = {}, {"customer": 10 * PACKET}
    events = [ConnectionResumed(9.0, lost), *heard(10 * PACKET + lost, 10)]
    found = kept(store, record, (first, heard(0, 10)), (second, events))
    assert covered(found) == [(0, 10 * PACKET), (10 * PACKET + lost, 20 * PACKET + lost)]


def test_a_chat_has_no_sound(store):
    record = begun(store, legs=())
    assert kept(store, record, ({}, [agreed(), TextReceived(1.0, "hello")])) == {}
