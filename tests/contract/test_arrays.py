"""Codes, order statistics and counts of values against plain Python and NumPy."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.contract import row_kernels
from poc.contract.arrays import MOST_CODES, encode, frozen
from poc.contract.cross_section import _check_days, _days, _quartiles

VALUES = st.floats(allow_nan=False, allow_infinity=False, width=64) | st.sampled_from([0.0, -0.0, 1.0, 2.5])


@pytest.mark.parametrize("ids", [[3, 1, None, 2, 3], [10**15, -4, None, 7, -4], ["b", None, "a", "b", ""], [None], []])
def test_a_code_stands_for_its_value(ids: list[int | str | None]) -> None:
    column = pl.Series(ids, dtype=pl.String if any(isinstance(i, str) for i in ids) else pl.Int64)
    codes = encode(column)
    assert [None if code < 0 else codes.values[int(code)] for code in codes.code] == ids
    assert codes.values.is_sorted()
    assert codes.values.n_unique() == len(codes.values)


def test_ids_that_are_far_apart_take_no_more_codes_than_there_are() -> None:
    assert len(encode(pl.Series([5, 5 + MOST_CODES])).values) == 2
    assert len(encode(pl.Series([5, 4 + MOST_CODES])).values) == MOST_CODES


@given(st.lists(VALUES, min_size=1, max_size=50))
def test_quartiles_are_those_of_numpy(values: list[float]) -> None:
    expected = np.quantile(values, [0.25, 0.5, 0.75])
    scale = max(map(abs, values))
    np.testing.assert_allclose(_quartiles(pl.Series(values, dtype=pl.Float64)), expected, rtol=0, atol=1e-15 * scale)


@given(st.lists(st.tuples(st.integers(0, 3), VALUES | st.sampled_from([0.0, -0.0, 1.0])), min_size=1, max_size=60))
def test_constant_and_tied_days_are_those_that_a_set_finds(rows: list[tuple[int, float]]) -> None:
    days = _days(pl.Series([day for day, _ in rows], dtype=pl.Int32).cast(pl.Date))
    found = {f.code: f.count for f in _check_days(pl.Series([x for _, x in rows], dtype=pl.Float64), days)}
    sizes = []
    for day in {day for day, _ in rows}:
        names = [x for d, x in rows if d == day]
        sizes.append((len(names), len(set(names))))
    constant = sum(n > 1 and k == 1 for n, k in sizes)
    tied = sum(k > 1 and 2 * k < n for n, k in sizes)
    assert found == {code: n for code, n in (("constant_day", constant), ("heavy_ties", tied)) if n}


@given(st.lists(st.integers(0, 4), max_size=30))
def test_rows_by_group_keep_their_order(groups: list[int]) -> None:
    order = np.empty(len(groups), np.int32)
    start = row_kernels.rows_by_group(frozen(np.array(groups, np.int32)), 5, order)
    for group in range(5):
        assert order[start[group] : start[group + 1]].tolist() == [i for i, g in enumerate(groups) if g == group]
