"""Which conversations are alive in this process, and how does one come back?

`begin` starts a new one. `resume` finds one whose connection was lost: in this process, or in the
store after a restart; then it is made anew by feeding its rows to a new session, and what had been
under way is taken up: questions are asked again, actions carried out again under the same keys.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agent.core import events as e
from agent.core.event_json import VERSION, Row, WrittenError, read
from agent.core.session import Session
from agent.core.session_factory import opening
from agent.privacy.vault import SealError, Vault
from agent.runtime.conversation import Live
from agent.runtime.event_recorder import RECENT, Progress
from agent.runtime.services import House, utc
from agent.store import SessionRecord
from agent.wire.messages import Hello, Resume

log = logging.getLogger("hearken.lives")


class CannotResume(Exception):
    """That session cannot be gone on with; the text says why."""


class Lives(Mapping[str, Live]):
    """Every conversation of this process, by session id. For its event loop alone."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lives: dict[str, Live] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._coming: dict[str, asyncio.Task[Live]] = {}  # made anew just now
        house.journal.erased = self._erased

    def __getitem__(self, id: str) -> Live:
        return self._lives[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lives)

    def __len__(self) -> int:
        return len(self._lives)

    def task(self, live: Live) -> asyncio.Task[None]:
        """The life of one: done when the conversation is over, or failed."""
        return self._tasks[live.id]

    def begin(self, hello: Hello) -> tuple[Live, str]:
        """A new conversation, and the token it can be resumed with."""
        house, id, token = self._house, secrets.token_hex(8), secrets.token_urlsafe(24)
        record = _record(house, id, token, hello)
        session = opening(house.pack, record, house.rules)
        live = Live(house, record, session, Vault(house.pack, secrets.token_bytes(32)), token)
        house.journal.do(lambda: house.store.begin(record))
        customer = e.Customer(hello.customer.id, hello.customer.name)
        legs = hello.audio.legs if hello.audio else ()
        opened = e.Opened(live.now, hello.channel, legs, hello.speak, customer)
        self._start(live, lambda: live.feed(opened))
        return live, token

    async def resume(self, asked: Resume) -> Live:
        """The conversation a client wants to go on with; CannotResume when it cannot."""
        if (live := self._lives.get(asked.session)) is not None:
            if not _same(live.record, asked.token):
                raise CannotResume("That session is over.")  # no more is said to who has no token
            if live.session.closed:
                raise CannotResume("That session is over.")
            return live
        coming = self._coming.get(asked.session)
        if coming is None:
            coming = asyncio.create_task(self._anew(asked))
            self._coming[asked.session] = coming
            coming.add_done_callback(lambda _: self._coming.pop(asked.session, None))
        return await asyncio.shield(coming)

    async def _anew(self, asked: Resume) -> Live:
        house = self._house
        record = await asyncio.to_thread(house.store.session, asked.session)
        if record is None or record.state != "live":
            raise CannotResume("That session is over.")
        if not _same(record, asked.token):
            raise CannotResume("That session is over.")  # no more is said to who has no token
        if record.version != VERSION:
            raise CannotResume("That session was begun by another version of this program.")
        if record.pack != house.pack_digest:
            raise CannotResume("What we can do has changed since; please begin again.")
        try:
            again = await asyncio.to_thread(_rebuilt, house, record, asked.token)
        except (SealError, WrittenError) as broken:
            log.error("a session cannot be made anew", extra={"session": record.id})
            raise CannotResume("That session could not be restored.") from broken
        if not again.progress.rows:  # the process ended before anything of it was on disk
            raise CannotResume("That session had not begun; this is a new one.")
        live = Live(
            house,
            record,
            again.session,
            again.vault,
            asked.token,
            again.progress,
            again.at,
            again.positions,
        )
        live.diary.told(again.told)
        self._start(live, lambda: _take_up(live, again))
        await live.begun.wait()
        return live

    def _start(self, live: Live, begin: Callable[[], None]) -> None:
        """Its first input has been given, or what was open taken up, when this returns."""
        self._lives[live.id] = live
        task = asyncio.create_task(live.run(begin), name=live.id)
        self._tasks[live.id] = task
        task.add_done_callback(lambda done: self._over(live, done))

    def _over(self, live: Live, done: asyncio.Task[None]) -> None:
        self._lives.pop(live.id, None)
        self._tasks.pop(live.id, None)
        if not done.cancelled() and (failure := done.exception()) is not None:
            kind = type(failure).__name__
            log.error("a conversation failed", extra={"session": live.id, "failure": kind})

    def _erased(self, id: str) -> None:
        """Nothing is kept of it any more, so it cannot go on."""
        if (live := self._lives.get(id)) is not None:
            live.erased()

    async def stop(self) -> None:
        """Leave all where they are; they can be resumed with another process."""
        tasks = list(self._tasks.values())
        for live in self._lives.values():
            live.stopped = True
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


@dataclass(frozen=True, slots=True)
class _Again:
    """A session made anew: what was under way when its process stopped."""

    session: Session
    vault: Vault
    progress: Progress
    at: float
    asks: tuple[e.Understand, ...]
    acts: tuple[e.Act, ...]
    requests: tuple[e.HandOver, ...]
    waits: Mapping[int, float]  # by hand-over, since when
    present: bool
    positions: Mapping[str, int]  # by leg, of the next sample
    told: deque[str]  # the last messages


def _rebuilt(house: House, record: SessionRecord, token: str) -> _Again:
    vault = (
        Vault.opened(house.pack, record.sealed, token)
        if record.sealed
        else Vault(house.pack, secrets.token_bytes(32))
    )
    session, progress, at = opening(house.pack, record, house.rules), Progress(), 0.0
    asks: dict[int, e.Understand] = {}
    acts: dict[str, e.Act] = {}
    requests: dict[int, e.HandOver] = {}
    waits: dict[int, float] = {}
    told: deque[str] = deque(maxlen=RECENT)
    present = True
    positions = dict.fromkeys(record.legs, 0)
    for row in house.store.rows(record.id):
        event = read(row.input)
        _settle(event, asks, acts, requests)
        if isinstance(event, e.Queued):
            waits[event.id] = event.at
        _advance(event, positions)
        match event:
            case e.Dropped():
                present = False
            case e.Resumed():
                present = True
        for effect in session.receive(event):
            match effect:
                case e.Understand():
                    asks[effect.ask] = effect
                case e.Act(call):
                    acts[call.key] = effect
                case e.HandOver(state="requested"):
                    requests[effect.id] = effect
        _count(progress, row)
        told.extend(row.messages)
        at = max(at, row.at)
    open_asks = tuple(asks.values())
    return _Again(
        session, vault, progress, at, open_asks, tuple(acts.values()), tuple(requests.values()),
        waits, present, positions, told,
    )  # fmt: skip


def _settle(
    event: e.Input,
    asks: dict[int, e.Understand],
    acts: dict[str, e.Act],
    requests: dict[int, e.HandOver],
) -> None:
    match event:
        case e.Understood(ask=ask) | e.Missed(ask=ask):
            asks.pop(ask, None)
        case e.Acted(outcome=outcome):
            acts.pop(outcome.key, None)
        case e.Queued(id=id) | e.Unreached(id=id):
            requests.pop(id, None)


def _advance(event: e.Input, positions: dict[str, int]) -> None:
    match event:
        case e.Heard(leg=leg, samples=samples):
            positions[leg] += len(samples)
        case e.Resumed(missed=missed):
            positions.update({leg: at + missed for leg, at in positions.items()})


def _count(progress: Progress, row: Row) -> None:
    progress.rows = row.n
    progress.client = max(progress.client, row.client)
    progress.seq += len(row.messages)


def _take_up(live: Live, again: _Again) -> None:
    """Go on with what had been begun. Turns whose sound is gone are said to be missed."""
    if again.present:  # the process ended before it saw the connection go
        live.feed(e.Dropped(live.now))
    for ask in again.asks:
        if ask.stream is None:
            live.redo(ask)
        else:
            live.feed(e.Missed(live.now, ask.ask, "failed"))
    for act in again.acts:
        live.redo(act)
    for request in again.requests:
        live.redo(request)
    ownership = live.session.ownership
    for number in () if ownership.person else ownership.asked_for:
        if number in again.waits:
            live.waiting.queued(number, again.waits[number])
    if ownership.person:  # their console was cut off, too
        live.feed(e.Abandoned(live.now, ownership.name))


def _record(house: House, id: str, token: str, hello: Hello) -> SessionRecord:
    now = house.today()
    audio = hello.audio
    return SessionRecord(
        id=id,
        began_at=now.isoformat(),
        channel=hello.channel,
        customer=hello.customer.id,
        today=now.date().isoformat(),
        legs=audio.legs if audio else (),
        speak=hello.speak,
        pack=house.pack_digest,
        settings=_settings(house),
        models=house.engine.names,
        token=_digest(token),
        state="live",
        recording=house.pack.privacy.may_record(agreed=False),
        ended_at="",
        last_at=utc(now),
        sealed="",
        audio=audio.model_dump(mode="json") if audio else None,
        version=VERSION,
    )


def _settings(house: House) -> dict[str, str]:
    """The settings that decisions depend on."""
    return {name: house.settings.shown()[name] for name in ("turns", "answer_s", "precision")}


def _same(record: SessionRecord, token: str) -> bool:
    return secrets.compare_digest(record.token, _digest(token))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
