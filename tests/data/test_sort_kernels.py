"""Rows of each day come out as a stable sort puts them, whatever the values look like."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from poc.data.sort_kernels import sort_days

RNG = np.random.default_rng(11)
NOISE = RNG.standard_normal(600)
VALUES = {
    "noise": NOISE,
    "ties": np.round(NOISE),
    "equal": np.ones(600),
    "single precision": NOISE.astype(np.float32).astype(np.float64),
    "one leading half of the bits": 1 + 1e-11 * NOISE,
    "so but for an outlier": np.append(1 + 1e-11 * NOISE[1:], 1e300),
    "every size": NOISE * 10.0 ** RNG.integers(-320, 300, 600),
    "zeros of both signs": np.where(NOISE > 0, 0.0, -0.0),
    "some missing": np.where(NOISE > 0.5, np.nan, NOISE),
    "all missing": np.full(600, np.nan),
}
OFFSETS = np.array([0, 0, 3, 200, 200, 201, 600, 600])


def stable_order(values: NDArray[np.float64], begin: int, end: int) -> NDArray[np.int64]:
    """The present rows of a day, by NumPy."""
    rows = begin + np.argsort(values[begin:end], kind="stable")
    return rows[~np.isnan(values[rows])]


def assert_sorted(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> None:
    order, tied = sort_days(values, offsets)
    for (begin, end), day_tied in zip(pairwise(offsets), tied, strict=True):
        expected = stable_order(values, begin, end)
        np.testing.assert_array_equal(order[begin : begin + len(expected)], expected)
        assert day_tied or len(np.unique(values[expected])) == len(expected)
        assert set(order[begin + len(expected) : end]) == set(range(begin, end)) - set(expected)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_each_day_is_sorted_as_numpy_sorts_it(values: NDArray[np.float64]) -> None:
    assert_sorted(values, OFFSETS)


@pytest.mark.parametrize(("name", "expected"), [("noise", False), ("single precision", False), ("ties", True)])
def test_values_that_all_differ_are_known_to(name: str, *, expected: bool) -> None:
    assert sort_days(VALUES[name], np.array([0, 600]))[1].tolist() == [expected]


@given(st.lists(st.floats(allow_infinity=False), max_size=30), st.integers(0, 30))
@example([0.0, -0.0, 5e-324, -5e-324], 2)
def test_any_values_on_two_days(values: list[float], first: int) -> None:
    assert_sorted(np.array(values, float), np.array([0, min(first, len(values)), len(values)]))
