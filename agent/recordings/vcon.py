"""vCon 0.4.0 export of a recording, the container format of other contact centres.

draft-ietf-vcon-vcon-core: parties, utterances and audio as dialogs, handoffs as transfers,
transcript and mood as analyses. Private values stay replaced in it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from agent.recordings.recording import Recording
from agent.recordings.transcript import TranscriptLine, transcript_lines
from agent.recordings.wav import call_audio, wav_bytes
from audio.types import RATE
from dialogs.pack.model import Pack

VCON_VERSION = "0.4.0"
VENDOR = "Hearken"
CUSTOMER_PARTY, BOT_PARTY = 0, 1


def vcon_json(recording: Recording, pack: Pack) -> str:
    """The vCon as JSON text. `pack` has the names of the bot and the business."""
    return json.dumps(_VconBuilder(recording, pack).build(), indent=1, ensure_ascii=False) + "\n"


@dataclass(slots=True)
class _VconBuilder:
    recording: Recording
    pack: Pack
    parties: list[dict[str, Any]] = field(default_factory=list)
    dialog: list[dict[str, Any]] = field(default_factory=list)
    analysis: list[dict[str, Any]] = field(default_factory=list)

    def build(self) -> dict[str, Any]:
        record = self.recording.record
        customer = {"type": "person", "name": "Customer", "validation": "none"}
        bot = {
            "type": "bot",
            "name": self.pack.agent_name,
            "org": self.pack.bank_name,
            "validation": "none",
        }
        self.parties = [customer, bot]
        all_lines = transcript_lines(self.recording)
        self._add_audio()
        for line in all_lines:
            self._add_line(line)
        self._add_transfers()
        self._add_analyses(all_lines)
        return {
            "vcon": VCON_VERSION,
            "uuid": _session_uuid(record.id),
            "created_at": record.ended_at or record.last_at,
            "subject": f"{record.channel} with {self.pack.bank_name}",
            "parties": self.parties,
            "dialog": self.dialog,
            "analysis": self.analysis,
            "attachments": [],
        }

    def _timestamp(self, seconds: float) -> str:
        began = datetime.fromisoformat(self.recording.record.began_at)
        return (began + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    def _party_index(self, line: TranscriptLine) -> int:
        if line.speaker in ("customer", "bot"):
            return CUSTOMER_PARTY if line.speaker == "customer" else BOT_PARTY
        return self._person_index(line.name or "Agent")

    def _person_index(self, name: str) -> int:
        for index, party in enumerate(self.parties):
            if party["type"] == "person" and party["name"] == name and index > BOT_PARTY:
                return index
        self.parties.append({"type": "person", "name": name, "validation": "none"})
        return len(self.parties) - 1

    def _add_audio(self) -> None:
        if not self.recording.audio:
            return
        legs = self.recording.record.legs
        parties = [
            CUSTOMER_PARTY if leg == "customer" else self._person_index("Agent") for leg in legs
        ]
        self.dialog.append(
            {
                "type": "recording",
                "start": self._timestamp(0.0),
                "duration": round(len(call_audio(self.recording)) / RATE, 3),
                "parties": parties if len(parties) > 1 else parties[0],
                "mediatype": "audio/x-wav",
                "filename": f"{self.recording.record.id}.wav",
                "body": base64.urlsafe_b64encode(wav_bytes(self.recording)).decode().rstrip("="),
                "encoding": "base64url",
            }
        )

    def _add_line(self, line: TranscriptLine) -> None:
        """Add an utterance as a text dialog, unless it is part of the recorded audio."""
        if line.spoken and line.speaker in ("customer", "agent") and self.recording.audio:
            return
        speaker = self._party_index(line)
        other = BOT_PARTY if speaker == CUSTOMER_PARTY else CUSTOMER_PARTY
        self.dialog.append(
            {
                "type": "text",
                "start": self._timestamp(line.start),
                "duration": round(line.end - line.start, 3) if line.spoken else 0,
                "parties": [CUSTOMER_PARTY, speaker if other == CUSTOMER_PARTY else BOT_PARTY],
                "mediatype": "text/plain",
                "body": line.text,
                "encoding": "none",
            }
            | ({} if speaker == CUSTOMER_PARTY else {"originator": speaker})
        )

    def _add_transfers(self) -> None:
        """Add a transfer for each person who took over; other people are not named as parties."""
        for row in self.recording.rows:
            row_decisions = json.loads(row.decisions)
            person_name = next(
                (o["name"] for o in row_decisions if o["kind"] == "owner" and o["name"]), None
            )
            if person_name is None or not self.dialog:
                continue
            self.dialog.append(
                {
                    "type": "transfer",
                    "start": self._timestamp(row.at),
                    "transferee": CUSTOMER_PARTY,
                    "transferor": BOT_PARTY,
                    "transfer_target": self._person_index(person_name),
                    "original": 0,
                    "target_dialog": self._first_dialog_with(person_name, row.at),
                }
            )

    def _first_dialog_with(self, name: str, at: float) -> int:
        """Index of the first dialog of this person from `at` on; 0 if they said nothing."""
        person, start_time = self._person_index(name), self._timestamp(at)
        for index, one in enumerate(self.dialog):
            if one.get("originator") == person and one["start"] >= start_time:
                return index
        return 0

    def _add_analyses(self, all_lines: list[TranscriptLine]) -> None:
        if not self.dialog:
            return
        dialog_indices = list(range(len(self.dialog))) if not self.recording.audio else 0
        transcript = [
            {
                "party": self._party_index(one),
                "start": round(one.start, 3),
                "end": round(one.end, 3),
                "text": one.text,
            }
            | _confidence_field(one)
            for one in all_lines
        ]
        mood = [
            {"start": round(one.start, 3), "upset": round(one.upset, 3), **_sentiment_field(one)}
            for one in all_lines
            if one.upset is not None
        ]
        models = dict(self.recording.record.models)
        for kind, body in (("transcript", transcript), ("sentiment", mood)):
            if body:
                self.analysis.append(
                    {
                        "type": kind,
                        "dialog": dialog_indices,
                        "vendor": VENDOR,
                        "product": "; ".join(f"{role}: {name}" for role, name in models.items()),
                        "schema": f"hearken.{kind}.v1",
                        "mediatype": "application/json",
                        "body": json.dumps(body, ensure_ascii=False),
                        "encoding": "json",
                    }
                )


def _confidence_field(line: TranscriptLine) -> dict[str, Any]:
    return {} if line.confidence is None else {"confidence": round(line.confidence, 3)}


def _sentiment_field(line: TranscriptLine) -> dict[str, Any]:
    return {} if line.sentiment is None else {"sentiment": round(line.sentiment, 3)}


def _session_uuid(session: str) -> str:
    """A UUID of version 8 (RFC 9562), always the same for one session."""
    value = int.from_bytes(hashlib.sha256(f"hearken:{session}".encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | (8 << 76)
    value = value & ~(0x3 << 62) | (2 << 62)
    return str(uuid.UUID(int=value))
