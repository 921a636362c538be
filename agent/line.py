"""What happens between one caller's socket and their session?

Decodes messages into inputs, gives them to the `Session`, and carries out the effects that come
back: the models, the bank, the queue of those who wait for a person, and what is sent. Queues are
bounded; a client that does not read is dropped; whatever fails here ends this line alone.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent import events as e
from agent.actions import Actions
from agent.admission import Admission
from agent.config import Settings
from agent.engine import Engine, NoAnswer
from agent.metrics import Metrics
from agent.notes import Note
from agent.outgoing import Outgoing
from agent.session import Session, SessionRules
from agent.store import Store
from agent.wire.messages import Audio, Hello
from agent.wire.native import NOT_ALLOWED, OVERLOADED, NativeWire, Sound, WireError
from audio.intake import Intake
from audio.types import RATE
from dialogs.flow import Dialogue
from dialogs.pack import Pack
from dialogs.talk import ActionCall

MISTAKES = 20  # of one client, before it is sent away


@dataclass(frozen=True, slots=True)
class House:
    """What all lines of a process share. `clock` counts seconds, `today` is the wall's."""

    settings: Settings
    pack: Pack
    engine: Engine
    admission: Admission
    actions: Actions
    store: Store
    metrics: Metrics
    rules: SessionRules
    clock: Callable[[], float]
    today: Callable[[], datetime]


class _Over(Exception):
    """The conversation has ended; ends the tasks of its line."""


class Line:
    """One socket, one session, and the tasks between them."""

    def __init__(self, house: House, socket: ServerConnection) -> None:
        self.house = house
        self.socket = socket
        self.id = secrets.token_hex(8)
        self.wire = NativeWire()
        self.session: Session | None = None
        self.streams = 0  # legs of live audio
        self._began = house.clock()
        self._out = Outgoing(socket, house.settings.max_outbox, house.settings.write_s)
        self._changed = asyncio.Event()  # the session's deadline is earlier now than it was,
        self._wakes_at = 0.0  # when its clock last looked
        self._speech_began = 0.0
        self._mistakes = 0
        self._notes: deque[Note] = deque()  # not kept yet

    @property
    def now(self) -> float:
        """Seconds since this session began."""
        return self.house.clock() - self._began

    async def run(self) -> None:
        """Serve the line until either side ends it."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._out.write(self._closed))
                await self._read()
                raise _Over
        except* (_Over, ConnectionClosed):
            pass
        except* (TimeoutError, asyncio.QueueFull):
            self.house.metrics.refused.labels("slow_reader").inc()
            await self.socket.close(NOT_ALLOWED, "you read more slowly than we answer")
        finally:
            if self.session is not None:
                self._feed(e.Left(self.now))
                self.house.engine.leave(self.id)
                await asyncio.to_thread(self._keep)
                await asyncio.to_thread(self.house.store.left, self.id)

    # -- what comes in -------------------------------------------------------------------------

    async def _read(self) -> None:
        hello = await self._hello()
        if hello is None:
            return
        intake = self._open(hello)
        try:
            async for message in self.socket:
                await self._take(message, intake)
        finally:
            if intake is not None:
                self.house.engine.close(intake)

    async def _take(self, message: str | bytes, intake: Intake | None) -> None:
        try:
            said = self.wire.decode(message, self.now)
            if isinstance(said, Sound):
                await self._hear(intake, said)
            elif not isinstance(said, Hello):
                self._feed(said)
        except WireError as error:
            self._tell(error)

    async def _hello(self) -> Hello | None:
        try:
            async with asyncio.timeout(self.house.settings.hello_s):
                said = self.wire.decode(await self.socket.recv(), 0.0)
        except TimeoutError:
            await self._refuse(WireError("no_hello", "No hello came in time.", NOT_ALLOWED))
            return None
        except WireError as error:
            await self._refuse(error)
            return None
        assert isinstance(said, Hello)  # decode lets nothing else through before it
        expected = self.house.settings.token.get_secret_value()
        if expected and not secrets.compare_digest(expected.encode(), said.token.encode()):
            await self._refuse(WireError("bad_token", "hello's token is not valid.", NOT_ALLOWED))
            return None
        legs = len(said.audio.legs) if said.audio else 0
        if legs and self.house.admission.deaf(legs, self.house.engine.load):
            await self._refuse(WireError("overloaded", self._busy(), OVERLOADED))
            return None
        self.streams = legs
        self.house.admission.listen(legs)
        return said

    def _busy(self) -> str:
        return f"all lines are busy; try again in {self.house.admission.wait_s} seconds"

    async def _refuse(self, error: WireError) -> None:
        self.house.metrics.refused.labels(error.code).inc()
        await self.socket.send(self.wire.error(error, self.now))
        await self.socket.close(error.close or NOT_ALLOWED, error.message[:120])

    def _open(self, hello: Hello) -> Intake | None:
        house, audio = self.house, hello.audio
        chance = int(self.id[:13], 16) / 16**13  # the id comes from `secrets`: even in [0, 1)
        dialogue = Dialogue(house.pack, self.id, house.today().date(), hello.channel, chance)
        self.session = Session(dialogue, house.rules)
        fields = {
            "session": self.id,
            "resume_token": secrets.token_urlsafe(24),
            "models": house.engine.names,
            "audio": _formats(audio, hello.speak),
        }
        self._out.message(self.wire.message("ready", self.now, **fields))
        if hello.resume is not None:
            self._tell(WireError("cannot_resume", "That session is over; this is a new one."))
        house.metrics.opened.labels(hello.channel).inc()
        self._tasks.create_task(self._clock())
        if audio is not None:
            spoken = self._out.speak(house.engine, audio, self._mark, self._sounding)
            self._tasks.create_task(spoken)
        customer = e.Customer(hello.customer.id, hello.customer.name)
        legs = audio.legs if audio else ()
        self._feed(e.Opened(self.now, hello.channel, legs, hello.speak, customer))
        return house.engine.intake(audio.encoding, audio.rate, legs) if audio else None

    async def _hear(self, intake: Intake | None, sound: Sound) -> None:
        assert intake is not None  # the wire refuses sound that was not declared
        for hops in await self.house.engine.hear(intake, sound.data):
            self.house.metrics.audio.inc(len(hops.samples) / RATE)
            self._feed(e.Heard(self.now, hops.leg, hops.samples, hops.speech))
        if (odd := self.wire.odd_bytes()) is not None:
            self._tell(odd)

    def _tell(self, error: WireError) -> None:
        self.house.metrics.errors.labels(error.code).inc()
        self._out.message(self.wire.error(error, self.now))
        self._mistakes += 1
        if self._mistakes >= MISTAKES:
            text = f"{MISTAKES} messages could not be accepted; read the errors and try again"
            self._close(e.Close(NOT_ALLOWED, text))

    # -- the session ---------------------------------------------------------------------------

    def _feed(self, event: e.Input) -> None:
        assert self.session is not None
        for effect in self.session.receive(event):
            self._do(effect)
        if self.session.deadline < self._wakes_at:
            self._changed.set()

    def _do(self, effect: e.Effect) -> None:
        match effect:
            case e.Listen():
                self.house.engine.listen(self.id, effect, partial(self._partial, effect.stream))
            case e.Forget(stream):
                self.house.engine.forget(self.id, stream)
            case e.Understand():
                self._tasks.create_task(self._understand(effect))
            case e.Act(call):
                self._tasks.create_task(self._act(call))
            case e.Hush(turn):
                self._out.hush(turn)
            case e.Say(aloud=True):
                self._out.say(effect)
            case e.HandOver(state="requested"):
                self._tasks.create_task(self._queue(effect))
            case e.Remember(note):
                self._notes.append(note)
                self._tasks.create_task(asyncio.to_thread(self._keep))
            case e.Close():
                self._close(effect)
                return
            case _:
                pass
        for message in self.wire.encode(effect, self.now):
            self._out.message(message)

    def _partial(self, stream: int, text: str) -> None:
        if self.session is not None and not self.session.closed:
            self._feed(e.Partial(self.now, stream, text))

    async def _clock(self) -> None:
        assert self.session is not None
        while True:
            self._wakes_at = self.session.deadline
            wait = self._wakes_at - self.now
            with suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait) else wait):
                    await self._changed.wait()
            self._changed.clear()
            if self.session.deadline <= self.now:
                self._feed(e.Tick(self.now))

    async def _understand(self, effect: e.Understand) -> None:
        house, asked = self.house, self.now
        assert self.session is not None
        today = self.session.dialogue.today
        try:
            answer = await house.engine.understand(self.id, effect, today, asked)
        except NoAnswer as missing:
            house.metrics.missed.labels(missing.why).inc()
            self._feed(e.Missed(self.now, effect.ask, missing.why))
            return
        house.metrics.turns.labels(self.session.talk.channel).inc()
        house.metrics.answer.labels(self.session.talk.channel).observe(self.now - asked)
        self._feed(e.Understood(self.now, effect.ask, answer.understanding, answer.transcript))

    async def _act(self, call: ActionCall) -> None:
        outcome = await asyncio.to_thread(self.house.actions.perform, call)
        self._feed(e.Acted(self.now, outcome))

    async def _queue(self, effect: e.HandOver) -> None:
        house = self.house
        now = house.today().isoformat(timespec="seconds")
        house.metrics.handoffs.labels(effect.escalation.rule).inc()
        place = await asyncio.to_thread(
            house.store.queue, self.id, effect.id, effect.escalation, now
        )
        self._feed(e.Queued(self.now, effect.id, place, place * house.settings.wait_s))

    def _keep(self) -> None:
        """Write down what is not kept yet; called in a thread, and once more at the end, since a
        task may be cancelled before its thread has begun."""
        notes: list[Note] = []
        with suppress(IndexError):  # two threads may take from it at once
            while True:
                notes.append(self._notes.popleft())
        if notes:
            now = self.house.today().astimezone(UTC).isoformat(timespec="seconds")
            self.house.store.remember(self.id, notes, now)

    # -- what goes out -------------------------------------------------------------------------

    def _mark(self, turn: int, state: str) -> str:
        self._speech_began = self.now if state == "start" else self._speech_began
        return self.wire.message("speech", self.now, turn=turn, state=state)

    def _sounding(self, turn: int, ms: int) -> None:
        self._feed(e.Speaking(self._speech_began, turn, ms))

    def _close(self, effect: e.Close) -> None:
        farewell = self._out.close(effect, lambda: self.wire.encode(effect, self.now))
        self._tasks.create_task(farewell)

    def _closed(self, code: int) -> None:
        self.house.metrics.closed.labels(str(code)).inc()


def _formats(audio: Audio | None, speak: bool) -> dict[str, object] | None:
    if audio is None:
        return None
    heard = {"encoding": audio.encoding, "rate": audio.rate, "channels": audio.channels}
    spoken = {"encoding": audio.encoding, "rate": audio.rate, "channels": 1}
    return {"in": {**heard, "legs": audio.legs}, "out": spoken if speak else None}
