"""How is a conversation written down, and what has its customer been told?

Every input becomes a row with the messages it led to, numbered in the order of rows. Sound that led
to nothing is joined: one row for half a second of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core import events as e
from agent.core.decisions import decisions, footprint
from agent.core.event_json import Row, one_line, written
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import Vault
from agent.runtime.event_bus import Happened
from agent.runtime.services import House
from agent.wire.native import NativeWire

RECENT = 256  # messages kept at hand for a client that comes back
TOGETHER = 16  # packets that led to nothing, in one row


@dataclass(slots=True)
class Progress:
    """How far a conversation's rows, messages and the client's own messages have come."""

    rows: int = 0
    seq: int = 0
    client: int = 0


class Diary:
    """One conversation's rows. For one event loop."""

    def __init__(
        self, house: House, id: str, vault: Vault, token: str, progress: Progress, wire: NativeWire
    ) -> None:
        """`vault` is sealed with the client's `token`; `wire` numbers messages from
        `progress.seq`."""
        self.progress = progress
        self.kept: asyncio.Future[None] | None = None  # of the last row
        self._house = house
        self._id = id
        self._vault = vault
        self._token = token
        self._wire = wire
        self._recent: deque[tuple[int, str]] = deque(maxlen=RECENT)  # messages, by number
        self._quiet: dict[str, e.Heard] = {}  # by leg: heard, led to nothing, not written yet
        self._quiets = 0

    def told(self, messages: Iterable[str]) -> None:
        """What the customer was told before a stop, to the last."""
        last = deque(messages, RECENT)
        first = self.progress.seq - len(last) + 1
        self._recent.extend(enumerate(last, first))

    def join(self, event: e.Heard) -> None:
        """Sound that led to nothing, to be written with more of it."""
        before = self._quiet.get(event.leg)
        if before is not None:
            samples = np.concatenate([before.samples, event.samples])
            event = e.Heard(event.at, event.leg, samples, before.speech + event.speech)
        self._quiet[event.leg] = event
        self._quiets += 1
        if self._quiets >= TOGETHER:
            self.write_joined()

    def write_joined(self) -> None:
        """What has been joined so far becomes rows now."""
        quiet, self._quiet, self._quiets = self._quiet, {}, 0
        for event in quiet.values():
            self._write(event, [], [], 0, "[]")

    def write(
        self,
        event: e.Input,
        effects: list[e.Effect],
        client: int,
        redactions: Sequence[Redaction],
    ) -> tuple[asyncio.Future[None], list[list[str]]]:
        """When it is on disk, and the messages of each effect. `client` is the client's own number
        of what it said, 0 for none."""
        self.write_joined()
        messages = [self._wire.encode(effect, event.at) for effect in effects]
        said = [message for told in messages for message in told]
        for message in said:
            self.progress.seq += 1
            self._recent.append((self.progress.seq, message))
        redacted = one_line([one.written() for one in redactions])
        return self._write(event, effects, said, client, redacted), messages

    def _write(
        self,
        event: e.Input,
        effects: list[e.Effect],
        messages: list[str],
        client: int,
        redactions: str,
    ) -> asyncio.Future[None]:
        journal, store, id = self._house.journal, self._house.store, self._id
        if self._vault.changed:
            sealed = self._vault.sealed(self._token)
            journal.do(lambda: store.seal(id, sealed))
        if isinstance(event, e.Consented):
            agreed = self._house.pack.privacy.may_record(event.recording)
            journal.do(lambda: store.consented(id, agreed))
        self.progress.rows += 1
        self.progress.client = max(self.progress.client, client)
        row = Row(
            self.progress.rows,
            event.at,
            written(event),
            client,
            tuple(messages),
            one_line(decisions(effects)),
            footprint(effects),
            redactions,
        )
        self.kept = kept = journal.append(id, row)
        self._house.floor.tell(Happened(id, "row", row))
        return kept

    async def missed(self, seq: int) -> list[str]:
        """The messages after number `seq`. What has been said since they were looked up is among
        them: whoever attaches a connection right after this has all."""
        older: list[str] = []
        if not self._recent or self._recent[0][0] > seq + 1:
            self.write_joined()
            await self._house.journal.do(lambda: None)
            told = await asyncio.to_thread(self._house.store.messages, self._id)
            older = told[seq:]
            seq = max(seq, len(told))
        return [*older, *(message for number, message in self._recent if number > seq)]
