"""A customer of a real server who speaks, with the voice of the synthesiser, and what was kept."""

from __future__ import annotations

import io

import numpy as np
import soundfile
from numpy.typing import NDArray

from agent.client import Client
from agent.store import Store
from audio.codecs import encode
from audio.speak import TtsVoice
from audio.types import RATE

PCM = {"encoding": "pcm_s16le", "rate": RATE, "channels": 1}
PACKET = RATE // 5  # bytes: a tenth of a second


def hears(client: Client, voice: TtsVoice, text: str) -> str:
    """Says it; what the customer is told was heard."""
    spoken = np.concatenate(list(voice.synthesise_sentences(text, RATE)))
    sound = np.pad(spoken, (RATE // 2, 5 * RATE // 2))
    data = encode(sound, "pcm_s16le")
    for start in range(0, len(data), PACKET):
        client._send(data[start : start + PACKET])
    heard: str = client.wait_for("transcript", timeout_s=30)["text"]
    client.wait_for("reply", timeout_s=30)
    return heard


def leg(store: Store, id: str) -> NDArray[np.float32]:
    """The sound that was kept of a session with one leg, by position; NaN where there is none."""
    pieces = store.read_audio(id)
    whole = np.full(max(one.start + one.length for one in pieces), np.nan, np.float32)
    for one in pieces:
        samples, _ = soundfile.read(io.BytesIO(one.flac), dtype="float32")
        whole[one.start : one.start + one.length] = samples
    return whole
