"""How long-running work of the lab says what it is doing."""

from __future__ import annotations

from collections.abc import Callable

ReportProgress = Callable[[str], None]  # called with the name of the step that begins
