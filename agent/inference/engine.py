"""Asyncio front of the models: supervision of their process, deadlines, speech synthesis.

Voice activity (bytes to hops) and speech synthesis (espeak-ng is not reentrant) have a thread each;
encoder, transcriber and understanding run in a process of their own behind a socket
(agent/inference/worker.py). Requests have a deadline and a bounded queue. A model that raises, is
late or is overloaded raises `UnderstandingError`, which the session receives as
`UnderstandingFailed`; other sessions are not affected. When the models process ends, another is
started and sent all turns and requests in flight: customers notice a pause.
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
from typing import TypeVar

from agent.core.effects import FeedEncoder, UnderstandTurn
from agent.core.inputs import FailureReason
from agent.inference.in_flight import InFlight
from agent.inference.launcher import LaunchWorker, ModelWorker
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
from audio.codecs import Encoding, encode
from audio.speak import TtsVoice
from audio.types import RATE, Leg, Samples
from audio.voice_input import VoiceHops, VoiceInput

log = logging.getLogger("hearken.engine")

SPEECH_CHUNK_S = 0.1  # of speech in one binary message
HANG_TIMEOUT_S = 20.0  # without a word from the models, which report every second, they hang
# before models that ended too soon are started again
RESTART_DELAYS_S = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
QUICK_END_S = 20.0
MEASURE_TIMEOUT_S = 120.0  # large models on a small machine take half a minute
MEASURE_TEXT = "I would like to transfer some money from my savings account to my checking account."

T = TypeVar("T")


class UnderstandingError(RuntimeError):
    """The models did not answer a request in time, or at all."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason)
        self.reason: FailureReason = reason


class ModelsError(RuntimeError):
    """The models could not be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class EngineRules:
    """Deadline and bounds of the requests to the models, and the voice that speaks."""

    answer_timeout_s: float = 5.0  # a slower answer is `UnderstandingFailed`
    max_waiting_requests: int = 1024  # of all callers together
    voice: str = "en-us"


class Engine:
    """The models, as the event loop of the server process uses them."""

    def __init__(self, launch: LaunchWorker, rules: EngineRules) -> None:
        self.rules = rules
        self.load = WorkerLoad(0.0, 0.0, True, True)
        self.restarts = 0
        self._launch = launch
        self._vad_batcher = VadBatcher()
        self._speech_thread = ThreadPoolExecutor(1, "speech")
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
        """Whether the voice and the models are loaded, and the models' process runs."""
        return self._voice is not None and self._transport is not None

    @property
    def waiting_requests(self) -> int:
        """The number of requests that the models have not answered yet."""
        return len(self._answers)

    @property
    def turns_in_flight(self) -> int:
        """The number of turns that are open or not yet answered."""
        return len(self._in_flight)

    @property
    def model_names(self) -> dict[str, str]:
        """Role -> name of the model that fills it."""
        return {"voice_activity": "silero-vad", **self._model_names}

    # -- the life of the models ----------------------------------------------------------------

    async def start(self) -> None:
        """Load and warm up the models. Call it before anything else. ModelsError when it fails."""
        loop = asyncio.get_running_loop()
        self._loaded = loop.create_future()
        # The one task that no TaskGroup holds: it lives as long as the engine, which cancels it.
        self._supervisor = loop.create_task(self._supervise())
        await self._vad_batcher.start()
        self._voice = await self._run_in(self._speech_thread, lambda: TtsVoice(self.rules.voice))
        # If the supervisor ends before the models are loaded, its exception is raised here.
        await asyncio.wait([self._loaded, self._supervisor], return_when=asyncio.FIRST_COMPLETED)
        if not self._loaded.done():
            self._supervisor.result()
        await self._loaded

    async def stop(self) -> None:
        """End the models process and drop what is queued."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait([self._supervisor])
        await self._vad_batcher.stop()
        await asyncio.to_thread(self._speech_thread.shutdown, wait=True, cancel_futures=True)

    async def _supervise(self) -> None:
        """Keep a models process running: whenever it ends, start another."""
        assert self._loaded is not None
        loop, quick_ends = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            try:
                await self._serve_once(loop)
            except OSError as failure:  # no memory or no process available at the moment
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
        """Start a models process and wait until it ends."""
        server_end, worker_end = socket.socketpair()
        worker = await asyncio.to_thread(self._launch, worker_end)
        _, transport = await loop.create_connection(
            lambda: WorkerTransport(self._on_message), sock=server_end
        )
        try:
            await self._kill_when_hung(transport, worker)
        finally:
            self._transport = None
            transport.close()
            await asyncio.to_thread(worker.stop)

    async def _kill_when_hung(self, transport: WorkerTransport, worker: ModelWorker) -> None:
        """Wait until the models process ends; kill it when it hangs."""
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
                # Later, by itself: a failure of one conversation must not end the models.
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
        """Send a message; none while models are being started, which get all that is in flight."""
        if self._transport is not None:
            self._transport.send(message)

    async def measure_costs(self) -> ModelCosts:
        """Measure what the models cost on this machine; call it before callers are admitted.
        ModelsError when it takes too long."""
        assert self._voice is not None, "the engine has not been started"
        speech = await self._run_in(self._speech_thread, lambda: self._synthesise(MEASURE_TEXT))
        self._costs = asyncio.get_running_loop().create_future()
        self._send(MeasureCosts(speech))
        try:
            async with asyncio.timeout(MEASURE_TIMEOUT_S):
                return await self._costs
        except TimeoutError:
            raise ModelsError("measuring the models took too long") from None

    def _synthesise(self, text: str) -> Samples:
        assert self._voice is not None
        return next(iter(self._voice.synthesise_sentences(text, RATE)))

    # -- audio in ------------------------------------------------------------------------------

    def open_voice_input(self, encoding: Encoding, rate: int, legs: tuple[Leg, ...]) -> VoiceInput:
        """Open the voice input of one connection: bytes of this encoding, rate and legs."""
        return self._vad_batcher.open_voice_input(encoding, rate, legs)

    def close_voice_input(self, voice_input: VoiceInput) -> None:
        """Close a voice input: no more audio comes."""
        self._vad_batcher.close_voice_input(voice_input)

    async def detect_voice(self, voice_input: VoiceInput, data: bytes) -> list[VoiceHops]:
        """The whole hops that this packet completes, with voice probabilities; AudioError when it
        cannot be decoded."""
        return await self._vad_batcher.detect_voice(voice_input, data)

    def feed_encoder(
        self, session: str, effect: FeedEncoder, on_partial: Callable[[str], None]
    ) -> None:
        """Send a turn's audio to the encoder, and keep it until the turn is answered. `on_partial`
        is called with the words so far."""
        if (chunk := self._in_flight.add_audio(session, effect, on_partial)) is not None:
            self._send(chunk)

    def discard_turn(self, session: str, stream: int) -> None:
        """Discard a turn that was no speech."""
        self._in_flight.discard_turn((session, stream))
        self._send(CancelStream((session, stream)))

    def end_session(self, session: str) -> None:
        """End a session: discard its open turns and its customer's voice."""
        for key in self._in_flight.end_session(session):
            self._send(CancelStream(key))
        self._send(EndSession(session))

    # -- understanding -------------------------------------------------------------------------

    async def understand(
        self, session: str, effect: UnderstandTurn, today: date, at: float
    ) -> UnderstandResult:
        """The models' answer; UnderstandingError when there is none within `answer_timeout_s`."""
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
                self._cancel_request(request)  # do not compute an answer that is no longer awaited

    def _cancel_request(self, request: UnderstandRequest) -> None:
        self._in_flight.remove_request(request)
        self._send(CancelStream(request.key, request.id))

    # -- speaking ------------------------------------------------------------------------------

    async def speak(self, text: str, encoding: Encoding, rate: int) -> AsyncIterator[bytes]:
        """Synthesised speech of `text`, sentence by sentence, in pieces of at most 100 ms."""
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
