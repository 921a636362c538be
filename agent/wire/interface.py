"""Port of a connection's encoder: what each protocol towards customers has to provide.

A conversation produces messages as values (agent/core/customer_messages.py); every connection
encodes them for its own protocol. `NativeEncoder` is protocol v1's.
"""

from __future__ import annotations

from typing import Literal, Protocol

from agent.core.customer_messages import SequencedMessage


class CustomerEncoder(Protocol):
    """Encodes what one connection sends, as websocket text. `at` is in session seconds."""

    def message(self, numbered: SequencedMessage) -> str:
        """A message of the conversation."""
        ...

    def speech(self, at: float, turn: int, state: Literal["start", "end"], person: str = "") -> str:
        """Audio of a turn's replies starts or ends; of the voice of `person` if one is named."""
        ...
