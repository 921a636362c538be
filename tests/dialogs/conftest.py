"""The built-in pack, loaded once."""

from __future__ import annotations

import pytest

from dialogs.pack.model import Pack


@pytest.fixture(scope="session")
def pack() -> Pack:
    return Pack.load()
