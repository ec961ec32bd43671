"""Newey-West: t statistics that allow for autocorrelated and heteroskedastic days."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-10
"""Relative size below which a number is rounding noise."""


@dataclass(frozen=True, kw_only=True)
class Spanning:
    """A return explained by baseline returns.

    Attributes:
        alpha: mean daily return that the baselines do not explain, a fraction; NaN where it cannot be told apart.
        alpha_t: its Newey-West t statistic.
        betas: one slope a baseline, in the order given.
        n_days: days on which every return is defined.
        lags: Newey-West lags used.
    """

    alpha: float
    alpha_t: float
    betas: tuple[float, ...]
    n_days: int
    lags: int


def newey_west_lags(n_days: int, *, horizon: int = 1) -> int:
    """Lags L = max(h - 1, floor(4 (T/100)^(2/9))).

    The second part is the usual rule of thumb for the Bartlett kernel (after Newey and West 1994, "Automatic lag
    selection in covariance matrix estimation", Review of Economic Studies 61, 631-653). The first covers returns
    over `horizon` days, which overlap by h - 1 days.

    Args:
        n_days: number of observations T.
        horizon: days over which one observation runs, h.
    """
    return max(horizon - 1, math.floor(4 * math.pow(n_days / 100, 2 / 9)))


def newey_west_t(values: ArrayLike, *, horizon: int = 1) -> float:
    """Newey-West t statistic of the mean of a series.

    t = mean / sqrt(S / T), S = g_0 + 2 sum_{l=1..L} (1 - l / (L + 1)) g_l, where g_l = 1/T sum_t e_t e_{t-l} is the
    autocovariance of the demeaned series: Newey and West (1987), "A simple, positive semi-definite,
    heteroskedasticity and autocorrelation consistent covariance matrix", Econometrica 55, 703-708, eq. 5. No
    small-sample factor is applied.

    Args:
        values: shape (T,), in date order. Undefined days (NaN, infinite) are left out and the rest closes up.
        horizon: days over which one observation runs; see `newey_west_lags`.

    Returns:
        The t statistic, a pure number; NaN with fewer than two defined values or where they do not vary.

    Raises:
        ValueError: `values` is not one-dimensional.
    """
    series = np.asarray(values, dtype=np.float64)
    if series.ndim != 1:
        raise ValueError(f"values has shape {series.shape}; expected one dimension.")
    series = series[np.isfinite(series)]
    n_days = len(series)
    if n_days < 2 or np.ptp(series) == 0:
        return float("nan")
    mean = series.mean()
    error = newey_west_error(series - mean, horizon=horizon)
    return float(mean / error) if error > 0 else float("nan")


def newey_west_error(deviations: NDArray[np.float64], *, horizon: int = 1) -> float:
    """Newey-West standard error of the mean of a series, as in `newey_west_t`.

    Args:
        deviations: shape (T,), the series less its mean, in date order, finite.
        horizon: days over which one observation runs; see `newey_west_lags`.
    """
    n_days = len(deviations)
    total = _score_covariance(deviations[:, None], newey_west_lags(n_days, horizon=horizon))[0, 0]
    return float(np.sqrt(max(total, 0.0)) / n_days)


def spanning_regression(returns: ArrayLike, baseline_returns: ArrayLike, *, horizon: int = 1) -> Spanning:
    """Regress a return on baseline returns: what is left is its alpha.

    r_t = alpha + sum_j beta_j b_jt + e_t by ordinary least squares; Var = (X'X)^+ S (X'X)^+, where S sums the scores
    x_t e_t and their Bartlett-weighted cross products as in `newey_west_t` (Newey and West 1987, eq. 5; no small-sample
    factor). The idea of the test is Huberman and Kandel (1987), "Mean-variance spanning", Journal of Finance 42,
    873-888. Baselines that repeat each other are allowed (minimum-norm slopes): the alpha stays defined.

    Args:
        returns: shape (T,), daily, fractions, in date order.
        baseline_returns: shape (T, K), the same days. A day with any undefined return is left out.
        horizon: days over which one observation runs; see `newey_west_lags`.

    Returns:
        Alpha and t are NaN with fewer than K + 3 days, where the return does not vary, or where a constant return is
        among the baselines' combinations. A return that the baselines reproduce exactly has alpha and t of 0.

    Raises:
        ValueError: the shapes do not fit together.
    """
    y, x = np.asarray(returns, dtype=np.float64), np.asarray(baseline_returns, dtype=np.float64)
    if y.ndim != 1 or x.ndim != 2 or len(x) != len(y):
        raise ValueError(f"returns {y.shape} and baseline_returns {x.shape} do not fit; expected (T,) and (T, K).")
    defined = np.isfinite(y) & np.isfinite(x).all(axis=1)
    y, x = y[defined], x[defined]
    lags = newey_west_lags(len(y), horizon=horizon)
    design = np.column_stack([np.ones(len(y)), x])
    if len(y) < x.shape[1] + 3 or np.ptp(y) == 0 or _rank(design) == _rank(x):
        nan = float("nan")
        return Spanning(alpha=nan, alpha_t=nan, betas=(nan,) * x.shape[1], n_days=len(y), lags=lags)
    inverse = np.linalg.pinv(design, rcond=_ROUNDING)
    coefficients = inverse @ y
    residuals = y - design @ coefficients
    betas = tuple(float(beta) for beta in coefficients[1:])
    if residuals @ residuals <= _ROUNDING**2 * (y @ y) and abs(coefficients[0]) <= _ROUNDING * np.abs(y).max():
        return Spanning(alpha=0.0, alpha_t=0.0, betas=betas, n_days=len(y), lags=lags)
    bread = inverse @ inverse.T
    variance = (bread @ _score_covariance(design * residuals[:, None], lags) @ bread)[0, 0]
    alpha = float(coefficients[0])
    alpha_t = float(alpha / np.sqrt(variance)) if variance > 0 else float("nan")
    return Spanning(alpha=alpha, alpha_t=alpha_t, betas=betas, n_days=len(y), lags=lags)


def _rank(matrix: NDArray[np.float64]) -> int:
    return int(np.linalg.matrix_rank(matrix, rtol=_ROUNDING))


def _score_covariance(scores: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Sum over days (not mean) of score products, lagged ones with Bartlett weights; shape (K, K) from (T, K)."""
    total: NDArray[np.float64] = scores.T @ scores
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        products = scores[lag:].T @ scores[:-lag]
        total = total + (1 - lag / (lags + 1)) * (products + products.T)
    return total
