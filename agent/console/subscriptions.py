"""Which conversations does one console look at, and what does it see of them?

A conversation is opened from what the store keeps of it and followed by what happens from then on:
between the two there is no gap, and nothing is told twice (tests/test_desk.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from agent.console import takeover
from agent.console.takeover import Somebody
from agent.console.transcript_view import Board
from agent.runtime.conversation import Live
from agent.runtime.event_bus import Happened
from agent.runtime.registry import Lives
from agent.runtime.services import House
from agent.store import SessionRecord, Store
from agent.wire.console import encode
from agent.wire.native import WireError
from dialogs.agent_assist import proposals


@dataclass(slots=True)
class _Followed:
    """`early` is what happens while the board is being read."""

    early: list[Happened] = field(default_factory=list)
    board: Board | None = None
    proposed: int = 0  # the turn that replies were proposed for last


class Following:
    """Everything one console follows. For one event loop."""

    def __init__(
        self, house: House, lives: Lives, who: Somebody, tell: Callable[[str], None]
    ) -> None:
        self._house = house
        self._lives = lives
        self._who = who
        self._tell = tell
        self._all: dict[str, _Followed] = {}

    async def watch(self, session: str) -> None:
        """Follow this one instead of the one before; what is owned is followed all the same."""
        if not await self._may(session):
            raise WireError("not_yours", "You may look at what waits in the queue or is yours.")
        for other in [id for id in self._all if id != session and not self._owned(id)]:
            self.leave(other)
        await self.open(session)

    async def open(self, session: str) -> None:
        """Tell all of a conversation, and what happens in it from now on."""
        followed = self._all[session] = _Followed()
        live = self._lives.get(session)
        store = self._house.store
        await self._house.journal.do(lambda: None)  # what has happened is in the store now
        record = live.record if live else await asyncio.to_thread(store.session, session)
        if record is None:
            self.leave(session)
            raise takeover.over()
        board = await asyncio.to_thread(_board, store, record)
        replies = await self._proposals(live)
        if self._all.get(session) is not followed:
            return  # opened once more, or left
        for one in followed.early:
            _push(board, one)
        followed.board, followed.proposed = board, board.understood
        self._tell(_opened(board, record, replies))
        over = record.state == "ended" or any(one.what == "closed" for one in followed.early)
        if over or (live is not None and session not in self._lives):
            self._close(session, board)

    async def happened(self, happened: Happened) -> None:
        """Pass on what is followed."""
        followed = self._all.get(happened.session)
        if followed is None:
            return
        if followed.board is None:
            followed.early.append(happened)
            return
        before = followed.board.owner, followed.board.name
        for message in _push(followed.board, happened):
            self._tell(message)
        if happened.what == "closed":
            self._close(happened.session, followed.board)
        elif before != (followed.board.owner, followed.board.name):
            await self._go_on(happened.session)
        await self._propose(happened.session, followed, followed.board)

    def leave(self, session: str) -> None:
        self._all.pop(session, None)

    def leave_all(self) -> None:
        self._all.clear()

    def unwatch(self) -> None:
        """Follow only what is owned."""
        for session in [id for id in self._all if not self._owned(id)]:
            self.leave(session)

    # -- what may be seen ----------------------------------------------------------------------

    def _owned(self, session: str) -> bool:
        live = self._lives.get(session)
        return live is not None and live.session.ownership.owned_by(self._who.name)

    async def _may(self, session: str) -> bool:
        """A supervisor sees everything, a person what waits or is theirs."""
        if self._who.role == "supervisor" or self._owned(session):
            return True
        if (live := self._lives.get(session)) is not None:
            return live.session.ownership.owner == "queued"
        waiting = await asyncio.to_thread(self._house.store.waiting)
        return any(one.session == session for one in waiting)

    async def _go_on(self, session: str) -> None:
        """Whether it may still be looked at, now that somebody else owns it."""
        if not await self._may(session):
            self.leave(session)

    # -- what is told --------------------------------------------------------------------------

    def _close(self, session: str, board: Board) -> None:
        self._tell(encode("closed", session=session, reason=board.reason or "It is over."))
        self.leave(session)

    async def _propose(self, session: str, followed: _Followed, board: Board) -> None:
        """New replies, to whoever speaks, when the customer has said something."""
        if board.understood == followed.proposed or not self._owned(session):
            return
        followed.proposed = board.understood
        replies = await self._proposals(self._lives.get(session))
        if self._all.get(session) is followed:
            self._tell(encode("suggestions", session=session, replies=replies))

    async def _proposals(self, live: Live | None) -> list[dict[str, str]]:
        if live is None:
            return []
        session, pack = live.session, self._house.pack
        found = await asyncio.to_thread(
            proposals, pack, session.state, session.talk, session.dialogue.today
        )
        return [asdict(one) for one in found]


def _board(store: Store, record: SessionRecord) -> Board:
    """What the store keeps of a conversation, as it is shown. Blocking."""
    board = Board(record.id, record.speak)
    for row in store.rows(record.id):
        board.push(row)
    return board


def _push(board: Board, happened: Happened) -> list[str]:
    row = happened.row
    return board.push(row) if row is not None and row.n > board.seen else []


def _opened(board: Board, record: SessionRecord, replies: list[dict[str, str]]) -> str:
    voice = record.speak and "customer" in record.legs
    return encode(
        "opened",
        session=record.id,
        id=board.asked,
        channel=record.channel,
        customer=record.customer,
        began_at=record.began_at,
        voice=voice,
        suggestions=replies,
        **board.picture(),
    )
