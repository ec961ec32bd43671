"""The paired test of two Sharpe ratios: size, power, symmetry, and what it cannot be done on."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from poc.stats.bootstrap import LEAST_DAYS
from poc.stats.sharpe import sharpe_ratio
from poc.stats.sharpe_difference import _difference, sharpe_difference


def _returns(
    rng: np.random.Generator, days: int, *, correlation: float = 0.5, more: float = 0.0
) -> NDArray[np.float64]:
    """Two series of daily returns; the first earns `more` a day."""
    common, own = rng.standard_normal((days, 1)), rng.standard_normal((days, 2))
    mixed = 0.01 * (math.sqrt(correlation) * common + math.sqrt(1 - correlation) * own)
    return np.column_stack([mixed[:, 0] + more, mixed[:, 1]])


def test_the_difference_is_that_of_the_annual_ratios_of_common_days() -> None:
    rng = np.random.default_rng(1)
    one, other = _returns(rng, 500).T
    one, other = one.copy(), other.copy()
    one[3], other[7] = np.nan, np.inf
    found = sharpe_difference(one, other)
    days = np.isfinite(one) & np.isfinite(other)
    # The moments are those of the population (ddof 0), the ratio of the methodology has ddof 1.
    expected = (sharpe_ratio(one[days]) - sharpe_ratio(other[days])) * math.sqrt(498 / 497)
    assert found.difference == pytest.approx(expected, rel=1e-12)
    assert found.n_days == 498
    assert found.low < found.difference < found.high


def test_the_gradient_is_the_slope_of_the_difference() -> None:
    moments = np.array([0.001, 0.0002, -0.0005, 0.0001])
    _, gradient = _difference(moments)
    steps = 1e-9 * np.eye(4)
    slopes = [(_difference(moments + step)[0] - _difference(moments - step)[0]) / 2e-9 for step in steps]
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4)


def test_equal_ratios_are_rejected_about_as_often_as_they_should() -> None:
    rng = np.random.default_rng(3)
    samples = [_returns(rng, 300) for _ in range(300)]
    p_values = [sharpe_difference(*sample.T, n_resamples=199, rng=rng).p_value for sample in samples]
    assert 0.01 <= np.mean(np.array(p_values) <= 0.05) <= 0.10
    assert 0.4 <= np.mean(p_values) <= 0.6


def test_the_interval_covers_a_true_difference() -> None:
    rng = np.random.default_rng(4)
    truth = 0.1 * math.sqrt(252)
    found = [sharpe_difference(*_returns(rng, 300, more=0.001).T, n_resamples=199, rng=rng) for _ in range(200)]
    assert 0.89 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.99


def test_what_two_series_have_in_common_makes_a_difference_easier_to_see() -> None:
    rng = np.random.default_rng(5)
    alike = _returns(rng, 2000, correlation=0.95, more=0.0007)
    apart = _returns(rng, 2000, correlation=0.0, more=0.0007)
    near, far = sharpe_difference(*alike.T), sharpe_difference(*apart.T)
    assert near.p_value < 0.01
    assert near.high - near.low < 0.5 * (far.high - far.low)


def test_turning_the_two_round_turns_the_sign_only() -> None:
    one, other = _returns(np.random.default_rng(6), 400, more=0.001).T
    there, back = sharpe_difference(one, other), sharpe_difference(other, one)
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert back.p_value == there.p_value


def test_scale_does_not_matter_and_the_same_call_gives_the_same_numbers() -> None:
    one, other = _returns(np.random.default_rng(7), 400).T
    first = sharpe_difference(one, other)
    assert sharpe_difference(one, other) == first
    assert sharpe_difference(3 * one, other).p_value == pytest.approx(first.p_value, abs=0.002)


def test_the_same_series_differ_by_nothing() -> None:
    one = _returns(np.random.default_rng(8), 400)[:, 0]
    found = sharpe_difference(one, one)
    assert found.difference == 0
    assert math.isnan(found.p_value)


def test_too_few_days_or_a_constant_give_no_number() -> None:
    short = _returns(np.random.default_rng(9), LEAST_DAYS - 1)
    assert math.isnan(sharpe_difference(*short.T).p_value)
    assert sharpe_difference(*short.T).n_days == LEAST_DAYS - 1
    long = _returns(np.random.default_rng(9), LEAST_DAYS)
    assert not math.isnan(sharpe_difference(*long.T).p_value)
    assert math.isnan(sharpe_difference(long[:, 0], np.zeros(LEAST_DAYS)).difference)


def test_series_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(5,\) and \(6,\); expected one dimension and the same length"):
        sharpe_difference(np.zeros(5), np.zeros(6))
