"""The studentized block bootstrap of a smooth function of means, such as a mean, a Sharpe ratio, or their differences.

Sources: [LW] Ledoit and Wolf (2008), "Robust performance hypothesis testing with the Sharpe ratio", Journal of
Empirical Finance 15(5), 850-859; [PR] Politis and Romano (1994), "The stationary bootstrap", Journal of the American
Statistical Association 89, 1303-1313; [PW] Politis and White (2004), "Automatic block-length selection for the
dependent bootstrap", Econometric Reviews 23, 53-70, with the correction of Patton, Politis and White (2009), the same
28, 372-375; [GK] Goetze and Kuensch (1996), "Second-order correctness of the blockwise bootstrap for stationary
observations", Annals of Statistics 24, 1914-1933.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from poc.stats.newey_west import newey_west_error

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], tuple[Floats, Floats]]
"""From (..., K) means the value (...,) and its gradient (..., K)."""

LEAST_DAYS = 60
"""Fewer days say nothing."""
N_RESAMPLES = 2000
_AT_A_TIME = 40
"""Resamples worked on together: few enough for their blocks to stay in the processor's cache."""
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """A number and how far resamples of its data are away from it.

    Attributes:
        value: as observed.
        error: its Newey-West standard error, by the delta method.
        distances: shape (n_resamples,), |value of a resample - value| / standard error of the resample, ascending.
    """

    value: float
    error: float
    distances: Floats

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """The symmetric studentized interval: value -+ quantile of the distances x error."""
        half_width = float(np.quantile(self.distances, confidence)) * self.error
        return self.value - half_width, self.value + half_width

    def p_value(self) -> float:
        """Two-sided, that the true value is 0: (1 + resamples further away than 0 is) / (1 + resamples)."""
        exceeding = np.count_nonzero(self.distances >= abs(self.value) / self.error)
        return float((exceeding + 1) / (len(self.distances) + 1))


def studentized_bootstrap(
    terms: Floats, statistic: Statistic, *, n_resamples: int = N_RESAMPLES, rng: np.random.Generator | None = None
) -> Bootstrap | None:
    """Resample days in blocks and compare the statistic of each resample with that of the data [LW].

    Days are drawn in circular blocks of geometric length [PR], whose mean is the longest that is chosen for the series
    of the statistic's influence or for one of the terms [PW]: a day says little of the next one's return and much of
    the next one's square. The data are studentized with a Newey-West error, a resample with the variance of its own
    block sums [GK]; a resample that does not vary counts as infinitely far away.

    Args:
        terms: shape (T, K), the daily values whose means the statistic is a function of, finite.
        statistic: that function, with its gradient.
        n_resamples: M; the smallest p-value is 1 / (M + 1).
        rng: of the resampling; None: a generator with seed 0.

    Returns:
        None where the statistic does not vary.
    """
    rng = rng or np.random.Generator(np.random.PCG64(0))
    means = terms.mean(axis=0)
    value, gradient = statistic(means)
    influence = (terms - means) @ gradient
    error = newey_west_error(influence)
    size = (np.abs(terms - means) @ np.abs(gradient)).max()
    if error == 0 or np.abs(influence).max() <= _ROUNDING * size:
        return None
    mean_length = _longest_block_length(np.column_stack([influence, terms]))
    first, lengths = _draw_blocks(len(terms), mean_length, n_resamples, rng)
    running = np.cumsum(np.vstack([np.zeros_like(terms[:1]), terms, terms]), axis=0)
    distances = np.empty(n_resamples)
    for begin in range(0, n_resamples, _AT_A_TIME):
        some = slice(begin, begin + _AT_A_TIME)
        sums = np.take(running, first[some] + lengths[some], axis=0) - np.take(running, first[some], axis=0)
        resampled = np.ones(sums.shape[1]) @ sums / len(terms)
        with np.errstate(divide="ignore", invalid="ignore"):
            values, gradients = statistic(resampled)
            centre = (resampled * gradients).sum(axis=1)
            block_influence = (sums @ gradients[..., None])[..., 0] - lengths[some] * centre[:, None]
            errors = np.sqrt((block_influence**2).sum(axis=1)) / len(terms)
            distances[some] = np.abs(values - value) / errors
    distances[np.isnan(distances)] = np.inf
    return Bootstrap(value=float(value), error=error, distances=np.sort(distances))


def mean_p_value(values: ArrayLike, *, rng: np.random.Generator | None = None) -> float:
    """Two-sided p-value that the true mean of a series is 0, by the studentized block bootstrap.

    It stands beside the t of `newey_west_t`, whose normal distribution is only approached by long series.

    Args:
        values: shape (T,), in date order. Undefined days (NaN, infinite) are left out and the rest closes up.
        rng: of the resampling; None: a generator with seed 0.

    Returns:
        NaN with fewer than 60 defined values or where they do not vary.

    Raises:
        ValueError: `values` is not one-dimensional.
    """
    series = defined(values)
    if len(series) < LEAST_DAYS:
        return math.nan
    found = studentized_bootstrap(series[:, None], lambda means: (means[..., 0], np.ones_like(means)), rng=rng)
    return math.nan if found is None else found.p_value()


def defined(values: ArrayLike) -> Floats:
    """The finite values of a series (T,).

    Raises:
        ValueError: `values` is not one-dimensional.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"an array of shape {series.shape} was given; expected one dimension.")
    return series[np.isfinite(series)]


def _longest_block_length(series: Floats) -> float:
    """The longest mean block length that suits one of the (T, K) series: 1 to a tenth of the days."""
    return min(max(1.0, *map(_block_length, series.T)), len(series) / 10)


def _block_length(series: Floats) -> float:
    """The mean block length by which a resampled mean varies as the true one does [PW]; at most 3 sqrt(T).

    Autocovariances count up to twice the lag from which on some correlations in a row are next to 0.
    """
    n_days = len(series)
    run = max(5, int(math.log10(n_days)))
    most = math.ceil(math.sqrt(n_days)) + run
    deviations = series - series.mean()
    # The k-th scale leaves out k + 1 days, not k: then the length is that of the package arch, which tests compare.
    squares = np.cumsum(deviations**2)
    covariance = np.array([deviations[lag:] @ deviations[: n_days - lag] for lag in range(most + 1)]) / n_days
    scale = np.sqrt(squares[-2 : -most - 3 : -1] * (squares[-1] - squares[: most + 1])) / n_days
    small = np.abs(covariance) < 2 * math.sqrt(math.log10(n_days) / n_days) * scale
    runs = np.flatnonzero(sliding_window_view(small[:-1], run).all(axis=1))
    last = min(2 * int(runs[0]), most) if len(runs) else most
    lags = np.arange(1, last + 1)
    weighted = np.minimum(1, 2 * (1 - lags / last)) * covariance[1 : last + 1]
    slope, variance = 2 * (lags @ weighted), covariance[0] + 2 * weighted.sum()
    longest = math.ceil(min(3 * math.sqrt(n_days), n_days / 3))
    return float(min(np.cbrt(n_days * (slope / variance) ** 2), longest)) if variance else 1.0


def _draw_blocks(
    n_days: int, mean_length: float, n_resamples: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """First days and lengths, both (R, B), of blocks of consecutive days of a circle, T days a resample.

    A resample has at least two blocks; one that needs fewer than the others has empty ones at its end.
    """
    expected = n_days / mean_length
    n_blocks = math.ceil(expected + 6 * math.sqrt(expected) + 6)
    ends = rng.geometric(1 / mean_length, (n_resamples, n_blocks))  # lengths; in place, for there are millions
    np.minimum(ends, n_days // 2, out=ends)
    np.cumsum(ends, axis=1, out=ends)
    ends = np.minimum(ends, n_days, out=ends).astype(np.int32)
    ends[:, -1] = n_days
    first = rng.integers(n_days, size=ends.shape).astype(np.int32)
    return first, np.diff(ends, axis=1, prepend=np.int32(0))
