"""How does a terminal hold a conversation with a running server?

`chat` types; `call` streams recordings at the speed they were spoken and shows, with times, what
the server hears, feels, understands and answers.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.console import Console

from agent.client import FRAME_S, Client, Message, Refused
from agent.narrate import narrate
from audio import files
from audio.codecs import WIDTH, Encoding, decode, encode
from audio.resample import RATES, resample
from audio.types import RATE, AudioError, Samples

QUIET_S = 0.4  # nothing for so long: the server has answered
TURN_S = 2.5  # of silence after a recording, so that its last turn ends and is answered
ANSWER_S = 10.0


def chat(url: str, token: str, console: Console) -> None:
    """Lines of standard input are said; answers are printed."""
    with Client(url, token=token) as client:
        _show(client.messages(QUIET_S), console)
        for line in _lines(console):
            client.say(line)
            _show(_answered(client), console)
            if client.closed is not None:
                break
        else:
            client.end()
            _show(client.messages(QUIET_S), console)
        _ended(client)


def call(
    url: str,
    recordings: list[Path],
    encoding: Encoding | None,
    emotion: bool,
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
    heard: list[bytes] = []
    with Client(url, "call" if channels == 2 else "voice", audio, True, token) as client:
        client.consent(recording=False, emotion=emotion)
        _show(client.messages(QUIET_S), console, heard)
        for samples, _ in sounds:
            _play(client, samples, spoken, rate, console, heard)
            if client.closed is not None:
                break
        else:
            client.end()
            _show(client.messages(QUIET_S), console, heard)
        _ended(client)
    if save is not None and heard:
        files.write(save, decode(b"".join(heard), spoken, 1), rate)


def _play(
    client: Client,
    samples: Samples,
    encoding: Encoding,
    rate: int,
    console: Console,
    heard: list[bytes],
) -> None:
    silence = np.zeros((int(TURN_S * rate), samples.shape[1]), np.float32)
    said = encode(np.concatenate([samples, silence]), encoding)
    frame = int(rate * FRAME_S) * WIDTH[encoding] * samples.shape[1]
    for _ in client.stream(said, frame):
        _show(client.received(), console, heard)
    _show(client.messages(QUIET_S), console, heard)


def _answered(client: Client) -> Iterator[Message]:
    """Everything up to the answer, and what follows right after it."""
    for message in client.messages(ANSWER_S):
        yield message
        if message["type"] in ("reply", "handoff", "agent", "error"):
            break
    yield from client.messages(QUIET_S)


def _show(
    messages: Iterator[Message] | list[Message], console: Console, heard: list[bytes] | None = None
) -> None:
    for message in messages:
        if message["type"] == "audio" and heard is not None:
            heard.append(message["data"])
        elif (line := narrate(message)) is not None:
            console.print(line, soft_wrap=True)


def _ended(client: Client) -> None:
    """Refused when the server closed the line for another reason than that it was over."""
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
