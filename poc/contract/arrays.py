"""Columns as the arrays that compiled passes read: codes, days and numbers, without a copy where none is needed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from poc.contract import row_kernels
from poc.contract.row_kernels import MISSING

MOST_CODES = 1 << 22
"""Whole numbers that span no more than this are their own codes, less the lowest; others have to be looked up."""


@dataclass(frozen=True)
class Codes:
    """A small whole number for each value: its code.

    Attributes:
        number: (n,) codes plus `lowest`: whole numbers that are close together are given as they are. Read-only.
        lowest: the number of the first of `values`; of a missing value it is one less.
        values: ascending; with whole numbers that are close together, some may occur nowhere.
    """

    number: NDArray[np.integer[Any]]
    lowest: int
    values: pl.Series

    @cached_property
    def code(self) -> NDArray[np.int32]:
        """(n,) index into `values`, -1 where missing. Read-only."""
        code = np.empty(len(self.number), np.int32)
        return frozen(np.subtract(self.number, self.lowest, out=code, casting="unsafe"))


def encode(column: pl.Series) -> Codes:
    """Codes of a column of whole numbers or text. Days are given as their numbers (`to_physical`)."""
    if column.dtype == pl.String:
        distinct = column.drop_nulls().unique().sort()
        number = column.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64).fill_null(-1)
        return Codes(frozen(number.to_numpy()), 0, distinct)
    low, high = column.min(), column.max()
    if not isinstance(low, int) or not isinstance(high, int):
        return Codes(frozen(np.full(len(column), -1)), 0, column.clear())
    if high - low < MOST_CODES and low > MISSING:  # there is a number below, for what is missing
        distinct = pl.int_range(low, high + 1, eager=True).cast(column.dtype)
        return Codes(frozen(_filled(column, low - 1)), low, distinct)
    distinct = column.drop_nulls().unique().sort()
    code = np.searchsorted(distinct.to_numpy(), _filled(column, low))
    if column.null_count():
        code[column.is_null().to_numpy()] = -1
    return Codes(frozen(code), 0, distinct)


class Runs(NamedTuple):
    """Rows in runs with the same dates and hour, which are few in a file by date.

    Attributes:
        start: (runs + 1,) where each run begins, and the number of rows. Read-only.
        first: the first row of each run: `date_sig`, `date_avail` and, where the rows have it, `avail_hour`.
    """

    start: NDArray[np.int64]
    first: pl.DataFrame

    def by_row(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n,) the value of its run for each row."""
        return values if len(values) == self.start[-1] else np.repeat(values, np.diff(self.start))


def find_runs(rows: pl.DataFrame) -> Runs:
    """The runs of rows with `date_sig`, `date_avail` and, optionally, `avail_hour`."""
    dates = rows[[name for name in ("date_sig", "date_avail", "avail_hour") if name in rows.columns]]
    hour = numbers(dates["avail_hour"]).view(np.int64) if "avail_hour" in dates.columns else _NO_HOURS
    start = np.empty(rows.height + 1, np.int64)
    n_runs = row_kernels.find_changes(day_numbers(dates["date_sig"]), day_numbers(dates["date_avail"]), hour, start)
    return Runs(frozen(start[: n_runs + 1].copy()), dates if n_runs == rows.height else dates[start[:n_runs]])


def find_keys(rows: pl.DataFrame) -> tuple[Codes, Runs]:
    """The codes of the securities of rows, and their runs."""
    with ThreadPoolExecutor(1) as background:
        codes = background.submit(encode, rows["security_id"])
        runs = find_runs(rows)
    return codes.result(), runs


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
    start = row_kernels.rows_by_group(group, n_groups, order)
    return start, frozen(order)


def day_numbers(days: pl.Series | NDArray[np.datetime64]) -> NDArray[np.int32]:
    """Days since 1970, `MISSING` where there is none."""
    if isinstance(days, pl.Series):
        return frozen(_filled(days.to_physical(), int(MISSING)))
    return frozen(days.astype("datetime64[D]").astype(np.int64).astype(np.int32))


def _filled(column: pl.Series, missing: int) -> NDArray[np.integer[Any]]:
    return (column.fill_null(missing) if column.null_count() else column).to_numpy()


def numbers(column: pl.Series) -> NDArray[np.float64]:
    """Float64, NaN where missing."""
    return frozen(column.to_numpy())


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only view. For arrays that can be written, compiled functions would be compiled a second time."""
    array = array.view()
    array.flags.writeable = False
    return array


_NO_HOURS = frozen(np.empty(0, np.int64))
