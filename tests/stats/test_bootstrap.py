"""The studentized block bootstrap: its blocks, its p-value, its interval of a Sharpe ratio."""

import math
from typing import Any

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap, optimal_block_length
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

from poc.stats.bootstrap import (
    LEAST_DAYS,
    _block_length,
    _draw_blocks,
    _longest_block_length,
    mean_p_value,
    studentized_bootstrap,
)
from poc.stats.sharpe import sharpe_ratio
from poc.stats.sharpe_interval import sharpe_interval, sharpe_of_moments

Floats = NDArray[np.float64]


def autocorrelated(rng: np.random.Generator, days: int, *, phi: float = 0.15, mean: float = 0.0) -> Floats:
    """AR(1) with Student t5 shocks of clustered volatility (GARCH(1, 1)), unit variance but for the mean."""
    shocks = rng.standard_t(5, days + 200) * math.sqrt(3 / 5)
    values, variance, last_shock, last = np.empty(days + 200), 1.0, 0.0, 0.0
    for day, shock in enumerate(shocks):
        variance = 0.05 + 0.08 * last_shock**2 + 0.87 * variance
        last_shock = math.sqrt(variance) * shock
        last = phi * last + last_shock
        values[day] = last
    return values[200:] * math.sqrt(1 - phi**2) + mean


def test_a_resample_is_made_of_blocks_of_all_lengths_that_begin_anywhere() -> None:
    first, lengths = _draw_blocks(50, 5.0, 2000, np.random.default_rng(1))
    assert lengths.min() >= 0
    assert (lengths.sum(axis=1) == 50).all()
    assert set(first.ravel()) == set(range(50))
    whole = lengths[:, 0]  # later ones may be cut off at the end of the resample
    assert whole.mean() == pytest.approx(5.0, rel=0.1)
    assert whole.max() == 25


def test_resampled_means_spread_as_those_of_arch() -> None:
    series = autocorrelated(np.random.default_rng(2), 400, phi=0.5)
    drawn = _draw_blocks(400, 8, 4000, np.random.default_rng(3))
    days = [
        [np.arange(first, first + n) % 400 for first, n in zip(*blocks, strict=True)]
        for blocks in zip(*drawn, strict=True)
    ]
    ours = np.array([series[np.concatenate(resample)].mean() for resample in days])
    theirs = StationaryBootstrap(8, series, seed=4).apply(np.mean, 4000)[:, 0]
    assert ours.mean() == pytest.approx(theirs.mean(), abs=4 * ours.std() / math.sqrt(4000))
    assert ours.std() == pytest.approx(theirs.std(), rel=0.06)


def test_the_sums_of_blocks_are_those_of_their_days() -> None:
    terms = autocorrelated(np.random.default_rng(3), 90)[:, None]
    seen: list[Floats] = []

    def mean(means: Floats) -> tuple[Floats, Floats]:
        seen.append(means[..., 0])
        return means[..., 0], np.ones_like(means)

    found = studentized_bootstrap(terms, mean, n_resamples=100, rng=np.random.default_rng(4))
    assert found is not None
    drawn = _draw_blocks(90, _longest_block_length(np.column_stack([terms, terms])), 100, np.random.default_rng(4))
    means, errors = [], []
    for first, length in zip(*drawn, strict=True):
        blocks = [terms[np.arange(f, f + n) % 90, 0] for f, n in zip(first, length, strict=True)]
        means.append(np.concatenate(blocks).mean())
        errors.append(math.sqrt(sum((block - means[-1]).sum() ** 2 for block in blocks)) / 90)
    np.testing.assert_allclose(np.concatenate(seen[1:]), means, atol=1e-15)
    np.testing.assert_allclose(found.distances, np.sort(np.abs(np.array(means) - found.value) / errors), rtol=1e-9)


def block_length_of_arch(series: Floats) -> float:
    return float(optimal_block_length(series)["stationary"].iloc[0])


def test_the_block_length_is_that_of_arch() -> None:
    rng = np.random.default_rng(5)
    for days in (60, 61, 100, 750, 2500):
        for phi in (-0.5, 0.0, 0.4, 0.9, 0.99):
            series = autocorrelated(rng, days, phi=phi)
            for values in (series, series**2):
                assert _block_length(values) == pytest.approx(block_length_of_arch(values), rel=1e-9)


def test_the_longest_block_length_counts_within_bounds() -> None:
    series = autocorrelated(np.random.default_rng(5), 600, phi=0.4)
    other = autocorrelated(np.random.default_rng(6), 600, phi=0.8)
    assert 1 < _block_length(series) < _block_length(other)
    assert _longest_block_length(np.column_stack([series, other])) == _block_length(other)
    persistent = np.cumsum(np.random.default_rng(6).standard_normal(100))
    assert 1 < _longest_block_length(persistent[:, None]) <= 10
    assert _block_length(np.ones(100)) == 1


def test_a_resample_that_does_not_vary_is_infinitely_far_away() -> None:
    """One day in 70 has a return: a third of the resamples of single days lack it."""
    returns = np.zeros(70)
    returns[30] = 0.01
    found = studentized_bootstrap(returns[:, None], lambda means: (means[..., 0], np.ones_like(means)))
    assert found is not None
    assert 0.2 < np.isinf(found.distances).mean() < 0.6
    assert found.p_value() > 0.2


def test_a_resample_has_two_blocks_or_more() -> None:
    _, lengths = _draw_blocks(100, 90.0, 2000, np.random.default_rng(9))
    assert ((lengths > 0).sum(axis=1) >= 2).all()
    assert (lengths.sum(axis=1) == 100).all()


def test_the_p_value_of_independent_normal_days_is_that_of_the_t_test() -> None:
    for seed in range(5):
        series = np.random.default_rng(seed).standard_normal(1500) + 0.04
        assert mean_p_value(series) == pytest.approx(ttest_1samp(series, 0).pvalue, abs=0.05)


def test_a_true_null_is_rejected_about_as_often_as_it_should_be() -> None:
    rng = np.random.default_rng(7)
    rejected = [mean_p_value(autocorrelated(rng, 750), rng=rng) <= 0.05 for _ in range(200)]
    assert 0.01 <= np.mean(rejected) <= 0.09


def test_the_interval_covers_the_true_sharpe_ratio() -> None:
    rng = np.random.default_rng(8)
    covered = []
    for _ in range(200):
        found = sharpe_interval(autocorrelated(rng, 750, mean=1 / math.sqrt(252)), n_resamples=299, rng=rng)
        covered.append(found.low <= 1.0 <= found.high)
    assert 0.90 <= np.mean(covered) <= 0.99


def test_the_interval_is_symmetric_about_the_ratio_and_knows_no_scale() -> None:
    series = autocorrelated(np.random.default_rng(9), 1000, mean=0.05)
    found, scaled = sharpe_interval(series), sharpe_interval(0.01 * series)
    assert (found.low + found.high) / 2 == pytest.approx(sharpe_ratio(series), rel=1e-12)
    assert (scaled.low, scaled.high) == pytest.approx((found.low, found.high), rel=1e-9)
    mirrored = sharpe_interval(-series)
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low), rel=1e-9)


def test_more_days_make_it_narrower_and_the_year_is_a_unit() -> None:
    series = autocorrelated(np.random.default_rng(10), 4000, mean=0.05)
    short, long = sharpe_interval(series[:500]), sharpe_interval(series)
    assert long.high - long.low < 0.6 * (short.high - short.low)
    daily = sharpe_interval(series, days_per_year=1)
    assert daily.low * math.sqrt(252) == pytest.approx(long.low, rel=1e-12)


def test_the_gradient_is_the_slope_of_the_ratio() -> None:
    moments = np.array([0.001, 0.0002])
    _, gradient = sharpe_of_moments(moments)
    steps = 1e-9 * np.eye(2)
    slopes = [(sharpe_of_moments(moments + step)[0] - sharpe_of_moments(moments - step)[0]) / 2e-9 for step in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4)


@pytest.mark.parametrize("values", [np.arange(LEAST_DAYS - 1.0), np.ones(100), []])
def test_what_is_short_or_constant_has_no_number(values: Any) -> None:
    assert math.isnan(mean_p_value(values))
    assert math.isnan(sharpe_interval(values).low)
    assert not math.isnan(mean_p_value(np.arange(float(LEAST_DAYS))))


def test_undefined_days_are_left_out_and_the_same_call_gives_the_same_numbers() -> None:
    series = autocorrelated(np.random.default_rng(11), 300)
    with_gaps = np.insert(series, [3, 70], [np.nan, np.inf])
    assert mean_p_value(with_gaps) == mean_p_value(series)
    assert sharpe_interval(with_gaps) == sharpe_interval(series)
    with pytest.raises(ValueError, match="expected one dimension"):
        mean_p_value(np.zeros((5, 2)))


def test_a_statistic_that_does_not_vary_has_no_bootstrap() -> None:
    terms = np.random.default_rng(12).standard_normal((100, 1))
    assert studentized_bootstrap(terms, lambda m: (m[..., 0] * 0, np.zeros_like(m))) is None
