"""Source of a manifest's recordings: a folder or a zip file."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from agent.lab.evaluation import EvaluationError
from audio.types import AudioError, Samples

ReadFile = Callable[[str], bytes]  # raises KeyError or OSError for missing files


@dataclass(frozen=True, slots=True)
class AudioSource:
    location: Path
    read_file: ReadFile

    def read(self, path: str) -> tuple[Samples, int]:
        """Samples (frames,) and their rate. AudioError: missing, broken, silent, two channels."""
        try:
            raw = self.read_file(path)
        except (KeyError, OSError) as problem:
            raise AudioError(f"{path}: not in {self.location}") from problem
        except (zipfile.BadZipFile, zlib.error) as problem:
            raise AudioError(f"{path}: damaged inside {self.location}") from problem
        try:
            samples, rate = soundfile.read(io.BytesIO(raw), dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as problem:
            raise AudioError(f"{path}: no sound file that can be read") from problem
        if not samples.any():
            raise AudioError(f"{path}: holds no sound, only silence")
        if samples.shape[1] != 1:
            raise AudioError(f"{path}: {samples.shape[1]} channels; a recording holds one voice")
        if not np.isfinite(samples).all():
            raise AudioError(f"{path}: holds samples that are not finite numbers")
        return np.clip(samples[:, 0], -1, 1), int(rate)


def default_audio_path(manifest: Path) -> Path:
    """Default location of recordings: a zip with the manifest's name, else its folder."""
    zip_file = manifest.with_name(manifest.name.removesuffix(".gz").removesuffix(".jsonl") + ".zip")
    return zip_file if zip_file.exists() else manifest.parent


def open_audio_source(location: Path) -> AudioSource:
    if location.is_dir():
        return AudioSource(location, lambda path: (location / path).read_bytes())
    try:
        return AudioSource(location, zipfile.ZipFile(location).read)
    except (OSError, zipfile.BadZipFile) as problem:
        raise EvaluationError(f"{location}: neither a folder nor a zip file") from problem
