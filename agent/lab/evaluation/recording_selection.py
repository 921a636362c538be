"""Which of a manifest's recordings are evaluated?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from agent.lab.evaluation import EvaluationError
from agent.lab.evaluation.manifest import Recording

EVERY = "all"


def of_split(
    recordings: Sequence[Recording], split: str | None
) -> tuple[tuple[Recording, ...], str]:
    """Those of one split, and a sentence that says which.

    `None` means "test" where the manifest has splits, otherwise everything.
    """
    there = Counter(r.split for r in recordings if r.split)
    if split is None:
        split = "test" if there else EVERY
    if split == EVERY:
        told = f"all {len(recordings)} usable lines"
        return tuple(recordings), f"{told}, of every split" if there else told
    picked = tuple(r for r in recordings if r.split == split)
    if not picked:
        known = ", ".join(f"{name} ({many})" for name, many in sorted(there.items())) or "none"
        raise EvaluationError(
            f"no usable line of split {split!r}; the manifest has: {known}. "
            f"--split {EVERY} takes everything"
        )
    return picked, f"split {split}: {len(picked)} of {len(recordings)} usable lines"


def crossing(recordings: Sequence[Recording]) -> list[str]:
    """Speakers who are in several splits: figures of one are then not about strangers."""
    splits: dict[str, set[str]] = defaultdict(set)
    for r in recordings:
        if r.split:
            splits[r.speaker].add(r.split)
    return sorted(speaker for speaker, where in splits.items() if len(where) > 1)


def spread(recordings: Sequence[Recording], limit: int | None, seed: int) -> tuple[Recording, ...]:
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
