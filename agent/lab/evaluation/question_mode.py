"""Which question is taken to precede each recording of a user: the words of `--expect`.

A module of its own, because the command line loads it for every command.
"""

from __future__ import annotations

from typing import Literal

QuestionMode = Literal["auto", "open", "digits", "yes_no", "keywords"]  # auto: by line and text
