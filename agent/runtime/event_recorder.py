"""Recorder of one conversation: journal rows, message numbers, recent messages for resume.

Every input becomes a row with the messages it led to, numbered in the order of rows. Audio that led
to no effect but encoder input is coalesced: one row for about half a second.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from agent.core.customer_messages import CustomerMessage, SequencedMessage, messages_of
from agent.core.decisions import comparable_digest, decisions
from agent.core.effects import ChangeConsent, Effect, UpdateHandoff
from agent.core.event_json import JournalRow, compact_json, event_to_json
from agent.core.inputs import AudioReceived, ConsentChanged, Input
from agent.core.message_json import message_from_json, message_to_json
from agent.core.ownership import Ownership
from agent.core.records import utc_text
from agent.privacy.redaction_record import Redaction
from agent.privacy.vault import Vault
from agent.runtime.event_bus import ConversationChange
from agent.runtime.services import Services
from agent.store.retention import OUTCOME_LEFT

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
        on_failed: Callable[[BaseException], None],
    ) -> None:
        """`vault` is sealed with the client's `token`; messages are numbered on from
        `position.server_seq`. `on_failed` is called when something could not be written."""
        self.position = position
        self.last_durable: asyncio.Future[None] | None = None  # done when the last row is on disk
        self._services = services
        self._id = id
        self._vault = vault
        self._token = token
        self._on_failed = on_failed
        self._recent: deque[SequencedMessage] = deque(maxlen=MAX_RECENT_MESSAGES)
        self._coalesced: dict[str, AudioReceived] = {}  # by leg: coalesced audio, not written yet
        self._coalesced_packets = 0

    def restore_recent(self, lines: Iterable[str]) -> None:
        """Restore the recent messages after a restart from their written form; `lines` ends with
        the last one."""
        recent = deque(lines, MAX_RECENT_MESSAGES)
        first = self.position.server_seq - len(recent) + 1
        self._recent.extend(_numbered(recent, first))

    def coalesce_audio(self, event: AudioReceived) -> None:
        """Hold back audio that led to nothing, to write it with more audio in one row."""
        earlier = self._coalesced.get(event.leg)
        if earlier is not None:
            samples = np.concatenate([earlier.samples, event.samples])
            event = AudioReceived(
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
        event: Input,
        effects: list[Effect],
        client_seq: int,
        redactions: Sequence[Redaction],
    ) -> tuple[asyncio.Future[None], list[list[SequencedMessage]]]:
        """Write an input as a row; return the future that is done when it is on disk, and the
        messages of each effect. `client_seq` is the client's number of its message, 0 for none."""
        self.flush_audio()
        messages = [
            [self._number_message(event.at, one) for one in of_effect]
            for of_effect in messages_of(effects)
        ]
        lines = [message_to_json(one.at, one.message) for row in messages for one in row]
        redactions_json = compact_json([one.as_json_fields() for one in redactions])
        return self._append_row(event, effects, lines, client_seq, redactions_json), messages

    def _number_message(self, at: float, message: CustomerMessage) -> SequencedMessage:
        self.position.server_seq += 1
        numbered = SequencedMessage(self.position.server_seq, at, message)
        self._recent.append(numbered)
        return numbered

    def _append_row(
        self,
        event: Input,
        effects: list[Effect],
        lines: list[str],
        client_seq: int,
        redactions: str,
    ) -> asyncio.Future[None]:
        journal, store, id = self._services.journal, self._services.store, self._id
        if self._vault.has_unsealed_changes:
            sealed = self._vault.seal(self._token)
            self._watch(journal.submit(lambda: store.save_sealed_vault(id, sealed)))
        for change in (event, *effects):
            if not isinstance(change, ConsentChanged | ChangeConsent):
                continue
            may_record = self._services.pack.privacy.may_record(change.recording)
            self._watch(journal.submit(partial(store.set_recording_consent, id, may_record)))
        self.position.rows += 1
        self.position.client_seq = max(self.position.client_seq, client_seq)
        row = JournalRow(
            self.position.rows,
            event.at,
            event_to_json(event),
            client_seq,
            tuple(lines),
            compact_json(decisions(effects)),
            comparable_digest(effects),
            redactions,
        )
        self.last_durable = durable = journal.append(id, row)
        self._watch(durable)
        self._services.event_bus.publish(ConversationChange(id, "row", row))
        return durable

    def record_end(self, ownership: Ownership, customer: str) -> None:
        """Write that the session is over, and publish it. Open handoffs are withdrawn from the
        helpdesk; in our own queue they stay, so that somebody can call back."""
        store, journal, id = self._services.store, self._services.journal, self._id
        wall_now, router = self._services.wall_now(), self._services.handoff_router
        now = utc_text(wall_now)
        journal.submit(lambda: store.end_session(id, now))
        journal.submit(lambda: store.mark_disconnected(id))
        for number, escalation in ownership.open_escalations.items():
            ended = UpdateHandoff(number, "ended", escalation)
            journal.submit(partial(router.route, id, customer, ended, wall_now))
            if ownership.is_with_person:  # the customer left while a person was there
                journal.submit(partial(store.finish_handoff, id, number, OUTCOME_LEFT, now))
        self._services.event_bus.publish(ConversationChange(id, "closed"))

    def _watch(self, durable: asyncio.Future[None]) -> None:
        durable.add_done_callback(self._report_failure)

    def _report_failure(self, durable: asyncio.Future[None]) -> None:
        if not durable.cancelled() and (failure := durable.exception()) is not None:
            self._on_failed(failure)

    async def messages_after(self, seq: int) -> list[SequencedMessage]:
        """The messages after number `seq`, from the store where they are no longer in memory.
        Messages sent during that look-up are included: a connection attached right after this call
        misses none."""
        older: list[SequencedMessage] = []
        if not self._recent or self._recent[0].seq > seq + 1:
            self.flush_audio()
            await self._services.journal.submit(lambda: None)
            older = await asyncio.to_thread(self._read_messages_after, seq)
            seq = older[-1].seq if older else seq
        return [*older, *(one for one in self._recent if one.seq > seq)]

    def _read_messages_after(self, seq: int) -> list[SequencedMessage]:
        """Blocking."""
        return _numbered(self._services.store.read_messages(self._id)[seq:], seq + 1)


def _numbered(lines: Iterable[str], first: int) -> list[SequencedMessage]:
    return [message_from_json(seq, line) for seq, line in enumerate(lines, first)]
