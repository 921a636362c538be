"""What happens in one conversation, whoever is connected to it just now?

A `Live` is a session with its journal, its private values and the tasks that carry out its effects.
It goes on while its customer's connection is away, and another connection may be attached later;
after a restart it is made anew from its rows (agent/lives.py). Every input is hidden of what is
private, written down, and only then are its messages sent and its actions carried out.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np

from agent import events as e
from agent.actions import Actions
from agent.admission import Admission
from agent.config import Settings
from agent.engine import Engine, NoAnswer
from agent.floor import Floor, Happened
from agent.journal import Journal
from agent.metrics import Metrics
from agent.outgoing import Outgoing
from agent.people import People, Unreachable
from agent.replay.decisions import decisions, footprint
from agent.session import Session, SessionRules
from agent.soundtrack import Soundtrack
from agent.store import SessionRecord, Store
from agent.vault import Vault
from agent.webhook import Webhook
from agent.wire.native import NativeWire
from agent.written import Row, written
from audio.types import RATE, VOICE_HOP, Expectation
from dialogs.pack import Pack
from dialogs.talk import ActionCall

RECENT = 256  # messages kept at hand for a client that comes back
REPLACED = 4001  # close code: the same customer came in by another connection
TOGETHER = 16  # packets that led to nothing, in one row


@dataclass(frozen=True, slots=True)
class House:
    """What all conversations of a process share. `clock` counts seconds, `today` is the wall's."""

    settings: Settings
    pack: Pack
    pack_digest: str
    engine: Engine
    admission: Admission
    actions: Actions
    store: Store
    journal: Journal
    people: People
    metrics: Metrics
    rules: SessionRules
    clock: Callable[[], float]
    today: Callable[[], datetime]
    floor: Floor = field(default_factory=Floor)
    helpdesk: Webhook | None = None  # that is told of hand-overs


@dataclass(slots=True)
class Progress:
    """How far a conversation's rows, messages and the client's own messages have come."""

    rows: int = 0
    seq: int = 0
    client: int = 0


class Over(Exception):
    """The conversation has ended; ends its tasks."""


class Live:
    """One conversation of this process. `run` is its life; everything else is called from its
    event loop."""

    def __init__(
        self,
        house: House,
        record: SessionRecord,
        session: Session,
        vault: Vault,
        token: str,
        progress: Progress | None = None,
        at: float = 0.0,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """`at` is the time of its last input and `positions` are those of its legs, when it goes on
        after a stop."""
        self.house = house
        self.record = record
        self.session = session
        self.vault = vault
        self.token = token  # the client's, which the vault is sealed with
        self.customer = e.Customer(record.customer)
        self.began_at = datetime.fromisoformat(record.began_at)
        self.progress = progress or Progress()
        self.present = False
        self.stopped = False
        self.begun = asyncio.Event()  # what `run` begins with has been done
        self.hearers: set[asyncio.Queue[bytes]] = set()
        self._wire = NativeWire(self.progress.seq)
        self._began = house.clock() - max(at, _seconds(self.began_at, house.today()))
        self._out: Outgoing | None = None
        self._changed = asyncio.Event()  # a deadline is earlier now than it was,
        self._wakes_at = 0.0  # when the clock last looked
        self._gives_up_at = math.inf  # waiting for the customer's connection
        self._late_at: dict[int, float] = {}  # hand-over -> when nobody will come any more
        self._waits_since: dict[int, float] = {}  # hand-over -> when it came into the queue
        self._heard_at = at  # when the last sound came
        self._recent: deque[tuple[int, str]] = deque(maxlen=RECENT)  # messages, by number
        self.kept: asyncio.Future[None] | None = None  # of the last row
        self._quiet: dict[str, e.Heard] = {}  # by leg: heard, led to nothing, not written yet
        self._quiets = 0
        self._asked: dict[int, Expectation] = {}  # what the customer was asked, by question
        self._tasks: asyncio.TaskGroup | None = None
        self._owed: set[asyncio.Task[None]] = set()  # to be finished even if the customer goes
        self._speech_began = 0.0
        self._sound = Soundtrack(house.store, house.journal, record, house.pack.privacy, positions)

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def now(self) -> float:
        """Seconds since this session began."""
        return self.house.clock() - self._began

    async def run(self, begin: Callable[[], None]) -> None:
        """Live until the conversation is over. `begin` gives the first input, or takes up what a
        stopped process left open."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._clock())
                begin()
                self.begun.set()
        except* Over:
            pass
        finally:
            self.stopped = True
            self.begun.set()
            self.house.engine.leave(self.id)
            self._write_quiet()
            self._sound.stop()
            if self.session.closed:
                self._end()

    def _end(self) -> None:
        store, now = self.house.store, self._utc()
        self.house.journal.do(lambda: store.end(self.id, now))
        self.house.journal.do(lambda: store.left(self.id))
        if self.session.ownership.person:  # the customer has left them
            for number in self.session.ownership.asked_for:
                self.house.journal.do(partial(store.finish, self.id, number, "left", now))
        self.house.floor.tell(Happened(self.id, "closed"))

    # -- connections ---------------------------------------------------------------------------

    def attach(self, out: Outgoing) -> None:
        """The customer is connected through `out` now; an earlier connection is let go."""
        if self._out is not None:
            self._out.end(e.Close(REPLACED, "this conversation goes on in another connection"))
        self._out, self.present, self._gives_up_at = out, True, math.inf
        self._present()

    def detach(self, out: Outgoing) -> None:
        """That connection is gone; the conversation waits for another for a while."""
        if self._out is not out:
            return
        self._out, self.present = None, False
        if self.session.closed:
            return
        self._gives_up_at = self.now + self.house.settings.resume_s
        self.feed(e.Dropped(self.now))
        self._present()
        self._look()

    def _present(self) -> None:
        store, present = self.house.store, self.present
        self.house.journal.do(lambda: store.present(self.id, present))
        self.house.floor.tell(Happened(self.id, "back" if present else "away"))

    async def missed(self, seq: int) -> list[str]:
        """The messages after number `seq`. What has been said since they were looked up is among
        them: whoever attaches a connection right after this has all."""
        older: list[str] = []
        if not self._recent or self._recent[0][0] > seq + 1:
            self._write_quiet()
            await self.house.journal.do(lambda: None)
            rows = await asyncio.to_thread(self.house.store.rows, self.id)
            told = [(json.loads(one)["seq"], one) for row in rows for one in row.messages]
            older = [message for number, message in told if number > seq]
            seq = max([seq, *(number for number, _ in told)])
        return [*older, *(message for number, message in self._recent if number > seq)]

    def resumed(self) -> None:
        """A connection has been attached again: go on."""
        missed = 0
        if self.record.legs:
            missed = max(0, int((self.now - self._heard_at) * RATE)) // VOICE_HOP * VOICE_HOP
        self.feed(e.Resumed(self.now, missed))

    def expects(self, number: int) -> None:
        """Somebody surely comes for this hand-over: wait as long as it takes."""
        self._late_at.pop(number, None)

    def patient(self) -> None:
        """Somebody has come to work: wait for them as long as the pack says, from when a person was
        asked for."""
        for id in self._late_at:
            self._late_at[id] = self._waits_since[id] + self.house.people.patience_s
        self._look()

    def person_speaks(self, name: str, state: str) -> str:
        """The message that the voice of a person starts or ends."""
        return self._wire.notice("speech", self.now, turn=0, state=state, by=name)

    def spoken(self, turn: int, ms: int) -> None:
        """So much of a reply has been sent as sound."""
        self.feed(e.Speaking(self._speech_began, turn, ms))

    def speech(self, turn: int, state: str) -> str:
        """The message that spoken replies of a turn begin or end."""
        self._speech_began = self.now if state == "start" else self._speech_began
        return self._wire.notice("speech", self.now, turn=turn, state=state)

    def person_sound(self, pcm: bytes, name: str) -> None:
        """16 kHz PCM16 of a person, for the customer, if it is they who may speak now; empty when
        they pause or have to stop."""
        if self._out is not None and (not pcm or self.session.ownership.owned_by(name)):
            self._out.person(pcm, name)

    # -- what comes in -------------------------------------------------------------------------

    def feed(self, event: e.Input, client: int = 0) -> None:
        """Take one input, at `self.now`. `client` is the client's own number of it. Nothing is
        taken once the conversation is over, or its process stops."""
        if self.session.closed or self.stopped:
            return
        hidden = self.vault.hide(event, self._expectation(event))
        event = hidden.event
        effects = self.session.receive(event)
        redactions = hidden.redactions
        self._sound.push(event, effects, redactions)
        if isinstance(event, e.Heard):
            self._overhear(event)
            self._heard_at = event.at
            if all(isinstance(effect, e.Listen) for effect in effects) and self._wait(event):
                self._carry_out(effects, None, [])
                return
        self._write_quiet()
        messages = [self._wire.encode(effect, event.at) for effect in effects]
        for message in (one for told in messages for one in told):
            self.progress.seq += 1
            self._recent.append((self.progress.seq, message))
        redacted = json.dumps([one.written() for one in redactions])
        kept = self._write(event, effects, [m for ms in messages for m in ms], client, redacted)
        self._carry_out(effects, kept, messages)
        if self.session.deadline < self._wakes_at:
            self._look()

    def _expectation(self, event: e.Input) -> Expectation:
        """What had been asked for when this was said."""
        if isinstance(event, e.Understood | e.Missed):
            return self._asked.pop(event.ask, self.session.expect)
        return self.session.expect

    def _wait(self, event: e.Heard) -> bool:
        """Join what led to nothing: one row for half a second of it. A stream that has just begun
        is written at once, for turns are numbered in the order of rows."""
        if self._sound.began:
            return False
        before = self._quiet.get(event.leg)
        if before is not None:
            samples = np.concatenate([before.samples, event.samples])
            event = e.Heard(event.at, event.leg, samples, before.speech + event.speech)
        self._quiet[event.leg] = event
        self._quiets += 1
        if self._quiets >= TOGETHER:
            self._write_quiet()
        return True

    def _write_quiet(self) -> None:
        quiet, self._quiet, self._quiets = self._quiet, {}, 0
        for event in quiet.values():
            self._write(event, [], [], 0, "[]")

    def _write(
        self,
        event: e.Input,
        effects: list[e.Effect],
        messages: list[str],
        client: int,
        redactions: str,
    ) -> asyncio.Future[None]:
        if self.vault.changed:
            sealed, store = self.vault.sealed(self.token), self.house.store
            self.house.journal.do(lambda: store.seal(self.id, sealed))
        if isinstance(event, e.Consented):
            store = self.house.store
            agreed = self.house.pack.privacy.may_record(event.recording)
            self.house.journal.do(lambda: store.consented(self.id, agreed))
        self.progress.rows += 1
        self.progress.client = max(self.progress.client, client)
        row = Row(
            self.progress.rows,
            event.at,
            written(event),
            client,
            tuple(messages),
            json.dumps(decisions(effects), separators=(",", ":")),
            footprint(effects),
            redactions,
        )
        self.kept = kept = self.house.journal.append(self.id, row)
        self.house.floor.tell(Happened(self.id, "row", row))
        return kept

    def _overhear(self, event: e.Heard) -> None:
        if event.leg != "customer" or not self.hearers:
            return
        pcm = (event.samples * 32767).astype("<i2").tobytes()
        for hearer in self.hearers:
            with suppress(asyncio.QueueFull):
                hearer.put_nowait(pcm)

    # -- what follows --------------------------------------------------------------------------

    def _carry_out(
        self,
        effects: list[e.Effect],
        kept: asyncio.Future[None] | None,
        messages: list[list[str]],
    ) -> None:
        for number, effect in enumerate(effects):
            told = messages[number] if messages else []
            if isinstance(effect, e.Close):
                self._close(effect, told, kept)
                continue
            if self._out is not None:
                for message in told:
                    self._out.message(self.vault.message(message), kept)
            self._do(effect, kept)

    def _do(self, effect: e.Effect, kept: asyncio.Future[None] | None) -> None:
        assert self._tasks is not None
        house = self.house
        match effect:
            case e.Listen():
                house.engine.listen(self.id, effect, partial(self._partial, effect.stream))
            case e.Forget(stream):
                house.engine.forget(self.id, stream)
            case e.Understand():
                self._asked[effect.ask] = effect.expect
                self._tasks.create_task(self._understand(effect))
            case e.Act(call):
                self._owe(self._tasks.create_task(self._act(call, kept)))
            case e.Hush(turn) if self._out is not None:
                self._out.hush(turn)
            case e.Say(aloud=True) if self._out is not None:
                self._out.say(effect)
            case e.HandOver():
                self._owe(self._tasks.create_task(self._hand_over(effect, kept)))
            case e.Remember(note):
                now = self._utc()
                house.journal.do(lambda: house.store.remember(self.id, [note], now))

    def redo(self, effect: e.Effect) -> None:
        """Carry out what a stopped process did not get to the end of."""
        self._do(effect, None)

    def _close(self, effect: e.Close, told: list[str], kept: asyncio.Future[None] | None) -> None:
        assert self._tasks is not None
        if self._out is not None:
            self._out.end(effect, [self.vault.message(one) for one in told], kept)
        self._tasks.create_task(self._finish())

    def erased(self) -> None:
        """Everything that was kept of it was erased: it ends, for nothing may be kept again."""
        if self.stopped or self.session.closed:
            return
        assert self._tasks is not None
        self.session.closed = True
        if self._out is not None:
            close = e.Close(1000, "nothing of this conversation is kept any more")
            self._out.end(close, self._wire.encode(close, self.now))
        self._tasks.create_task(self._finish())

    def _owe(self, task: asyncio.Task[None]) -> None:
        self._owed.add(task)
        task.add_done_callback(self._owed.discard)

    async def _finish(self) -> None:
        if self._owed:
            await asyncio.wait(self._owed)
        raise Over

    def _partial(self, stream: int, text: str) -> None:
        if not self.session.closed:
            self.feed(e.Partial(self.now, stream, text))

    async def _understand(self, effect: e.Understand) -> None:
        house, asked = self.house, self.now
        try:
            answer = await house.engine.understand(
                self.id, effect, self.session.dialogue.today, asked
            )
        except NoAnswer as missing:
            house.metrics.missed.labels(missing.why).inc()
            self.feed(e.Missed(self.now, effect.ask, missing.why))
            return
        house.metrics.turns.labels(self.session.talk.channel).inc()
        house.metrics.answer.labels(self.session.talk.channel).observe(self.now - asked)
        self.feed(e.Understood(self.now, effect.ask, answer.understanding, answer.transcript))

    async def _act(self, call: ActionCall, kept: asyncio.Future[None] | None) -> None:
        if kept is not None:
            await asyncio.shield(kept)  # else its key could mean something else after a crash
        outcome = await asyncio.to_thread(self.house.actions.perform, self.vault.call(call))
        self.feed(e.Acted(self.now, outcome))

    async def _hand_over(self, effect: e.HandOver, kept: asyncio.Future[None] | None) -> None:
        house = self.house
        if kept is not None:
            await asyncio.shield(kept)
        if effect.state != "queued":
            self._late_at.pop(effect.id, None)
        if effect.state == "requested":
            house.metrics.handoffs.labels(effect.escalation.rule).inc()
        found = await asyncio.to_thread(
            house.people.told, self.id, self.customer.id, effect, house.today()
        )
        house.floor.tell(Happened(self.id, "queue"))
        match found:
            case Unreachable(why, ticket, when):
                self.feed(e.Unreached(self.now, effect.id, why, ticket, when))
            case int():
                wait_s = found * house.settings.wait_s
                self._waits_since[effect.id] = self.now
                self._late_at[effect.id] = self.now + house.people.patience_s
                self.feed(e.Queued(self.now, effect.id, found, wait_s))
                self._look()

    # -- time ----------------------------------------------------------------------------------

    def _look(self) -> None:
        self._changed.set()

    async def _clock(self) -> None:
        while True:
            self._wakes_at = min(
                self.session.deadline, self._gives_up_at, *self._late_at.values(), math.inf
            )
            wait = self._wakes_at - self.now
            with suppress(TimeoutError):
                async with asyncio.timeout(None if math.isinf(wait) else wait):
                    await self._changed.wait()
            self._changed.clear()
            await self._due()

    async def _due(self) -> None:
        if self.session.deadline <= self.now:
            self.feed(e.Tick(self.now))
        if self._gives_up_at <= self.now:
            self._gives_up_at = math.inf
            self.feed(e.Left(self.now))
        for id, at in list(self._late_at.items()):
            if at <= self.now:
                del self._late_at[id]
                people, today = self.house.people, self.house.today()
                none = await asyncio.to_thread(people.too_long, self.id, id, today)
                if none is not None:
                    self.feed(e.Unreached(self.now, id, none.why, none.ticket, none.when))
                self.house.floor.tell(Happened(self.id, "queue"))

    def _utc(self) -> str:
        return utc(self.house.today())


def utc(now: datetime) -> str:
    """The wall's time as it is kept."""
    return now.astimezone(UTC).isoformat(timespec="seconds")


def _seconds(since: datetime, now: datetime) -> float:
    return (now - since).total_seconds()
