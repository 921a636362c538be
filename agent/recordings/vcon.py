"""What is a recorded conversation as a vCon, the container that other contact centres read?

vCon 0.4.0 (draft-ietf-vcon-vcon-core): parties, what was said as dialogs, hand-overs as transfers,
transcript and mood as analyses. Values that were private stay replaced in it.
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
from agent.recordings.transcript import Line, lines
from agent.recordings.wav import wav, whole
from audio.types import RATE
from dialogs.pack.model import Pack

VERSION = "0.4.0"
VENDOR = "Hearken"
CUSTOMER, BOT = 0, 1


def vcon(recording: Recording, pack: Pack) -> str:
    """JSON text. `pack` says the bot's and the business's names."""
    return json.dumps(_Building(recording, pack).run(), indent=1, ensure_ascii=False) + "\n"


@dataclass(slots=True)
class _Building:
    recording: Recording
    pack: Pack
    parties: list[dict[str, Any]] = field(default_factory=list)
    dialog: list[dict[str, Any]] = field(default_factory=list)
    analysis: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> dict[str, Any]:
        record = self.recording.record
        customer = {"type": "person", "name": "Customer", "validation": "none"}
        bot = {"type": "bot", "name": self.pack.agent, "org": self.pack.bank, "validation": "none"}
        self.parties = [customer, bot]
        said = lines(self.recording)
        self._sound()
        for line in said:
            self._line(line)
        self._transfers()
        self._analyse(said)
        return {
            "vcon": VERSION,
            "uuid": _uuid(record.id),
            "created_at": record.ended_at or record.last_at,
            "subject": f"{record.channel} with {self.pack.bank}",
            "parties": self.parties,
            "dialog": self.dialog,
            "analysis": self.analysis,
            "attachments": [],
        }

    def _time(self, seconds: float) -> str:
        began = datetime.fromisoformat(self.recording.record.began_at)
        return (began + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")

    def _party(self, line: Line) -> int:
        if line.who in ("customer", "bot"):
            return CUSTOMER if line.who == "customer" else BOT
        return self._person(line.name or "Agent")

    def _person(self, name: str) -> int:
        for index, party in enumerate(self.parties):
            if party["type"] == "person" and party["name"] == name and index > BOT:
                return index
        self.parties.append({"type": "person", "name": name, "validation": "none"})
        return len(self.parties) - 1

    def _sound(self) -> None:
        if not self.recording.sound:
            return
        legs = self.recording.record.legs
        parties = [CUSTOMER if leg == "customer" else self._person("Agent") for leg in legs]
        self.dialog.append(
            {
                "type": "recording",
                "start": self._time(0.0),
                "duration": round(len(whole(self.recording)) / RATE, 3),
                "parties": parties if len(parties) > 1 else parties[0],
                "mediatype": "audio/x-wav",
                "filename": f"{self.recording.record.id}.wav",
                "body": base64.urlsafe_b64encode(wav(self.recording)).decode().rstrip("="),
                "encoding": "base64url",
            }
        )

    def _line(self, line: Line) -> None:
        """Spoken words of a leg are in the recording; the rest are messages."""
        if line.spoken and line.who in ("customer", "agent") and self.recording.sound:
            return
        speaker = self._party(line)
        other = BOT if speaker == CUSTOMER else CUSTOMER
        self.dialog.append(
            {
                "type": "text",
                "start": self._time(line.start),
                "duration": round(line.end - line.start, 3) if line.spoken else 0,
                "parties": [CUSTOMER, speaker if other == CUSTOMER else BOT],
                "mediatype": "text/plain",
                "body": line.text,
                "encoding": "none",
            }
            | ({} if speaker == CUSTOMER else {"originator": speaker})
        )

    def _transfers(self) -> None:
        """The bot hands the customer over; who is not in it is not named a party to it."""
        for row in self.recording.rows:
            decided = json.loads(row.decisions)
            came = next((o["name"] for o in decided if o["kind"] == "owner" and o["name"]), None)
            if came is None or not self.dialog:
                continue
            self.dialog.append(
                {
                    "type": "transfer",
                    "start": self._time(row.at),
                    "transferee": CUSTOMER,
                    "transferor": BOT,
                    "transfer_target": self._person(came),
                    "original": 0,
                    "target_dialog": self._next_of(came, row.at),
                }
            )

    def _next_of(self, name: str, at: float) -> int:
        """The first dialog with the one who came; the conversation itself if they said nothing."""
        person, since = self._person(name), self._time(at)
        for index, one in enumerate(self.dialog):
            if one.get("originator") == person and one["start"] >= since:
                return index
        return 0

    def _analyse(self, said: list[Line]) -> None:
        if not self.dialog:
            return
        about = list(range(len(self.dialog))) if not self.recording.sound else 0
        transcript = [
            {
                "party": self._party(one),
                "start": round(one.start, 3),
                "end": round(one.end, 3),
                "text": one.text,
            }
            | _sure(one)
            for one in said
        ]
        mood = [
            {"start": round(one.start, 3), "upset": round(one.upset, 3), **_sentiment(one)}
            for one in said
            if one.upset is not None
        ]
        models = dict(self.recording.record.models)
        for kind, body in (("transcript", transcript), ("sentiment", mood)):
            if body:
                self.analysis.append(
                    {
                        "type": kind,
                        "dialog": about,
                        "vendor": VENDOR,
                        "product": "; ".join(f"{role}: {name}" for role, name in models.items()),
                        "schema": f"hearken.{kind}.v1",
                        "mediatype": "application/json",
                        "body": json.dumps(body, ensure_ascii=False),
                        "encoding": "json",
                    }
                )


def _sure(line: Line) -> dict[str, Any]:
    return {} if line.confidence is None else {"confidence": round(line.confidence, 3)}


def _sentiment(line: Line) -> dict[str, Any]:
    return {} if line.sentiment is None else {"sentiment": round(line.sentiment, 3)}


def _uuid(session: str) -> str:
    """Version 8 (RFC 9562): the same conversation has the same."""
    value = int.from_bytes(hashlib.sha256(f"hearken:{session}".encode()).digest()[:16], "big")
    value = value & ~(0xF << 76) | (8 << 76)
    value = value & ~(0x3 << 62) | (2 << 62)
    return str(uuid.UUID(int=value))
