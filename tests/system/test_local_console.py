"""`hearken serve` as a user starts it, without settings: its printed link opens the console."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.sync.client import connect

pytestmark = [pytest.mark.model, pytest.mark.socket]

SERVER = Path(__file__).parents[2] / "server.py"
LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/console#token=(\S+)")


def test_the_printed_link_logs_in_and_its_token_is_not_in_the_log(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HEARKEN_")}
    settings = {
        "HEARKEN_PORT": "0",
        "HEARKEN_OWN_CORE": "false",
        "HEARKEN_CAPACITY": "10",
        "HEARKEN_WRITER_CHECKPOINT": "",
    }
    with (tmp_path / "log").open("w+") as log:
        process = subprocess.Popen(
            [sys.executable, str(SERVER)],
            cwd=tmp_path,
            env=environment | settings,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            found = next(filter(None, (LINK.search(line) for line in process.stdout)), None)
            assert found, (tmp_path / "log").read_text()
            page, token = found.groups()
            with urlopen(f"{page}/console") as answer:
                assert b"login-form" in answer.read()
            with connect(page.replace("http", "ws", 1) + "/v1/console") as console:
                hello = {"type": "hello", "protocol": 1, "name": "Ada", "token": token}
                console.send(json.dumps(hello))
                ready = json.loads(console.recv(timeout=10))
            assert (ready["type"], ready["role"]) == ("ready", "person")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    assert process.returncode == 0
    written = (tmp_path / "log").read_text()
    assert token not in written
    assert "the console is open for this run" in written
