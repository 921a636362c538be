"""How many words or letters of a reference were got wrong?

speechbrain's counter. Importing it leaves placeholders in sys.modules that try to import optional
packages as soon as anybody looks at them, and fail: those are taken out again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from audio import torchaudio_guard  # noqa: F401  before speechbrain, which imports torchaudio

_PLACEHOLDERS = ("LazyModule", "DeprecatedModuleRedirect")


def word_edits(
    references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    """For each pair of token lists: substitutions, insertions, deletions, num_edits,
    num_ref_tokens."""
    # Only who counts pays for the import, which takes a second.
    from speechbrain.utils.metric_stats import ErrorRateStats  # type: ignore[import-untyped]

    remove_placeholders()
    stats = ErrorRateStats()
    stats.append(list(range(len(references))), list(hypotheses), list(references))
    return list(stats.scores)


def remove_placeholders() -> None:
    """To be called after every import from speechbrain."""
    for name, module in list(sys.modules.items()):
        if type(module).__name__ in _PLACEHOLDERS:
            del sys.modules[name]
