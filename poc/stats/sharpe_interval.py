"""How far the true Sharpe ratio may be from the observed one.

Source: [LW] Ledoit and Wolf (2008), "Robust performance hypothesis testing with the Sharpe ratio", Journal of Empirical
Finance 15(5), 850-859.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poc.stats.bootstrap import LEAST_DAYS, N_RESAMPLES, defined, studentized_bootstrap

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SharpeInterval:
    """95% interval of an annual Sharpe ratio; NaN where there is none."""

    low: float
    high: float


def sharpe_interval(
    returns: ArrayLike,
    *,
    days_per_year: float = 252,
    n_resamples: int = N_RESAMPLES,
    rng: np.random.Generator | None = None,
) -> SharpeInterval:
    """Symmetric studentized block-bootstrap 95% interval of the Sharpe ratio [LW]; `studentized_bootstrap` says how.

    Args:
        returns: shape (T,), daily, fractions, in date order. Undefined ones (NaN, infinite) are left out.
        days_per_year: by which the ratio is made annual.
        n_resamples: M.
        rng: of the resampling; None: a generator with seed 0.

    Returns:
        NaN with fewer than 60 defined returns or where they do not vary.

    Raises:
        ValueError: `returns` is not one-dimensional.
    """
    series = defined(returns)
    found = None
    if len(series) >= LEAST_DAYS and np.ptp(series) > 0:
        terms = np.column_stack([series, series**2])
        found = studentized_bootstrap(terms, sharpe_of_moments, n_resamples=n_resamples, rng=rng)
    if found is None:
        return SharpeInterval(low=math.nan, high=math.nan)
    # The moments are those of the population; the ratio that is reported has ddof 1.
    annual = math.sqrt(days_per_year * (1 - 1 / len(series)))
    low, high = found.interval()
    return SharpeInterval(low=low * annual, high=high * annual)


def sharpe_of_moments(moments: Floats) -> tuple[Floats, Floats]:
    """Daily Sharpe ratio (...,) and its gradient (..., 2) from (..., 2) first and second moments; [LW], section 3."""
    mean, square = moments[..., 0], moments[..., 1]
    variance = square - mean**2
    return mean / np.sqrt(variance), np.stack([square, -0.5 * mean], axis=-1) / variance[..., None] ** 1.5
