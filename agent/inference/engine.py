"""How does the event loop use models without ever waiting for one?

Hearing (bytes to hops with voice activity) and speaking (espeak-ng is not reentrant) have a thread
each; encoder, transcriber and mind are in a process of their own behind a socket
(agent/inference/worker.py). Questions have a deadline and a bounded queue. A model that raises, is
late or is overloaded becomes `NoAnswer`, which the session hears as `Missed`; other sessions do not
notice. When the process of the models ends, another is started and told all it needs to go on:
customers notice a pause.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

from agent.core.events import Listen, Understand
from agent.inference.in_flight import Kept
from agent.inference.messages import (
    Answer,
    Answered,
    Costs,
    Forgotten,
    FromModels,
    Gone,
    Heard,
    Load,
    Lost,
    Measure,
    Question,
    Ready,
    ToModels,
    Unable,
)
from agent.inference.transport import Link
from agent.inference.vad_batcher import Packets
from agent.inference.worker import Launch, Worker
from audio.codecs import Encoding, encode
from audio.speak import Voice
from audio.types import RATE, Leg, Samples
from audio.voice_input import Hops, Intake

log = logging.getLogger("hearken.engine")

CHUNK_S = 0.1  # of speech in one binary message
SILENT_S = 20.0  # without a word from the models, which report every second, they hang
AGAIN_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)  # before models that ended too soon are started again
SOON_S = 20.0
MEASURED_S = 120.0  # large models on a small machine take half a minute
MEASURED = "I would like to transfer some money from my savings account to my checking account."

T = TypeVar("T")


class NoAnswer(RuntimeError):
    """The models did not answer in time, or at all."""

    def __init__(self, why: Literal["late", "overloaded", "failed"]) -> None:
        super().__init__(why)
        self.why: Literal["late", "overloaded", "failed"] = why


class ModelsError(RuntimeError):
    """The models could not be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class EngineRules:
    answer_s: float = 5.0  # a model slower than this is `Missed`
    asks_waiting: int = 1024  # questions to the models, of all callers together
    voice: str = "en-us"


class Engine:
    """The models, for the event loop of this process."""

    def __init__(self, launch: Launch, rules: EngineRules) -> None:
        self.rules = rules
        self.load = Load(0.0, 0.0, True, True)
        self.restarts = 0
        self._launch = launch
        self._hearing = Packets()
        self._speaking = ThreadPoolExecutor(1, "speaking")
        self._voice: Voice | None = None
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._measured: asyncio.Future[Costs] | None = None
        self._link: Link | None = None
        self._names: Mapping[str, str] = {}
        self._kept = Kept(RATE, 0)  # replaced by one that knows the encoder's hop
        self._life: asyncio.Task[None] | None = None
        self._loaded: asyncio.Future[None] | None = None

    @property
    def ready(self) -> bool:
        return self._voice is not None and self._link is not None

    @property
    def waiting(self) -> int:
        """Questions that the models have not answered yet."""
        return len(self._asked)

    @property
    def live(self) -> int:
        """Turns that are going on or not yet answered."""
        return len(self._kept)

    @property
    def names(self) -> dict[str, str]:
        """Role -> which model answers for it."""
        return {"voice_activity": "silero-vad", **self._names}

    # -- the life of the models ----------------------------------------------------------------

    async def start(self) -> None:
        """Load and warm up. Nothing else may be called before. ModelsError when that fails."""
        loop = asyncio.get_running_loop()
        self._loaded = loop.create_future()
        # The one task that no TaskGroup holds: it lives as long as the engine, which cancels it.
        self._life = loop.create_task(self._live())
        await self._hearing.start()
        self._voice = await self._in(self._speaking, lambda: Voice(self.rules.voice))
        # Should its life end before they are loaded, whatever ended it is raised here.
        await asyncio.wait([self._loaded, self._life], return_when=asyncio.FIRST_COMPLETED)
        if not self._loaded.done():
            self._life.result()
        await self._loaded

    async def stop(self) -> None:
        """End the models and drop what is queued."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait([self._life])
        await self._hearing.stop()
        await asyncio.to_thread(self._speaking.shutdown, wait=True, cancel_futures=True)

    async def _live(self) -> None:
        """Keep models at work: whenever they end, start others."""
        assert self._loaded is not None
        loop, quick = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            try:
                await self._serve_once(loop)
            except OSError as failure:  # no memory or no process to be had just now
                if not self._loaded.done():
                    raise
                log.error("the models cannot be started", extra={"failure": type(failure).__name__})
            if not self._loaded.done():
                self._loaded.set_exception(ModelsError("the models ended while they were loaded"))
            if self._loaded.exception() is not None:
                return
            quick = quick + 1 if loop.time() - began < SOON_S else 0
            log.error("the models ended; starting them again")
            self.restarts += 1
            await asyncio.sleep(AGAIN_S[min(quick, len(AGAIN_S) - 1)])

    async def _serve_once(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start models and wait until they end."""
        ours, theirs = socket.socketpair()
        worker = await asyncio.to_thread(self._launch, theirs)
        _, link = await loop.create_connection(lambda: Link(self._told), sock=ours)
        try:
            await self._watch(link, worker)
        finally:
            self._link = None
            link.close()
            await asyncio.to_thread(worker.stop)

    async def _watch(self, link: Link, worker: Worker) -> None:
        """Until the models end, or hang and are ended."""
        heard = -1
        while not link.over.done():
            if self._link is link and heard == link.heard:
                log.error("the models hang; ending them")
                worker.kill()
                return
            heard = link.heard
            await asyncio.wait([link.over], timeout=SILENT_S)

    def _told(self, link: Link, message: FromModels) -> None:
        match message:
            case Ready():
                self._begin(link, message)
            case Unable(why):
                if self._loaded is not None and not self._loaded.done():
                    self._loaded.set_exception(ModelsError(why))
                log.error("the models cannot be loaded", extra={"failure": message.failure})
            case Heard(key, text):
                # Later, by itself: what fails on one caller's line must not end the models.
                asyncio.get_running_loop().call_soon(self._kept.partial, key, text)
            case Answered(question, answer, caller):
                self._kept.answered(question, caller)
                if (asked := self._asked.get(question)) and not asked.done():
                    asked.set_result(answer)
            case Lost(keys, questions, failure):
                log.error("a model failed", extra={"failure": failure})
                self._tell_again(*self._kept.again(keys, questions, alone=True))
            case Load():
                self.load = message
            case Costs():
                if self._measured is not None and not self._measured.done():
                    self._measured.set_result(message)

    def _begin(self, link: Link, ready: Ready) -> None:
        self._names = ready.names
        self._link = link
        if self._loaded is not None and not self._loaded.done():
            self._kept = Kept(ready.hop, ready.ahead)
            self._loaded.set_result(None)
        self._tell_again(*self._kept.everything())

    def _tell_again(self, tell: list[ToModels], given_up: list[int]) -> None:
        for message in tell:
            self._tell(message)
        for number in given_up:
            if (asked := self._asked.get(number)) and not asked.done():
                asked.set_exception(NoAnswer("failed"))

    def _tell(self, message: ToModels) -> None:
        """While models are being started nothing is sent: they will be told all that is kept."""
        if self._link is not None:
            self._link.send(message)

    async def measure(self) -> Costs:
        """What hearing costs on this machine. Before callers are let in: nobody else is heard."""
        assert self._voice is not None, "the engine has not been started"
        speech = await self._in(self._speaking, lambda: self._said(MEASURED))
        self._measured = asyncio.get_running_loop().create_future()
        self._tell(Measure(speech))
        try:
            async with asyncio.timeout(MEASURED_S):
                return await self._measured
        except TimeoutError:
            raise ModelsError("the models did not get to the end of being measured") from None

    def _said(self, text: str) -> Samples:
        assert self._voice is not None
        return next(iter(self._voice.sentences(text, RATE)))

    # -- hearing -------------------------------------------------------------------------------

    def intake(self, encoding: Encoding, rate: int, legs: tuple[Leg, ...]) -> Intake:
        return self._hearing.intake(encoding, rate, legs)

    def close(self, intake: Intake) -> None:
        """Nothing more comes through it."""
        self._hearing.close(intake)

    async def hear(self, intake: Intake, data: bytes) -> list[Hops]:
        """The whole hops that this packet completes; AudioError when it cannot be decoded."""
        return await self._hearing.hear(intake, data)

    def listen(self, session: str, effect: Listen, partial: Callable[[str], None]) -> None:
        """Keep a turn's audio and give it to the encoder. `partial` is called with words so far."""
        if (sound := self._kept.listen(session, effect, partial)) is not None:
            self._tell(sound)

    def forget(self, session: str, stream: int) -> None:
        self._kept.forget((session, stream))
        self._tell(Forgotten((session, stream)))

    def leave(self, session: str) -> None:
        """Nothing more comes of this session."""
        for key in self._kept.leave(session):
            self._tell(Forgotten(key))
        self._tell(Gone(session))

    # -- understanding -------------------------------------------------------------------------

    async def understand(self, session: str, ask: Understand, today: date, at: float) -> Answer:
        """The answer of the models; NoAnswer when there is none within `answer_s`."""
        question = Question(next(self._numbers), session, ask, today, at)
        if len(self._asked) >= self.rules.asks_waiting:
            self._unask(question)
            raise NoAnswer("overloaded")
        if (told := self._kept.ask(question)) is None:
            raise NoAnswer("failed")
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[question.id] = answer
        self._tell(told)
        try:
            async with asyncio.timeout(self.rules.answer_s):
                return await answer
        except TimeoutError:
            raise NoAnswer("late") from None
        finally:
            del self._asked[question.id]
            if not answer.done() or answer.cancelled():
                self._unask(question)  # a question nobody waits for is not worth computing

    def _unask(self, question: Question) -> None:
        self._kept.unask(question)
        self._tell(Forgotten(question.key, question.id))

    # -- speaking ------------------------------------------------------------------------------

    async def speak(self, text: str, encoding: Encoding, rate: int) -> AsyncIterator[bytes]:
        """Audio of `text`, sentence by sentence, in messages of at most 100 ms."""
        assert self._voice is not None, "the engine has not been started"
        sentences = self._voice.sentences(text, rate)
        while (
            samples := await self._in(self._speaking, lambda: next(sentences, None))
        ) is not None:
            step = int(rate * CHUNK_S)
            for start in range(0, len(samples), step):
                yield encode(samples[start : start + step], encoding)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
