"""Which inputs does the world send that an example would not think of?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypothesis import strategies as st

from audio.types import Samples

# Lengths of packets, empty ones and single samples included; 160 and 320 are a telephone's 20 ms.
packet_sizes = st.lists(
    st.one_of(st.sampled_from([0, 1, 160, 320, 511, 512, 513]), st.integers(0, 9_000)),
    max_size=30,
)


def cut(samples: Samples, sizes: Sequence[int]) -> Iterator[Samples]:
    """The samples in pieces of these sizes, and what is left at the end as one more."""
    at = 0
    for size in sizes:
        yield samples[at : at + size]
        at += size
    yield samples[at:]
