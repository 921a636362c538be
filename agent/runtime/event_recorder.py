"""Recorder of one conversation: journal rows, message numbers, recent messages for resume.

Every input becomes a row with the messages it led to, numbered in the order of rows. Audio that led
to no effect but encoder input is coalesced: one row for about half a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from agent.core import events as e
from agent.core.decisions import comparable_digest, decisions
from agent.core.event_json import JournalRow, compact_json, event_to_json
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import Vault
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services
from agent.wire.native import NativeWire

MAX_RECENT_MESSAGES = 256  # messages held in memory for a client that resumes
PACKETS_PER_ROW = 16  # audio inputs, of all legs together, coalesced before a write


@dataclass(slots=True)
class JournalPosition:
    """Numbers of a conversation's last row, last server message and last client message."""

    rows: int = 0
    server_seq: int = 0
    client_seq: int = 0


class EventRecorder:
    """Writes the rows of one conversation to the journal. For one event loop."""

    def __init__(
        self,
        services: Services,
        id: str,
        vault: Vault,
        token: str,
        position: JournalPosition,
        wire: NativeWire,
    ) -> None:
        """`vault` is sealed with the client's `token`; `wire` numbers messages from
        `position.server_seq`."""
        self.position = position
        self.last_durable: asyncio.Future[None] | None = None  # done when the last row is on disk
        self._services = services
        self._id = id
        self._vault = vault
        self._token = token
        self._wire = wire
        self._recent: deque[tuple[int, str]] = deque(
            maxlen=MAX_RECENT_MESSAGES
        )  # messages, by number
        self._coalesced: dict[str, e.AudioReceived] = {}  # by leg: coalesced audio, not written yet
        self._coalesced_packets = 0

    def restore_recent(self, messages: Iterable[str]) -> None:
        """Restore the recent messages after a restart; `messages` ends with the last one sent."""
        recent = deque(messages, MAX_RECENT_MESSAGES)
        first = self.position.server_seq - len(recent) + 1
        self._recent.extend(enumerate(recent, first))

    def coalesce_audio(self, event: e.AudioReceived) -> None:
        """Hold back audio that led to nothing, to write it with more audio in one row."""
        earlier = self._coalesced.get(event.leg)
        if earlier is not None:
            samples = np.concatenate([earlier.samples, event.samples])
            event = e.AudioReceived(
                event.at,
                event.leg,
                samples,
                earlier.speech_probabilities + event.speech_probabilities,
            )
        self._coalesced[event.leg] = event
        self._coalesced_packets += 1
        if self._coalesced_packets >= PACKETS_PER_ROW:
            self.flush_audio()

    def flush_audio(self) -> None:
        """Write the coalesced audio as rows now, one for each leg."""
        coalesced, self._coalesced, self._coalesced_packets = self._coalesced, {}, 0
        for event in coalesced.values():
            self._append_row(event, [], [], 0, "[]")

    def record(
        self,
        event: e.Input,
        effects: list[e.Effect],
        client_seq: int,
        redactions: Sequence[Redaction],
    ) -> tuple[asyncio.Future[None], list[list[str]]]:
        """Write an input as a row; return the future that is done when it is on disk, and the
        messages of each effect. `client_seq` is the client's number of its message, 0 for none."""
        self.flush_audio()
        messages = [self._wire.encode(effect, event.at) for effect in effects]
        flat = [message for of_effect in messages for message in of_effect]
        for message in flat:
            self.position.server_seq += 1
            self._recent.append((self.position.server_seq, message))
        redactions_json = compact_json([one.as_json_fields() for one in redactions])
        return self._append_row(event, effects, flat, client_seq, redactions_json), messages

    def _append_row(
        self,
        event: e.Input,
        effects: list[e.Effect],
        messages: list[str],
        client_seq: int,
        redactions: str,
    ) -> asyncio.Future[None]:
        journal, store, id = self._services.journal, self._services.store, self._id
        if self._vault.has_unsealed_changes:
            sealed = self._vault.seal(self._token)
            journal.submit(lambda: store.save_sealed_vault(id, sealed))
        if isinstance(event, e.ConsentChanged):
            may_record = self._services.pack.privacy.may_record(event.recording)
            journal.submit(lambda: store.set_recording_consent(id, may_record))
        self.position.rows += 1
        self.position.client_seq = max(self.position.client_seq, client_seq)
        row = JournalRow(
            self.position.rows,
            event.at,
            event_to_json(event),
            client_seq,
            tuple(messages),
            compact_json(decisions(effects)),
            comparable_digest(effects),
            redactions,
        )
        self.last_durable = durable = journal.append(id, row)
        self._services.event_bus.publish(ConversationChange(id, "row", row))
        return durable

    async def messages_after(self, seq: int) -> list[str]:
        """The messages after number `seq`, from the store where they are no longer in memory.
        Messages sent during that look-up are included: a connection attached right after this call
        misses none."""
        older: list[str] = []
        if not self._recent or self._recent[0][0] > seq + 1:
            self.flush_audio()
            await self._services.journal.submit(lambda: None)
            stored = await asyncio.to_thread(self._services.store.read_messages, self._id)
            older = stored[seq:]
            seq = max(seq, len(stored))
        return [*older, *(message for number, message in self._recent if number > seq)]
