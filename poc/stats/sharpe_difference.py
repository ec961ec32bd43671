"""Whether one Sharpe ratio is larger than another: a paired bootstrap test on common days.

Source: [LW] Ledoit and Wolf (2008), "Robust performance hypothesis testing with the Sharpe ratio", Journal of Empirical
Finance 15(5), 850-859.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poc.stats.bootstrap import LEAST_DAYS, N_RESAMPLES, studentized_bootstrap
from poc.stats.sharpe_interval import sharpe_of_moments

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
    n_resamples: int = N_RESAMPLES,
    rng: np.random.Generator | None = None,
) -> SharpeDifference:
    """Test the difference of two Sharpe ratios of returns on the same days [LW].

    `studentized_bootstrap` says how. The same days are drawn for both, so that what they have in common cancels.

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
    terms = np.stack([returns, returns**2], axis=-1).reshape(n_days, 4)
    annual = math.sqrt(days_per_year)
    difference = float(_difference(terms.mean(axis=0))[0]) * annual
    found = studentized_bootstrap(terms, _difference, n_resamples=n_resamples, rng=rng)
    if found is None:
        return SharpeDifference(difference=difference, low=nan, high=nan, p_value=nan, n_days=n_days)
    low, high = found.interval()
    return SharpeDifference(
        difference=difference, low=low * annual, high=high * annual, p_value=found.p_value(), n_days=n_days
    )


def _difference(moments: Floats) -> tuple[Floats, Floats]:
    """Daily Sharpe difference and its gradient from (..., 4): first and second moment of the one, then of the other."""
    (one, one_gradient), (other, other_gradient) = (
        sharpe_of_moments(moments[..., :2]),
        sharpe_of_moments(moments[..., 2:]),
    )
    return one - other, np.concatenate([one_gradient, -other_gradient], axis=-1)
