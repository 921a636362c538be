"""What is to be thrown away now?

Conversations whose customers have not come back, and whatever the pack says has been kept long
enough. Blocking; the server does it in a thread, every minute.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

from agent.store import Store

RETENTION_INTERVAL_S = 60.0
OVERWRITE_TIMEOUT_S = 1.0  # to wait for those who read; else the next time


def apply_retention(
    store: Store,
    live_ids: Collection[str],
    process_began: datetime,
    now: datetime,
    resume_s: float,
    keep_days: Mapping[str, int],
) -> None:
    """End what nobody can resume any more, and forget what is older than `keep_days` by kind;
    nothing that was deleted stays in the files.

    `alive` are the sessions this process takes care of itself, and tells others of; `since` is when
    it began: those of an earlier process can be resumed from then on for as long as any other.
    """
    store.touch_sessions(live_ids, _utc(now))
    grace = timedelta(
        seconds=max(resume_s, 2 * RETENTION_INTERVAL_S)
    )  # others tell as often of theirs
    for record in store.live_sessions():
        last_seen = max(datetime.fromisoformat(record.last_at), process_began)
        if record.id not in live_ids and last_seen + grace < now:
            store.end_session(record.id, _utc(now))
            store.mark_disconnected(record.id)
    store.delete_older_than(
        {kind: _utc(now - timedelta(days=days)) for kind, days in keep_days.items()}
    )
    store.overwrite_deleted(OVERWRITE_TIMEOUT_S)


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")
