"""Retention: the end of abandoned sessions, and the deletion of data by age.

The pack says for how many days each kind of data is kept. Blocking; the server runs it in a thread
every minute (tests/agent/store/test_retention.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from agent.core.records import utc_text
from agent.store import Store

RETENTION_INTERVAL_S = 60.0
OUTCOME_LEFT = "left"  # outcome of a handoff whose customer left the person who had accepted it
OVERWRITE_TIMEOUT_S = 1.0  # to wait for readers; else the next run does it


def apply_retention(
    store: Store,
    live_ids: Collection[str],
    process_began: datetime,
    now: datetime,
    resume_s: float,
    keep_days: Mapping[str, int],
) -> None:
    """End sessions that can no longer be resumed, delete what is older than `keep_days` by kind,
    and overwrite deleted data.

    `live_ids` are the sessions that this process runs; they get a heartbeat. A session of an
    earlier process can be resumed for `resume_s` after `process_began`, like any other.
    """
    store.touch_sessions(live_ids, utc_text(now))
    grace = timedelta(seconds=max(resume_s, 2 * RETENTION_INTERVAL_S))  # others' heartbeat, too
    for record in store.live_sessions():
        last_seen = max(datetime.fromisoformat(record.last_at), process_began)
        if record.id not in live_ids and last_seen + grace < now:
            store.end_session(record.id, utc_text(now))
            store.mark_disconnected(record.id)
            store.finish_accepted_handoffs(record.id, OUTCOME_LEFT, utc_text(now))
    store.delete_older_than(
        {kind: utc_text(now - timedelta(days=days)) for kind, days in keep_days.items()}
    )
    store.erase_requested(utc_text(now))
    store.overwrite_deleted(OVERWRITE_TIMEOUT_S)
