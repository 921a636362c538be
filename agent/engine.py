"""How does the event loop use models without ever waiting for one?

Three threads, one job each: hearing (bytes to hops with voice activity), inference (encoder,
transcriber, mind; a single torch thread) and speaking (espeak-ng is not reentrant). Questions to
the models have a deadline and a bounded queue. A model that raises, is late or is overloaded
becomes `NoAnswer`, which the session hears as `Missed`; other sessions do not notice.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from agent.config import Settings
from agent.events import Listen
from agent.inference import Answer, Inference, Question
from audio.codecs import Encoding, encode
from audio.intake import Hops, Intake
from audio.speak import Voice
from audio.types import Leg
from audio.vad import VoiceActivity
from dialogs.pack import Pack

log = logging.getLogger("hearken.engine")

CHUNK_S = 0.1  # of speech in one binary message

T = TypeVar("T")


class NoAnswer(RuntimeError):
    """The models did not answer in time, or at all."""

    def __init__(self, why: Literal["late", "overloaded", "failed"]) -> None:
        super().__init__(why)
        self.why: Literal["late", "overloaded", "failed"] = why


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that was loaded from disk, and a name for each."""

    vad: VoiceActivity
    inference: Inference
    voice: Voice

    @property
    def names(self) -> dict[str, str]:
        """Role -> which model answers for it."""
        ears = {role: model.name for role, model in self.inference.ears.models.items()}
        return {"voice_activity": "silero-vad", **ears, **self.inference.mind.models}


def load_models(settings: Settings, pack: Pack) -> Models:
    """Read every model from disk; run in the inference thread, whose torch threads it sets.

    Torch and its friends take seconds to import: here, while the server already listens, and
    never for a command that needs no model.
    """
    import torch

    from agent.understanding.mind import Mind
    from audio.ears import Ears

    torch.set_num_threads(1)  # two OpenMP threads collapse as soon as anything else runs
    ears = Ears.load(
        settings.weights,
        checkpoint=settings.speech_checkpoint or None,
        emotion_checkpoint=settings.emotion_checkpoint or None,
        writer_checkpoint=settings.writer_checkpoint or None,
        writer_s=settings.answer_s / 2,
    )
    mind = Mind.load(pack, settings.weights)
    return Models(VoiceActivity.load(), Inference(ears, mind), Voice(settings.voice))


class Engine:
    """The models of this process, for its event loop."""

    def __init__(self, load: Callable[[], Models], answer_s: float, asks_waiting: int) -> None:
        self._load = load
        self._answer_s = answer_s
        self._asks_waiting = asks_waiting
        self._models: Models | None = None
        self._hearing = ThreadPoolExecutor(1, "hearing")
        self._inference = ThreadPoolExecutor(1, "inference")
        self._speaking = ThreadPoolExecutor(1, "speaking")
        self._advance: Future[None] | None = None
        self.waiting = 0

    @property
    def ready(self) -> bool:
        return self._models is not None

    @property
    def models(self) -> Models:
        assert self._models is not None, "the engine has not been started"
        return self._models

    async def start(self) -> None:
        """Load and warm up. Nothing else may be called before."""
        models = await self._in(self._inference, self._load)
        await self._in(self._inference, models.inference.warm_up)
        self._models = models

    def stop(self) -> None:
        """Finish what is under way; drop what is queued."""
        for pool in (self._hearing, self._inference, self._speaking):
            pool.shutdown(wait=True, cancel_futures=True)

    # -- hearing -------------------------------------------------------------------------------

    def intake(self, encoding: Encoding, rate: int, legs: tuple[Leg, ...]) -> Intake:
        return Intake(self.models.vad, encoding, rate, legs)

    async def hear(self, intake: Intake, data: bytes) -> list[Hops]:
        """The whole hops that this packet completes; AudioError when it cannot be decoded."""
        return await self._in(self._hearing, lambda: intake.take(data))

    def listen(self, session: str, effect: Listen, partial: Callable[[str], None]) -> None:
        """Give a turn's audio to the encoder. `partial` is called on the event loop."""
        loop = asyncio.get_running_loop()
        inference = self.models.inference

        def heard(text: str) -> None:
            loop.call_soon_threadsafe(partial, text)

        has_hop = inference.listen(session, effect, heard)
        if has_hop and (self._advance is None or self._advance.running() or self._advance.done()):
            # One step waits at most: whatever comes in meanwhile joins its batch.
            self._advance = self._inference.submit(inference.advance)
            self._advance.add_done_callback(_log_failure)

    def forget(self, session: str, stream: int) -> None:
        self.models.inference.forget(session, stream)

    def leave(self, session: str) -> None:
        """Nothing more comes of this session."""
        self._inference.submit(self.models.inference.leave, session)

    # -- understanding -------------------------------------------------------------------------

    async def understand(self, question: Question) -> Answer:
        """The answer of the models; NoAnswer when there is none within `answer_s`."""
        if self.waiting >= self._asks_waiting:
            if question.ask.stream is not None:
                self.forget(question.session, question.ask.stream)
            raise NoAnswer("overloaded")
        self.waiting += 1
        answer = self._inference.submit(self.models.inference.answer, question)
        try:
            done, _ = await asyncio.wait([asyncio.wrap_future(answer)], timeout=self._answer_s)
        finally:
            self.waiting -= 1
            # A question nobody waits for any more is not worth computing.
            if answer.cancel() and question.ask.stream is not None:
                self.forget(question.session, question.ask.stream)
        if not done:
            raise NoAnswer("late")
        if (failure := answer.exception()) is not None:
            _log_failure(answer)
            raise NoAnswer("failed") from failure
        return answer.result()

    # -- speaking ------------------------------------------------------------------------------

    async def speak(self, text: str, encoding: Encoding, rate: int) -> AsyncIterator[bytes]:
        """Audio of `text`, sentence by sentence, in messages of at most 100 ms."""
        sentences = self.models.voice.sentences(text, rate)
        while (
            samples := await self._in(self._speaking, lambda: next(sentences, None))
        ) is not None:
            step = int(rate * CHUNK_S)
            for start in range(0, len(samples), step):
                yield encode(samples[start : start + step], encoding)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)


def _log_failure(future: Future[T]) -> None:
    """Which error and where; its text may hold a customer's words and stays out of the log."""
    if future.cancelled() or (failure := future.exception()) is None:
        return
    place = traceback.extract_tb(failure.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    log.error("a model failed", extra={"failure": type(failure).__name__, "where": where})
