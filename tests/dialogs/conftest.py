"""The built-in pack, loaded once."""

from __future__ import annotations

import pytest

from dialogs.pack.model import Pack
from tests.support.packs import bank_pack


@pytest.fixture(scope="session")
def pack() -> Pack:
    return bank_pack()
