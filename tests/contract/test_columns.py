from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from poc.contract.columns import convert_column, get_column, rows_until, sort_rows

DAY = date(2015, 12, 31)


def converted(name: str, values: Any) -> tuple[list[Any], list[bool], pl.DataType]:
    """The values of a pandas or Polars column after conversion, which of them are bad, and their type."""
    column = convert_column(name, get_column(values.to_frame(name), name))
    return column.values.to_list(), column.bad.to_list(), column.values.dtype


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(pd.Series([3, 1], dtype="int16"), [3, 1], id="integers"),
        pytest.param(pd.Series([3, None], dtype="Int64"), [3, None], id="nullable integers"),
        pytest.param(pd.Series([3.0, None]), [3, None], id="integers that a missing one made floats"),
        pytest.param(pl.Series([3, 1], dtype=pl.UInt64), [3, 1], id="unsigned"),
        pytest.param(pd.Series(["00123", None]), ["00123", None], id="text"),
        pytest.param(pd.Series(["b", "a"]).astype("category"), ["b", "a"], id="categories"),
        pytest.param(pl.Series(["b", "a"], dtype=pl.Enum(["a", "b"])), ["b", "a"], id="enumeration"),
        pytest.param(pl.Series([None, None]), [None, None], id="nothing"),
    ],
)
def test_ids_stay_what_they_are(values: Any, expected: list[Any]) -> None:
    found, bad, dtype = converted("security_id", values)
    assert found == expected
    assert not any(bad)
    assert dtype == (pl.String if isinstance(expected[0], str) else pl.Int64)


@pytest.mark.parametrize(
    ("values", "bad_rows"),
    [
        pytest.param(pd.Series([1.0, 1.5, np.inf]), [1, 2], id="fractions"),
        pytest.param(pl.Series([1, 2**64 - 1], dtype=pl.UInt64), [1], id="too large"),
        pytest.param(pd.Series([1, "1"], dtype=object), [0, 1], id="a mix of numbers and text"),
        pytest.param(pd.Series([True, False]), [0, 1], id="true and false"),
        pytest.param(pd.Series([DAY, DAY]), [0, 1], id="days"),
    ],
)
def test_ids_that_cannot_be_kept_are_bad(values: Any, bad_rows: list[int]) -> None:
    found, bad, _ = converted("security_id", values)
    assert np.flatnonzero(bad).tolist() == bad_rows
    assert all(found[row] is None for row in bad_rows)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pd.Series([DAY, None]), id="objects"),
        pytest.param(pd.Series([DAY, None], dtype="datetime64[s]"), id="seconds"),
        pytest.param(pd.Series([DAY, None], dtype="datetime64[ns]"), id="nanoseconds"),
        pytest.param(pd.Series([pd.Timestamp(DAY), pd.NaT], dtype=object), id="timestamps as objects"),
        pytest.param(pl.Series([DAY, None]), id="Polars days"),
        pytest.param(pl.Series([datetime(2015, 12, 31), None]), id="Polars datetimes"),  # noqa: DTZ001  # the case
        pytest.param(pd.Series(["2015-12-31", None]), id="text"),
        pytest.param(pd.Series(["2015-12-31", None]).astype("category"), id="text in categories"),
        pytest.param(pd.Series(["2015-12-31 00:00:00", None]), id="text at midnight"),
        pytest.param(pd.Series(["2015-12-31T00:00:00.000", None]), id="text at midnight with a T"),
    ],
)
def test_days_from_any_kind_of_date(values: Any) -> None:
    assert converted("date_sig", values) == ([DAY, None], [False, False], pl.Date())


@pytest.mark.parametrize(
    "bad_value",
    [
        "31/12/2015",
        "12-31-2015",
        "2015-12-32",
        "2015-2-1",
        "20151231",
        "15-12-31",
        " 2015-12-31",
        "2015-12-31x",
        "2015-12-31 09:30:00",
        "2015-12-31T00:00:00Z",
        "",
        "soon",
    ],
)
def test_text_that_is_no_iso_day_is_bad(bad_value: str) -> None:
    assert converted("date_avail", pd.Series(["2015-12-31", bad_value])) == ([DAY, None], [False, True], pl.Date())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pd.Series([20151231, 20160101]), id="integers"),
        pytest.param(pd.Series([datetime(2015, 12, 31, 1, tzinfo=UTC)] * 2), id="time zone"),
        pytest.param(pl.Series([datetime(2015, 12, 31, tzinfo=UTC)] * 2), id="time zone in Polars"),
        pytest.param(pd.Series(pd.period_range("2015-12", periods=2, freq="M")), id="months"),
        pytest.param(pd.Series([True, False]), id="true and false"),
    ],
)
def test_columns_without_days_are_bad_as_a_whole(values: Any) -> None:
    assert converted("date_sig", values) == ([None, None], [True, True], pl.Date())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pd.Series([pd.Timestamp("2015-12-31"), pd.Timestamp("2015-12-31 16:00")]), id="time of day"),
        pytest.param(pl.Series([datetime(2015, 12, 31), datetime(2015, 12, 31, 0, 0, 1)]), id="in Polars"),  # noqa: DTZ001  # the case
        pytest.param(pd.Series([DAY, pd.Timestamp("2015-12-31 16:00")], dtype=object), id="among days"),
        pytest.param(pd.Series([DAY, pd.Timestamp("2015-12-31", tz="UTC")], dtype=object), id="time zone among days"),
        pytest.param(pd.Series([DAY, "New Year's Eve"], dtype=object), id="text among days"),
    ],
)
def test_a_day_with_more_than_a_day_is_bad(values: Any) -> None:
    assert converted("date_sig", values) == ([DAY, None], [False, True], pl.Date())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["2015-12-31", "2015-12-30", None, "2015-12-32", "soon"], id="text"),
        pytest.param([datetime(2015, 12, 31), datetime(2015, 12, 30), None, datetime(2015, 12, 30, 9)], id="datetimes"),  # noqa: DTZ001  # the case
    ],
)
def test_days_in_order_are_read_as_in_any_order(values: list[Any]) -> None:
    in_order = pl.Series(values * 3).sort()
    found, bad, _ = converted("date_sig", in_order)
    backwards, bad_backwards, _ = converted("date_sig", in_order.reverse())
    assert (found[::-1], bad[::-1]) == (backwards, bad_backwards)
    assert bad.count(True) == 3 * (len(values) - 3)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(pd.Series([1, -2]), [1.0, -2.0], id="integers"),
        pytest.param(pd.Series([0.5, np.nan], dtype="float32"), [0.5, None], id="floats of 32 bits"),
        pytest.param(pl.Series([0.5, float("nan"), float("inf")]), [0.5, None, float("inf")], id="floats in Polars"),
        pytest.param(pd.Series([Decimal("0.1"), None]), [0.1, None], id="decimals"),
        pytest.param(pd.Series(["0.5", "-1e-3", "nan", None]), [0.5, -0.001, None, None], id="text"),
        pytest.param(pd.Series([1, 0.5, None], dtype=object), [1.0, 0.5, None], id="objects"),
        pytest.param(pd.Series([None, None], dtype=object), [None, None], id="nothing"),
    ],
)
def test_numbers_become_float64(values: Any, expected: list[float | None]) -> None:
    assert converted("signal", values) == (expected, [False] * len(expected), pl.Float64())


@pytest.mark.parametrize(
    ("values", "bad_rows"),
    [
        pytest.param(pd.Series(["1", "high", "1,5", ""]), [1, 2, 3], id="text"),
        pytest.param(pd.Series([1.0, "high"], dtype=object), [1], id="text among numbers"),
        pytest.param(pd.Series([1.0, True], dtype=object), [1], id="true among numbers"),
        pytest.param(pd.Series([True, False]), [0, 1], id="true and false"),
        pytest.param(pd.Series([1, 2**53 + 1]), [1], id="an integer that no float holds"),
        pytest.param(pd.Series([1, 2**70], dtype=object), [0, 1], id="an integer of more than 64 bits"),
        pytest.param(pd.Series([1j, 2]), [0, 1], id="complex"),
        pytest.param(pd.Series([DAY, DAY]), [0, 1], id="days"),
        pytest.param(pl.Series([DAY, DAY]), [0, 1], id="days in Polars"),
        pytest.param(pl.Series([[1.0], [2.0]]), [0, 1], id="lists"),
    ],
)
def test_what_is_no_number_is_bad(values: Any, bad_rows: list[int]) -> None:
    found, bad, dtype = converted("signal", values)
    assert np.flatnonzero(bad).tolist() == bad_rows
    assert all(found[row] is None for row in bad_rows)
    assert dtype == pl.Float64


@pytest.mark.parametrize("ids", [[3, 1, None, 2], ["c", "a", None, "b"]])
@pytest.mark.parametrize("days_in_order", [True, False])
def test_rows_are_sorted_by_the_quick_ways_as_by_the_slow_one(ids: list[Any], days_in_order: bool) -> None:
    days = [1, 1, 1, 1, 2, 2, 3, 3] if days_in_order else [2, None, 1, 3, 1, 3, 2, 1]
    frame = pl.DataFrame({"id": ids * 2, "day": days, "n": range(8)})
    assert sort_rows(frame, "id", "day")["id", "day"].equals(frame.sort("id", "day")["id", "day"])
    done = frame.drop_nulls().sort("id", "day")
    assert sort_rows(done, "id", "day").equals(done)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_rows_until_a_day_and_what_is_no_day(kind: Any) -> None:
    frame = kind({"date_sig": ["2015-12-30", "2015-12-31", "2016-01-01", "soon"], "signal": [1.0, 2.0, 3.0, 4.0]})
    assert list(rows_until(frame, DAY)["signal"]) == [1.0, 2.0, 4.0]
    assert rows_until(frame, None) is frame
    assert rows_until(frame[["signal"]], DAY).shape == (4, 1)
