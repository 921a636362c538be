"""What is to be thrown away now?

Conversations whose customers have not come back, and whatever the pack says has been kept long
enough. Blocking; the server does it in a thread, every minute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from agent.store import Store

EVERY_S = 60.0
OVERWRITE_S = 1.0  # to wait for those who read; else the next time


def tidy(
    store: Store,
    alive: Collection[str],
    since: datetime,
    now: datetime,
    resume_s: float,
    keep_days: Mapping[str, int],
) -> None:
    """End what nobody can resume any more, and forget what is older than `keep_days` by kind;
    nothing that was deleted stays in the files.

    `alive` are the sessions this process takes care of itself, and tells others of; `since` is when
    it began: those of an earlier process can be resumed from then on for as long as any other.
    """
    store.cared_for(alive, _utc(now))
    patience = timedelta(seconds=max(resume_s, 2 * EVERY_S))  # others tell as often of theirs
    for record in store.live():
        seen = max(datetime.fromisoformat(record.last_at), since)
        if record.id not in alive and seen + patience < now:
            store.end(record.id, _utc(now))
            store.left(record.id)
    store.forget({kind: _utc(now - timedelta(days=days)) for kind, days in keep_days.items()})
    store.overwrite(OVERWRITE_S)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
