"""Recorder of the conversations in `sessions/`: `python -m tests.recordings.record [NAME...]`.

A real server with the real models, on a free port; customers type, or speak with a synthetic voice
in real time; an employee works at the console. All of them agree to be recorded.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from websockets.sync.client import ClientConnection, connect

from agent.client import Client
from agent.recordings.bundle import load_recording, save_recording
from agent.recordings.export import export_recording
from agent.store import Store
from audio.codecs import encode
from audio.speak import TtsVoice
from audio.types import RATE
from tests.support.serving import Serving, in_hours, serving

HERE = Path(__file__).parent / "sessions"
PCM = {"encoding": "pcm_s16le", "rate": RATE, "channels": 1}
STEREO = PCM | {"channels": 2, "legs": ["customer", "agent"]}
FRAME = RATE // 50 * 2

Scene = Callable[[Serving], str]


def transfer(house: Serving) -> str:
    """Money is moved, after the customer has said who they are."""
    with chat(house) as client:
        for text in ("I want to transfer 50 dollars from checking to savings", "100421", "4471",
                     "yes please", "no thanks", "that is all, goodbye"):  # fmt: skip
            say(client, text)
        return client.resumption.session


def handed_over(house: Serving) -> str:
    """Somebody is annoyed, a person comes and goes, and the bot goes on."""
    with chat(house) as client:
        say(client, "I want to order a new card")
        say(client, "100421")
        say(client, "this is the third time I ask, your service is awful and I am furious")
        say(client, "let me talk to a person right now")
        with connect(house.url.replace("session", "console")) as desk:
            tell(desk, "hello", protocol=1, token="a", name="Dana")
            (waiting,) = until(desk, "queue", lambda said: said["waiting"])["waiting"]
            tell(desk, "accept", session=waiting["session"], id=waiting["id"])
            until(desk, "opened", lambda said: True)
            tell(desk, "say", session=waiting["session"], text="Dana here. I am sorry about that.")
            client.wait_for("agent")
            client.say("thank you, at last somebody who listens")
            client.wait_for("understanding")
            tell(desk, "hand_back", session=waiting["session"])
            client.wait_for("reply")
        for text in ("yes please", "100421", "4471", "yes", "goodbye"):
            say(client, text)
        return client.resumption.session


def called_back(house: Serving) -> str:
    """Nobody is there at night; a ticket is written, and the bot answers what it can."""
    with chat(house) as client:
        say(client, "I want to speak to a human being")
        say(client, "what does a wire transfer cost?")
        say(client, "bye")
        return client.resumption.session


def private(house: Serving) -> str:
    """Numbers that nobody else needs to see are typed."""
    with chat(house) as client:
        say(client, "my credit card 4111 1111 1111 1111 was stolen")
        say(client, "my number is 100421")
        for text in ("the passcode is 4471", "yes", "my mail is jo@example.com", "bye"):
            say(client, text)
        return client.resumption.session


def spoken(house: Serving) -> str:
    """A call by voice; digits are asked for, and the customer interrupts."""
    with Client(house.url, "voice", PCM, speak=True) as client:
        client.consent(recording=True, emotion=True)
        phone = Phone(client, TtsVoice("en-us"))
        phone.wait(4.0)
        phone.say("check my balance please", 8.0)
        phone.say("one zero zero four two one", 7.0)
        phone.say("four four seven one", 9.0)
        phone.say("checking", 12.0)
        phone.say("thank you, goodbye", 4.0)
        client.end()
        return client.resumption.session


def two_legs(house: Serving) -> str:
    """A call between a customer and an employee, one on each channel; the line is cut once."""
    with Client(house.url, "call", STEREO) as client:
        client.consent(recording=True, emotion=True)
        phone = Phone(client, TtsVoice("en-us"), legs=2)
        phone.wait(1.0)
        phone.say("hello I lost my debit card", 2.0)
        phone.say("I am sorry to hear that, may I have your name", 2.0, leg=1)
        client.drop_connection()
        at = client.resumption
    time.sleep(1.0)
    with Client(house.url, "call", STEREO, resume=at) as client:
        client.wait_for("ready")
        phone = Phone(client, TtsVoice("en-us"), legs=2)
        phone.say("one zero zero four two one", 3.0)
        phone.say("I want to talk to a supervisor", 3.0)
        client.end()
        return at.session


class Phone:
    """A caller's end of the line: always sending, silence between the words."""

    def __init__(self, client: Client, voice: TtsVoice, legs: int = 1) -> None:
        self._client, self._voice, self._legs = client, voice, legs

    def say(self, text: str, then_s: float, leg: int = 0) -> None:
        said = self._voice.synthesise(text, RATE)
        samples = np.zeros((len(said), self._legs), np.float32)
        samples[:, leg] = 0.7 * said
        self._send(samples)
        self.wait(then_s)

    def wait(self, seconds: float) -> None:
        self._send(np.zeros((int(seconds * RATE), self._legs), np.float32))

    def _send(self, samples: np.ndarray) -> None:
        frame = FRAME * self._legs
        for _ in self._client.stream_audio(encode(samples, "pcm_s16le"), frame):
            self._client.available_messages()


@contextmanager
def chat(house: Serving) -> Iterator[Client]:
    with Client(house.url) as client:
        client.consent(recording=True, emotion=False)
        client.wait_for("reply")
        yield client


def say(client: Client, text: str) -> None:
    """Say something, and wait until the bot has come to rest."""
    client.say(text)
    for message in client.messages(1.5):
        if message["type"] == "bye":
            return


def tell(desk: ClientConnection, type: str, **fields: object) -> None:
    desk.send(json.dumps({"type": type} | fields))


def until(desk: ClientConnection, type: str, wanted: Callable[[dict], object]) -> dict:
    while True:
        said = json.loads(desk.recv(timeout=20))
        if said["type"] == type and wanted(said):
            return said


def at_night() -> datetime:
    """A Sunday, when the bank is closed."""
    return datetime(2026, 11, 22, 15, 0, tzinfo=UTC)


SCENES: dict[str, tuple[Scene, dict[str, object], dict[str, str]]] = {
    "transfer": (transfer, {}, {"needed_person": "no"}),
    "handed-over": (handed_over, {}, {"needed_person": "yes"}),
    "called-back": (called_back, {"today": at_night}, {"needed_person": "yes"}),
    "private": (private, {}, {"needed_person": "no"}),
    "spoken": (spoken, {}, {"needed_person": "no"}),
    "two-legs": (two_legs, {}, {"needed_person": "yes"}),
}


def record(name: str) -> None:
    scene, settings, labels = SCENES[name]
    with tempfile.TemporaryDirectory() as folder:
        state, path = Path(folder), HERE / f"{name}.zip"
        with serving(state, **{"today": in_hours, "agent_token": "a", **settings}) as house:
            session = scene(house)
        store = Store(state / "hearken.sqlite3")
        export_recording(store, session, path)
        store.close()
    save_recording(replace(load_recording(path), labels=labels), path)
    print(f"{path.name}: {path.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    HERE.mkdir(parents=True, exist_ok=True)
    for wanted in sys.argv[1:] or SCENES:
        record(wanted)
