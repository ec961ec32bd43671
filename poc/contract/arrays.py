"""Columns as the arrays that compiled passes read: codes, days and numbers, without a copy where none is needed."""

from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract.row_kernels import MISSING, rows_by_group

MOST_CODES = 1 << 22
"""Whole numbers that span no more than this are their own codes, less the lowest; others have to be looked up."""


class Codes(NamedTuple):
    """A small whole number for each value.

    Attributes:
        code: (n,) int32, index into `values`, -1 where missing. Read-only.
        values: ascending; with whole numbers that are close together, some may occur nowhere.
    """

    code: NDArray[np.int32]
    values: pl.Series


def encode(column: pl.Series) -> Codes:
    """Codes of a column of whole numbers or text. Days are given as their numbers (`to_physical`)."""
    if column.dtype == pl.String:
        distinct = column.drop_nulls().unique().sort()
        codes = column.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).fill_null(-1)
        return Codes(frozen(codes.to_numpy()), distinct)
    low, high = column.min(), column.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return Codes(frozen(np.full(len(column), -1, np.int32)), column.clear())
    if high - low < MOST_CODES:
        code = np.empty(len(column), np.int32)
        np.subtract(column.fill_null(low).to_numpy(), low, out=code, casting="unsafe")
        distinct = pl.int_range(low, high + 1, eager=True).cast(column.dtype)
    else:
        distinct = column.drop_nulls().unique().sort()
        code = np.searchsorted(distinct.to_numpy(), column.fill_null(low).to_numpy()).astype(np.int32)
    if column.null_count():
        code[column.is_null().to_numpy()] = -1
    return Codes(frozen(code), distinct)


def group_rows(group: NDArray[np.int32], n_groups: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The rows of each group: those of group g are `order[start[g]:start[g + 1]]`, in their order.

    Args:
        group: (n,) from 0.

    Returns:
        `start` (n_groups + 1,) and `order` (n,), read-only; or an `order` that is empty, if it is the rows' own.
    """
    if pl.Series(group).is_sorted():
        return np.searchsorted(group, np.arange(n_groups + 1, dtype=np.int32)), frozen(np.empty(0, np.int32))
    order = np.empty(len(group), np.int32)
    start = rows_by_group(group, n_groups, order)
    return start, frozen(order)


def day_numbers(days: pl.Series | NDArray[np.datetime64]) -> NDArray[np.int32]:
    """Days since 1970, `MISSING` where there is none."""
    if isinstance(days, pl.Series):
        return frozen(days.to_physical().fill_null(int(MISSING)).to_numpy())
    return frozen(days.astype("datetime64[D]").astype(np.int64).astype(np.int32))


def numbers(column: pl.Series) -> NDArray[np.float64]:
    """Float64, NaN where missing."""
    return frozen(column.to_numpy())


def hours(column: pl.Series | None) -> NDArray[np.float64]:
    """As `numbers`, but empty where there is no column, or nothing in it."""
    if column is None or column.null_count() == len(column):
        return frozen(np.empty(0))
    return numbers(column)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view. For arrays that can be written, compiled functions would be compiled a second time."""
    array = array.view()
    array.flags.writeable = False
    return array
