"""Evaluation of the models: `hearken evaluate`. Nothing that serves imports this package.

The modules of this level evaluate speech on a user's recordings (`hearken evaluate ears`).
"""


class EvaluationError(ValueError):
    """Input or a model that cannot be evaluated; the text says what to change."""
