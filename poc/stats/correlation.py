"""Rank correlation in plain numpy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1 to n, ties sharing the average of their ranks.

    Args:
        values: shape (n,), finite.

    Returns:
        Shape (n,).
    """
    _, group, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    last_rank = np.cumsum(counts)
    average: NDArray[np.float64] = (last_rank - (counts - 1) / 2)[group]
    return average


def spearman(x: ArrayLike, y: ArrayLike, *, min_pairs: int = 2) -> float:
    """Spearman correlation: Pearson's r of the average ranks.

    Spearman (1904), "The proof and measurement of association between two things", American Journal of Psychology 15,
    72-101.

    Args:
        x: shape (n,).
        y: shape (n,). Pairs with an undefined value (NaN, infinite) are left out before ranking.
        min_pairs: fewest pairs.

    Returns:
        -1 to 1; NaN with fewer than `min_pairs` pairs, or fewer than two distinct values on either side.

    Raises:
        ValueError: the shapes do not fit together.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"x {a.shape} and y {b.shape} do not fit; expected (n,) and (n,).")
    defined = np.isfinite(a) & np.isfinite(b)
    a, b = a[defined], b[defined]
    if len(a) < max(min_pairs, 2) or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    ranks_a, ranks_b = average_ranks(a), average_ranks(b)
    ranks_a, ranks_b = ranks_a - ranks_a.mean(), ranks_b - ranks_b.mean()
    return float(ranks_a @ ranks_b / np.sqrt((ranks_a @ ranks_a) * (ranks_b @ ranks_b)))
