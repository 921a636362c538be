"""Imports go one way; the contracts are in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLIENT = "agent/lab/bench/load.py"  # a process of its own, at the other end of the socket
ASYNC = {
    "server.py",
    "agent/runtime/connection.py",
    "agent/runtime/conversation.py",
    "agent/runtime/event_recorder.py",
    "agent/runtime/effects.py",
    "agent/runtime/timers.py",
    "agent/runtime/registry.py",
    "agent/console/hub.py",
    "agent/console/connection.py",
    "agent/console/subscriptions.py",
    "agent/console/voice_bridge.py",
    "agent/console/takeover.py",
    "agent/handoff/webhook.py",
    "agent/runtime/outbound.py",
    "agent/inference/engine.py",
    "agent/inference/vad_batcher.py",
    "agent/lab/bench/sessions.py",
    CLIENT,
}


def sources():
    yield ROOT / "server.py"
    for room in ("audio", "dialogs", "agent"):
        yield from (ROOT / room).rglob("*.py")


def test_import_contracts_hold():
    """In a process of its own: the linter sets up logging as it likes."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_nobody_imports_the_process():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "server", path
            elif isinstance(node, ast.Import):
                assert "server" not in [name.name for name in node.names], path


def test_only_the_process_its_lines_and_its_engine_are_asynchronous():
    asynchronous = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if any(
            isinstance(node, ast.AsyncFunctionDef) for node in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert asynchronous == ASYNC


def test_everything_is_caught_in_one_place_only():
    broad = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert [place.partition(":")[0] for place in broad] == ["server.py"]
