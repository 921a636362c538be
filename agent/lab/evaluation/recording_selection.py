"""Which of a manifest's recordings are evaluated?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.manifest import LabelledRecording

ALL_SPLITS = "all"


def select_split(
    recordings: Sequence[LabelledRecording], split: str | None
) -> tuple[tuple[LabelledRecording, ...], str]:
    """Those of one split, and a sentence that says which.

    `None` means "test" where the manifest has splits, otherwise everything.
    """
    split_sizes = Counter(r.split for r in recordings if r.split)
    if split is None:
        split = "test" if split_sizes else ALL_SPLITS
    if split == ALL_SPLITS:
        selection = f"all {len(recordings)} usable lines"
        return tuple(recordings), f"{selection}, of every split" if split_sizes else selection
    selected = tuple(r for r in recordings if r.split == split)
    if not selected:
        known = (
            ", ".join(f"{name} ({many})" for name, many in sorted(split_sizes.items())) or "none"
        )
        raise EvaluationError(
            f"no usable line of split {split!r}; the manifest has: {known}. "
            f"--split {ALL_SPLITS} takes everything"
        )
    return selected, f"split {split}: {len(selected)} of {len(recordings)} usable lines"


def speakers_in_several_splits(recordings: Sequence[LabelledRecording]) -> list[str]:
    """Speakers who are in several splits: figures of one are then not about strangers."""
    splits: dict[str, set[str]] = defaultdict(set)
    for r in recordings:
        if r.split:
            splits[r.speaker].add(r.split)
    return sorted(speaker for speaker, where in splits.items() if len(where) > 1)


def limit_recordings(
    recordings: Sequence[LabelledRecording], limit: int | None, seed: int
) -> tuple[LabelledRecording, ...]:
    """At most `limit`, as evenly over speakers as they go, in the manifest's order."""
    if limit is None or limit >= len(recordings):
        return tuple(recordings)
    random = np.random.default_rng(seed)
    speakers: dict[str, list[int]] = defaultdict(list)
    for index, r in enumerate(recordings):
        speakers[r.speaker].append(index)
    ranked = [  # (which of its speaker's recordings, at random, index)
        (turn, random.random(), index)
        for indices in speakers.values()
        for turn, index in enumerate(random.permutation(indices).tolist())
    ]
    return tuple(recordings[index] for index in sorted(i for *_, i in sorted(ranked)[:limit]))
