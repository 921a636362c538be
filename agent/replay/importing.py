"""Import of a sound file with its transcript, or of a chat log, as a recording.

The conversation is run through a session of this build: the customer's lines or audio are its
inputs, and the models answer. A transcript written by a person replaces the output of the
transcriber. The bank is a new demo bank with the pack's seed data. Lines of the employee are stored
as the words of a person and have no effect (tests/agent/replay/test_importing.py).
"""

from __future__ import annotations

import hashlib
import hmac
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np

from agent.actions.bank import BankActions
from agent.actions.interface import Actions
from agent.core.event_json import VERSION
from agent.core.inputs import (
    AudioReceived,
    ConsentChanged,
    Customer,
    CustomerLeft,
    Input,
    PersonTextReceived,
    SessionOpened,
    TextReceived,
)
from agent.core.records import SessionRecord, utc_text
from agent.recordings.leg_audio import LegAudio
from agent.recordings.recording import Recording, RecordingError
from agent.replay.builds import LocalBuild
from agent.replay.import_session import SessionImport
from agent.replay.imported_lines import ImportedLine, read_chat_log, read_transcript
from agent.replay.live_models import LiveModels
from audio import files
from audio.codecs import Pcm16, quantise, to_pcm16
from audio.resample import resample
from audio.types import RATE, Leg
from audio.vad import VoiceActivityDetector
from audio.voice_input import VoiceInput

CHUNK_SAMPLES = RATE // 10  # samples fed at a time
TRAILING_SILENCE_S = 3.0  # silence after a sound file, so that its last turn ends
TYPED_LINE_INTERVAL_S = 8.0  # between the lines of a chat log without times
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3"})


def import_conversation(
    source: Path, transcript: Path | None, build: LocalBuild, models: LiveModels, now: datetime
) -> Recording:
    """The recording of a sound file, with its transcript if given, or of a chat log.

    A stereo file has the customer on the left and an employee on the right. RecordingError or
    AudioError, whose text names the file and line, when they cannot be read.
    """
    with _fresh_bank(build) as bank:
        if source.suffix.lower() not in AUDIO_SUFFIXES:
            if transcript is not None:
                raise RecordingError(f"{source}: only a sound file has a transcript")
            log = read_chat_log(source)
            record = _session_record(source, build, models, "chat", (), now)
            return SessionImport(record, build.target, models, bank, _vault_key(source)).run(
                _chat_inputs(log)
            )
        return _import_audio(source, transcript, build, models, bank, now)


def _import_audio(
    source: Path,
    transcript: Path | None,
    build: LocalBuild,
    models: LiveModels,
    bank: Actions,
    now: datetime,
) -> Recording:
    samples, rate = files.read(source)
    if samples.shape[1] > 2:
        raise RecordingError(f"{source}: {samples.shape[1]} channels; one or two are supported")
    legs: tuple[Leg, ...] = ("customer", "agent") if samples.shape[1] > 1 else ("customer",)
    silence = np.zeros(round(TRAILING_SILENCE_S * RATE), np.float32)
    samples_of_leg = {
        leg: np.concatenate([resample(np.ascontiguousarray(samples[:, i]), rate, RATE), silence])
        for i, leg in enumerate(legs)
    }
    pcm_of_leg = {leg: to_pcm16(one) for leg, one in samples_of_leg.items()}
    leg_audio = {str(leg): LegAudio(one, ((0, len(one)),)) for leg, one in pcm_of_leg.items()}
    record = _session_record(source, build, models, "call" if len(legs) > 1 else "voice", legs, now)
    transcript_lines = read_transcript(transcript) if transcript is not None else ()
    customer_lines = tuple(one for one in transcript_lines if one.is_customer)
    session_import = SessionImport(
        record, build.target, models, bank, _vault_key(source), customer_lines, leg_audio
    )
    return session_import.run(_audio_inputs(legs, pcm_of_leg))


def _audio_inputs(legs: Sequence[Leg], pcm_of_leg: Mapping[Leg, Pcm16]) -> Iterator[Input]:
    """The inputs of a call at 16 kHz, with exactly the samples that the recording stores."""
    yield SessionOpened(0.0, "call" if len(legs) > 1 else "voice", tuple(legs), False, Customer(""))
    yield ConsentChanged(0.0, recording=True, emotion=True)
    intake = VoiceInput(VoiceActivityDetector.load(), "pcm_s16le", RATE, legs)
    frames = np.stack([pcm_of_leg[leg] for leg in legs], axis=1)
    for start in range(0, len(frames), CHUNK_SAMPLES):
        piece = frames[start : start + CHUNK_SAMPLES].astype("<i2").tobytes()
        at = min(start + CHUNK_SAMPLES, len(frames)) / RATE
        for hops in intake.push(piece):
            speech = tuple(round(p, 4) for p in hops.speech)
            yield AudioReceived(at, hops.leg, quantise(hops.samples), speech)
    yield CustomerLeft(len(frames) / RATE + 10.0, sent_end=True)


def _chat_inputs(log: Sequence[ImportedLine]) -> Iterator[Input]:
    yield SessionOpened(0.0, "chat", (), False, Customer(""))
    yield ConsentChanged(0.0, recording=True, emotion=False)
    at = 0.0
    for line in log:
        at = max(at + 0.1, line.start) if line.start is not None else at + TYPED_LINE_INTERVAL_S
        yield (
            TextReceived(at, line.text)
            if line.is_customer
            else PersonTextReceived(at, line.speaker, line.text)
        )
    yield CustomerLeft(at + TYPED_LINE_INTERVAL_S, sent_end=True)


# -- bank, key and session record ----------------------------------------------------------------


@contextmanager
def _fresh_bank(build: LocalBuild) -> Iterator[Actions]:
    with tempfile.TemporaryDirectory() as folder:
        bank = BankActions(Path(folder) / "bank.sqlite3", build.target.pack)
        try:
            yield bank
        finally:
            bank.close()


def _vault_key(source: Path) -> bytes:
    """The vault's key: derived from the file, so that importing it again gives the same surrogates.

    Not derivable without the file, for the recording's id is another digest.
    """
    return hmac.digest(b"hearken import 1", source.read_bytes(), "sha256")


def _session_record(
    source: Path,
    build: LocalBuild,
    models: LiveModels,
    channel: str,
    legs: tuple[Leg, ...],
    now: datetime,
) -> SessionRecord:
    """The session record. Its id is a digest of the file: importing it again gives the same id."""
    began = utc_text(now)
    settings = build.settings.masked_values()
    return SessionRecord(
        id=hashlib.sha256(source.read_bytes()).hexdigest()[:16],
        began_at=began,
        channel=channel,
        customer="",
        today=build.target.pack.opening_hours.local_day(now).isoformat(),
        legs=legs,
        speak=False,
        pack=build.pack_digest,
        settings={name: settings[name] for name in RECORDED_SETTINGS},
        models=models.model_names,
        token="",
        state="ended",
        recording=True,
        ended_at=began,
        last_at=began,
        sealed="",
        audio=None,
        version=VERSION,
    )


RECORDED_SETTINGS = ("turns", "answer_s", "precision")  # settings that decisions depend on
