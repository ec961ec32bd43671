from datetime import date, datetime

import polars as pl
import pytest

from poc.data.columns import to_date, to_float, to_id, to_whole
from poc.errors import SnapshotError


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt32, pl.Int64, pl.UInt64])
def test_whole_ids_become_int64(dtype: type[pl.DataType]) -> None:
    assert to_id(pl.Series("security_id", [3, None, 1], dtype=dtype)).equals(
        pl.Series("security_id", [3, None, 1], dtype=pl.Int64)
    )


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["B", "A"])])
def test_text_ids_stay_as_they_are(dtype: pl.DataType) -> None:
    found = to_id(pl.Series("security_id", ["B", "A"], dtype=dtype))
    assert found.equals(pl.Series("security_id", ["B", "A"], dtype=pl.String))
    assert found.dtype == pl.String


def test_an_id_that_is_a_float_is_refused() -> None:
    with pytest.raises(SnapshotError, match="`security_id` is Float64; allowed: whole numbers or text"):
        to_id(pl.Series("security_id", [1.0]))


def test_an_id_beyond_64_bits_is_refused() -> None:
    with pytest.raises(SnapshotError, match=r"`security_id`: 1 values are beyond 64 bits; the first: row 1 \(184467"):
        to_id(pl.Series("security_id", [1, 2**64 - 1], dtype=pl.UInt64))


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_midnights_become_days(unit: str) -> None:
    days = [date(1969, 12, 31), None, date(2020, 1, 6)]
    midnights = pl.Series("date", days).cast(pl.Datetime(unit))  # type: ignore[arg-type] # a unit of a parameter
    assert to_date(midnights).equals(pl.Series("date", days))


def test_a_date_with_a_time_of_day_is_refused() -> None:
    noon = pl.Series("date", [datetime(2020, 1, 6), datetime(2020, 1, 7, 12), datetime(1960, 1, 1, 1)])  # noqa: DTZ001 - days have no time zone
    with pytest.raises(
        SnapshotError, match=r"2 values have a time of day.*the first: row 1 \(2020-01-07 12:00:00\), row 2"
    ):
        to_date(noon)


def test_a_date_with_a_time_zone_is_refused() -> None:
    midnights = pl.Series("date", [date(2020, 1, 6)]).cast(pl.Datetime("us", "America/New_York"))
    with pytest.raises(SnapshotError, match="`date` has the time zone America/New_York; allowed: days without"):
        to_date(midnights)


@pytest.mark.parametrize("values", [["2020-01-06"], [20200106]])
def test_a_date_that_is_text_or_a_number_is_refused(values: list[object]) -> None:
    with pytest.raises(SnapshotError, match=r"`date` is (String|Int64); allowed: days without time zone"):
        to_date(pl.Series("date", values))


def test_whole_numbers_may_come_as_floats_or_truth_values() -> None:
    floats = to_whole(pl.Series("cap", [1.0, float("nan"), None]), pl.Int8)
    assert floats.dtype == pl.Int8
    assert floats.to_list() == [1, None, None]
    assert to_whole(pl.Series("insample", [True, False, None]), pl.Int8).to_list() == [1, 0, None]


@pytest.mark.parametrize("wrong", [1.5, 300.0, float("inf")])
def test_a_number_that_is_not_whole_or_too_large_is_refused(wrong: float) -> None:
    with pytest.raises(
        SnapshotError, match=rf"`cap`: 1 values are not whole numbers.*Int8; the first: row 1 \({wrong}\)"
    ):
        to_whole(pl.Series("cap", [1.0, wrong]), pl.Int8)


def test_text_is_no_number() -> None:
    with pytest.raises(SnapshotError, match="`industry_id` is String; allowed: whole numbers"):
        to_whole(pl.Series("industry_id", ["Energy"]), pl.Int32)
    with pytest.raises(SnapshotError, match="`ret` is String; allowed: numbers"):
        to_float(pl.Series("ret", ["0.1"]))


def test_numbers_become_float32_and_nan_becomes_null() -> None:
    found = to_float(pl.Series("ret", [0.1, float("nan"), None, -1]))
    assert found.equals(pl.Series("ret", [0.1, None, None, -1], dtype=pl.Float32))
    assert to_float(pl.Series("size", [1, 2])).dtype == pl.Float32


@pytest.mark.parametrize("wrong", [float("inf"), float("-inf"), 1e300])
def test_an_infinite_number_is_refused_also_one_that_float32_cannot_hold(wrong: float) -> None:
    with pytest.raises(SnapshotError, match=r"`mcap`: 7 values are infinite.*row 1 .*row 5 \([^,]*\)\.$"):
        to_float(pl.Series("mcap", [1.0, *[wrong] * 7]))
