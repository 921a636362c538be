"""Against what are recordings replayed: which pack, settings and models?

This build as it is set up here; the same with another settings file or another pack; or another
build altogether, which is run as a program of its own and says what it decides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agent.config import Settings, load
from agent.core.session_factory import session_rules
from agent.recordings.recording import Recording, RecordingError
from agent.replay.diff import Timed
from agent.replay.run import Build
from agent.replay.verdict import Mode
from dialogs.pack.fingerprint import fingerprint
from dialogs.pack.model import Pack

PACK = "pack.yaml"
OTHER_S = 3600.0  # that another build may take


@dataclass(frozen=True, slots=True)
class Here:
    """A build that runs in this process."""

    settings: Settings
    build: Build
    pack_digest: str

    @classmethod
    def of(cls, settings: Settings, name: str = "this build") -> Here:
        """PackError when its pack cannot be loaded."""
        pack = Pack.load(settings.pack)
        rules = session_rules(settings)
        return cls(settings, Build(pack, rules, name), fingerprint(pack.directory))

    def since(self, recording: Recording, models: dict[str, str] | None) -> tuple[str, ...]:
        """What is another one than when this was recorded. `models` are None when none are used."""
        record, found = recording.record, []
        if record.pack and record.pack != self.pack_digest:
            found.append("the pack has been changed")
        shown = self.settings.shown()
        for name, then in record.settings.items():
            if name in shown and shown[name] != then:
                found.append(f"setting {name}: {then} -> {shown[name]}")
        for role, then in record.models.items() if models is not None else ():
            now = (models or {}).get(role, "none")
            if now != then:
                found.append(f"model of {role}: {then} -> {now}")
        return tuple(found)

    def expected(self, recording: Recording) -> Recording:
        """The same, noted as what this build decides."""
        shown, record = self.settings.shown(), recording.record
        settings = {name: shown.get(name, then) for name, then in record.settings.items()}
        record = replace(record, pack=self.pack_digest, settings=settings)
        return replace(recording, record=record)

    def unlike(self, here: Here) -> list[str]:
        """In what it is another build than `here`: files of the pack, and settings."""
        mine, yours = _files(self.build.pack), _files(here.build.pack)
        names = sorted(mine.keys() | yours.keys())
        found = [f"{one} is another one" for one in names if mine.get(one) != yours.get(one)]
        ours, theirs = here.settings.shown(), self.settings.shown()
        named = [name for name in theirs if name != "pack" and ours[name] != theirs[name]]
        return found + [f"setting {name}: {ours[name]} -> {theirs[name]}" for name in named]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another build: a checkout of it, or its `hearken` command."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    name: str

    def decided(self, paths: Sequence[Path], mode: Mode) -> dict[str, list[Timed]]:
        """What it decides in each recording, by session. RecordingError when it cannot say."""
        asked = ["replay", *map(str, paths), "--mode", mode, "--json", "-"]
        try:
            ran = subprocess.run(
                [*self.command, *asked],
                env={**os.environ, **dict(self.environment)},
                capture_output=True,
                text=True,
                timeout=OTHER_S,
            )
        except subprocess.TimeoutExpired:
            raise RecordingError(f"{self.name} was not done within {OTHER_S:.0f} s") from None
        try:
            told = json.loads(ran.stdout)
            return {one["session"]: _timed(one["decisions"]) for one in told["recordings"]}
        except (ValueError, KeyError, TypeError):
            why = ran.stderr.strip().splitlines()[-1:] or [f"exit code {ran.returncode}"]
            raise RecordingError(f"{self.name} could not replay: {why[0]}") from None


def other(where: Path, settings: Settings) -> Here | Elsewhere:
    """What `--against` names. RecordingError when it is nothing that can replay."""
    if where.suffix == ".toml" and where.is_file():
        return Here.of(load(where), where.name)
    if (where / PACK).is_file():
        return Here.of(settings.model_copy(update={"pack": where}), str(where))
    if (where / "server.py").is_file():
        run = (sys.executable, "-c", "from server import main; main()")
        return Elsewhere(run, (("PYTHONPATH", str(where.resolve())),), str(where))
    if where.is_file() and os.access(where, os.X_OK):
        return Elsewhere((str(where.resolve()),), (), str(where))
    raise RecordingError(
        f"{where}: neither a settings file (.toml), nor a pack's folder (with {PACK}), nor a "
        "checkout of Hearken (with server.py), nor a `hearken` command"
    )


def _files(pack: Pack) -> dict[str, bytes]:
    files = [file for file in pack.directory.rglob("*") if file.is_file()]
    return {file.relative_to(pack.directory).as_posix(): file.read_bytes() for file in files}


def _timed(decisions: list[dict[str, Any]]) -> list[Timed]:
    return [(float(one["at"]), {k: v for k, v in one.items() if k != "at"}) for one in decisions]
