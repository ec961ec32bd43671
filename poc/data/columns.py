"""Bring a column of a raw source into the type that a snapshot holds.

Each function takes and returns a series of the same length and name, and raises SnapshotError where a value would be
lost; the message names the first five rows, counted from 0 in the order of the source file.
"""

import polars as pl

from poc.errors import SnapshotError


def to_id(column: pl.Series) -> pl.Series:
    """Whole numbers as Int64, text as String."""
    if column.dtype.is_integer():
        converted = column.cast(pl.Int64, strict=False)
        _refuse(column, converted.is_null() & column.is_not_null(), "are beyond 64 bits")
        return converted
    if column.dtype in (pl.String, pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    raise SnapshotError(f"`security_id` is {column.dtype}; allowed: whole numbers or text.")


def to_date(column: pl.Series) -> pl.Series:
    """Days as Date; a timestamp must be a midnight without time zone."""
    if column.dtype == pl.Date:
        return column
    if not isinstance(column.dtype, pl.Datetime):
        raise SnapshotError(f"`date` is {column.dtype}; allowed: days without time zone.")
    if column.dtype.time_zone is not None:
        raise SnapshotError(f"`date` has the time zone {column.dtype.time_zone}; allowed: days without time zone.")
    converted = column.cast(pl.Date)
    _refuse(column, converted.cast(column.dtype) != column, "have a time of day; a date is a day at midnight")
    return converted


def to_whole(column: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    """Whole numbers, also those stored as floats, as `dtype`; NaN as null."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise SnapshotError(f"`{column.name}` is {column.dtype}; allowed: whole numbers.")
    values = column.fill_nan(None) if column.dtype.is_float() else column
    converted = values.cast(dtype, strict=False)
    changed = converted.is_null() | (converted.cast(pl.Float64) != values.cast(pl.Float64))
    _refuse(column, values.is_not_null() & changed, f"are not whole numbers of the size of {dtype.__name__}")
    return converted


def to_float(column: pl.Series, dtype: type[pl.DataType] = pl.Float32) -> pl.Series:
    """Numbers as `dtype`; NaN as null."""
    if not (column.dtype.is_numeric() or column.dtype == pl.Boolean):
        raise SnapshotError(f"`{column.name}` is {column.dtype}; allowed: numbers.")
    converted = column.cast(dtype).fill_nan(None)
    _refuse(column, converted.is_infinite(), "are infinite; a missing value is null or NaN")
    return converted


def _refuse(column: pl.Series, bad: pl.Series, what: str) -> None:
    rows = bad.fill_null(value=False).arg_true()
    if len(rows):
        first = ", ".join(f"row {row} ({column[row]})" for row in rows.head(5))
        raise SnapshotError(f"`{column.name}`: {len(rows)} values {what}; the first: {first}.")
