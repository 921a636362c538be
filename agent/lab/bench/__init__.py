"""What does hearing cost on this machine? `hearken bench` lives here; nothing that serves does."""


class BenchError(RuntimeError):
    """A measurement that cannot be taken; the text says what is missing."""
