"""Plot of reliability tables: predicted probability against observed share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from agent.understanding.calibration import ReliabilityBin


def save_reliability_plot(tables: Mapping[str, Sequence[ReliabilityBin]], path: Path) -> None:
    """Save one panel per table; the area of a bin's mark grows with its share of the rows."""
    columns = min(3, len(tables))
    rows = math.ceil(len(tables) / columns)
    picture = Figure(figsize=(4.2 * columns, 3.9 * rows), layout="constrained")
    panels = picture.subplots(rows, columns, squeeze=False).ravel()
    for panel, (name, table) in zip(panels, tables.items(), strict=False):
        total = sum(row.count for row in table)
        claimed, true = [row.claimed for row in table], [row.true for row in table]
        panel.plot([0, 1], [0, 1], color="0.7", linewidth=1)
        panel.plot(claimed, true, color="tab:blue", linewidth=1)
        panel.scatter(claimed, true, [10 + 300 * row.count / total for row in table], alpha=0.6)
        panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="predicted", ylabel="observed")
        panel.set_title(name, fontsize=8, wrap=True)
    for panel in panels[len(tables) :]:
        panel.set_axis_off()
    picture.savefig(path, dpi=120)
