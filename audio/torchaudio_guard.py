"""How is torchaudio imported when its compiled part was built for CUDA and torch was not?

torchaudio 2.11 wheels link libc10_cuda.so, which a CPU build of torch does not carry. Its import
then fails with OSError and takes speechbrain and transformers' audio models down with it. All that
this project uses of it is pure Python, and torchaudio itself skips its compiled part when the
library file is not there: so on that error, point it at a folder that does not exist and import it
again. Import this module before speechbrain and before transformers' audio models.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def import_torchaudio() -> None:
    try:
        import_module("torchaudio")
    except OSError:
        # torchaudio itself left sys.modules when its import failed; this submodule stays.
        loader = sys.modules["torchaudio._extension.utils"]
        vars(loader)["_LIB_DIR"] = Path(__file__).with_name("no compiled torchaudio")
        import_module("torchaudio")


import_torchaudio()
