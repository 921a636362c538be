"""Bounds on what typed text costs others: a pace for each connection, a thread for long texts.

A connection that has typed more than its budget is read more slowly; nothing of it is refused or
lost. Private values of long texts are searched on a thread, because the event loop belongs to all
callers (tests/agent/runtime/test_typed_text.py).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from agent.privacy.detection import PrivateSpan, detect
from audio.types import Expectation
from dialogs.pack.model import Pack

MESSAGE_COST = 400  # of a message, in characters: its row, its turn, its answer
BURST = 24_000  # characters that may come at once: 60 short messages, or 5 of the longest
CHARACTERS_PER_S = 4_000.0  # that may follow: more than anybody types
LONG_TEXT = 500  # characters; a shorter text is searched within a few milliseconds


class TypingBudget:
    """The budget of one connection: full at first, spent by each text, refilled with time."""

    def __init__(self) -> None:
        self._left = float(BURST)
        self._at = 0.0

    def spend(self, characters: int, now: float) -> float:
        """Spend a text of that length at `now` seconds; return for how many seconds to wait before
        it is applied and the next one is read."""
        refill = (now - self._at) * CHARACTERS_PER_S
        self._left, self._at = min(BURST, self._left + refill), now
        self._left -= characters + MESSAGE_COST
        return max(0.0, -self._left / CHARACTERS_PER_S)


class LongTextDetection:
    """Detection of private values in long texts, on a thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="privacy")

    async def spans(
        self, text: str, expectation: Expectation, pack: Pack
    ) -> tuple[PrivateSpan, ...] | None:
        """The private spans of a long text; None for a short one, which is searched where it is
        applied."""
        if len(text) <= LONG_TEXT:
            return None
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, detect, text, expectation, pack)

    def stop(self) -> None:
        """End the thread once it is idle."""
        self._thread.shutdown(wait=False, cancel_futures=True)
