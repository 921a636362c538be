"""Conversations of a terminal with a running server: `hearken chat` and `hearken call`.

`chat` sends typed lines; `call` streams sound files in real time. Both print, with times, the
transcripts, cues, understanding and replies that the server sends.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console

from agent.cli.message_text import message_line
from agent.client import FRAME_S, Client, Message, ServerRefusal
from audio import files
from audio.codecs import WIDTH, Encoding, decode, encode
from audio.resample import RATES, resample
from audio.types import RATE, AudioError, Samples

QUIET_S = 0.4  # without a message for so long, the server's answer is complete
# silence sent after a sound file, so that its last turn ends and is answered
TRAILING_SILENCE_S = 2.5
ANSWER_TIMEOUT_S = 10.0


class CallerConsent(NamedTuple):
    """What the caller agrees to: recording, and emotion analysis."""

    recording: bool
    emotion: bool


def chat(url: str, token: str, record: bool, console: Console) -> None:
    """Send each line of standard input as text, and print the answers.

    ServerRefusal when the server refuses the session or closes it with an error.
    """
    with Client(url, token=token) as client:
        if record:
            client.consent(recording=True, emotion=False)
        _print_messages(client.messages(QUIET_S), console)
        for line in _input_lines(console):
            client.say(line)
            _print_messages(_messages_of_answer(client), console)
            if client.close_status is not None:
                break
        _hang_up(client, console)


def call(
    url: str,
    recordings: list[Path],
    encoding: Encoding | None,
    consent: CallerConsent,
    token: str,
    save: Path | None,
    console: Console,
) -> None:
    """Stream sound files as one call; each starts when the answer before it has been played.

    `save`: sound file for the server's speech. ServerRefusal as for `chat`; AudioError when the
    files differ in rate or channels.
    """
    loaded = [_load_recording(path) for path in recordings]
    rate, channels = loaded[0][1], loaded[0][0].shape[1]
    if any((rate, channels) != (other, other_samples.shape[1]) for other_samples, other in loaded):
        raise AudioError("the recordings of one call must have the same rate and channels")
    wire_encoding: Encoding = encoding or ("mulaw" if rate == 8000 else "pcm_s16le")
    legs = ["customer", "agent"][:channels]
    audio = {"encoding": wire_encoding, "rate": rate, "channels": channels, "legs": legs}
    with Client(url, "call" if channels == 2 else "voice", audio, True, token) as client:
        telephone = _Telephone(client, wire_encoding, rate, channels, console)
        client.consent(*consent)
        telephone.listen_to_reply()
        for samples, _ in loaded:
            telephone.say(samples)
            telephone.listen_to_reply()
            if client.close_status is not None:
                break
        _hang_up(client, console)
    if save is not None and telephone.received_audio:
        files.write(save, decode(bytes(telephone.received_audio), wire_encoding, 1), rate)


class _Telephone:
    """The caller's side of a call: streams audio in real time and times the replies' playback."""

    def __init__(
        self, client: Client, encoding: Encoding, rate: int, channels: int, console: Console
    ) -> None:
        self.received_audio = bytearray()  # all of the server's speech, as received
        self._client, self._console = client, console
        self._encoding, self._rate, self._channels = encoding, rate, channels
        self._reply_turn = self._played_ms = 0  # of the reply being played; turn 0: none
        self._reply_ends_at = 0.0

    def say(self, samples: Samples) -> None:
        """Stream samples of shape (frames, channels), then silence until the answer begins."""
        self._send_audio(samples)
        for _ in range(int(TRAILING_SILENCE_S / QUIET_S)):
            self._send_silence(QUIET_S)
            if time.monotonic() < self._reply_ends_at or self._client.close_status is not None:
                return

    def listen_to_reply(self) -> None:
        """Stream silence until the reply has been played, then report how much was played."""
        self._receive(self._client.messages(QUIET_S))
        while time.monotonic() < self._reply_ends_at and self._client.close_status is None:
            self._send_silence(QUIET_S)
        if self._reply_turn:
            self._client.send({"type": "played", "turn": self._reply_turn, "ms": self._played_ms})
            self._reply_turn = 0

    def _send_silence(self, seconds: float) -> None:
        self._send_audio(np.zeros((int(seconds * self._rate), self._channels), np.float32))

    def _send_audio(self, samples: Samples) -> None:
        frame_bytes = int(self._rate * FRAME_S) * WIDTH[self._encoding] * self._channels
        for _ in self._client.stream_audio(encode(samples, self._encoding), frame_bytes):
            self._receive(self._client.available_messages())

    def _receive(self, messages: Iterable[Message]) -> None:
        for message in messages:
            match message["type"]:
                case "audio":
                    self._record_reply(message["data"])
                case "speech" if message["state"] == "start":
                    self._reply_turn, self._played_ms = message["turn"], 0
                case "hush":
                    self._reply_ends_at, self._reply_turn = 0.0, 0
            _print_messages([message], self._console)

    def _record_reply(self, data: bytes) -> None:
        self.received_audio += data
        seconds = len(data) / (WIDTH[self._encoding] * self._rate)
        self._reply_ends_at = max(self._reply_ends_at, time.monotonic()) + seconds
        self._played_ms += round(1000 * seconds)


def _messages_of_answer(client: Client) -> Iterator[Message]:
    """All messages up to the answer, and those that follow it without a pause."""
    for message in client.messages(ANSWER_TIMEOUT_S):
        yield message
        if message["type"] in ("reply", "handoff", "agent", "error"):
            break
    yield from client.messages(QUIET_S)


def _print_messages(messages: Iterable[Message], console: Console) -> None:
    for message in messages:
        if (line := message_line(message)) is not None:
            console.print(line, soft_wrap=True)


def _hang_up(client: Client, console: Console) -> None:
    """End the session. ServerRefusal when the server closed it for another reason."""
    if client.close_status is None:
        client.end()
    _print_messages(client.messages(QUIET_S), console)
    if client.close_status is not None and client.close_status[0] != 1000:
        code, reason = client.close_status
        raise ServerRefusal(
            f"the server closed the connection ({code}: {reason or 'no reason given'})"
        )


def _input_lines(console: Console) -> Iterator[str]:
    while True:
        if sys.stdin.isatty():
            console.print("you ▸ ", end="", style="bold cyan")
        line = sys.stdin.readline()
        if not line:
            return
        if text := line.strip():
            if not sys.stdin.isatty():
                console.print(f"you ▸ {text}", style="bold cyan")
            yield text


def _load_recording(path: Path) -> tuple[Samples, int]:
    """Samples of shape (frames, 1 or 2) and their rate, resampled if the protocol lacks the rate.

    AudioError for more than two channels.
    """
    samples, rate = files.read(path)
    if samples.shape[1] > 2:
        raise AudioError(f"{path} has {samples.shape[1]} channels; a call has one or two")
    if rate in RATES:
        return samples, rate
    legs = [resample(np.ascontiguousarray(leg), rate, RATE) for leg in samples.T]
    return np.stack(legs, axis=1), RATE
