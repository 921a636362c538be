"""What happens between one caller's socket and their conversation?

Says hello, begins a conversation or goes on with one (agent/runtime/registry.py), and then turns
messages into inputs. Queues are bounded; a client that does not read is dropped, and may come back;
whatever fails here ends this line alone.
"""

from __future__ import annotations

import asyncio
import secrets

import numpy as np
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.core import events as e
from agent.runtime.conversation import Live, Over
from agent.runtime.outbound import Outgoing
from agent.runtime.registry import CannotResume, Lives
from agent.runtime.services import House
from agent.wire.messages import Audio, Hello
from agent.wire.native import NOT_ALLOWED, OVERLOADED, NativeWire, Sound, WireError
from audio.types import RATE, VOICE_HOP
from audio.voice_input import Hops, Intake

FLUSH_S = 1.0  # for what has been said before a conversation failed
MISTAKES = 20  # of one client, before it is sent away
FULL_SCALE = np.float32(
    32768
)  # samples are whole multiples of 1 / FULL_SCALE, as a recording can hold them


class Line:
    """One socket, and the conversation it is attached to."""

    def __init__(self, house: House, lives: Lives, socket: ServerConnection) -> None:
        self.house = house
        self.lives = lives
        self.socket = socket
        self.wire = NativeWire()
        self.live: Live | None = None
        self.streams = 0  # legs of live audio
        self._out = Outgoing(socket, house.settings.max_outbox, house.settings.write_s)
        self._mistakes = 0

    @property
    def id(self) -> str:
        """The session's, once there is one."""
        return self.live.id if self.live else ""

    @property
    def now(self) -> float:
        return self.live.now if self.live else 0.0

    async def run(self) -> None:
        """Serve the line until either side ends it."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._read()
                raise Over
        except* (Over, ConnectionClosed):
            pass
        except* TimeoutError:
            self.house.metrics.refused.labels("slow_reader").inc()
            await self.socket.close(NOT_ALLOWED, "you read more slowly than we answer")
        finally:
            if self.live is not None:
                self.live.detach(self._out)

    # -- what comes in -------------------------------------------------------------------------

    async def _read(self) -> None:
        hello = await self._hello()
        if hello is None:
            return
        intake = await self._open(hello)
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
                self._say(said, self.wire.number)
        except WireError as error:
            self._tell(error)

    def _say(self, event: e.Input, number: int) -> None:
        """Once: a client that resumes sends again what it was not told we have."""
        assert self.live is not None
        if number and number <= self.live.diary.progress.client:
            return
        self.live.feed(event, number)
        if number:
            received = self.wire.notice("received", self.now, received=number)
            self._out.message(received, self.live.diary.kept)

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

    # -- the conversation ----------------------------------------------------------------------

    async def _open(self, hello: Hello) -> Intake | None:
        if refusal := await self._cannot_resume(hello):
            self._began(hello)
            if hello.resume is not None:
                self._tell(WireError("cannot_resume", f"{refusal} This is a new one."))
        assert self.live is not None
        await self.live.begun.wait()
        audio = hello.audio
        legs = audio.legs if audio else ()
        return self.house.engine.intake(audio.encoding, audio.rate, legs) if audio else None

    def _began(self, hello: Hello) -> None:
        live, token = self.lives.begin(hello)
        self._attach(live, hello)
        self._out.message(self._ready(live, hello, token))
        self.house.metrics.opened.labels(hello.channel).inc()

    async def _cannot_resume(self, hello: Hello) -> str:
        """Why the conversation the client asks for does not go on here; empty when it does."""
        if hello.resume is None:
            return "No session was named."
        try:
            live = await self.lives.resume(hello.resume)
            _fits(live, hello)
        except CannotResume as why:
            return str(why)
        missed = await live.diary.missed(hello.resume.last_seq)
        self._attach(live, hello)
        received = live.diary.progress.client
        ready = self._ready(live, hello, hello.resume.token, received=received, resumed=True)
        shown = [live.vault.message(message) for message in missed]
        self._out.begins(ready, shown, live.diary.kept)
        live.resumed()
        return ""

    def _attach(self, live: Live, hello: Hello) -> None:
        self.live = live
        audio = hello.audio if hello.speak else None
        self._out.opens(audio, live.person_speaks)
        live.attach(self._out)
        self._tasks.create_task(self._out.write(self._closed))
        self._tasks.create_task(self._out.farewell())
        self._tasks.create_task(self._watch(live))
        if audio is not None:
            spoken = self._out.speak(self.house.engine, audio, live.speech, live.spoken)
            self._tasks.create_task(spoken)

    def _ready(self, live: Live, hello: Hello, token: str, **more: object) -> str:
        fields = {
            "session": live.id,
            "resume_token": token,
            "models": self.house.engine.names,
            "audio": _formats(hello.audio, hello.speak),
        }
        return self.wire.notice("ready", live.now, **fields, **more)

    async def _watch(self, live: Live) -> None:
        """When the conversation itself fails, so does its line."""
        task = self.lives.task(live)
        await asyncio.wait([task])
        if not task.cancelled() and (failure := task.exception()) is not None:
            await self._out.flush(FLUSH_S)
            raise failure

    async def _hear(self, intake: Intake | None, sound: Sound) -> None:
        assert intake is not None
        assert self.live is not None
        for hops in await self.house.engine.hear(intake, sound.data):
            self.house.metrics.audio.inc(len(hops.samples) / RATE)
            self.live.feed(_heard(hops, self.now))
        if (odd := self.wire.odd_bytes()) is not None:
            self._tell(odd)

    def _tell(self, error: WireError) -> None:
        self.house.metrics.errors.labels(error.code).inc()
        self._out.message(self.wire.error(error, self.now))
        self._mistakes += 1
        if self._mistakes >= MISTAKES:
            text = f"{MISTAKES} messages could not be accepted; read the errors and try again"
            self._out.end(e.Close(NOT_ALLOWED, text))

    def _closed(self, code: int) -> None:
        self.house.metrics.closed.labels(str(code)).inc()


def _heard(hops: Hops, at: float) -> e.Heard:
    """As it is heard, felt and recorded: nothing is finer than a recording can hold."""
    samples = np.rint(hops.samples * FULL_SCALE)
    np.maximum(samples, -FULL_SCALE, out=samples)  # np.clip takes five times as long on so few
    np.minimum(samples, FULL_SCALE - 1, out=samples)
    samples /= FULL_SCALE
    assert len(samples) % VOICE_HOP == 0
    return e.Heard(at, hops.leg, samples, tuple(round(p, 4) for p in hops.speech))


def _fits(live: Live, hello: Hello) -> None:
    """A conversation goes on over the channel it began on."""
    legs = hello.audio.legs if hello.audio else ()
    if (hello.channel, legs) != (live.record.channel, tuple(live.record.legs)):
        raise CannotResume("A session goes on over the channel it began on.")


def _formats(audio: Audio | None, speak: bool) -> dict[str, object] | None:
    if audio is None:
        return None
    heard = {"encoding": audio.encoding, "rate": audio.rate, "channels": audio.channels}
    spoken = {"encoding": audio.encoding, "rate": audio.rate, "channels": 1}
    return {"in": {**heard, "legs": audio.legs}, "out": spoken if speak else None}
