"""Wherever a process stops, what is open then is what its rows say was asked and not answered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agent.config import Settings, session_rules
from agent.core.event_json import JournalRow
from agent.privacy.vault import SealError, Vault
from agent.recordings.bundle import load_recording
from agent.runtime.recovery import recover_session
from audio.types import VOICE_HOP
from tests.agent.conftest import SESSIONS
from tests.support.packs import bank_pack

ALL = sorted(SESSIONS.glob("*.zip"))
PACK, RULES = bank_pack(), session_rules(Settings())
MOST_STOPS = 25  # of one conversation


def open_by_rows(rows: Sequence[JournalRow]) -> tuple[list[int], list[str], list[int]]:
    """Requests, actions and handoffs that are open, from what the rows say alone."""
    requests, actions, handoffs = {}, {}, {}
    for row in rows:
        event = json.loads(row.input)
        match event["type"]:
            case "Understood" | "Missed":
                requests.pop(event["ask"], None)
            case "Acted":
                actions.pop(event["outcome"]["key"], None)
            case "Queued" | "Unreached":
                handoffs.pop(event["id"], None)
        for one in json.loads(row.decisions):
            match one["kind"]:
                case "turn":
                    requests[one["ask"]] = True
                case "action":
                    actions[one["key"]] = True
                case "escalation":
                    handoffs[one["id"]] = True
    return list(requests), list(actions), list(handoffs)


def positions_by_rows(rows: Sequence[JournalRow], legs: Sequence[str]) -> dict[str, int]:
    positions = dict.fromkeys(legs, 0)
    for row in rows:
        event = json.loads(row.input)
        if event["type"] == "Heard":
            positions[event["leg"]] += len(event["speech"]) * VOICE_HOP
        elif event["type"] == "Resumed":
            positions = {leg: at + event["missed"] for leg, at in positions.items()}
    return positions


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_what_is_open_is_what_the_rows_leave_open(path):
    recording = load_recording(path)
    record, rows = recording.record, recording.rows
    step = max(1, len(rows) // MOST_STOPS)
    for stop in range(1, len(rows) + 1, step):
        found = recover_session(record, rows[:stop], "token", PACK, RULES)
        work = found.open_work
        still_open = list(work.turn_requests), list(work.actions), list(work.handoffs)
        assert still_open == open_by_rows(rows[:stop]), stop
        assert found.position.rows == stop
        assert found.last_input_at == max(row.at for row in rows[:stop])
        if not found.session.closed:
            assert found.session.leg_positions == positions_by_rows(rows[:stop], record.legs)


def test_a_lost_connection_is_known_to_be_lost():
    recording = load_recording(SESSIONS / "two-legs.zip")
    tags = [json.loads(row.input)["type"] for row in recording.rows]
    lost, back = tags.index("Dropped") + 1, tags.index("Resumed") + 1

    def is_away(stop: int) -> bool:
        rows = recording.rows[:stop]
        return recover_session(recording.record, rows, "", PACK, RULES).session.is_customer_away

    assert [is_away(stop) for stop in (lost - 1, lost, back - 1, back)] == [
        False,
        True,
        True,
        False,
    ]


def test_the_vault_opens_with_the_clients_token_only():
    recording = load_recording(SESSIONS / "private.zip")
    record = replace(recording.record, sealed=Vault(PACK, bytes(32)).seal("right"))
    assert recover_session(record, recording.rows, "right", PACK, RULES)
    with pytest.raises(SealError):
        recover_session(record, recording.rows, "wrong", PACK, RULES)
