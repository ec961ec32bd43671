"""Ranks and Spearman correlation against scipy."""

import math

import numpy as np
import pytest
from scipy import stats

from poc.stats.correlation import average_ranks, spearman


@pytest.mark.parametrize("distinct", [1, 2, 5, 1000])
def test_ranks_equal_scipy(distinct: int) -> None:
    values = np.random.default_rng(distinct).integers(distinct, size=200)
    assert average_ranks(values) == pytest.approx(stats.rankdata(values), abs=0)


def test_no_values_have_no_ranks() -> None:
    assert average_ranks([]).shape == (0,)


@pytest.mark.parametrize("distinct", [2, 5, 1000])
def test_spearman_equals_scipy(distinct: int) -> None:
    rng = np.random.default_rng(distinct)
    x = rng.integers(distinct, size=150)
    y = x + rng.normal(size=150) * distinct / 3
    assert spearman(x, y) == pytest.approx(float(stats.spearmanr(x, y).statistic), rel=1e-12)


def test_spearman_sees_ranks_only() -> None:
    x = np.random.default_rng(1).normal(size=50)
    assert spearman(x, np.exp(x)) == pytest.approx(1.0, rel=1e-12)
    assert spearman(x, -(x**3)) == pytest.approx(-1.0, rel=1e-12)


def test_pairs_with_an_undefined_value_are_left_out_before_ranking() -> None:
    x, y = np.array([1.0, 2.0, np.nan, 4.0, 9.0, 3.0]), np.array([2.0, 1.0, 0.0, 5.0, np.inf, 7.0])
    assert spearman(x, y) == spearman([1, 2, 4, 3], [2, 1, 5, 7])


@pytest.mark.parametrize(
    ("x", "y", "min_pairs"),
    [([1, 2, 3], [1, 2, 3], 4), ([1, 1, 1], [1, 2, 3], 2), ([1, 2, 3], [5, 5, 5], 2), ([1], [1], 1), ([], [], 0)],
)
def test_spearman_is_undefined_on_too_little(x: list[float], y: list[float], min_pairs: int) -> None:
    assert math.isnan(spearman(x, y, min_pairs=min_pairs))


def test_spearman_is_defined_on_just_enough_pairs() -> None:
    assert spearman([1, 2, 3], [1, 3, 2], min_pairs=3) == pytest.approx(0.5, rel=1e-12)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"x \(2,\) and y \(3,\) do not fit"):
        spearman([1, 2], [1, 2, 3])
