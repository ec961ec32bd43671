"""Whether one Sharpe ratio is larger than another: a paired bootstrap test on common days.

Source: [LW] Ledoit and Wolf (2008), "Robust performance hypothesis testing with the Sharpe ratio", Journal of Empirical
Finance 15(5), 850-859: the studentized circular block bootstrap.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poc.stats.newey_west import newey_west_lags

LEAST_DAYS = 60
"""Fewer common days say nothing about a difference."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SharpeDifference:
    """The first Sharpe ratio minus the second, annual.

    Attributes:
        difference: as observed.
        low, high: 95% interval.
        p_value: two-sided, that the true difference is 0.
        n_days: days on which both returns are defined.
        All but `n_days` are NaN where the test cannot be done; the interval and the p-value alone where the two
        series are the same up to scale.
    """

    difference: float
    low: float
    high: float
    p_value: float
    n_days: int


def sharpe_difference(
    first: ArrayLike,
    second: ArrayLike,
    *,
    days_per_year: float = 252,
    n_resamples: int = 2000,
    rng: np.random.Generator | None = None,
) -> SharpeDifference:
    """Test the difference of two Sharpe ratios of returns on the same days [LW].

    The difference is studentized by the delta method, with a Newey-West (Bartlett) variance for the data and the
    variance of the block means for a resample. Days are drawn in circular blocks of ceil(T^(1/3)), the same days for
    both, so that what they have in common cancels.

    Args:
        first: shape (T,), daily returns, fractions, in date order. Days on which either is undefined are left out.
        second: the same, on the same days.
        days_per_year: by which the ratios are made annual.
        n_resamples: M; the smallest p-value is 1 / (M + 1).
        rng: of the resampling; None: a generator with seed 0.

    Raises:
        ValueError: the series are not one-dimensional and of the same length.
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(f"the shapes are {one.shape} and {other.shape}; expected one dimension and the same length.")
    both = np.isfinite(one) & np.isfinite(other)
    returns = np.column_stack([one[both], other[both]])
    n_days, nan = len(returns), math.nan
    if n_days < LEAST_DAYS or (np.ptp(returns, axis=0) == 0).any():
        return SharpeDifference(difference=nan, low=nan, high=nan, p_value=nan, n_days=n_days)
    terms = np.hstack([returns, returns**2])
    difference, gradient = _difference(terms.mean(axis=0))
    error = _standard_error((terms - terms.mean(axis=0)) @ gradient)
    annual = math.sqrt(days_per_year)
    if error < 1e-12:
        return SharpeDifference(difference=float(difference) * annual, low=nan, high=nan, p_value=nan, n_days=n_days)
    rng = rng or np.random.Generator(np.random.PCG64(0))
    distances = _studentized_distances(terms, float(difference), n_resamples=n_resamples, rng=rng)
    exceeding = np.count_nonzero(distances >= abs(difference) / error)
    half_width = np.quantile(distances, 0.95) * error
    return SharpeDifference(
        difference=float(difference) * annual,
        low=float(difference - half_width) * annual,
        high=float(difference + half_width) * annual,
        p_value=float((exceeding + 1) / (n_resamples + 1)),
        n_days=n_days,
    )


def _difference(moments: Floats) -> tuple[Floats, Floats]:
    """Daily Sharpe difference and its gradient from (..., 4) first and second moments; [LW], section 3."""
    mean, square = moments[..., :2], moments[..., 2:]
    variance = square - mean**2
    ratio = mean / np.sqrt(variance)
    sign = np.array([1.0, -1.0])
    gradient = np.concatenate([sign * square, -0.5 * sign * mean], axis=-1) / np.tile(variance, 2) ** 1.5
    return ratio[..., 0] - ratio[..., 1], gradient


def _standard_error(influence: Floats) -> float:
    """Newey-West standard error of the mean of a centred series (Bartlett weights)."""
    n_days = len(influence)
    lags = newey_west_lags(n_days)
    total = float(influence @ influence)
    for lag in range(1, lags + 1):
        total += 2 * (1 - lag / (lags + 1)) * float(influence[lag:] @ influence[:-lag])
    return math.sqrt(max(total, 0.0)) / n_days


def _studentized_distances(terms: Floats, difference: float, *, n_resamples: int, rng: np.random.Generator) -> Floats:
    """|difference of a resample - difference| / its standard error; shape (n_resamples,)."""
    n_days = len(terms)
    length = math.ceil(n_days ** (1 / 3))
    n_blocks = n_days // length
    circle = np.vstack([terms, terms[: length - 1]])
    sums = np.lib.stride_tricks.sliding_window_view(circle, length, axis=0).sum(axis=-1)  # a row a first day
    distances = np.empty(n_resamples)
    for place in range(n_resamples):
        blocks = sums[rng.integers(n_days, size=n_blocks)]
        moments = blocks.mean(axis=0) / length
        resampled, gradient = _difference(moments)
        influence = (blocks - length * moments) @ gradient
        error = np.sqrt(influence @ influence) / (n_blocks * length)
        distances[place] = abs(resampled - difference) / error
    return distances
