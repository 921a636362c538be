"""How are the packets of many callers heard at the same time, off the event loop?

One thread decodes, resamples and finds voice, for all callers whose packets came in together: half
the work of one by one. Packets that cannot complete a hop are only kept.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import Future, ThreadPoolExecutor

from audio.codecs import Encoding
from audio.types import AudioError, Leg
from audio.vad import VoiceActivity
from audio.voice_input import Hops, Intake, take_all

GATHER_S = 0.01  # that a packet waits for others', from so many callers on:
CROWD = 8
THRONG = 40  # callers from whom on two hops are heard at a time: 32 ms later, for less work

Waiting = tuple[Intake, asyncio.Future[list[Hops]]]


class Packets:
    """The intakes of all callers."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "hearing")
        self._vad: VoiceActivity | None = None
        self._waiting: list[Waiting] = []
        self._busy = False  # packets are being heard, or will be in a moment
        self._intakes = 0

    async def start(self) -> None:
        """Load the network that finds voice. Nothing else may be called before."""
        loop = asyncio.get_running_loop()
        self._vad = await loop.run_in_executor(self._thread, VoiceActivity.load)

    async def stop(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def intake(self, encoding: Encoding, rate: int, legs: tuple[Leg, ...]) -> Intake:
        assert self._vad is not None, "the engine has not been started"
        self._intakes += 1
        return Intake(self._vad, encoding, rate, legs)

    def close(self, intake: Intake) -> None:
        """Nothing more comes through it."""
        self._intakes -= 1

    async def hear(self, intake: Intake, data: bytes) -> list[Hops]:
        """The whole hops that this packet completes; AudioError when it cannot be decoded."""
        if not intake.add(data, 1 if self._intakes < THRONG else 2):
            return []
        loop = asyncio.get_running_loop()
        heard: asyncio.Future[list[Hops]] = loop.create_future()
        self._waiting.append((intake, heard))
        if not self._busy:
            self._busy = True
            if self._intakes < CROWD:
                self._hear_now(loop)
            else:
                loop.call_later(GATHER_S, self._hear_now, loop)
        return await heard

    def _hear_now(self, loop: asyncio.AbstractEventLoop) -> None:
        waiting, self._waiting = self._waiting, []
        self._busy = bool(waiting)
        if not waiting:
            return

        def heard(job: Future[list[list[Hops] | AudioError]]) -> None:
            loop.call_soon_threadsafe(self._heard, loop, waiting, job)

        job = self._thread.submit(take_all, [(intake, b"") for intake, _ in waiting])
        job.add_done_callback(heard)

    def _heard(
        self,
        loop: asyncio.AbstractEventLoop,
        waiting: list[Waiting],
        job: Future[list[list[Hops] | AudioError]],
    ) -> None:
        for (_, heard), found in zip(waiting, job.result(), strict=True):
            if heard.done():  # its caller is gone
                continue
            if isinstance(found, AudioError):
                heard.set_exception(found)
            else:
                heard.set_result(found)
        self._hear_now(loop)
