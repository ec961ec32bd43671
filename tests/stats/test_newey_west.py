"""Newey-West against statsmodels (`use_correction=False`: no small-sample factor) and a slow loop."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from numpy.typing import NDArray

from poc.stats.newey_west import newey_west_lags, newey_west_t, spanning_regression

HAC = {"cov_type": "HAC", "use_t": False}


def autocorrelated(seed: int, n_days: int = 700, mean: float = 0.02) -> NDArray[np.float64]:
    noise = np.random.default_rng(seed).standard_t(5, size=n_days + 1)
    return mean + 0.01 * (noise[1:] + 0.5 * noise[:-1])


def slow_t(values: NDArray[np.float64], lags: int) -> float:
    n_days, mean = len(values), float(np.mean(values))
    variance = 0.0
    for t in range(n_days):
        for s in range(n_days):
            if abs(t - s) <= lags:
                weight = 1 - abs(t - s) / (lags + 1)
                variance += weight * (values[t] - mean) * (values[s] - mean) / n_days**2
    return mean / math.sqrt(variance)


@pytest.mark.parametrize(
    ("n_days", "horizon", "lags"),
    [(100, 1, 4), (99, 1, 3), (2520, 1, 8), (2520, 10, 9), (2520, 9, 8), (2520, 21, 20), (2, 1, 1), (0, 1, 0)],
)
def test_lags_follow_the_rule_and_cover_the_overlap(n_days: int, horizon: int, lags: int) -> None:
    assert newey_west_lags(n_days, horizon=horizon) == lags


@pytest.mark.parametrize("horizon", [1, 5, 21])
@pytest.mark.parametrize("n_days", [30, 700])
def test_t_of_the_mean_equals_statsmodels(n_days: int, horizon: int) -> None:
    values = autocorrelated(1, n_days)
    lags = newey_west_lags(n_days, horizon=horizon)
    fit = sm.OLS(values, np.ones(n_days)).fit(**HAC, cov_kwds={"maxlags": lags, "use_correction": False})
    assert newey_west_t(values, horizon=horizon) == pytest.approx(float(fit.tvalues[0]), rel=1e-12)


def test_t_of_the_mean_equals_a_double_loop() -> None:
    values = autocorrelated(2, 60)
    assert newey_west_t(values) == pytest.approx(slow_t(values, newey_west_lags(60)), rel=1e-12)


def test_positive_autocorrelation_lowers_the_t() -> None:
    values = autocorrelated(3)
    plain = values.mean() / values.std() * math.sqrt(len(values))
    assert 0.6 * plain < newey_west_t(values) < 0.9 * plain


def test_more_lags_than_days_are_harmless() -> None:
    values = autocorrelated(4, 6)
    assert newey_west_t(values, horizon=21) == pytest.approx(slow_t(values, 20), rel=1e-12)


def test_undefined_days_are_left_out_and_the_rest_closes_up() -> None:
    values = autocorrelated(5, 50)
    with_gaps = np.insert(values, [0, 10, 10, 50], [np.nan, np.inf, np.nan, np.nan])
    assert newey_west_t(with_gaps) == newey_west_t(values)


def test_two_days_are_enough_for_a_t() -> None:
    values = np.array([0.1, 0.3])
    assert newey_west_t(values) == pytest.approx(slow_t(values, 1), rel=1e-12)


@pytest.mark.parametrize("values", [[], [1.0], [np.nan, 2.0], [0.1, 0.1, 0.1]])
def test_t_is_undefined_without_variation(values: list[float]) -> None:
    assert math.isnan(newey_west_t(values))


def test_t_refuses_a_matrix() -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 2\); expected one dimension"):
        newey_west_t(np.ones((2, 2)))


def regression_case(seed: int, n_days: int = 900) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    baselines = np.column_stack([autocorrelated(seed + j, n_days, mean=0.001) for j in range(3)])
    returns = 0.002 + baselines @ [0.8, -0.3, 0.0] + autocorrelated(seed + 9, n_days, mean=0.0)
    return returns, baselines


@pytest.mark.parametrize("horizon", [1, 10])
def test_spanning_regression_equals_statsmodels(horizon: int) -> None:
    returns, baselines = regression_case(6)
    lags = newey_west_lags(len(returns), horizon=horizon)
    design = sm.add_constant(baselines)
    fit = sm.OLS(returns, design).fit(**HAC, cov_kwds={"maxlags": lags, "use_correction": False})
    ours = spanning_regression(returns, baselines, horizon=horizon)
    assert ours.alpha == pytest.approx(float(fit.params[0]), rel=1e-10)
    assert ours.alpha_t == pytest.approx(float(fit.tvalues[0]), rel=1e-10)
    assert ours.betas == pytest.approx([float(beta) for beta in fit.params[1:]], rel=1e-10)
    assert (ours.n_days, ours.lags) == (900, lags)


def test_without_baselines_alpha_is_the_mean() -> None:
    returns, _ = regression_case(7)
    spanning = spanning_regression(returns, np.empty((len(returns), 0)))
    assert spanning.alpha == pytest.approx(returns.mean(), rel=1e-12)
    assert spanning.alpha_t == pytest.approx(newey_west_t(returns), rel=1e-12)


def test_a_day_with_any_undefined_return_is_left_out() -> None:
    returns, baselines = regression_case(8)
    returns_with_gap, baselines_with_gap = returns.copy(), baselines.copy()
    returns_with_gap[3], baselines_with_gap[77, 1] = np.nan, np.nan
    kept = np.delete(np.arange(len(returns)), [3, 77])
    assert spanning_regression(returns_with_gap, baselines_with_gap) == spanning_regression(
        returns[kept], baselines[kept]
    )


def test_a_repeated_or_empty_baseline_does_not_change_alpha() -> None:
    returns, baselines = regression_case(10)
    alone = spanning_regression(returns, baselines)
    repeated = spanning_regression(returns, np.column_stack([baselines, baselines[:, 0], np.zeros(len(returns))]))
    assert repeated.alpha == pytest.approx(alone.alpha, rel=1e-9)
    assert repeated.alpha_t == pytest.approx(alone.alpha_t, rel=1e-9)


def test_alpha_cannot_be_told_from_a_constant_baseline() -> None:
    returns, baselines = regression_case(11)
    spanning = spanning_regression(returns, np.column_stack([baselines, np.full(len(returns), 0.001)]))
    assert math.isnan(spanning.alpha)
    assert math.isnan(spanning.alpha_t)


def test_a_baseline_has_no_alpha_over_itself() -> None:
    _, baselines = regression_case(12)
    spanning = spanning_regression(2 * baselines[:, 0] - baselines[:, 2], baselines)
    assert (spanning.alpha, spanning.alpha_t) == (0.0, 0.0)
    assert spanning.betas == pytest.approx([2, 0, -1], abs=1e-9)


@pytest.mark.parametrize("n_days", [0, 5])
def test_too_few_days_give_no_alpha(n_days: int) -> None:
    returns, baselines = regression_case(13)
    spanning = spanning_regression(returns[:n_days], baselines[:n_days])
    assert math.isnan(spanning.alpha_t)
    assert spanning.n_days == n_days


def test_three_days_more_than_baselines_give_an_alpha() -> None:
    returns, baselines = regression_case(13)
    assert baselines.shape[1] == 3
    assert math.isfinite(spanning_regression(returns[:6], baselines[:6]).alpha_t)


def test_a_constant_return_has_no_alpha_t() -> None:
    _, baselines = regression_case(14)
    assert math.isnan(spanning_regression(np.zeros(900), baselines).alpha_t)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"returns \(5,\) and baseline_returns \(4, 1\) do not fit"):
        spanning_regression(np.ones(5), np.ones((4, 1)))
