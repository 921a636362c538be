"""Capacity and cost measurements: `hearken bench`. Nothing that serves imports this package."""


class BenchError(RuntimeError):
    """A measurement that cannot be made; the text says what is missing."""
