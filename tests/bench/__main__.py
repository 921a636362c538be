"""`make bench`: one caller on this machine, over a real socket, against the goals.

Each figure is printed beside its goal, met or missed. The time from the end of a turn to the
decision is counted from sending the packet that completes the end-of-turn silence (found by
running the same turn-taking over the same bytes here) to receiving the understanding.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from agent.client import FRAME_S, Client
from agent.lab.bench.machine import this_machine
from agent.lab.bench.process_tree import ProcessTree
from agent.lab.bench.server_process import PROJECT_ROOT, RunningServer, running_server
from audio import files
from audio.codecs import encode
from audio.resample import resample
from audio.turns import TurnDetector, TurnEndpoint, TurnRules
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput

CHATS, CALLS = 200, 12
TEXTS = ("what are your opening hours", "check my balance", "no", "cancel", "thank you")
PAUSE_S = 0.12  # between messages: faster ones than a person types are made to wait
RATE = 8000
FRAME = int(RATE * FRAME_S)


def main() -> None:
    console = Console()
    with tempfile.TemporaryDirectory() as folder, running_server(Path(folder)) as server:
        chat = _chat(server)
        call = _call(server, PROJECT_ROOT / "tests" / "recordings")
        memory = ProcessTree(server.process.pid).memory_mib()
    table = Table(
        "figure", "measured", "goal", "", title=f"One caller, {this_machine().summary}", box=None
    )
    _row(table, "ready after start", server.ready_s, 8, "s")
    _row(table, "chat reply p50", 1000 * np.percentile(chat, 50), 20, "ms")
    _row(table, "chat reply p95", 1000 * np.percentile(chat, 95), 60, "ms")
    _row(table, "end of turn to decision p50", 1000 * np.percentile(call, 50), 250, "ms")
    _row(table, "end of turn to decision p95", 1000 * np.percentile(call, 95), 250, "ms")
    _row(table, "memory, both processes", memory, 900, "MiB")
    console.print(table)


def _row(table: Table, what: str, measured: float, goal: float, unit: str) -> None:
    verdict = "[green]met[/]" if measured <= goal else "[red]missed[/]"
    table.add_row(what, f"{measured:.1f} {unit}", f"{goal} {unit}", verdict)


def _chat(server: RunningServer) -> list[float]:
    took = []
    with Client(server.session_url) as client:
        client.wait_for("reply")
        for number in track(range(CHATS), "chat"):
            began = time.monotonic()
            client.say(TEXTS[number % len(TEXTS)])
            client.wait_for("reply")
            took.append(time.monotonic() - began)
            list(client.messages(PAUSE_S))
    return took


def _call(server: RunningServer, folder: Path) -> list[float]:
    recordings = sorted(
        path for path in folder.iterdir() if path.suffix in (".wav", ".ogg", ".flac")
    )
    took = []
    audio = {"encoding": "mulaw", "rate": RATE, "channels": 1}
    for number in track(range(CALLS), "calls"):
        said = _mulaw(recordings[number % len(recordings)])
        with Client(server.session_url, "voice", audio) as client:
            client.wait_for("reply")
            sent = []
            for _ in client.stream_audio(said, FRAME):
                sent.append(time.monotonic())
            heard = [m for m in client.messages(1.0) if m["type"] == "understanding"]
        if heard and (packet := _packet_of_end(said)) is not None:
            took.append(heard[0]["received_at"] - sent[packet])
    return took


def _mulaw(path: Path) -> bytes:
    samples, rate = files.read(path)
    sound = resample(np.ascontiguousarray(samples[:, 0]), rate, RATE)
    return encode(np.concatenate([sound, np.zeros(2 * RATE, np.float32)]), "mulaw")


def _packet_of_end(said: bytes) -> int | None:
    """Which packet completes the silence that ends the first turn."""
    intake = VoiceInput(VoiceActivityDetector.load(), "mulaw", RATE, ["customer"])
    turns = TurnDetector(TurnRules())
    for number, start in enumerate(range(0, len(said), FRAME)):
        for hops in intake.push(said[start : start + FRAME]):
            if any(isinstance(one, TurnEndpoint) for one in turns.push(hops.samples, hops.speech)):
                return number
    return None


if __name__ == "__main__":
    main()
