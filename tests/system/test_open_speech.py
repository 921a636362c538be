"""What customers say in their own words is written by the packaged model, in a real server."""

from __future__ import annotations

import numpy as np
import pytest

from agent.client import Client
from agent.inference.launcher import ForkserverLauncher
from audio.codecs import encode
from audio.model_packages import WHISPER_BASE, missing_distributions
from audio.speak import TtsVoice
from audio.turn_transcribers import AUTO
from tests.support.serving import serving

pytestmark = [
    pytest.mark.model,
    pytest.mark.socket,
    pytest.mark.skipif(bool(missing_distributions(WHISPER_BASE)), reason="not installed"),
]
TELEPHONE = {"encoding": "mulaw", "rate": 8000, "channels": 1}


def test_an_open_turn_of_a_call_is_understood(tmp_path):
    said = "I would like to see somebody about a mortgage at the Riverside branch"
    spoken = np.concatenate(list(TtsVoice().synthesise_sentences(said, 8000)))
    sound = encode(np.pad(spoken, (4000, 20000)), "mulaw")
    with (
        serving(
            tmp_path, launch=ForkserverLauncher, answer_s=60.0, writer_checkpoint=AUTO
        ) as running,
        Client(running.url, "voice", TELEPHONE) as client,
    ):
        client.wait_for("reply", timeout_s=60)
        for start in range(0, len(sound), 1600):
            client._send(sound[start : start + 1600])
        heard = client.wait_for("transcript", timeout_s=90)
        understood = client.wait_for("understanding", timeout_s=30)
    # The synthesiser's voice is hard to hear, and a few samples decide over a "mortgage"; the
    # encoder alone has none of this.
    assert heard["text"].startswith("i would like to see")
    assert heard["text"].endswith("riverside branch")
    assert [word["text"] for word in heard["words"]] == heard["text"].split()
    assert understood["intent"]
