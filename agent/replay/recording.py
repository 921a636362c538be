"""What is a recording, and how is one read and written?

A folder or a .zip of it: `session.json` (whose session, with which pack, settings and models, and
what the files beside it hash to), `inputs.jsonl` (one row a line: everything that happened, what
was decided about it, and the digest of all that followed) and a FLAC file for each leg. It is
checked when it is read; it is written whole or not at all (tests/agent/replay/test_recording.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from agent import events as e
from agent.replay.sound import NOTHING, LegSound, pack_flac, unpack_flac
from agent.store.records import SessionRecord
from agent.written import Row, WrittenError, read
from audio.types import VOICE_HOP, Leg, Samples

FORMAT = 1
ABOUT, INPUTS = "session.json", "inputs.jsonl"
SECRET = ("token", "sealed")  # of a session's record, and of no use to a recording
AGAIN = "export or import it again"


class RecordingError(ValueError):
    """A recording that cannot be used: which file, which line, and what to do."""


@dataclass(frozen=True, eq=False)
class Recording:
    """One conversation: whose, every input with what followed, and the sound that was kept.

    `labels` are what a person noted about it; "needed_person" ("yes" or "no") is what policies are
    judged by.
    """

    record: SessionRecord
    rows: tuple[Row, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    name: str = ""
    sounds: Mapping[str, Callable[[], LegSound]] = field(default_factory=dict)

    @cached_property
    def sound(self) -> Mapping[str, LegSound]:
        """By leg; decoded when it is first asked for."""
        return {leg: unpack() for leg, unpack in self.sounds.items()}

    def inputs(self, sound: bool = False) -> Iterator[e.Input]:
        """What happened, in order; silent unless the `sound` is wanted."""
        at: dict[str, int] = dict.fromkeys(self.record.legs, 0)

        def heard(leg: Leg, length: int) -> Samples:
            return self.sound.get(leg, NOTHING).at(at[leg], length)

        for number, row in enumerate(self.rows, 1):
            try:
                event = read(row.input, heard if sound else None)
            except WrittenError as wrong:
                raise RecordingError(f"{self.name}/{INPUTS}:{number}: {wrong}; {AGAIN}") from None
            yield event
            if isinstance(event, e.Heard):
                at[event.leg] += len(event.samples)
            elif isinstance(event, e.Resumed):
                at = {leg: start + event.missed for leg, start in at.items()}

    @cached_property
    def seconds(self) -> float:
        """How long the conversation was."""
        return max((row.at for row in self.rows), default=0.0)

    @cached_property
    def audio_s(self) -> float:
        """Sound that was heard, all legs together, kept or not."""
        return sum(len(heard) for heard in self.speech.values()) * VOICE_HOP / 16_000

    @cached_property
    def speech(self) -> Mapping[str, list[float]]:
        """The probability of voice in every hop that was heard, by leg."""
        found: dict[str, list[float]] = {leg: [] for leg in self.record.legs}
        for row in self.rows:
            if row.input.startswith('{"type":"Heard"'):
                said = json.loads(row.input)
                found[said["leg"]] += said["speech"]
        return found


# -- reading -----------------------------------------------------------------------------------


def is_recording(path: Path) -> bool:
    """Whether it looks like one, without opening much of it."""
    if path.is_dir():
        return (path / ABOUT).is_file()
    if path.suffix != ".zip" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return ABOUT in packed.namelist()


def found_in(path: Path) -> list[Path]:
    """The recordings at `path`: itself, or all in that folder. RecordingError for none."""
    if is_recording(path):
        return [path]
    inside = sorted(path.iterdir()) if path.is_dir() else []
    found = [one for one in inside if is_recording(one)]
    if not found:
        raise RecordingError(
            f"{path}: no recording is there; `hearken recordings export SESSION {path}` makes one"
        )
    return found


def load(path: Path) -> Recording:
    """The recording at `path`, its files checked against their hashes. RecordingError."""
    files = _opened(path)
    about = _about(files(ABOUT), path / ABOUT)
    try:
        inputs = _checked(files, about["inputs"], path)
        sounds = {
            leg: _sound(_checked(files, one, path), one, path)
            for leg, one in about["sound"].items()
        }
        names = [one.name for one in fields(SessionRecord) if one.name not in SECRET]
        given = {name: about["session"][name] for name in names} | dict.fromkeys(SECRET, "")
        record = SessionRecord(**given | {"legs": tuple(given["legs"])})
        labels = {str(name): str(value) for name, value in about["labels"].items()}
    except (KeyError, TypeError, AttributeError) as wrong:
        said = f"{type(wrong).__name__}: {wrong}"
        raise RecordingError(f"{path / ABOUT}: fields are missing ({said}); {AGAIN}") from None
    return Recording(record, _rows(inputs, path / INPUTS), labels, path.stem, sounds)


def _opened(path: Path) -> Callable[[str], bytes]:
    def of_folder(name: str) -> bytes:
        try:
            return (path / name).read_bytes()
        except OSError as wrong:
            raise RecordingError(f"{path / name}: {wrong.strerror}; {AGAIN}") from None

    def of_zip(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as packed:
                return packed.read(name)
        except (OSError, KeyError, zipfile.BadZipFile) as wrong:
            raise RecordingError(f"{path}: {name} cannot be read ({wrong}); {AGAIN}") from None

    return of_folder if path.is_dir() else of_zip


def _about(data: bytes, where: Path) -> dict[str, Any]:
    try:
        about = json.loads(data)
        known = about["format"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise RecordingError(f"{where}: no description of a recording ({wrong}); {AGAIN}") from None
    if known != FORMAT:
        raise RecordingError(f"{where}: format {known} is not {FORMAT}, which this version reads")
    return dict(about)


def _checked(files: Callable[[str], bytes], one: Mapping[str, Any], path: Path) -> bytes:
    data = files(one["file"])
    if hashlib.sha256(data).hexdigest() != one["sha256"]:
        raise RecordingError(
            f"{path / one['file']}: its content is not what {ABOUT} says (another SHA-256): "
            f"it was changed or cut off; {AGAIN}"
        )
    return data


def _sound(data: bytes, one: Mapping[str, Any], path: Path) -> Callable[[], LegSound]:
    kept = tuple((int(start), int(end)) for start, end in one["kept"])

    def unpack() -> LegSound:
        try:
            return LegSound(unpack_flac(data), kept)
        except ValueError as wrong:
            raise RecordingError(f"{path / one['file']}: {wrong}; {AGAIN}") from None

    return unpack


def _rows(data: bytes, where: Path) -> tuple[Row, ...]:
    rows: list[Row] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        try:
            one = json.loads(line)
            row = Row(
                one["n"],
                float(one["at"]),
                _line(one["input"]),
                decisions=_line(one.get("decisions", [])),
                digest=one["digest"],
                redactions=_line(one.get("redactions", [])),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            said = f"{type(wrong).__name__}: {wrong}"
            raise RecordingError(f"{where}:{number}: not a row ({said}); {AGAIN}") from None
        rows.append(row)
    if not rows:
        raise RecordingError(f"{where}: there are no rows; {AGAIN}")
    return tuple(rows)


# -- writing -----------------------------------------------------------------------------------


def save(recording: Recording, path: Path) -> None:
    """Write it to `path`, a folder or, by its ending, a .zip; what was there is replaced."""
    files = {INPUTS: _lines(recording.rows)}
    about: dict[str, Any] = {
        "format": FORMAT,
        "session": {n: v for n, v in asdict(recording.record).items() if n not in SECRET},
        "labels": dict(recording.labels),
        "inputs": {"file": INPUTS, "sha256": _sha(files[INPUTS]), "rows": len(recording.rows)},
        "sound": {},
    }
    for leg, sound in recording.sound.items():
        name = f"{leg}.flac"
        files[name] = pack_flac(sound.samples)
        about["sound"][leg] = {"file": name, "sha256": _sha(files[name]), "kept": sound.kept}
    files[ABOUT] = (json.dumps(about, indent=1) + "\n").encode()
    fresh = path.with_name(f".{path.name}.new")
    (_write_zip if path.suffix == ".zip" else _write_folder)(fresh, files)
    _put(fresh, path)


def with_rows(recording: Recording, rows: tuple[Row, ...]) -> Recording:
    """The same conversation as it went another time."""
    return replace(recording, rows=rows)


def _lines(rows: tuple[Row, ...]) -> bytes:
    return "".join(_row(row) + "\n" for row in rows).encode()


def _row(row: Row) -> str:
    """JSON inside of JSON is text twice escaped: the parts are put together as they are."""
    parts = [f'"n":{row.n}', f'"at":{json.dumps(row.at)}', f'"input":{row.input}']
    parts += [
        f'"{name}":{getattr(row, name)}'
        for name in ("decisions", "redactions")
        if getattr(row, name) != "[]"
    ]
    return "{" + ",".join([*parts, f'"digest":"{row.digest}"']) + "}"


def _line(value: Any) -> str:
    """As agent/written.py writes lines."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    for name, data in files.items():
        (path / name).write_bytes(data)


def _write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            # Of no particular time: the same recording is the same file.
            packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _put(fresh: Path, path: Path) -> None:
    """A folder cannot be replaced in one step: the old one is moved away first."""
    if not path.is_dir():
        fresh.replace(path)
        return
    old = path.with_name(f".{path.name}.old")
    if old.exists():
        shutil.rmtree(old)
    path.rename(old)
    fresh.rename(path)
    shutil.rmtree(old)
