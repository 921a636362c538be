"""How does a terminal hold a conversation with a running server?

`chat` types; `call` streams recordings at the speed they were spoken and shows, with times, what
the server hears, feels, understands and answers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from agent.cli.message_text import narrate
from agent.client import FRAME_S, Client, Message, Refused
from audio import files
from audio.codecs import WIDTH, Encoding, decode, encode
from audio.resample import RATES, resample
from audio.types import RATE, AudioError, Samples

QUIET_S = 0.4  # nothing for so long: the server has answered
TURN_S = 2.5  # of silence after a recording, so that its last turn ends and is answered
ANSWER_S = 10.0


class Consent(NamedTuple):
    """What a caller agrees to."""

    recording: bool
    emotion: bool


def chat(url: str, token: str, record: bool, console: Console) -> None:
    """Lines of standard input are said; answers are printed."""
    with Client(url, token=token) as client:
        if record:
            client.consent(recording=True, emotion=False)
        _show(client.messages(QUIET_S), console)
        for line in _lines(console):
            client.say(line)
            _show(_answered(client), console)
            if client.closed is not None:
                break
        _hang_up(client, console)


def call(
    url: str,
    recordings: list[Path],
    encoding: Encoding | None,
    consent: Consent,
    token: str,
    save: Path | None,
    console: Console,
) -> None:
    """Each recording is one thing said: it begins when the answer before it has been heard."""
    sounds = [_load(path) for path in recordings]
    rate, channels = sounds[0][1], sounds[0][0].shape[1]
    if any((rate, channels) != (other, sound.shape[1]) for sound, other in sounds):
        raise AudioError("the recordings of one call must have the same rate and channels")
    spoken: Encoding = encoding or ("mulaw" if rate == 8000 else "pcm_s16le")
    legs = ["customer", "agent"][:channels]
    audio = {"encoding": spoken, "rate": rate, "channels": channels, "legs": legs}
    with Client(url, "call" if channels == 2 else "voice", audio, True, token) as client:
        telephone = _Telephone(client, spoken, rate, channels, console)
        client.consent(*consent)
        telephone.hear_out()
        for samples, _ in sounds:
            telephone.say(samples)
            telephone.hear_out()
            if client.closed is not None:
                break
        _hang_up(client, console)
    if save is not None and telephone.heard:
        files.write(save, decode(bytes(telephone.heard), spoken, 1), rate)


class _Telephone:
    """A caller's end of the line: what is said goes out in real time, what is heard is played."""

    def __init__(
        self, client: Client, encoding: Encoding, rate: int, channels: int, console: Console
    ) -> None:
        self.heard = bytearray()  # all that the server said
        self._client, self._console = client, console
        self._encoding, self._rate, self._channels = encoding, rate, channels
        self._turn = self._played_ms = 0  # of the reply that is sounding
        self._sounds_until = 0.0

    def say(self, samples: Samples) -> None:
        """Samples of shape (frames, channels), then silence until the answer begins."""
        self._send(samples)
        for _ in range(int(TURN_S / QUIET_S)):
            self._quiet(QUIET_S)
            if time.monotonic() < self._sounds_until or self._client.closed is not None:
                return

    def hear_out(self) -> None:
        """Stay on the line until the reply has sounded, and say that it was heard."""
        self._take(self._client.messages(QUIET_S))
        while time.monotonic() < self._sounds_until and self._client.closed is None:
            self._quiet(QUIET_S)
        if self._turn:
            self._client.send({"type": "played", "turn": self._turn, "ms": self._played_ms})
            self._turn = 0

    def _quiet(self, seconds: float) -> None:
        self._send(np.zeros((int(seconds * self._rate), self._channels), np.float32))

    def _send(self, samples: Samples) -> None:
        frame = int(self._rate * FRAME_S) * WIDTH[self._encoding] * self._channels
        for _ in self._client.stream(encode(samples, self._encoding), frame):
            self._take(self._client.received())

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            match message["type"]:
                case "audio":
                    self._sound(message["data"])
                case "speech" if message["state"] == "start":
                    self._turn, self._played_ms = message["turn"], 0
                case "hush":
                    self._sounds_until, self._turn = 0.0, 0
            _show([message], self._console)

    def _sound(self, data: bytes) -> None:
        self.heard += data
        seconds = len(data) / (WIDTH[self._encoding] * self._rate)
        self._sounds_until = max(self._sounds_until, time.monotonic()) + seconds
        self._played_ms += round(1000 * seconds)


def _answered(client: Client) -> Iterator[Message]:
    """Everything up to the answer, and what follows right after it."""
    for message in client.messages(ANSWER_S):
        yield message
        if message["type"] in ("reply", "handoff", "agent", "error"):
            break
    yield from client.messages(QUIET_S)


def _show(messages: Iterable[Message], console: Console) -> None:
    for message in messages:
        if (line := narrate(message)) is not None:
            console.print(line, soft_wrap=True)


def _hang_up(client: Client, console: Console) -> None:
    """Say goodbye; Refused when the server closed the line for another reason than the end."""
    if client.closed is None:
        client.end()
    _show(client.messages(QUIET_S), console)
    if client.closed is not None and client.closed[0] != 1000:
        code, reason = client.closed
        raise Refused(f"the server closed the line ({code}: {reason or 'no reason given'})")


def _lines(console: Console) -> Iterator[str]:
    while True:
        if sys.stdin.isatty():
            console.print("you ▸ ", end="", style="bold cyan")
        line = sys.stdin.readline()
        if not line:
            return
        if said := line.strip():
            if not sys.stdin.isatty():
                console.print(f"you ▸ {said}", style="bold cyan")
            yield said


def _load(path: Path) -> tuple[Samples, int]:
    """A recording at a rate the protocol knows, shape (frames, 1 or 2)."""
    samples, rate = files.read(path)
    if samples.shape[1] > 2:
        raise AudioError(f"{path} has {samples.shape[1]} channels; a call has one or two")
    if rate in RATES:
        return samples, rate
    legs = [resample(np.ascontiguousarray(leg), rate, RATE) for leg in samples.T]
    return np.stack(legs, axis=1), RATE
