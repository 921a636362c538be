"""What does it cost that conversations survive and are looked at?

Appending a row to the journal; and on a real server: resuming a conversation of ten minutes after
a restart, the way of what a customer types to a console, and the memory of idle conversations.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from agent.config import PACKAGE_DIR
from agent.core import events as e
from agent.core.event_json import VERSION, JournalRow, event_to_json
from agent.lab.bench.process_tree import Processes
from agent.lab.bench.server_process import Running, running
from agent.store import SessionRecord, Store
from agent.store.journal import Journal
from audio.types import RATE, VOICE_HOP
from dialogs.pack.fingerprint import fingerprint

ROWS = 5_000
MINUTES = 10
PACKET_S = 0.5  # of sound that led to nothing, in one row
SPOKEN = tuple(f"{n:016x}" for n in range(1, 10))  # such conversations: ids are hexadecimal
TURN_S, SPEECH_S, ANSWERED_S = 10, 4, 8  # every so often; of it are voice; then it is answered
STEPS = round(MINUTES * 60 / PACKET_S)
ROWS_OF_IT = 1 + STEPS + MINUTES * 60 // TURN_S
LAGS = 200
CHATS = 500
TOKEN = "bench"
PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure, in `unit`, beside what was aimed at (at most)."""

    name: str
    figure: float
    goal: float
    unit: str

    @property
    def met(self) -> bool:
        return self.figure <= self.goal


def measure(folder: Path, say: Callable[[str], None]) -> list[Goal]:
    """Every figure, in turn, with files in `folder`; `say` is told what is being measured.

    BenchError when the server does not start.
    """
    store = Store(folder / "hearken.sqlite3")
    try:
        say("appending rows")
        goals = [_appending(store)]
        _write_ten_minutes(store)
    finally:
        store.close()
    say("starting a server")
    with running(folder, supervisor_token=TOKEN, max_sessions=str(2 * CHATS)) as server:
        say(f"{CHATS} idle chats")
        idle = _idle(server)  # first, while no memory that others have left could be used again
        say("a console looks on")
        lag = _lagging(server)
        say("resuming ten minutes")
        return [*goals, *_resuming(server), lag, idle]


def _appending(store: Store) -> Goal:
    """From asking for a row to knowing that it is on disk, one after the other."""
    took = asyncio.run(_append(store))
    return Goal("append a row, p99", 1000 * float(np.quantile(took, 0.99)), 2.0, "ms")


async def _append(store: Store) -> list[float]:
    journal = Journal(store, _now)
    journal.start()
    store.create_session(_record("appended", "chat", ()))
    took = []
    for n in range(1, ROWS + 1):
        line = event_to_json(e.TextReceived(float(n), "what is the fee for a wire transfer"))
        began = time.perf_counter()
        await journal.append("appended", JournalRow(n, float(n), line, 0, ("{}",), "[]", "0" * 64))
        took.append(time.perf_counter() - began)
    await asyncio.to_thread(journal.stop)
    return took


def _resuming(server: Running) -> list[Goal]:
    """From hello to `ready`, for which rows are read and the session is made anew from them; and
    to the last message of all that was said, for a client that has kept nothing of it."""
    took = np.array([_resume(server, session) for session in SPOKEN])
    is_there, whole = 1000 * np.median(took, axis=0)
    name = f"resume a voice session of {MINUTES} min, median"
    return [
        Goal(name, float(is_there), 200.0, "ms"),
        Goal(f"{name}, with all its messages", float(whole), 200.0, "ms"),
    ]


def _resume(server: Running, session: str) -> tuple[float, float]:
    audio = {"encoding": "pcm_s16le", "rate": RATE, "channels": 1}
    resume = {"session": session, "token": TOKEN, "last_seq": 0}
    hello = {"type": "hello", "protocol": 1, "channel": "voice", "audio": audio, "resume": resume}
    with connect(server.url, compression=None, max_size=None) as line:
        began = time.perf_counter()
        line.send(json.dumps(hello))
        ready = json.loads(line.recv(timeout=PATIENCE_S))
        is_there = time.perf_counter() - began
        assert ready.get("resumed"), ready
        _wait(line, lambda said: said.get("seq") == ROWS_OF_IT)
        return is_there, time.perf_counter() - began


def _lagging(server: Running) -> Goal:
    """From a customer's sending a line to a console's having it."""
    console = server.url.replace("/v1/session", "/v1/console")
    lags = []
    with connect(server.url) as customer, connect(console, max_size=None) as desk:
        session = _greeted(customer)
        desk.send(json.dumps({"type": "hello", "protocol": 1, "token": TOKEN, "name": "Bench"}))
        desk.send(json.dumps({"type": "watch", "session": session}))
        _wait(desk, lambda said: said["type"] == "opened")
        for number in range(LAGS):
            text = f"what is the fee for a wire transfer, aga{'i' * (number % 7)}n"
            began = time.perf_counter()
            customer.send(json.dumps({"type": "text", "text": text}))
            _wait(desk, _line(text))
            lags.append(time.perf_counter() - began)
            _wait(customer, lambda said: said["type"] == "reply")
    return Goal("a line of the customer at a console, p95", 1e3 * float(np.quantile(lags, 0.95)),
                100.0, "ms")  # fmt: skip


def _line(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda said: said["type"] == "item" and said["item"]["text"] == text


def _idle(server: Running) -> Goal:
    """Chats that have been greeted, and wait."""
    memory = Processes(server.process.pid)
    with ExitStack() as lines:
        _greeted(lines.enter_context(connect(server.url)))
        before = memory.memory_mib()
        for _ in range(CHATS):
            _greeted(lines.enter_context(connect(server.url)))
        used = memory.memory_mib() - before
    return Goal(f"{CHATS} idle chats, more memory", used, 300.0, "MiB")


def _greeted(line: ClientConnection) -> str:
    line.send(json.dumps({"type": "hello", "protocol": 1, "channel": "chat"}))
    session = _wait(line, lambda said: said["type"] == "ready")["session"]
    _wait(line, lambda said: said["type"] == "reply")
    return str(session)


def _wait(line: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        said: dict[str, Any] = json.loads(line.recv(timeout=PATIENCE_S))
        if wanted(said):
            return said


def _write_ten_minutes(store: Store) -> None:
    """Voice conversations as they are kept: half a second of sound in a row, turns of four seconds,
    each missed by the models and answered."""
    message = json.dumps({"type": "partial", "text": "ten minutes", "seq": 0})
    rows = [
        JournalRow(n, one.at, event_to_json(one), 0, (message.replace('"seq": 0', f'"seq": {n}'),))
        for n, one in enumerate(_ten_minutes(), 1)
    ]
    for session in SPOKEN:
        store.create_session(_record(session, "voice", ("customer",)))
        store.append_rows([(session, row) for row in rows], _now())


def _ten_minutes() -> Iterator[e.Input]:
    hops = round(PACKET_S * RATE / VOICE_HOP)
    quiet = np.zeros(hops * VOICE_HOP, np.float32)
    yield e.SessionOpened(0.0, "voice", ("customer",), True)
    ask = 0
    for step in range(STEPS):
        at = step * PACKET_S
        talks = at % TURN_S < SPEECH_S
        yield e.AudioReceived(at, "customer", quiet, (0.95 if talks else 0.02,) * hops)
        if at % TURN_S == ANSWERED_S:
            ask += 1
            yield e.UnderstandingFailed(at, ask, "failed")


def _record(id: str, channel: str, legs: tuple[str, ...]) -> SessionRecord:
    began = datetime.now(UTC) - timedelta(minutes=MINUTES)
    return SessionRecord(
        id=id,
        began_at=began.isoformat(),
        channel=channel,
        customer="",
        today=began.date().isoformat(),
        legs=legs,
        speak=bool(legs),
        pack=fingerprint(PACKAGE_DIR.parent / "dialogs" / "bank"),
        settings={},
        models={},
        token=hashlib.sha256(TOKEN.encode()).hexdigest(),
        state="live",
        recording=False,
        ended_at="",
        last_at=_now(),
        sealed="",
        audio=None,
        version=VERSION,
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
