"""Sharpe inference against scipy and the worked numbers of the two papers."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import integrate, signal, stats

from poc.stats.sharpe import (
    SharpeMoments,
    deflated_sharpe_ratio,
    expected_max_sharpe,
    minimum_track_record_length,
    probabilistic_sharpe_ratio,
    sharpe_moments,
    sharpe_ratio,
)


def skewed(seed: int, n_days: int = 1500) -> NDArray[np.float64]:
    return 0.001 - 0.01 * (np.random.default_rng(seed).gamma(2.0, size=n_days) - 2.0)


def test_sharpe_ratio_is_annual_and_daily_on_demand() -> None:
    returns = np.array([0.01, -0.02, 0.03, 0.0])
    mean = 0.005
    std = math.sqrt(sum((r - mean) ** 2 for r in returns) / 3)
    assert sharpe_ratio(returns, days_per_year=1) == pytest.approx(mean / std, rel=1e-12)
    assert sharpe_ratio(returns) == pytest.approx(mean * 252 / (std * math.sqrt(252)), rel=1e-12)


def test_undefined_returns_are_left_out() -> None:
    assert sharpe_ratio([0.01, np.nan, -0.02, np.inf, 0.03]) == sharpe_ratio([0.01, -0.02, 0.03])


@pytest.mark.parametrize("returns", [[], [0.01], [0.1, 0.1, 0.1]])
def test_sharpe_is_undefined_without_variation(returns: list[float]) -> None:
    assert math.isnan(sharpe_ratio(returns))
    moments = sharpe_moments(returns)
    assert moments.n_days == len(returns)
    assert math.isnan(moments.sharpe)
    assert math.isnan(probabilistic_sharpe_ratio(moments))
    assert math.isnan(deflated_sharpe_ratio(moments, [0.1, 0.2]))
    assert math.isnan(minimum_track_record_length(moments))


def test_a_matrix_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 2\) was given; expected one dimension"):
        sharpe_moments(np.ones((2, 2)))


def test_moments_equal_scipy() -> None:
    returns = skewed(1)
    moments = sharpe_moments(returns)
    assert moments.sharpe == pytest.approx(sharpe_ratio(returns) / math.sqrt(252), rel=1e-12)
    assert moments.skew == pytest.approx(float(stats.skew(returns)), rel=1e-12)
    assert moments.kurtosis == pytest.approx(float(stats.kurtosis(returns, fisher=False)), rel=1e-12)
    assert moments.skew < -1
    assert moments.n_days == 1500


def test_probabilistic_sharpe_ratio_by_the_formula() -> None:
    sr, n, g3, g4, benchmark = 0.08, 500, -0.7, 6.0, 0.01
    z = (sr - benchmark) * math.sqrt(n - 1) / math.sqrt(1 - g3 * sr + (g4 - 1) / 4 * sr**2)
    moments = SharpeMoments(sharpe=sr, n_days=n, skew=g3, kurtosis=g4)
    assert probabilistic_sharpe_ratio(moments, benchmark=benchmark) == pytest.approx(
        float(stats.norm.cdf(z)), rel=1e-12
    )
    assert probabilistic_sharpe_ratio(moments, benchmark=sr) == 0.5


def test_probabilistic_sharpe_ratio_is_calibrated_on_skewed_returns() -> None:
    true_sharpe, below = 0.001 / (0.01 * math.sqrt(2)), 0
    for seed in range(400):
        moments = sharpe_moments(skewed(1000 + seed, 600))
        below += probabilistic_sharpe_ratio(moments, benchmark=true_sharpe) < 0.1
    assert 0.06 < below / 400 < 0.145


def test_dependence_is_the_variance_of_means_of_blocks_over_that_of_days() -> None:
    """Autocorrelation 0.5: the variance of a long mean is (1 + 0.5) / (1 - 0.5) times that of independent days."""
    shocks = np.random.default_rng(7).standard_normal(400_000)
    returns = signal.lfilter([1], [1, -0.5], shocks)
    means = returns.reshape(-1, 400).mean(axis=1)
    assert sharpe_moments(returns).dependence == pytest.approx(400 * means.var() / returns.var(), rel=0.15)
    assert sharpe_moments(returns).dependence == pytest.approx(3, rel=0.05)
    assert sharpe_moments(shocks).dependence == pytest.approx(1, abs=0.02)
    assert sharpe_moments(np.tile([0.01, -0.02, 0.03], 100)).dependence < 0.1


def test_probabilistic_sharpe_ratio_is_calibrated_on_autocorrelated_returns() -> None:
    rejected = {"dependent": 0, "as independent": 0}
    for seed in range(1000):
        moments = sharpe_moments(signal.lfilter([1], [1, -0.3], np.random.default_rng(seed).standard_normal(1300))[40:])
        rejected["dependent"] += probabilistic_sharpe_ratio(moments) > 0.95
        rejected["as independent"] += probabilistic_sharpe_ratio(replace(moments, dependence=1.0)) > 0.95
    assert 0.03 < rejected["dependent"] / 1000 < 0.07
    assert rejected["as independent"] / 1000 > 0.09


def test_dependence_lowers_the_probability_and_lengthens_the_track_record() -> None:
    days = SharpeMoments(sharpe=0.08, n_days=500, skew=-0.7, kurtosis=6.0)
    dependent = replace(days, dependence=4.0)
    quarter = replace(days, n_days=1 + 499 // 4)
    assert probabilistic_sharpe_ratio(dependent) == pytest.approx(probabilistic_sharpe_ratio(quarter), abs=2e-3)
    assert minimum_track_record_length(dependent) - 1 == pytest.approx(4 * (minimum_track_record_length(days) - 1))


def test_two_valued_returns_without_sampling_variance_have_no_probability() -> None:
    moments = SharpeMoments(sharpe=2.0, n_days=100, skew=1.0, kurtosis=2.0)
    assert math.isnan(probabilistic_sharpe_ratio(moments))


@pytest.mark.parametrize(("periods", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_track_record_of_the_paper(periods: int, years: float) -> None:
    """Normal returns, annual Sharpe ratio of 2 against 1 at 95%: 2.73, 2.83 and 3.24 years of data."""
    moments = SharpeMoments(sharpe=2 / math.sqrt(periods), n_days=0, skew=0.0, kurtosis=3.0)
    length = minimum_track_record_length(moments, benchmark=1 / math.sqrt(periods))
    assert length / periods == pytest.approx(years, abs=0.005)


def test_at_the_minimum_track_record_the_probability_is_the_confidence() -> None:
    moments = sharpe_moments(skewed(2))
    length = minimum_track_record_length(moments, benchmark=0.01, confidence=0.9)
    longer = replace(moments, n_days=round(length))
    assert probabilistic_sharpe_ratio(longer, benchmark=0.01) == pytest.approx(0.9, abs=0.002)


def test_no_track_record_is_long_enough_below_the_benchmark() -> None:
    moments = SharpeMoments(sharpe=0.05, n_days=100, skew=0.0, kurtosis=3.0)
    assert minimum_track_record_length(moments, benchmark=0.05) == math.inf


@pytest.mark.parametrize("confidence", [0.5, 1.0])
def test_confidence_out_of_range_is_refused(confidence: float) -> None:
    moments = SharpeMoments(sharpe=0.05, n_days=100, skew=0.0, kurtosis=3.0)
    with pytest.raises(ValueError, match=r"allowed: above 0\.5 and below 1"):
        minimum_track_record_length(moments, confidence=confidence)


@pytest.mark.parametrize(("n_trials", "tolerance"), [(6, 0.03), (20, 0.02), (100, 0.01), (1000, 0.01)])
def test_expected_maximum_is_near_the_exact_one(n_trials: int, tolerance: float) -> None:
    exact, _ = integrate.quad(lambda x: x * n_trials * stats.norm.pdf(x) * stats.norm.cdf(x) ** (n_trials - 1), -8, 10)
    assert expected_max_sharpe(n_trials, variance=4.0) == pytest.approx(2 * exact, rel=tolerance)


def test_one_trial_needs_no_deflation() -> None:
    moments = sharpe_moments(skewed(3))
    assert expected_max_sharpe(1, variance=1.0) == 0.0
    assert deflated_sharpe_ratio(moments, [moments.sharpe]) == probabilistic_sharpe_ratio(moments)


def test_no_trial_is_refused() -> None:
    with pytest.raises(ValueError, match="n_trials=0 is not allowed; allowed: 1 or more"):
        deflated_sharpe_ratio(sharpe_moments(skewed(3)), [])


def test_deflated_sharpe_ratio_of_the_paper() -> None:
    """Annual Sharpe ratio 2.5 over five years of 250 days, skew -3, kurtosis 10, 100 trials of annual variance 1/2."""
    trials = np.random.default_rng(4).normal(size=100)
    trials *= math.sqrt(0.5 / 250) / trials.std(ddof=1)
    moments = SharpeMoments(sharpe=2.5 / math.sqrt(250), n_days=1250, skew=-3.0, kurtosis=10.0)
    assert expected_max_sharpe(100, variance=0.5 / 250) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe_ratio(moments, trials) == pytest.approx(0.9004, abs=5e-5)


def test_equal_trials_are_deflated_by_the_sampling_variance() -> None:
    moments = sharpe_moments(skewed(5))
    benchmark = expected_max_sharpe(6, variance=1 / (moments.n_days - 1))
    expected = probabilistic_sharpe_ratio(moments, benchmark=benchmark)
    assert deflated_sharpe_ratio(moments, [0.1] * 6) == expected
    assert expected < probabilistic_sharpe_ratio(moments) - 0.01


def test_a_trial_without_a_sharpe_ratio_counts_as_a_try() -> None:
    moments = sharpe_moments(skewed(5))
    trials = [0.3, -0.2, 0.1, 0.0]
    variance = float(np.var(trials, ddof=1))
    expected = probabilistic_sharpe_ratio(moments, benchmark=expected_max_sharpe(6, variance=variance))
    assert deflated_sharpe_ratio(moments, [*trials, np.nan, np.nan]) == expected


def test_more_trials_deflate_more() -> None:
    moments = sharpe_moments(skewed(6))
    values = [deflated_sharpe_ratio(moments, np.resize([0.03, -0.03], n)) for n in (2, 6, 50, 500)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1] + 0.05
