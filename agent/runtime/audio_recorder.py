"""What of a conversation's sound is kept?

Only what the customer agreed to before it was heard, only after the turn it belongs to has been
understood and what is private in it silenced (agent/privacy/audio_masking.py); two seconds or more
in one piece, compressed by the thread that writes the journal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.core import events as e
from agent.privacy.audio_masking import Piece, Tape, flac
from agent.privacy.redaction_record import Redaction
from agent.store import SessionRecord, Store
from agent.store.journal import Journal
from audio.types import RATE, Samples
from dialogs.pack.privacy_rules import PrivacyRules

TOGETHER = 2 * RATE  # samples in one piece, at least


class Soundtrack:
    """The recording of one conversation's legs."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        record: SessionRecord,
        rules: PrivacyRules,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """`positions` are those of the next samples of its legs, when it goes on after a stop."""
        self.began = False  # the last input was the first sound of a turn
        self._store = store
        self._journal = journal
        self._id = record.id
        self._rules = rules
        self._tape = Tape(record.legs, positions) if record.legs else None
        self._agreed = record.recording
        self._heard = dict.fromkeys(record.legs, 0) | dict(positions or {})  # position, by leg
        self._from = dict(self._heard)  # where consent begins
        self._streams: set[int] = set()
        self._pieces: dict[str, list[Piece]] = {}

    def push(
        self, event: e.Input, effects: Sequence[e.Effect], redactions: Sequence[Redaction]
    ) -> None:
        """One input as the session got it, and what followed."""
        streams = {effect.stream for effect in effects if isinstance(effect, e.Listen)}
        self.began = bool(streams - self._streams)
        self._streams = (self._streams | streams) if streams else self._streams
        if self._tape is None:
            return
        match event:
            case e.Heard(leg=leg, samples=samples):
                self._heard[leg] += len(samples)
            case e.Resumed(missed=missed):
                self._flush()
                self._heard = {leg: at + missed for leg, at in self._heard.items()}
            case e.Consented(recording=recording):
                self._consented(self._rules.may_record(recording))
        for piece in self._tape.push(event, effects, redactions):
            self._take(piece)

    def stop(self) -> None:
        """Nothing more is heard: what is held back is kept, silenced where it is not known."""
        if self._tape is not None:
            for piece in self._tape.close():
                self._take(piece)
            self._flush()

    def _consented(self, recording: bool) -> None:
        if recording and not self._agreed:
            self._from = dict(self._heard)
        self._agreed = recording
        if not recording:
            self._pieces.clear()

    def _take(self, piece: Piece) -> None:
        if not self._agreed or piece.start + len(piece.samples) <= self._from[piece.leg]:
            return
        early = max(0, self._from[piece.leg] - piece.start)
        piece = Piece(piece.leg, piece.start + early, piece.samples[early:])
        pieces = self._pieces.setdefault(piece.leg, [])
        if pieces and pieces[-1].start + len(pieces[-1].samples) != piece.start:
            self._write(piece.leg)
            pieces = self._pieces.setdefault(piece.leg, [])
        pieces.append(piece)
        if sum(len(one.samples) for one in pieces) >= TOGETHER:
            self._write(piece.leg)

    def _flush(self) -> None:
        for leg in list(self._pieces):
            self._write(leg)

    def _write(self, leg: str) -> None:
        pieces = self._pieces.pop(leg, [])
        if pieces:
            start, samples = pieces[0].start, np.concatenate([one.samples for one in pieces])
            self._journal.do(lambda: self._keep(leg, start, samples))

    def _keep(self, leg: str, start: int, samples: Samples) -> None:
        self._store.keep_audio(self._id, leg, start, len(samples), flac(samples))
