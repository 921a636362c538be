"""How well do any ears hear the recordings that a user brings?

`hearken evaluate ears` lives here (agent/lab/evaluation/command.py). Nothing that serves imports
this."""


class EvaluationError(ValueError):
    """Recordings or a model that cannot be evaluated; the text says what to change."""
