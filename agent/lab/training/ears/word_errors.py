"""Edit counts between reference and hypothesis tokens, as speechbrain counts them.

Importing speechbrain leaves placeholders in sys.modules that try to import optional packages when
they are inspected, and fail; this module removes them.
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
    # Imported here because the import takes a second.
    from speechbrain.utils.metric_stats import ErrorRateStats  # type: ignore[import-untyped]

    remove_placeholders()
    stats = ErrorRateStats()
    stats.append(list(range(len(references))), list(hypotheses), list(references))
    return list(stats.scores)


def remove_placeholders() -> None:
    """Remove speechbrain's placeholders from sys.modules; call it after every import from it."""
    for name, module in list(sys.modules.items()):
        if type(module).__name__ in _PLACEHOLDERS:
            del sys.modules[name]
