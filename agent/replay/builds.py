"""Builds that recordings are replayed against: pack, settings and models.

`LocalBuild` is this code, with its own or another settings file or pack. `ExternalBuild` is another
checkout or `hearken` command, run as a process that prints its decisions as JSON.
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

from agent.config import Settings, load_settings, session_rules
from agent.recordings.recording import Recording, RecordingError
from agent.replay.diff import TimedDecision
from agent.replay.modes import ReplayMode
from agent.replay.run import ReplayTarget
from dialogs.pack.fingerprint import fingerprint, pack_files
from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack

PACK_FILE = "pack.yaml"
EXTERNAL_TIMEOUT_S = 3600.0  # for a replay by another build


@dataclass(frozen=True, slots=True)
class LocalBuild:
    """This code with the given settings; it replays in this process."""

    settings: Settings
    target: ReplayTarget
    pack_digest: str

    @classmethod
    def from_settings(cls, settings: Settings, name: str = "this build") -> LocalBuild:
        """The build with these settings. PackError when its pack cannot be loaded."""
        pack = load_pack(settings.pack)
        rules = session_rules(settings)
        return cls(settings, ReplayTarget(pack, rules, name), fingerprint(pack.directory))

    def changes_since(
        self, recording: Recording, model_names: dict[str, str] | None
    ) -> tuple[str, ...]:
        """What has changed since the recording: pack, settings and models, as sentences.

        `model_names` maps roles to models; None when the replay uses none.
        """
        record, changes = recording.record, []
        if record.pack and record.pack != self.pack_digest:
            changes.append("the pack has been changed")
        current_settings = self.settings.masked_values()
        for name, recorded_value in record.settings.items():
            if name in current_settings and current_settings[name] != recorded_value:
                changes.append(f"setting {name}: {recorded_value} -> {current_settings[name]}")
        for role, recorded_value in record.models.items() if model_names is not None else ():
            current_value = (model_names or {}).get(role, "none")
            if current_value != recorded_value:
                changes.append(f"model of {role}: {recorded_value} -> {current_value}")
        return tuple(changes)

    def with_build_metadata(self, recording: Recording) -> Recording:
        """A copy of the recording whose session record has this build's pack and settings."""
        current_settings, record = self.settings.masked_values(), recording.record
        settings = {
            name: current_settings.get(name, then) for name, then in record.settings.items()
        }
        record = replace(record, pack=self.pack_digest, settings=settings)
        return replace(recording, record=record)

    def differences_from(self, other: LocalBuild) -> list[str]:
        """In what this build differs from `other`: files of the pack, and settings."""
        own_files, other_files = _pack_files(self.target.pack), _pack_files(other.target.pack)
        names = sorted(own_files.keys() | other_files.keys())
        differences = [
            f"{one} is another one" for one in names if own_files.get(one) != other_files.get(one)
        ]
        other_settings, own_settings = other.settings.masked_values(), self.settings.masked_values()
        changed_settings = [
            name
            for name in own_settings
            if name != "pack" and other_settings[name] != own_settings[name]
        ]
        return differences + [
            f"setting {name}: {other_settings[name]} -> {own_settings[name]}"
            for name in changed_settings
        ]


@dataclass(frozen=True, slots=True)
class ExternalBuild:
    """Another build: a checkout or a `hearken` command, run with `environment` added."""

    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...]
    name: str

    def replay_decisions(
        self, paths: Sequence[Path], mode: ReplayMode
    ) -> dict[str, list[TimedDecision]]:
        """By session id, the decisions of this build on these recordings. RecordingError when it
        fails, or takes too long."""
        arguments = ["replay", *map(str, paths), "--mode", mode, "--json", "-"]
        try:
            process = subprocess.run(
                [*self.command, *arguments],
                env={**os.environ, **dict(self.environment)},
                capture_output=True,
                text=True,
                timeout=EXTERNAL_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            raise RecordingError(
                f"{self.name} did not finish within {EXTERNAL_TIMEOUT_S:.0f} s"
            ) from None
        try:
            report = json.loads(process.stdout)
            return {
                one["session"]: _timed_decisions(one["decisions"]) for one in report["recordings"]
            }
        except (ValueError, KeyError, TypeError):
            reason = process.stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
            raise RecordingError(f"{self.name} could not replay: {reason[0]}") from None


def find_build(path: Path, settings: Settings) -> LocalBuild | ExternalBuild:
    """The build that `--against` names: a settings file, a pack, a checkout or a command.

    RecordingError when it is none of them.
    """
    if path.suffix == ".toml" and path.is_file():
        return LocalBuild.from_settings(load_settings(path), path.name)
    if (path / PACK_FILE).is_file():
        return LocalBuild.from_settings(settings.model_copy(update={"pack": path}), str(path))
    if (path / "server.py").is_file():
        command = (sys.executable, "-c", "from server import main; main()")
        return ExternalBuild(command, (("PYTHONPATH", str(path.resolve())),), str(path))
    if path.is_file() and os.access(path, os.X_OK):
        return ExternalBuild((str(path.resolve()),), (), str(path))
    raise RecordingError(
        f"{path}: neither a settings file (.toml), nor a pack's folder (with {PACK_FILE}), nor a "
        "checkout of Hearken (with server.py), nor a `hearken` command"
    )


def _pack_files(pack: Pack) -> dict[str, bytes]:
    return {
        file.relative_to(pack.directory).as_posix(): file.read_bytes()
        for file in pack_files(pack.directory)
    }


def _timed_decisions(decisions: list[dict[str, Any]]) -> list[TimedDecision]:
    return [(float(one["at"]), {k: v for k, v in one.items() if k != "at"}) for one in decisions]
