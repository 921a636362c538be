"""How do a sound file with its transcript, or the log of a chat, become a recording?

They are run through a session of this build: the customer's lines are typed, or their sound is
heard, and the models answer. Where a person has written down what was said, that counts and not
what the transcriber hears. The bank is a fresh one of the pack's own seed. What the employee of the
time said is kept as the words of a person, and leads to nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import webvtt

from agent.actions.bank import BankActions
from agent.actions.interface import Actions
from agent.core import events as e
from agent.core.event_json import VERSION
from agent.recordings.leg_audio import FULL_SCALE, LegSound, Whole, whole_numbers
from agent.recordings.recording import Recording, RecordingError
from agent.replay.builds import Here
from agent.replay.import_session import Importing
from agent.replay.live_models import Models
from agent.store.records import SessionRecord
from audio import files
from audio.resample import resample
from audio.types import RATE, Leg, Samples
from audio.vad import VoiceActivity
from audio.voice_input import Intake

CUSTOMER = frozenset({"customer", "user", "caller", "client", "visitor", "guest", "me"})
STEP = RATE // 10  # samples heard at a time
QUIET_S = 3.0  # of silence after a sound file, so that its last turn ends
TYPING_S = 8.0  # between the lines of a log without times
SOUNDS = frozenset({".wav", ".flac", ".ogg", ".mp3"})
_LINE = re.compile(
    r"^\s*(?:\[?(?:(?P<hours>\d{1,2}):)?(?P<minutes>\d{1,2}):(?P<seconds>\d{2}(?:[.,]\d+)?)\]?\s+)?"
    r"(?P<who>[^:\d][^:]{0,40}):\s*(?P<text>\S.*)$"
)


@dataclass(frozen=True, slots=True)
class Written:
    """One line that a person has written down. `start` and `end` are None where not said."""

    who: str
    text: str
    start: float | None = None
    end: float | None = None

    @property
    def customers(self) -> bool:
        return not self.who or self.who.casefold() in CUSTOMER


def imported(
    source: Path, transcript: Path | None, here: Here, models: Models, now: datetime
) -> Recording:
    """The recording of a sound file with what was said in it, or of a chat's log.

    A stereo file has the customer on the left and an employee on the right. RecordingError or
    AudioError in words that name the file and line.
    """
    with _bank(here) as bank:
        if source.suffix.lower() not in SOUNDS:
            if transcript is not None:
                raise RecordingError(f"{source}: only a sound file has a transcript")
            log = _log(source)
            record = _record(source, here, models, "chat", (), now)
            return Importing(record, here.build, models, bank, _key(source)).run(_typed(log))
        return _voices(source, transcript, here, models, bank, now)


def _voices(
    source: Path,
    transcript: Path | None,
    here: Here,
    models: Models,
    bank: Actions,
    now: datetime,
) -> Recording:
    samples, rate = files.read(source)
    if samples.shape[1] > 2:
        raise RecordingError(f"{source}: {samples.shape[1]} channels; one or two can be heard")
    legs: tuple[Leg, ...] = ("customer", "agent") if samples.shape[1] > 1 else ("customer",)
    quiet = np.zeros(round(QUIET_S * RATE), np.float32)
    heard = {
        leg: np.concatenate([resample(np.ascontiguousarray(samples[:, i]), rate, RATE), quiet])
        for i, leg in enumerate(legs)
    }
    kept = {leg: whole_numbers(one) for leg, one in heard.items()}
    sounds = {str(leg): LegSound(one, ((0, len(one)),)) for leg, one in kept.items()}
    record = _record(source, here, models, "call" if len(legs) > 1 else "voice", legs, now)
    said = _transcript(transcript) if transcript is not None else ()
    told = tuple(one for one in said if one.customers)
    importing = Importing(record, here.build, models, bank, _key(source), told, sounds)
    return importing.run(_spoken(legs, kept))


def _spoken(legs: Sequence[Leg], kept: Mapping[Leg, Whole]) -> Iterator[e.Input]:
    """As from a line at 16 kHz; what is heard is what can be kept."""
    yield e.Opened(0.0, "call" if len(legs) > 1 else "voice", tuple(legs), False, e.Customer(""))
    yield e.Consented(0.0, recording=True, emotion=True)
    intake = Intake(VoiceActivity.load(), "pcm_s16le", RATE, legs)
    frames = np.stack([kept[leg] for leg in legs], axis=1)
    for start in range(0, len(frames), STEP):
        piece = frames[start : start + STEP].astype("<i2").tobytes()
        at = min(start + STEP, len(frames)) / RATE
        for hops in intake.take(piece):
            speech = tuple(round(p, 4) for p in hops.speech)
            yield e.Heard(at, hops.leg, _exact(hops.samples), speech)
    yield e.Left(len(frames) / RATE + 10.0, said_end=True)


def _exact(samples: Samples) -> Samples:
    return whole_numbers(samples).astype(np.float32) / np.float32(FULL_SCALE)


def _typed(log: Sequence[Written]) -> Iterator[e.Input]:
    yield e.Opened(0.0, "chat", (), False, e.Customer(""))
    yield e.Consented(0.0, recording=True, emotion=False)
    at = 0.0
    for line in log:
        at = max(at + 0.1, line.start) if line.start is not None else at + TYPING_S
        yield e.Typed(at, line.text) if line.customers else e.Said(at, line.who, line.text)
    yield e.Left(at + TYPING_S, said_end=True)


# -- what people write ---------------------------------------------------------------------------


def _log(source: Path) -> list[Written]:
    """Lines like "Customer: my card is gone", perhaps with times in front ("00:12 Customer: ...").
    A line without a name goes on with the one before it."""
    lines: list[Written] = []
    for number, line in enumerate(_text(source).splitlines(), 1):
        if not line.strip():
            continue
        if (found := _LINE.match(line)) is not None:
            lines.append(Written(found["who"].strip(), found["text"].strip(), _seconds(found)))
        elif lines:
            last = lines[-1]
            lines[-1] = Written(last.who, f"{last.text} {line.strip()}", last.start)
        else:
            raise RecordingError(
                f'{source}:{number}: a line of a chat begins with who says it, such as "Customer: '
                'my card is gone"'
            )
    if not any(one.customers for one in lines):
        names = ", ".join(sorted({one.who for one in lines})) or "nobody"
        raise RecordingError(
            f"{source}: no line is a customer's ({names} speak); a customer is called "
            f"{', '.join(sorted(CUSTOMER))}"
        )
    return lines


def _transcript(file: Path) -> tuple[Written, ...]:
    """WebVTT, SubRip, or lines as of a chat's log, or bare lines, one for each turn."""
    text = _text(file)
    if file.suffix.lower() in (".vtt", ".srt"):
        read = webvtt.from_buffer(io.StringIO(text), format=file.suffix[1:].lower())
        return tuple(
            Written(cue.voice or "", " ".join(cue.text.split()), float(cue.start_in_seconds),
                    float(cue.end_in_seconds))
            for cue in read.captions
            if cue.text.strip()
        )  # fmt: skip
    bare = [line.strip() for line in text.splitlines() if line.strip()]
    if any(_LINE.match(line) for line in bare):
        return tuple(_log(file))
    return tuple(Written("", line) for line in bare)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise RecordingError(f"{file}: cannot be read as UTF-8 text ({wrong})") from None


def _seconds(found: re.Match[str]) -> float | None:
    if found["minutes"] is None:
        return None
    seconds = float(found["seconds"].replace(",", "."))
    return 3600 * int(found["hours"] or 0) + 60 * int(found["minutes"]) + seconds


# -- the house it is run in ----------------------------------------------------------------------


@contextmanager
def _bank(here: Here) -> Iterator[Actions]:
    with tempfile.TemporaryDirectory() as folder:
        bank = BankActions(Path(folder) / "bank.sqlite3", here.build.pack)
        try:
            yield bank
        finally:
            bank.close()


def _key(source: Path) -> bytes:
    """The same for the same file, and for nobody to find out who does not have it: the recording's
    id is made of another digest."""
    return hmac.digest(b"hearken import 1", source.read_bytes(), "sha256")


def _record(
    source: Path, here: Here, models: Models, channel: str, legs: tuple[Leg, ...], now: datetime
) -> SessionRecord:
    """Its id follows from the file, so that importing it again is the same recording."""
    began = now.astimezone(UTC).isoformat(timespec="seconds")
    shown = here.settings.shown()
    return SessionRecord(
        id=hashlib.sha256(source.read_bytes()).hexdigest()[:16],
        began_at=began,
        channel=channel,
        customer="",
        today=now.date().isoformat(),
        legs=legs,
        speak=False,
        pack=here.pack_digest,
        settings={name: shown[name] for name in SETTINGS},
        models=models.names,
        token="",
        state="ended",
        recording=True,
        ended_at=began,
        last_at=began,
        sealed="",
        audio=None,
        version=VERSION,
    )


SETTINGS = ("turns", "answer_s", "precision")  # those that decisions depend on
