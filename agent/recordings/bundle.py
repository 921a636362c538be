"""Files of a recording: a folder, or a .zip of it.

`session.json` holds the session record with its pack, settings and models, the labels, and the
SHA-256 of the other files; `inputs.jsonl` one row a line: an input, the decisions on it and the
digest of its effects; each leg is a FLAC file. Reading verifies all hashes; writing is complete or
has no effect (tests/agent/recordings/test_bundle.py).
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

from agent.core.event_json import JournalRow, compact_json
from agent.core.json_reading import MAX_INTEGER, read_json
from agent.core.records import SessionRecord
from agent.recordings import MANIFEST_FILE
from agent.recordings.leg_audio import LegAudio
from agent.recordings.recording import INPUTS_FILE, REMEDY, Recording, RecordingError
from audio.files import decode_flac, encode_flac

FORMAT_VERSION = 2
READABLE = (1, 2)  # 1: digests of an earlier kind (agent/core/event_json.py)
SECRET_FIELDS = ("token", "sealed")  # fields of a session record that are never exported


# -- reading -----------------------------------------------------------------------------------


def is_recording(path: Path) -> bool:
    """Whether `path` looks like a recording; only names of files are checked."""
    if path.is_dir():
        return (path / MANIFEST_FILE).is_file()
    if path.suffix != ".zip" or not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as packed:
        return MANIFEST_FILE in packed.namelist()


def find_recordings(path: Path) -> list[Path]:
    """The recordings at `path`: itself, or all in that folder. RecordingError for none."""
    if is_recording(path):
        return [path]
    inside = sorted(path.iterdir()) if path.is_dir() else []
    recordings = [one for one in inside if is_recording(one)]
    if not recordings:
        raise RecordingError(
            f"{path}: no recording is there; `hearken recordings export SESSION {path}` makes one"
        )
    return recordings


def load_recording(path: Path) -> Recording:
    """The recording at `path`. RecordingError when a file is missing, damaged or of another format;
    audio is decoded later, at its first access."""
    read_file = _file_reader(path)
    manifest = _parse_manifest(read_file(MANIFEST_FILE), path / MANIFEST_FILE)
    try:
        inputs = _read_verified(read_file, manifest["inputs"], path)
        audio_loaders = {
            leg: _audio_loader(_read_verified(read_file, one, path), one, path)
            for leg, one in manifest["sound"].items()
        }
        session_fields = {"version": 1} | manifest["session"]
        names = [one.name for one in fields(SessionRecord) if one.name not in SECRET_FIELDS]
        record_fields = {name: session_fields[name] for name in names}
        record_fields |= dict.fromkeys(SECRET_FIELDS, "")
        record = SessionRecord(**record_fields | {"legs": tuple(record_fields["legs"])})
        labels = {str(name): str(value) for name, value in manifest["labels"].items()}
    except RecordingError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as wrong:
        detail = f"{type(wrong).__name__}: {wrong}"
        raise RecordingError(
            f"{path / MANIFEST_FILE}: fields are missing ({detail}); {REMEDY}"
        ) from None
    return Recording(
        record, _parse_rows(inputs, path / INPUTS_FILE), labels, path.stem, audio_loaders
    )


def _file_reader(path: Path) -> Callable[[str], bytes]:
    def read_from_folder(name: str) -> bytes:
        try:
            return (path / name).read_bytes()
        except OSError as wrong:
            raise RecordingError(f"{path / name}: {wrong.strerror}; {REMEDY}") from None

    def read_from_zip(name: str) -> bytes:
        try:
            with zipfile.ZipFile(path) as packed:
                return packed.read(name)
        except (OSError, KeyError, zipfile.BadZipFile) as wrong:
            raise RecordingError(f"{path}: {name} cannot be read ({wrong}); {REMEDY}") from None

    return read_from_folder if path.is_dir() else read_from_zip


def _parse_manifest(data: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest = read_json(data)
        version = manifest["format"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise RecordingError(f"{path}: no description of a recording ({wrong}); {REMEDY}") from None
    if version not in READABLE:
        raise RecordingError(
            f"{path}: format {version} is not one that this version reads "
            f"({', '.join(map(str, READABLE))}); export it with a newer version"
        )
    return dict(manifest)


def _read_verified(
    read_file: Callable[[str], bytes], entry: Mapping[str, Any], path: Path
) -> bytes:
    data = read_file(entry["file"])
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise RecordingError(
            f"{path / entry['file']}: its content is not what {MANIFEST_FILE} says "
            f"(another SHA-256): it was changed or cut off; {REMEDY}"
        )
    return data


def _audio_loader(data: bytes, entry: Mapping[str, Any], path: Path) -> Callable[[], LegAudio]:
    intact_ranges = tuple((_sample_position(a), _sample_position(b)) for a, b in entry["kept"])

    def load_audio() -> LegAudio:
        try:
            return LegAudio(decode_flac(data), intact_ranges)
        except ValueError as wrong:
            raise RecordingError(f"{path / entry['file']}: {wrong}; {REMEDY}") from None

    return load_audio


def _sample_position(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("a position is no whole number from 0 on")
    return value


def _parse_rows(data: bytes, path: Path) -> tuple[JournalRow, ...]:
    rows: list[JournalRow] = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        try:
            fields_of_row = read_json(line)
            if type(n := fields_of_row["n"]) is not int or n < 1:
                raise ValueError("n is no whole number from 1 on")
            if not 0 <= (at := float(fields_of_row["at"])) <= MAX_INTEGER:
                raise ValueError(f"at is not from 0 to {MAX_INTEGER} seconds")
            row = JournalRow(
                n,
                at,
                compact_json(fields_of_row["input"]),
                decisions=compact_json(fields_of_row.get("decisions", [])),
                digest=fields_of_row["digest"],
                redactions=compact_json(fields_of_row.get("redactions", [])),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            detail = f"{type(wrong).__name__}: {wrong}"
            raise RecordingError(f"{path}:{number}: not a row ({detail}); {REMEDY}") from None
        rows.append(row)
    if not rows:
        raise RecordingError(f"{path}: there are no rows; {REMEDY}")
    return tuple(rows)


# -- writing -----------------------------------------------------------------------------------


def save_recording(recording: Recording, path: Path) -> None:
    """Write the recording to `path`, a folder or, for the suffix .zip, a .zip, replacing it."""
    files = {INPUTS_FILE: _rows_as_bytes(recording.rows)}
    manifest: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "session": {n: v for n, v in asdict(recording.record).items() if n not in SECRET_FIELDS},
        "labels": dict(recording.labels),
        "inputs": {
            "file": INPUTS_FILE,
            "sha256": _sha256(files[INPUTS_FILE]),
            "rows": len(recording.rows),
        },
        "sound": {},
    }
    for leg, audio in recording.audio.items():
        name = f"{leg}.flac"
        files[name] = encode_flac(audio.samples)
        manifest["sound"][leg] = {
            "file": name,
            "sha256": _sha256(files[name]),
            "kept": audio.intact_ranges,
        }
    files[MANIFEST_FILE] = (json.dumps(manifest, indent=1) + "\n").encode()
    new_path = path.with_name(f".{path.name}.new")
    (_write_zip if path.suffix == ".zip" else _write_folder)(new_path, files)
    _replace_path(new_path, path)


def _rows_as_bytes(rows: tuple[JournalRow, ...]) -> bytes:
    return "".join(_row_as_json(row) + "\n" for row in rows).encode()


def _row_as_json(row: JournalRow) -> str:
    """A row as JSON. Its fields are JSON text already and are joined unparsed, so that their bytes
    do not change."""
    parts = [f'"n":{row.n}', f'"at":{json.dumps(row.at)}', f'"input":{row.input}']
    parts += [
        f'"{name}":{getattr(row, name)}'
        for name in ("decisions", "redactions")
        if getattr(row, name) != "[]"
    ]
    return "{" + ",".join([*parts, f'"digest":"{row.digest}"']) + "}"


def _sha256(data: bytes) -> str:
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
            # A fixed modification time: equal recordings give equal files.
            packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def _replace_path(new_path: Path, path: Path) -> None:
    """Move `new_path` to `path`. A folder cannot be replaced in one step: the old one is moved away
    first."""
    if not path.is_dir():
        new_path.replace(path)
        return
    old_path = path.with_name(f".{path.name}.old")
    if old_path.exists():
        shutil.rmtree(old_path)
    path.rename(old_path)
    new_path.rename(path)
    shutil.rmtree(old_path)
