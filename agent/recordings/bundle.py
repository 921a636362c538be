"""How is a recording read and written?

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
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from agent.core.event_json import Row, one_line
from agent.recordings.leg_audio import LegSound, pack_flac, unpack_flac
from agent.recordings.recording import AGAIN, INPUTS, Recording, RecordingError
from agent.store.records import SessionRecord

FORMAT = 2
READABLE = (1, 2)  # 1: digests of an earlier kind (agent/core/event_json.py)
ABOUT = "session.json"
SECRET = ("token", "sealed")  # of a session's record, and of no use to a recording


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
        kept = {"version": 1} | about["session"]
        names = [one.name for one in fields(SessionRecord) if one.name not in SECRET]
        given = {name: kept[name] for name in names} | dict.fromkeys(SECRET, "")
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
    if known not in READABLE:
        raise RecordingError(
            f"{where}: format {known} is not one that this version reads "
            f"({', '.join(map(str, READABLE))}); export it with a newer version"
        )
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
                one_line(one["input"]),
                decisions=one_line(one.get("decisions", [])),
                digest=one["digest"],
                redactions=one_line(one.get("redactions", [])),
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
