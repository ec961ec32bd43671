"""Blocks of days: what is made a day at a time is made for some days together, on as many threads as there may be."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
A = TypeVar("A", bound=NDArray[Any])

BLOCK_ROWS = 250_000
"""Panel rows of a block, about: few enough for what is made on the way to stay in the processor's cache."""


def over_blocks(job: Callable[[tuple[int, int]], T], offsets: NDArray[Any], *, threads: int) -> list[T]:
    """Results of a job for each block of days, in order. No result may depend on where blocks begin.

    Args:
        job: takes the first day of a block and the day after its last.
        offsets: (T + 1,) panel rows of day t are `offsets[t]:offsets[t + 1]`.
        threads: how many blocks are in work at once.
    """
    blocks = blocks_of_days(offsets)
    if threads == 1 or len(blocks) == 1:
        return [job(block) for block in blocks]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(job, blocks))


def blocks_of_days(offsets: NDArray[Any]) -> list[tuple[int, int]]:
    """(first, end) of each block, all days once."""
    n_blocks = max(int(np.ceil(offsets[-1] / BLOCK_ROWS)), 1)
    inner = np.searchsorted(offsets[:-1], np.arange(1, n_blocks) * (offsets[-1] / n_blocks))
    bounds = np.unique([0, *inner, len(offsets) - 1]).tolist()
    return list(pairwise(bounds))


def read_only(values: A) -> A:
    """The same array, which nobody can write any more."""
    values.flags.writeable = False
    return values
