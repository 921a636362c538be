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

from agent.core.events import FeedEncoder, UnderstandTurn
from agent.inference.in_flight import InFlight
from agent.inference.messages import (
    CancelStream,
    EndSession,
    LoadFailed,
    MeasureCosts,
    MessageFromWorker,
    MessageToWorker,
    ModelCosts,
    PartialText,
    RequestAnswered,
    StreamsFailed,
    UnderstandRequest,
    UnderstandResult,
    WorkerLoad,
    WorkerReady,
)
from agent.inference.transport import WorkerTransport
from agent.inference.vad_batcher import VadBatcher
from agent.inference.worker import LaunchWorker, ModelWorker
from audio.codecs import Encoding, encode
from audio.speak import TtsVoice
from audio.types import RATE, Leg, Samples
from audio.voice_input import VoiceHops, VoiceInput

log = logging.getLogger("hearken.engine")

SPEECH_CHUNK_S = 0.1  # of speech in one binary message
HANG_TIMEOUT_S = 20.0  # without a word from the models, which report every second, they hang
RESTART_DELAYS_S = (
    0.0,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
)  # before models that ended too soon are started again
QUICK_END_S = 20.0
MEASURE_TIMEOUT_S = 120.0  # large models on a small machine take half a minute
MEASURE_TEXT = "I would like to transfer some money from my savings account to my checking account."

T = TypeVar("T")


class UnderstandingError(RuntimeError):
    """The models did not answer in time, or at all."""

    def __init__(self, reason: Literal["late", "overloaded", "failed"]) -> None:
        super().__init__(reason)
        self.reason: Literal["late", "overloaded", "failed"] = reason


class ModelsError(RuntimeError):
    """The models could not be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class EngineRules:
    answer_timeout_s: float = 5.0  # a model slower than this is `Missed`
    max_waiting_requests: int = 1024  # questions to the models, of all callers together
    voice: str = "en-us"


class Engine:
    """The models, for the event loop of this process."""

    def __init__(self, launch: LaunchWorker, rules: EngineRules) -> None:
        self.rules = rules
        self.load = WorkerLoad(0.0, 0.0, True, True)
        self.restarts = 0
        self._launch = launch
        self._vad_batcher = VadBatcher()
        self._speech_thread = ThreadPoolExecutor(1, "speaking")
        self._voice: TtsVoice | None = None
        self._request_ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[UnderstandResult]] = {}
        self._costs: asyncio.Future[ModelCosts] | None = None
        self._transport: WorkerTransport | None = None
        self._model_names: Mapping[str, str] = {}
        self._in_flight = InFlight(RATE, 0)  # replaced by one that knows the encoder's hop
        self._supervisor: asyncio.Task[None] | None = None
        self._loaded: asyncio.Future[None] | None = None

    @property
    def is_ready(self) -> bool:
        return self._voice is not None and self._transport is not None

    @property
    def waiting_requests(self) -> int:
        """Questions that the models have not answered yet."""
        return len(self._answers)

    @property
    def turns_in_flight(self) -> int:
        """Turns that are going on or not yet answered."""
        return len(self._in_flight)

    @property
    def model_names(self) -> dict[str, str]:
        """Role -> which model answers for it."""
        return {"voice_activity": "silero-vad", **self._model_names}

    # -- the life of the models ----------------------------------------------------------------

    async def start(self) -> None:
        """Load and warm up. Nothing else may be called before. ModelsError when that fails."""
        loop = asyncio.get_running_loop()
        self._loaded = loop.create_future()
        # The one task that no TaskGroup holds: it lives as long as the engine, which cancels it.
        self._supervisor = loop.create_task(self._supervise())
        await self._vad_batcher.start()
        self._voice = await self._run_in(self._speech_thread, lambda: TtsVoice(self.rules.voice))
        # Should its life end before they are loaded, whatever ended it is raised here.
        await asyncio.wait([self._loaded, self._supervisor], return_when=asyncio.FIRST_COMPLETED)
        if not self._loaded.done():
            self._supervisor.result()
        await self._loaded

    async def stop(self) -> None:
        """End the models and drop what is queued."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        await self._vad_batcher.stop()
        await asyncio.to_thread(self._speech_thread.shutdown, wait=True, cancel_futures=True)

    async def _supervise(self) -> None:
        """Keep models at work: whenever they end, start others."""
        assert self._loaded is not None
        loop, quick_ends = asyncio.get_running_loop(), 0
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
            quick_ends = quick_ends + 1 if loop.time() - began < QUICK_END_S else 0
            log.error("the models ended; starting them again")
            self.restarts += 1
            await asyncio.sleep(RESTART_DELAYS_S[min(quick_ends, len(RESTART_DELAYS_S) - 1)])

    async def _serve_once(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start models and wait until they end."""
        ours, theirs = socket.socketpair()
        worker = await asyncio.to_thread(self._launch, theirs)
        _, transport = await loop.create_connection(
            lambda: WorkerTransport(self._on_message), sock=ours
        )
        try:
            await self._kill_when_hung(transport, worker)
        finally:
            self._transport = None
            transport.close()
            await asyncio.to_thread(worker.stop)

    async def _kill_when_hung(self, transport: WorkerTransport, worker: ModelWorker) -> None:
        """Until the models end, or hang and are ended."""
        received = -1
        while not transport.closed.done():
            if self._transport is transport and received == transport.received:
                log.error("the models hang; ending them")
                worker.kill()
                return
            received = transport.received
            await asyncio.wait([transport.closed], timeout=HANG_TIMEOUT_S)

    def _on_message(self, transport: WorkerTransport, message: MessageFromWorker) -> None:
        match message:
            case WorkerReady():
                self._on_ready(transport, message)
            case LoadFailed(reason):
                if self._loaded is not None and not self._loaded.done():
                    self._loaded.set_exception(ModelsError(reason))
                log.error("the models cannot be loaded", extra={"failure": message.failure})
            case PartialText(key, text):
                # Later, by itself: what fails on one caller's line must not end the models.
                asyncio.get_running_loop().call_soon(self._in_flight.deliver_partial, key, text)
            case RequestAnswered(request_id, result, caller):
                self._in_flight.remove_answered(request_id, caller)
                if (waiting := self._answers.get(request_id)) and not waiting.done():
                    waiting.set_result(result)
            case StreamsFailed(keys, request_ids, failure):
                log.error("a model failed", extra={"failure": failure})
                self._resend(*self._in_flight.resend(keys, request_ids, isolated=True))
            case WorkerLoad():
                self.load = message
            case ModelCosts():
                if self._costs is not None and not self._costs.done():
                    self._costs.set_result(message)

    def _on_ready(self, transport: WorkerTransport, ready: WorkerReady) -> None:
        self._model_names = ready.model_names
        self._transport = transport
        if self._loaded is not None and not self._loaded.done():
            self._in_flight = InFlight(ready.hop, ready.look_ahead)
            self._loaded.set_result(None)
        self._resend(*self._in_flight.resend_all())

    def _resend(self, messages: list[MessageToWorker], given_up: list[int]) -> None:
        for message in messages:
            self._send(message)
        for request_id in given_up:
            if (waiting := self._answers.get(request_id)) and not waiting.done():
                waiting.set_exception(UnderstandingError("failed"))

    def _send(self, message: MessageToWorker) -> None:
        """While models are being started nothing is sent: they will be told all that is kept."""
        if self._transport is not None:
            self._transport.send(message)

    async def measure_costs(self) -> ModelCosts:
        """What hearing costs on this machine. Before callers are let in: nobody else is heard."""
        assert self._voice is not None, "the engine has not been started"
        speech = await self._run_in(self._speech_thread, lambda: self._synthesise(MEASURE_TEXT))
        self._costs = asyncio.get_running_loop().create_future()
        self._send(MeasureCosts(speech))
        try:
            async with asyncio.timeout(MEASURE_TIMEOUT_S):
                return await self._costs
        except TimeoutError:
            raise ModelsError("the models did not get to the end of being measured") from None

    def _synthesise(self, text: str) -> Samples:
        assert self._voice is not None
        return next(iter(self._voice.synthesise_sentences(text, RATE)))

    # -- hearing -------------------------------------------------------------------------------

    def open_voice_input(self, encoding: Encoding, rate: int, legs: tuple[Leg, ...]) -> VoiceInput:
        return self._vad_batcher.open_voice_input(encoding, rate, legs)

    def close_voice_input(self, voice_input: VoiceInput) -> None:
        """Nothing more comes through it."""
        self._vad_batcher.close_voice_input(voice_input)

    async def detect_voice(self, voice_input: VoiceInput, data: bytes) -> list[VoiceHops]:
        """The whole hops that this packet completes; AudioError when it cannot be decoded."""
        return await self._vad_batcher.detect_voice(voice_input, data)

    def feed_encoder(
        self, session: str, effect: FeedEncoder, on_partial: Callable[[str], None]
    ) -> None:
        """Keep a turn's audio and give it to the encoder. `partial` is called with words so far."""
        if (chunk := self._in_flight.add_audio(session, effect, on_partial)) is not None:
            self._send(chunk)

    def discard_turn(self, session: str, stream: int) -> None:
        self._in_flight.discard_turn((session, stream))
        self._send(CancelStream((session, stream)))

    def end_session(self, session: str) -> None:
        """Nothing more comes of this session."""
        for key in self._in_flight.end_session(session):
            self._send(CancelStream(key))
        self._send(EndSession(session))

    # -- understanding -------------------------------------------------------------------------

    async def understand(
        self, session: str, effect: UnderstandTurn, today: date, at: float
    ) -> UnderstandResult:
        """The answer of the models; NoAnswer when there is none within `answer_s`."""
        request = UnderstandRequest(next(self._request_ids), session, effect, today, at)
        if len(self._answers) >= self.rules.max_waiting_requests:
            self._cancel_request(request)
            raise UnderstandingError("overloaded")
        if (message := self._in_flight.add_request(request)) is None:
            raise UnderstandingError("failed")
        result: asyncio.Future[UnderstandResult] = asyncio.get_running_loop().create_future()
        self._answers[request.id] = result
        self._send(message)
        try:
            async with asyncio.timeout(self.rules.answer_timeout_s):
                return await result
        except TimeoutError:
            raise UnderstandingError("late") from None
        finally:
            del self._answers[request.id]
            if not result.done() or result.cancelled():
                self._cancel_request(request)  # a question nobody waits for is not worth computing

    def _cancel_request(self, request: UnderstandRequest) -> None:
        self._in_flight.remove_request(request)
        self._send(CancelStream(request.key, request.id))

    # -- speaking ------------------------------------------------------------------------------

    async def speak(self, text: str, encoding: Encoding, rate: int) -> AsyncIterator[bytes]:
        """Audio of `text`, sentence by sentence, in messages of at most 100 ms."""
        assert self._voice is not None, "the engine has not been started"
        sentences = self._voice.synthesise_sentences(text, rate)
        while (
            samples := await self._run_in(self._speech_thread, lambda: next(sentences, None))
        ) is not None:
            step = int(rate * SPEECH_CHUNK_S)
            for start in range(0, len(samples), step):
                yield encode(samples[start : start + step], encoding)

    async def _run_in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)
