"""Codes, order statistics and counts of values against plain Python and NumPy."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poc.contract import row_kernels
from poc.contract.arrays import MOST_CODES, encode, find_runs, frozen, group_rows
from poc.contract.cross_section import FAR, _bits, _check_days, _quartiles, _surely_near

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
    signal = pl.Series(values, dtype=pl.Float64)
    found = _quartiles(signal, row_kernels.count_bins(_bits(signal)))
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15 * max(map(abs, values)))


@given(st.lists(VALUES.filter(lambda x: abs(x) < 1e300), min_size=1, max_size=50))
def test_what_is_surely_near_is_within_reach(values: list[float]) -> None:
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    surely = _surely_near(row_kernels.count_bins(_bits(pl.Series(values, dtype=pl.Float64))))
    assert not surely or max(abs(x - middle) for x in values) <= FAR * (high - low)


def test_values_that_are_spread_as_usual_are_surely_near() -> None:
    values = np.random.default_rng(1).standard_normal(1000)
    counts = row_kernels.count_bins(_bits(pl.Series(values)))
    assert _surely_near(counts)
    assert not _surely_near(row_kernels.count_bins(_bits(pl.Series(np.append(values, 30.0)))))


@given(st.lists(st.tuples(st.integers(0, 3), VALUES | st.sampled_from([0.0, -0.0, 1.0])), min_size=1, max_size=60))
def test_constant_and_tied_days_are_those_that_a_set_finds(rows: list[tuple[int, float]]) -> None:
    frame = pl.DataFrame(rows, schema={"date_sig": pl.Int32, "signal": pl.Float64}, orient="row")
    frame = frame.cast({"date_sig": pl.Date}).with_columns(date_avail="date_sig")
    found = {f.code: f.count for f in _check_days(frame["signal"], find_runs(frame))}
    sizes = []
    for day in {day for day, _ in rows}:
        names = [x for d, x in rows if d == day]
        sizes.append((len(names), len(set(names))))
    constant = sum(n > 1 and k == 1 for n, k in sizes)
    tied = sum(k > 1 and 2 * k < n for n, k in sizes)
    assert found == {code: n for code, n in (("constant_day", constant), ("heavy_ties", tied)) if n}


@given(st.lists(st.integers(0, 4), max_size=30), st.booleans())
def test_rows_by_group_keep_their_order(groups: list[int], in_order: bool) -> None:
    groups = sorted(groups) if in_order else groups
    start, order = group_rows(frozen(np.array(groups, np.int32)), 5)
    rows = order if len(order) else np.arange(len(groups))
    for group in range(5):
        assert rows[start[group] : start[group + 1]].tolist() == [i for i, g in enumerate(groups) if g == group]
