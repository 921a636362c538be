"""Recorder of one conversation's audio: consented, masked, stored in FLAC pieces.

Audio is stored only from the customer's consent on, and only after its turn has been understood and
private values in it masked (agent/privacy/audio_masking.py). Pieces last two seconds or more; the
journal's thread compresses them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from agent.core.effects import ChangeConsent, Effect, FeedEncoder
from agent.core.inputs import AudioReceived, ConnectionResumed, ConsentChanged, Input
from agent.core.records import SessionRecord
from agent.privacy.audio_masking import AudioMasker, MaskedAudio
from agent.privacy.redaction_record import Redaction
from agent.store import Store
from agent.store.journal import Journal
from audio.codecs import to_pcm16
from audio.files import encode_flac
from audio.types import RATE, Samples
from dialogs.pack.privacy_rules import PrivacyRules

MIN_PIECE_SAMPLES = 2 * RATE  # samples in one piece, but for the last before a gap or the end


class AudioRecorder:
    """Records the audio legs of one conversation into the store."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        record: SessionRecord,
        rules: PrivacyRules,
        positions: Mapping[str, int] | None = None,
    ) -> None:
        """`positions`: the next sample of each leg, when the conversation was recovered."""
        self.stream_started = False  # the last input was the first audio of a turn
        self._store = store
        self._journal = journal
        self._id = record.id
        self._rules = rules
        self._masker = AudioMasker(record.legs, positions) if record.legs else None
        self._may_record = record.recording
        self._positions = dict.fromkeys(record.legs, 0) | dict(positions or {})  # by leg
        self._consent_from = dict(self._positions)  # by leg, the position where consent begins
        self._streams: set[int] = set()
        self._pieces: dict[str, list[MaskedAudio]] = {}

    def push(
        self, event: Input, effects: Sequence[Effect], redactions: Sequence[Redaction]
    ) -> None:
        """Add one input as the session received it, with its effects and redactions."""
        streams = {effect.stream for effect in effects if isinstance(effect, FeedEncoder)}
        self.stream_started = bool(streams - self._streams)
        self._streams = (self._streams | streams) if streams else self._streams
        if self._masker is None:
            return
        match event:
            case AudioReceived(leg=leg, samples=samples):
                self._positions[leg] += len(samples)
            case ConnectionResumed(missed_samples=missed_samples):
                self._flush()
                self._positions = {leg: at + missed_samples for leg, at in self._positions.items()}
            case ConsentChanged(recording=recording):
                self._set_consent(self._rules.may_record(recording))
        for effect in effects:
            if isinstance(effect, ChangeConsent):
                self._set_consent(self._rules.may_record(effect.recording))
        for piece in self._masker.process(event, effects, redactions):
            self._add_piece(piece)

    def stop(self) -> None:
        """Store what is held back, masked where its words are not known: no more audio comes."""
        if self._masker is not None:
            for piece in self._masker.flush():
                self._add_piece(piece)
            self._flush()

    def _set_consent(self, may_record: bool) -> None:
        if may_record and not self._may_record:
            self._consent_from = dict(self._positions)
        self._may_record = may_record
        if not may_record:
            self._pieces.clear()

    def _add_piece(self, piece: MaskedAudio) -> None:
        if (
            not self._may_record
            or piece.start + len(piece.samples) <= self._consent_from[piece.leg]
        ):
            return
        before_consent = max(0, self._consent_from[piece.leg] - piece.start)
        piece = MaskedAudio(piece.leg, piece.start + before_consent, piece.samples[before_consent:])
        pieces = self._pieces.setdefault(piece.leg, [])
        if pieces and pieces[-1].start + len(pieces[-1].samples) != piece.start:
            self._write_pieces(piece.leg)
            pieces = self._pieces.setdefault(piece.leg, [])
        pieces.append(piece)
        if sum(len(one.samples) for one in pieces) >= MIN_PIECE_SAMPLES:
            self._write_pieces(piece.leg)

    def _flush(self) -> None:
        for leg in list(self._pieces):
            self._write_pieces(leg)

    def _write_pieces(self, leg: str) -> None:
        pieces = self._pieces.pop(leg, [])
        if pieces:
            start, samples = pieces[0].start, np.concatenate([one.samples for one in pieces])
            self._journal.submit(lambda: self._store_piece(leg, start, samples))

    def _store_piece(self, leg: str, start: int, samples: Samples) -> None:
        self._store.add_audio(self._id, leg, start, len(samples), encode_flac(to_pcm16(samples)))
