"""The built-in pack, loaded once."""

from __future__ import annotations

import pytest

from dialogs.pack.loader import load_pack
from dialogs.pack.model import Pack


@pytest.fixture(scope="session")
def pack() -> Pack:
    return load_pack()
