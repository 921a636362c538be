"""Cost of durable and observed conversations: `hearken bench sessions`.

Measures appending a row to the journal; and, on a real server, resuming a conversation of ten
minutes after a restart, the delay from customer to console, and the memory of idle chats.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection, connect

from agent.config import PACKAGE_DIR
from agent.core.event_json import VERSION, JournalRow, event_to_json
from agent.core.inputs import AudioReceived, Input, SessionOpened, TextReceived, UnderstandingFailed
from agent.core.records import SessionRecord, utc_text
from agent.lab.bench.process_tree import ProcessTree
from agent.lab.bench.server_process import RunningServer, running_server
from agent.lab.goals import Goal
from agent.lab.progress import ReportProgress
from agent.store import Store
from agent.store.journal import Journal
from audio.types import RATE, VOICE_HOP
from dialogs.pack.fingerprint import fingerprint

APPENDED_ROWS = 5_000
SESSION_MINUTES = 10
ROW_AUDIO_S = 0.5  # audio without effects is journaled in rows of this length
VOICE_SESSION_IDS = tuple(f"{n:016x}" for n in range(1, 10))  # session ids are hexadecimal
TURN_PERIOD_S, SPEECH_S, FAILURE_OFFSET_S = (
    10,
    4,
    8,
)  # voice, then failure at this offset
AUDIO_ROWS = round(SESSION_MINUTES * 60 / ROW_AUDIO_S)
SESSION_ROWS = 1 + AUDIO_ROWS + SESSION_MINUTES * 60 // TURN_PERIOD_S
LAG_SAMPLES = 200
IDLE_CHATS = 500
TOKEN = "bench"
MESSAGE_TIMEOUT_S = 30.0


def measure_sessions(folder: Path, report_progress: ReportProgress) -> list[Goal]:
    """All figures, measured one after the other with files in `folder`.

    `report_progress` is called with the name of each step. BenchError when the server does not
    start.
    """
    store = Store(folder / "hearken.sqlite3")
    try:
        report_progress("appending rows")
        goals = [_measure_append(store)]
        _write_voice_sessions(store)
    finally:
        store.close()
    report_progress("starting a server")
    with running_server(folder, supervisor_token=TOKEN, max_sessions=str(2 * IDLE_CHATS)) as server:
        report_progress(f"{IDLE_CHATS} idle chats")
        idle = _measure_idle_memory(server)  # first, while there is no freed memory to reuse
        report_progress("a console looks on")
        lag = _measure_console_lag(server)
        report_progress("resuming ten minutes")
        return [*goals, *_measure_resume(server), lag, idle]


def _measure_append(store: Store) -> Goal:
    """Time from submitting a row until it is durable, one row at a time."""
    latencies_s = asyncio.run(_append_rows(store))
    return Goal.at_most(
        "append a row, p99", 2.0, 1000 * float(np.quantile(latencies_s, 0.99)), "ms"
    )


async def _append_rows(store: Store) -> list[float]:
    journal = Journal(store, _now)
    journal.start()
    store.create_session(_record("appended", "chat", ()))
    latencies_s = []
    for n in range(1, APPENDED_ROWS + 1):
        event_json = event_to_json(TextReceived(float(n), "what is the fee for a wire transfer"))
        began = time.perf_counter()
        await journal.append(
            "appended", JournalRow(n, float(n), event_json, 0, ("{}",), "[]", "0" * 64)
        )
        latencies_s.append(time.perf_counter() - began)
    await asyncio.to_thread(journal.stop)
    return latencies_s


def _measure_resume(server: RunningServer) -> list[Goal]:
    """Time from hello to `ready`, for which the session is rebuilt from its rows; and to the last
    re-sent message, for a client that has none of them."""
    latencies_s = np.array([_resume_once(server, session) for session in VOICE_SESSION_IDS])
    ready_ms, complete_ms = 1000 * np.median(latencies_s, axis=0)
    name = f"resume a voice session of {SESSION_MINUTES} min, median"
    return [
        Goal.at_most(name, 200.0, float(ready_ms), "ms"),
        Goal.at_most(f"{name}, with all its messages", 200.0, float(complete_ms), "ms"),
    ]


def _resume_once(server: RunningServer, session: str) -> tuple[float, float]:
    audio = {"encoding": "pcm_s16le", "rate": RATE, "channels": 1}
    resume = {"session": session, "token": TOKEN, "last_seq": 0}
    hello = {"type": "hello", "protocol": 1, "channel": "voice", "audio": audio, "resume": resume}
    with connect(server.session_url, compression=None, max_size=None) as connection:
        began = time.perf_counter()
        connection.send(json.dumps(hello))
        ready = json.loads(connection.recv(timeout=MESSAGE_TIMEOUT_S))
        ready_s = time.perf_counter() - began
        assert ready.get("resumed"), ready
        _receive_until(connection, lambda said: said.get("seq") == SESSION_ROWS)
        return ready_s, time.perf_counter() - began


def _measure_console_lag(server: RunningServer) -> Goal:
    """Time from a customer's sending a text until a console receives it."""
    console_url = server.session_url.replace("/v1/session", "/v1/console")
    lags = []
    with (
        connect(server.session_url) as customer,
        connect(console_url, max_size=None) as console_connection,
    ):
        session = _open_chat(customer)
        console_connection.send(
            json.dumps({"type": "hello", "protocol": 1, "token": TOKEN, "name": "Bench"})
        )
        console_connection.send(json.dumps({"type": "watch", "session": session}))
        _receive_until(console_connection, lambda said: said["type"] == "opened")
        for number in range(LAG_SAMPLES):
            text = f"what is the fee for a wire transfer, aga{'i' * (number % 7)}n"
            began = time.perf_counter()
            customer.send(json.dumps({"type": "text", "text": text}))
            _receive_until(console_connection, _is_customer_line(text))
            lags.append(time.perf_counter() - began)
            _receive_until(customer, lambda said: said["type"] == "reply")
    lag_ms = 1000 * float(np.quantile(lags, 0.95))
    return Goal.at_most("a line of the customer at a console, p95", 100.0, lag_ms, "ms")


def _is_customer_line(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda said: said["type"] == "item" and said["item"]["text"] == text


def _measure_idle_memory(server: RunningServer) -> Goal:
    """Memory of idle chats: greeted, then silent."""
    memory = ProcessTree(server.process.pid)
    with ExitStack() as connections:
        _open_chat(connections.enter_context(connect(server.session_url)))
        before = memory.memory_mib()
        for _ in range(IDLE_CHATS):
            _open_chat(connections.enter_context(connect(server.session_url)))
        used = memory.memory_mib() - before
    return Goal.at_most(f"{IDLE_CHATS} idle chats, more memory", 300.0, used, "MiB")


def _open_chat(connection: ClientConnection) -> str:
    connection.send(json.dumps({"type": "hello", "protocol": 1, "channel": "chat"}))
    session = _receive_until(connection, lambda said: said["type"] == "ready")["session"]
    _receive_until(connection, lambda said: said["type"] == "reply")
    return str(session)


def _receive_until(
    connection: ClientConnection, is_wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(connection.recv(timeout=MESSAGE_TIMEOUT_S))
        if is_wanted(message):
            return message


def _write_voice_sessions(store: Store) -> None:
    """Store voice conversations as a server journals them: half a second of audio per row, turns of
    four seconds, each of which the models failed to understand."""
    message = json.dumps({"type": "partial", "text": "ten minutes", "seq": 0})
    rows = [
        JournalRow(
            n, event.at, event_to_json(event), 0, (message.replace('"seq": 0', f'"seq": {n}'),)
        )
        for n, event in enumerate(_voice_session_events(), 1)
    ]
    for session in VOICE_SESSION_IDS:
        store.create_session(_record(session, "voice", ("customer",)))
        store.append_rows([(session, row) for row in rows], _now())


def _voice_session_events() -> Iterator[Input]:
    hops = round(ROW_AUDIO_S * RATE / VOICE_HOP)
    quiet = np.zeros(hops * VOICE_HOP, np.float32)
    yield SessionOpened(0.0, "voice", ("customer",), True)
    request_id = 0
    for step in range(AUDIO_ROWS):
        at = step * ROW_AUDIO_S
        talks = at % TURN_PERIOD_S < SPEECH_S
        yield AudioReceived(at, "customer", quiet, (0.95 if talks else 0.02,) * hops)
        if at % TURN_PERIOD_S == FAILURE_OFFSET_S:
            request_id += 1
            yield UnderstandingFailed(at, request_id, "failed")


def _record(id: str, channel: str, legs: tuple[str, ...]) -> SessionRecord:
    began = datetime.now(UTC) - timedelta(minutes=SESSION_MINUTES)
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
    return utc_text(datetime.now(UTC))
