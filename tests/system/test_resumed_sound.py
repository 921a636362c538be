"""The sound of a conversation goes on in its place when its server was stopped in between."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest

from agent.client import Client
from agent.core.event_json import event_from_json
from agent.core.inputs import AudioReceived, ConnectionResumed, TurnUnderstood
from agent.store import Store
from audio.speak import TtsVoice
from tests.support.packs import bank_pack
from tests.support.scripted_models import ScriptedMind
from tests.support.serving import serving
from tests.support.speaking import PCM, hears, leg

pytestmark = [pytest.mark.socket, pytest.mark.model]


def test_sound_goes_on_where_its_legs_were(tmp_path):
    mind, voice = ScriptedMind(bank_pack()), TtsVoice("en-us", 140)
    with serving(tmp_path, mind) as house:
        client = Client(house.url, "voice", PCM)
        client.wait_for("reply")
        client.consent(recording=True, emotion=False)
        hears(client, voice, "branch hours")
        at = client.resumption
    with serving(tmp_path, mind) as house, Client(house.url, "voice", PCM, resume=at) as client:
        assert client.wait_for("ready")["resumed"]
        assert hears(client, voice, "riverside")
        client.end()
        client.wait_for("bye")
    with closing(Store(tmp_path / "hearken.sqlite3")) as store:
        rows, pieces, sound = (
            store.read_rows(at.session),
            store.read_audio(at.session),
            leg(store, at.session),
        )
    assert all(a.start + a.length <= b.start for a, b in pairwise(pieces))
    events = [event_from_json(row.input) for row in rows]
    first, second = (one.transcript.words for one in events if isinstance(one, TurnUnderstood))
    (missed,) = (one.missed_samples for one in events if isinstance(one, ConnectionResumed))
    assert second[0].start - first[0].start > missed
    for word in (*first, *second):
        assert np.nan_to_num(sound[word.start : word.end]).any(), word
    heard = sum(len(one.samples) for one in events if isinstance(one, AudioReceived))
    assert len(sound) == heard + missed
