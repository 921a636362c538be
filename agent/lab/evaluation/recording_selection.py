"""Selection of a manifest's recordings by split and number."""

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
    """The recordings of one split, and a sentence that names it.

    `None` means "test" where the manifest has splits, otherwise everything. EvaluationError when
    no recording is in the split.
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
    """Speakers in several splits: figures of one split are then not on unseen speakers only."""
    splits: dict[str, set[str]] = defaultdict(set)
    for r in recordings:
        if r.split:
            splits[r.speaker].add(r.split)
    return sorted(speaker for speaker, where in splits.items() if len(where) > 1)


def limit_recordings(
    recordings: Sequence[LabelledRecording], limit: int | None, seed: int
) -> tuple[LabelledRecording, ...]:
    """At most `limit` recordings, spread evenly over speakers, in the order of the manifest."""
    if limit is None or limit >= len(recordings):
        return tuple(recordings)
    random = np.random.default_rng(seed)
    speakers: dict[str, list[int]] = defaultdict(list)
    for index, r in enumerate(recordings):
        speakers[r.speaker].append(index)
    ranked = [  # (rank within its speaker, random tie-break, index)
        (turn, random.random(), index)
        for indices in speakers.values()
        for turn, index in enumerate(random.permutation(indices).tolist())
    ]
    return tuple(recordings[index] for index in sorted(i for *_, i in sorted(ranked)[:limit]))
