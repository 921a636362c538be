"""The people who are logged in at the consoles of this process, by name."""

from __future__ import annotations

from collections.abc import Iterator


class OnlineAgents:
    """Who can take a handoff here now. The console hub writes it in the event loop; routing reads
    the number of them from any thread."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._names))

    def add(self, name: str) -> None:
        """This person has logged in."""
        self._names.add(name)

    def discard(self, name: str) -> None:
        """This person's console is gone."""
        self._names.discard(name)
