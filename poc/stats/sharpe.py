"""Sharpe ratio, and how far it can be believed: probabilistic and deflated Sharpe ratio, track record length.

Sources: [PSR] Bailey and Lopez de Prado (2012), "The Sharpe ratio efficient frontier", Journal of Risk 15(2), 3-44;
[DSR] Bailey and Lopez de Prado (2014), "The deflated Sharpe ratio: correcting for selection bias, backtest overfitting
and non-normality", Journal of Portfolio Management 40(5), 94-107.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from poc.stats.bootstrap import defined
from poc.stats.newey_west import newey_west_error


@dataclass(frozen=True, kw_only=True)
class SharpeMoments:
    """What the inference on a Sharpe ratio needs, all in daily units.

    Attributes:
        sharpe: mean / standard deviation (ddof 1) of the daily returns, not annualised.
        n_days: number of defined returns, T.
        skew: third central moment / variance^1.5, population moments; 0 for a normal distribution.
        kurtosis: fourth central moment / variance^2, population moments, not in excess; 3 for a normal distribution.
        dependence: by what the sampling variance of the Sharpe ratio is multiplied because days depend on each other;
            1 for independent ones.
    """

    sharpe: float
    n_days: int
    skew: float
    kurtosis: float
    dependence: float = 1.0


def sharpe_ratio(returns: ArrayLike, *, days_per_year: float = 252) -> float:
    """Annualised Sharpe ratio: (mean * Y) / (std * sqrt(Y)), std with ddof 1, Y days a year, no risk-free rate.

    Sharpe (1994), "The Sharpe ratio", Journal of Portfolio Management 21(1), 49-58: the return is a spread already.

    Args:
        returns: shape (T,), daily, fractions. Undefined ones (NaN, infinite) are left out.
        days_per_year: 1 gives the ratio in daily units.

    Returns:
        The ratio; NaN with fewer than two defined returns or where they do not vary.

    Raises:
        ValueError: `returns` is not one-dimensional.
    """
    series = defined(returns)
    if len(series) < 2 or np.ptp(series) == 0:
        return float("nan")
    return float(series.mean() / series.std(ddof=1) * np.sqrt(days_per_year))


def sharpe_moments(returns: ArrayLike) -> SharpeMoments:
    """Daily Sharpe ratio, length, skew and kurtosis of daily returns, with the moments as in [PSR] and [DSR].

    Their dependence is the Newey-West variance of the mean of z - SR/2 (z^2 - 1), z the standardized returns, over that
    of independent days: a day's influence on the Sharpe ratio, whose variance is the 1 - g3 SR + (g4 - 1)/4 SR^2 of
    `probabilistic_sharpe_ratio` (Lo 2002, "The statistics of Sharpe ratios", Financial Analysts Journal 58(4), 36-52).

    Args:
        returns: shape (T,), daily, fractions, in date order. Undefined ones (NaN, infinite) are left out.

    Returns:
        NaN in every number but `n_days` with fewer than two defined returns or where they do not vary.

    Raises:
        ValueError: `returns` is not one-dimensional.
    """
    series = defined(returns)
    if len(series) < 2 or np.ptp(series) == 0:
        nan = float("nan")
        return SharpeMoments(sharpe=nan, n_days=len(series), skew=nan, kurtosis=nan, dependence=nan)
    sharpe = sharpe_ratio(series, days_per_year=1)
    standardized = (series - series.mean()) / series.std()
    influence = standardized - sharpe / 2 * (standardized**2 - 1)
    independent = influence @ influence / len(series) ** 2
    return SharpeMoments(
        sharpe=sharpe,
        n_days=len(series),
        skew=float(np.mean(standardized**3)),
        kurtosis=float(np.mean(standardized**4)),
        dependence=newey_west_error(influence) ** 2 / independent if independent > 0 else 1.0,
    )


def probabilistic_sharpe_ratio(moments: SharpeMoments, *, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio exceeds `benchmark`, given skew and kurtosis [PSR].

    PSR = Phi((SR - SR*) sqrt(T - 1) / sqrt(D (1 - g3 SR + (g4 - 1)/4 SR^2))), g3 skew, g4 kurtosis. The paper takes the
    days as independent, D = 1; D is their dependence, without which it is too sure of autocorrelated returns.

    Args:
        moments: of the daily returns.
        benchmark: SR*, in daily units.

    Returns:
        A probability, 0 to 1; NaN where the moments are undefined.
    """
    variance = _sampling_variance(moments)
    if not variance > 0:
        return float("nan")
    return float(ndtr((moments.sharpe - benchmark) * np.sqrt((moments.n_days - 1) / variance)))


def minimum_track_record_length(moments: SharpeMoments, *, benchmark: float = 0.0, confidence: float = 0.95) -> float:
    """Days needed until the Sharpe ratio exceeds `benchmark` with `confidence` [PSR].

    MinTRL = 1 + D (1 - g3 SR + (g4 - 1)/4 SR^2) (Phi^-1(confidence) / (SR - SR*))^2, D as in
    `probabilistic_sharpe_ratio`.

    Args:
        moments: of the daily returns; their `n_days` is not used.
        benchmark: SR*, in daily units.
        confidence: above 0.5 and below 1.

    Returns:
        Days, not rounded; infinite where the Sharpe ratio does not exceed the benchmark; NaN where it is undefined.

    Raises:
        ValueError: `confidence` is out of range.
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence={confidence!r} is not allowed; allowed: above 0.5 and below 1.")
    excess = moments.sharpe - benchmark
    if excess <= 0:
        return float("inf")
    return float(1 + _sampling_variance(moments) * (ndtri(confidence) / excess) ** 2)


def expected_max_sharpe(n_trials: int, *, variance: float) -> float:
    """Expected largest Sharpe ratio of `n_trials` independent trials whose true Sharpe ratio is 0 [DSR].

    SR0 = sqrt(V) ((1 - c) Phi^-1(1 - 1/N) + c Phi^-1(1 - 1/(N e))), c the Euler-Mascheroni constant; 0 for N = 1.

    Args:
        n_trials: N, at least 1.
        variance: V, of the trials' Sharpe ratios; the result has the unit of its root (daily here).

    Raises:
        ValueError: `n_trials` is below 1.
    """
    if n_trials < 1:
        raise ValueError(f"n_trials={n_trials!r} is not allowed; allowed: 1 or more.")
    if n_trials == 1:
        return 0.0
    c = np.euler_gamma
    quantile = (1 - c) * ndtri(1 - 1 / n_trials) + c * ndtri(1 - 1 / (n_trials * np.e))
    return float(np.sqrt(variance) * quantile)


def deflated_sharpe_ratio(moments: SharpeMoments, trial_sharpes: ArrayLike) -> float:
    """Probability that the true Sharpe ratio is above 0 after allowing for the number of tries [DSR].

    The probabilistic Sharpe ratio against SR0 of `expected_max_sharpe`, with N the number of trials and
    V = max(sample variance of their Sharpe ratios, 1/(T - 1)). The floor, the sampling variance of the Sharpe ratio of
    a signal without value, is ours: trials that are variants of one idea would make V, and the correction, too small.

    Args:
        moments: of the daily returns that are judged.
        trial_sharpes: shape (N,), daily Sharpe ratios of all trials, the judged variants and earlier ones. An undefined
            one (NaN) counts in N, because it was tried, and not in V.

    Returns:
        A probability, 0 to 1; NaN where the moments are undefined.

    Raises:
        ValueError: `trial_sharpes` is empty or not one-dimensional.
    """
    return probabilistic_sharpe_ratio(moments, benchmark=lucky_sharpe_ratio(moments, trial_sharpes))


def lucky_sharpe_ratio(moments: SharpeMoments, trial_sharpes: ArrayLike) -> float:
    """SR0 of `deflated_sharpe_ratio`: what the best of as many tries without value is expected to show [DSR].

    Args:
        moments: of the daily returns that are judged; their length decides the floor of V.
        trial_sharpes: as in `deflated_sharpe_ratio`.

    Returns:
        In daily units; NaN with fewer than two returns.

    Raises:
        ValueError: `trial_sharpes` is empty or not one-dimensional.
    """
    known = defined(trial_sharpes)
    sampling = 1 / (moments.n_days - 1) if moments.n_days > 1 else float("nan")
    variance = max(sampling, float(known.var(ddof=1))) if len(known) > 1 else sampling
    return expected_max_sharpe(np.size(np.asarray(trial_sharpes)), variance=variance)


def _sampling_variance(moments: SharpeMoments) -> float:
    """(T - 1) times the sampling variance of the daily Sharpe ratio, [PSR] with our D.

    It is 1 for an independent normal return of Sharpe ratio 0.
    """
    sharpe = moments.sharpe
    return moments.dependence * (1 - moments.skew * sharpe + (moments.kurtosis - 1) / 4 * sharpe**2)
