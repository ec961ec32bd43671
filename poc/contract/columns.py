"""The columns of a signal file, and their conversion at the door, without loss: to ids, days and numbers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from poc.contract.arrays import Codes, encode, frozen
from poc.contract.row_kernels import rows_by_group
from poc.errors import ContractError

REQUIRED = ("security_id", "date_sig", "date_avail", "signal")
OPTIONAL = ("avail_hour", "region", "universe", "signal_name", "version")
KEY = ("security_id", "date_sig")
TYPES: dict[str, type[pl.DataType]] = {
    "security_id": pl.Int64,
    "date_sig": pl.Date,
    "date_avail": pl.Date,
    "signal": pl.Float64,
    "avail_hour": pl.Float64,
}
"""The columns that are read, with the type that each is converted to (text ids become String)."""

_ISO_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]00:00(:00(\.0+)?)?)?$"
_PLAIN_OBJECTS = {"string", "integer", "floating", "boolean", "decimal", "empty"}


@dataclass(frozen=True)
class Converted:
    """A column in the contract's type.

    Attributes:
        values: null where the input is missing or cannot be converted without loss.
        bad: True where the input holds something that cannot be converted without loss.
        expected: what the column may hold, in words.
    """

    values: pl.Series
    bad: pl.Series
    expected: str


def get_column(frame: pd.DataFrame | pl.DataFrame, name: str) -> pl.Series:
    """One column as a Polars series.

    Of pandas objects of mixed kinds, dates and numbers become text, ids stay objects (text would re-code them).
    """
    if isinstance(frame, pl.DataFrame):
        return frame[name]
    column = frame[name]
    if column.dtype == object and pd.api.types.infer_dtype(column, skipna=True) not in _PLAIN_OBJECTS:
        if name == "security_id":
            return pl.Series(name, column.to_list(), dtype=pl.Object)
        column = column.map(str, na_action="ignore")
    if isinstance(column.dtype, pd.DatetimeTZDtype):  # Polars would read it by way of a deprecated attribute
        return pl.Series(name, pl.from_pandas(column.dt.tz_convert(None))).dt.replace_time_zone("UTC")
    try:
        return pl.Series(name, pl.from_pandas(column))
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pl.Series(name, column.to_list(), dtype=pl.Object)


def convert_column(name: str, raw: pl.Series) -> Converted:
    """Convert a contract column that has a type of its own: an id, a date or a number."""
    if name == "security_id":
        return convert_ids(raw)
    return convert_days(raw) if name.startswith("date_") else convert_numbers(raw)


def convert_ids(raw: pl.Series) -> Converted:
    """Int64 for whole numbers, else String; never one from the other."""
    raw = _plain(raw, pl.Int64)
    if raw.dtype == pl.String:
        values = raw
    elif raw.dtype.is_integer():
        values = raw.cast(pl.Int64, strict=False)
    elif raw.dtype.is_float():
        raw = raw.fill_nan(None)
        values = raw.cast(pl.Int64, strict=False)
        values = values.set(values.cast(raw.dtype) != raw, None)
    else:
        values = _nothing(raw, pl.Int64)
    return _converted(raw, values, "whole numbers, or text, not a mix of both")


def convert_days(raw: pl.Series) -> Converted:
    """Date from dates, from datetimes at midnight without time zone, and from ISO text."""
    raw = _plain(raw, pl.Date)
    if raw.dtype == pl.Date:
        values = raw
    elif raw.dtype == pl.String or (isinstance(raw.dtype, pl.Datetime) and raw.dtype.time_zone is None):
        values = _read_by_run(raw, _read_days)
    else:
        values = _nothing(raw, pl.Date)
    return _converted(raw, values, "days, such as 2015-12-31, without time of day and without time zone")


def _read_days(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.String:
        values = raw.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
        return values.set(~raw.str.contains(_ISO_DAY), None)
    values = raw.cast(pl.Date)
    return values.set(values.cast(raw.dtype) != raw, None)


def _read_by_run(raw: pl.Series, read: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """What `read` makes of a column; where that is in order, as days mostly are, of each value only once."""
    if not raw.is_sorted():
        return read(raw)
    runs = raw.rle().struct
    each = np.repeat(np.arange(len(runs.field("len")), dtype=np.uint32), runs.field("len").to_numpy())
    return read(runs.field("value").alias(raw.name))[each]


def convert_numbers(raw: pl.Series) -> Converted:
    """Float64 from numbers and from text that is a number; NaN is missing."""
    raw = _plain(raw, pl.Float64)
    if raw.dtype.is_integer():
        values = raw.cast(pl.Float64)
        values = values.set(values.cast(raw.dtype, strict=False).ne_missing(raw), None)
    elif raw.dtype.is_numeric() or raw.dtype == pl.String:
        values = raw.cast(pl.Float64, strict=False)
    else:
        values = _nothing(raw, pl.Float64)
    converted = _converted(raw, values, "numbers")
    if (raw if raw.dtype.is_float() else values).is_nan().any():  # single precision takes half the time
        converted = replace(converted, values=converted.values.fill_nan(None))
    return converted


def as_calendar(dates: Iterable[Any] | pd.DataFrame | pl.DataFrame) -> NDArray[np.datetime64]:
    """Trading days as a sorted datetime64[D] array of distinct days, from dates or a table with a `date` column.

    Raises:
        ContractError: no `date` column, no day at all, or something that is not a day.
    """
    if isinstance(dates, pd.DataFrame | pl.DataFrame):
        if "date" not in dates.columns:
            raise ContractError(f"The calendar has no column 'date'. Found instead: {names(dates.columns)}.")
        dates = get_column(dates, "date")
    days = convert_days(_as_series("date", dates))
    if days.bad.any() or days.values.null_count():
        raise ContractError(f"The calendar holds something that is not a day. Expected: {days.expected}.")
    if not len(days.values):
        raise ContractError("The calendar is empty. Give the trading days of the snapshot.")
    return np.unique(days.values.to_numpy())


def as_ids(ids: Iterable[Any]) -> pl.Series:
    """Security ids, Int64 or String.

    Raises:
        ContractError: a mix of integers and text.
    """
    converted = convert_ids(_as_series("security_id", ids))
    if converted.bad.any():
        raise ContractError(f"The security ids of the snapshot must be {converted.expected}.")
    return converted.values


def sort_rows(frame: pl.DataFrame, ids: str, days: str) -> pl.DataFrame:
    """Sort by two columns, missing values first."""
    order = order_rows(frame, ids, days)
    return frame if order is None else frame[order]


def order_rows(frame: pl.DataFrame, ids: str, days: str) -> NDArray[np.int32] | None:
    """The rows by two columns, missing values first; None where they are in this order.

    Rows are counted into their places, which takes linear time.
    """
    first, second = pl.col(ids), pl.col(days)
    in_order = (first > first.shift()) | ((first == first.shift()) & (second >= second.shift()))
    complete = not (frame[ids].null_count() or frame[days].null_count())
    if complete and frame.select(in_order.all()).item():
        return None
    by_day = None
    if frame[days].null_count() or not frame[days].is_sorted():
        by_day = _order(encode(frame[days].to_physical()))
    return _order(encode(frame[ids]), by_day)


def _order(codes: Codes, rows: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
    """The rows by their code, those of one code in the order in which they were."""
    group = codes.code + np.int32(1) if rows is None else codes.code[rows] + np.int32(1)
    order = np.empty(len(group), np.int32)
    rows_by_group(frozen(group), len(codes.values) + 1, order)
    return order if rows is None else rows[order]


def names(columns: Iterable[Any]) -> str:
    """Column names in quotes, for a message."""
    return ", ".join(repr(column) for column in columns) or "nothing"


def _as_series(name: str, values: Iterable[Any]) -> pl.Series:
    """A Polars series of any sequence, array, index or set."""
    if isinstance(values, pl.Series):
        return values
    if isinstance(values, np.ndarray) and values.dtype in (np.dtype("datetime64[D]"), np.dtype(np.int64)):
        return pl.Series(name, values)  # calendars and ids of a snapshot, which need no conversion
    return get_column(pd.DataFrame({name: values if isinstance(values, np.ndarray) else list(values)}), name)


def _plain(raw: pl.Series, empty: type[pl.DataType]) -> pl.Series:
    """Categories as what they stand for; a column without any value in the type asked for."""
    if raw.dtype in (pl.Categorical, pl.Enum):
        return raw.cast(pl.String)
    return _nothing(raw, empty) if raw.dtype == pl.Null else raw


def _nothing(raw: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    return pl.Series(raw.name, [None], dtype=dtype).new_from_index(0, len(raw))


def _converted(raw: pl.Series, values: pl.Series, expected: str) -> Converted:
    bad = pl.Series([False]).new_from_index(0, len(raw))
    if values.null_count() > raw.null_count():
        bad = values.is_null() & raw.is_not_null()
    return Converted(values.rechunk(), bad, expected)


def as_given(frame: pd.DataFrame | pl.DataFrame) -> pl.DataFrame:
    """A frame that passes the contract, to be stored so that it is read again as it was given, warnings and all.

    The columns that are read keep their values; of the others only the names are kept.
    """
    kept = [get_column(frame, name) for name in TYPES if name in frame.columns]
    others = [str(name) for name in frame.columns if name not in TYPES]
    return pl.DataFrame(kept).with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in others)


def rows_until(frame: pd.DataFrame | pl.DataFrame, last: date | None) -> pd.DataFrame | pl.DataFrame:
    """The rows whose `date_sig` is not after a day; None: all. What is no day stays, for the contract check to name."""
    if last is None or "date_sig" not in frame.columns:
        return frame
    is_open = (convert_days(get_column(frame, "date_sig")).values <= last).fill_null(True)
    return frame.filter(is_open) if isinstance(frame, pl.DataFrame) else frame[is_open.to_numpy()]
