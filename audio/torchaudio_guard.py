"""Import of torchaudio on a CPU build of torch, without torchaudio's CUDA library.

torchaudio 2.11 wheels link libc10_cuda.so, which a CPU build of torch does not contain. Its import
then fails with OSError, and with it the imports of speechbrain and transformers' audio models. This
project uses only pure Python parts of it, and torchaudio itself skips its compiled part when the
library file does not exist: so on that error, point it at a folder that does not exist and import
it again. Import this module before speechbrain and before transformers' audio models.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def import_torchaudio() -> None:
    """Import torchaudio, without its compiled part where that cannot be loaded."""
    try:
        import_module("torchaudio")
    except OSError:
        # The failed import removed torchaudio from sys.modules, but not this submodule.
        loader = sys.modules["torchaudio._extension.utils"]
        vars(loader)["_LIB_DIR"] = Path(__file__).with_name("no compiled torchaudio")
        import_module("torchaudio")


import_torchaudio()
