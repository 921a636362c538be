"""What is speechbrain's HuBERT, over the weights of a checkpoint folder?

Apart from the other ways of hearing, because importing speechbrain takes seconds and care.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from audio import torchaudio_guard  # noqa: F401  before speechbrain, which imports torchaudio


def load_speechbrain_hubert(folder: Path) -> Any:
    """(batch, samples) -> (batch, frames, width), in float32 and frozen: the last layer's output,
    without the CTC head."""
    # Only who measures it pays for the import.
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
    """It is warned of the CTC head that a lobe has no use for, and of being frozen, as asked."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
