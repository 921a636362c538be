"""What happens between one console's socket and the conversations it looks at?

Says hello, turns messages into what a person does (agent/console/takeover.py), and shows what
happens (agent/console/subscriptions.py). Everything to the console goes through one bounded queue;
one that is too slow is told `lost` and opens again what it looks at. Whatever fails here ends this
console alone.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from agent.console import takeover
from agent.console.subscriptions import Following
from agent.console.takeover import Somebody
from agent.console.voice_bridge import Talking
from agent.runtime.conversation import REPLACED, Live, Over
from agent.runtime.event_bus import Happened
from agent.runtime.registry import Lives
from agent.runtime.services import House
from agent.wire import console as c
from agent.wire.native import NOT_ALLOWED, Sound, WireError

MISTAKES = 20  # of one console, before it is sent away


@dataclass(slots=True)
class Room:
    """Everybody who is logged in, by name; `changed` when their lists may be others now."""

    seats: dict[str, Seat] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Seat:
    """One console of somebody who has said hello."""

    def __init__(
        self,
        house: House,
        lives: Lives,
        room: Room,
        socket: ServerConnection,
        wire: c.ConsoleWire,
        who: Somebody,
    ) -> None:
        self.who = who
        self._house = house
        self._lives = lives
        self._room = room
        self._socket = socket
        self._wire = wire
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue(house.settings.max_outbox)
        self._shown: dict[str, str] = {}  # by list: what was shown last
        self._following = Following(house, lives, who, self.tell)
        self._talking = Talking(who)
        self._floor = house.floor.subscribe()
        self._replaced = asyncio.Event()
        self._mistakes = 0

    async def run(self) -> None:
        """Serve until either side ends it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for task in (self._write(), self._follow(), self._make_room()):
                    tasks.create_task(task)
                tasks.create_task(self._talking.listen(self._sound))
                async for message in self._socket:
                    await self._take(message)
                raise Over
        except* (Over, ConnectionClosed):
            pass
        except* TimeoutError:
            self._house.metrics.refused.labels("slow_reader").inc()
            await self._socket.close(NOT_ALLOWED, "this console reads more slowly than we write")
        finally:
            self._house.floor.unsubscribe(self._floor)
            self._talking.end()

    # -- what goes out -------------------------------------------------------------------------

    def tell(self, message: str) -> None:
        """Send this after what came before it; a console with too much unread loses all of it."""
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            self._lose()

    def show(self, type: str, known: str, message: str) -> None:
        """One of the lists, unless it is the one that was shown last; `known` is compared."""
        if type not in self._shown or self._shown[type] != known:
            self._shown[type] = known
            self.tell(message)

    def replace(self) -> None:
        """The same person has logged in elsewhere: this console is closed."""
        self._replaced.set()

    def _lose(self) -> None:
        while not self._outbox.empty():
            self._outbox.get_nowait()
        self._following.leave_all()
        self._talking.end()
        self._shown.clear()
        self._outbox.put_nowait(c.encode("lost"))
        self._house.metrics.errors.labels("lost").inc()
        self._room.changed.set()

    def _sound(self, pcm: bytes) -> None:
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait(pcm)

    async def _write(self) -> None:
        while True:
            message = await self._outbox.get()
            async with asyncio.timeout(self._house.settings.write_s):
                await self._socket.send(message)

    async def _make_room(self) -> None:
        await self._replaced.wait()
        await self._socket.close(REPLACED, "you have logged in somewhere else")

    async def _follow(self) -> None:
        while True:
            happened: Happened | None = await self._floor.get()
            if happened is None:
                self._floor = self._house.floor.subscribe()
                self._lose()
                continue
            await self._following.happened(happened)
            self._talking.owned()

    # -- what comes in -------------------------------------------------------------------------

    async def _take(self, message: str | bytes) -> None:
        try:
            said = self._wire.decode(message)
        except WireError as wrong:
            await self._mistaken(wrong)
            return
        try:
            if isinstance(said, Sound):
                self._talking.speak(said.data)
            elif not isinstance(said, c.ConsoleHello):
                await self._do(said)
        except WireError as refused:
            self.tell(c.error(refused))

    async def _mistaken(self, wrong: WireError) -> None:
        self._house.metrics.errors.labels(wrong.code).inc()
        self.tell(c.error(wrong))
        self._mistakes += 1
        if self._mistakes >= MISTAKES:
            text = f"{MISTAKES} messages could not be accepted; read the errors and try again"
            await self._socket.close(NOT_ALLOWED, text)

    async def _do(self, said: c.ConsoleMessage) -> None:
        house, who = self._house, self.who
        match said:
            case c.Watch(session=session):
                await self._following.watch(session)
            case c.Unwatch():
                self._following.unwatch()
            case c.Accept(session=session, id=number):
                await self.accept(session, number)
            case c.TakeOver(session=session):
                await takeover.take_over(house, self._live(session), who)
                await self._following.open(session)
            case c.SayMessage(session=session, text=text):
                takeover.say(self._live(session), who, text)
            case c.HandBack(session=session):
                takeover.hand_back(house, self._live(session), who)
            case c.CloseMessage(session=session, outcome=outcome):
                takeover.close(house, self._live(session), who, outcome)
            case c.Whisper(session=session, text=text):
                self._whisper(self._live(session), text)
            case c.Voice(session=session, on=True):
                self._talking.begin(self._live(session))
            case c.Voice(session=session):
                self._talking.end(session)

    async def accept(self, session: str, number: int) -> None:
        """Take a hand-over from the queue; WireError when it is not to be had."""
        if session in self._lives:
            await takeover.accept(self._house, self._live(session), number, self.who)
        else:
            await takeover.take_on(self._house, session, number, self.who)
            self._room.changed.set()
        await self._following.open(session)

    def _live(self, session: str) -> Live:
        live = self._lives.get(session)
        if live is None or live.session.closed:
            raise takeover.over()
        return live

    def _whisper(self, live: Live, text: str) -> None:
        """To the console of whoever owns the conversation, and nowhere near the conversation."""
        if self.who.role != "supervisor":
            raise WireError("not_allowed", "Only a supervisor may whisper.")
        ownership = live.session.ownership
        heard = self._room.seats.get(ownership.name) if ownership.person else None
        if heard is None:
            raise WireError("nobody", "Nobody is there to hear it.")
        whispered = c.encode("whisper", session=live.id, name=self.who.name, text=text)
        for seat in {heard, self}:
            seat.tell(whispered)


async def greeted(
    house: House, socket: ServerConnection, wire: c.ConsoleWire
) -> Somebody | WireError:
    """Who says hello there, or why they are not let in."""
    try:
        async with asyncio.timeout(house.settings.hello_s):
            hello = wire.decode(await socket.recv())
    except TimeoutError:
        return WireError("no_hello", "No hello came in time.", NOT_ALLOWED)
    except WireError as wrong:
        return wrong
    assert isinstance(hello, c.ConsoleHello)  # decode lets nothing else through before it
    settings = house.settings
    tokens: Sequence[tuple[c.Role, str]] = (
        ("supervisor", settings.supervisor_token.get_secret_value()),
        ("person", settings.agent_token.get_secret_value()),
    )
    for role, token in tokens:
        if token and secrets.compare_digest(token.encode(), hello.token.encode()):
            return Somebody(hello.name, role)
    return WireError("bad_token", "This token is not valid.", NOT_ALLOWED)
