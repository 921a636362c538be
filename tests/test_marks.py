"""A test that listens or reads weights says so, or fails: else `make test-quick` is slow."""

from __future__ import annotations

import socket

import pytest

from agent.config import Settings

LOOPBACK = ("127.0.0.1", 0)
INTENTS = Settings().weights / "understanding" / "intents.safetensors"


def test_who_listens_is_to_be_marked():
    with socket.socket() as listener, pytest.raises(AssertionError, match="`socket`"):
        listener.bind(LOOPBACK)


@pytest.mark.socket
def test_who_is_marked_may_listen():
    with socket.socket() as listener:
        listener.bind(LOOPBACK)


def test_who_reads_weights_is_to_be_marked():
    with pytest.raises(AssertionError, match="`model`"):
        INTENTS.read_bytes()


@pytest.mark.model
def test_who_is_marked_may_read_weights():
    assert INTENTS.read_bytes()
