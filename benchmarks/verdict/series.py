"""Intervals and p-values on daily returns whose true Sharpe ratio is known: autocorrelated, heavy-tailed, and with
volatility that clusters.

r_t = mean + x_t, x_t = 0.1 x_{t-1} + s_t z_t, z Student t with 5 degrees of freedom and standard deviation 1, and
s_t^2 = 0.02 + 0.08 (s_{t-1} z_{t-1})^2 + 0.90 s_{t-1}^2, whose mean is 1: GARCH(1, 1), Bollerslev (1986), Journal of
Econometrics 31, 307-327.
"""

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr

from benchmarks.verdict.judge import Row
from benchmarks.verdict.market import Floats, fat_tails
from poc.stats.bootstrap import mean_p_value
from poc.stats.log_rank import log_rank
from poc.stats.newey_west import newey_west_t, spanning_regression
from poc.stats.sharpe import probabilistic_sharpe_ratio, sharpe_moments
from poc.stats.sharpe_difference import sharpe_difference
from poc.stats.sharpe_interval import sharpe_interval

AUTOCORRELATION, TAILS, ARCH, GARCH = 0.1, 5, 0.08, 0.90
WARM_UP = 250
TRUE_SHARPES = (0.0, 1.0, 2.0)
N_SERIES = 2000
YEARS = (2, 5, 10)
NAMES_A_YEAR, LEAVERS_A_YEAR = 200, 0.06


def series_row(years: int, seed: int) -> Row:
    """Whether the interval covers the true Sharpe ratio, and the p-value of each test of something that is true."""
    rng = np.random.default_rng([years, seed])
    first, second, common = (noise(rng, 252 * years) for _ in range(3))
    true_sharpe = TRUE_SHARPES[seed % len(TRUE_SHARPES)]
    interval = sharpe_interval(first + daily_mean(true_sharpe))
    baselines = np.column_stack([common, second]) + daily_mean(1.0)
    paired = [np.sqrt(0.5) * (own + common) + daily_mean(1.0) for own in (first, second)]
    return {
        "years": years,
        "true_sharpe": true_sharpe,
        "covered": interval.low <= true_sharpe <= interval.high,
        "newey_west": two_sided(newey_west_t(first)),
        "bootstrap": mean_p_value(first),
        "spanning": two_sided(spanning_regression(first + 0.5 * (baselines[:, 0]), baselines).alpha_t),
        "probabilistic_sharpe": 1 - probabilistic_sharpe_ratio(sharpe_moments(first)),
        "sharpe_difference": sharpe_difference(paired[0], paired[1]).p_value,
        "survivorship": survivorship_p(rng, NAMES_A_YEAR * years),
    }


def noise(rng: np.random.Generator, n_days: int) -> Floats:
    """(T,) returns of mean 0 and standard deviation 1 as in the module's formula."""
    shocks = fat_tails(rng, (n_days + WARM_UP,), TAILS)
    variance = 1.0
    for t, shock in enumerate(shocks):
        shocks[t] = np.sqrt(variance) * shock
        variance = 1 - ARCH - GARCH + ARCH * shocks[t] ** 2 + GARCH * variance
    returns: Floats = lfilter([np.sqrt(1 - AUTOCORRELATION**2)], [1, -AUTOCORRELATION], shocks)[WARM_UP:]
    return returns


def daily_mean(sharpe: float) -> float:
    """The mean of a daily return of standard deviation 1 that has an annual Sharpe ratio."""
    return float(sharpe / np.sqrt(252))


def two_sided(t: float) -> float:
    """The p-value of a t statistic, taken as normal."""
    return float(2 * ndtr(-abs(t)))


def survivorship_p(rng: np.random.Generator, n_names: int) -> float:
    """Log-rank p-value of covered and uncovered names that leave at the same rate, watched for a year each."""
    lifetime = rng.exponential(252 / LEAVERS_A_YEAR, n_names)
    covered = rng.random(n_names) < 0.5
    return log_rank(np.ceil(np.minimum(lifetime, 252)), lifetime < 252, covered, rng.integers(1, 4, n_names)).p_value
