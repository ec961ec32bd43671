"""Which of many backtests were tries at the same idea, by their returns."""

import numpy as np
from numpy.typing import NDArray

SIMILAR = 0.5
"""Correlation, in size, from which two returns are tries at one idea."""
SIMILAR_DAYS = 250
"""Common days that it takes to say so."""
SAME = 0.95
"""Correlation from which two returns are one try: a rerun, or a change that changes nothing."""
SAME_DAYS = 20
_BLOCK = 256
_ROUNDING = 1e-9
Floats = NDArray[np.float64]


def distinct_trials(own: Floats, earlier: NDArray[np.floating], in_family: NDArray[np.bool_]) -> list[int]:
    """The earlier backtests that count as tries at the same idea, each try once.

    One counts if it is of the family, or its returns correlate with the own ones at 0.5 or more in size over at least
    250 common days. One that correlates at 0.95 or more with the own, or with one already counted, is the same try.
    The rule is ours; the reason for it is the number of trials N of Bailey and Lopez de Prado (2014), "The deflated
    Sharpe ratio", Journal of Portfolio Management 40(5), 94-107.

    Args:
        own: shape (T,), daily returns; NaN on a day without one.
        earlier: shape (R, T), those of the earlier backtests on the same days, the oldest first.
        in_family: shape (R,), whether one is declared to be a try at the same idea.

    Returns:
        Rows of `earlier`, ascending.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if own.ndim != 1 or earlier.shape[1:] != own.shape or earlier.shape[:1] != in_family.shape:
        raise ValueError(f"own {own.shape}, earlier {earlier.shape} and in_family {in_family.shape} do not fit.")
    candidates: list[int] = []
    for first in range(0, len(earlier), _BLOCK):
        correlation, days = _correlations(earlier[first : first + _BLOCK], own[None])
        similar = (np.abs(correlation[:, 0]) >= SIMILAR) & (days[:, 0] >= SIMILAR_DAYS)
        counts = (in_family[first : first + _BLOCK] | similar) & ~_same(correlation, days)[:, 0]
        candidates += (first + np.flatnonzero(counts)).tolist()
    counted: list[int] = []
    for first in range(0, len(candidates), _BLOCK):
        block = candidates[first : first + _BLOCK]
        rows = earlier[block]
        is_new = ~_same(*_correlations(rows, earlier[counted])).any(axis=1)
        same_within = _same(*_correlations(rows, rows))
        kept: list[int] = []
        for place in np.flatnonzero(is_new).tolist():
            if not same_within[place, kept].any():
                kept.append(place)
        counted += [block[place] for place in kept]
    return counted


def _same(correlation: Floats, days: Floats) -> NDArray[np.bool_]:
    return (correlation >= SAME) & (days >= SAME_DAYS)


def _correlations(rows: NDArray[np.floating], others: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Pearson correlation of each row with each other over the days that both have, and the number of these days."""
    (x, x_there), (y, y_there) = _centred(rows), _centred(others)
    days = x_there @ y_there.T
    with np.errstate(divide="ignore", invalid="ignore"):  # no common day, or a return that does not vary: undefined
        x_sum, y_sum = x @ y_there.T, x_there @ y.T
        product = x @ y.T - x_sum * y_sum / days
        x_square = x**2 @ y_there.T - x_sum**2 / days
        y_square = x_there @ (y**2).T - y_sum**2 / days
        varies = np.minimum(x_square, y_square) > _ROUNDING
        return np.where(varies, product / np.sqrt(x_square * y_square), np.nan), days


def _centred(returns: NDArray[np.floating]) -> tuple[Floats, Floats]:
    """Each row scaled to mean 0 and deviation 1, 0 where it is missing; and 1 where it is there."""
    there = np.isfinite(returns)
    values = np.where(there, returns, 0.0).astype(np.float64)
    n_days = np.maximum(there.sum(axis=1, keepdims=True), 1)
    values = np.where(there, values - values.sum(axis=1, keepdims=True) / n_days, 0.0)
    scale = np.sqrt((values**2).sum(axis=1, keepdims=True) / n_days)
    return values / np.where(scale > 0, scale, 1.0), there.astype(np.float64)
