"""Loader of speechbrain's HuBERT with the weights of a checkpoint folder.

Separate from the other methods, because importing speechbrain takes seconds and its
placeholder modules must be removed afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audio import torchaudio_guard  # noqa: F401  before speechbrain, which imports torchaudio


def load_speechbrain_hubert(folder: Path) -> Any:
    """A frozen float32 model (batch, samples) -> (batch, frames, width): the output of the last
    layer, without the CTC head."""
    # Imported here, so that only the speechbrain method pays for it.
    from speechbrain.integrations.huggingface.hubert import (  # type: ignore[import-untyped]
        HuBERT,
    )

    from agent.lab.training.ears.word_errors import remove_placeholders

    remove_placeholders()
    with _without_warnings():
        hubert = HuBERT(str(folder), str(folder), freeze=True)
    return hubert.float().eval()


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress speechbrain's warnings about the unused CTC head and the frozen weights."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
